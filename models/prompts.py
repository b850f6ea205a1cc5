"""Prompts to token ids of whole words, for the small Stable Diffusion.

Knows no picture and no network.
"""

import re

import numpy as np

PAD, START, UNKNOWN = 0, 1, 2
SPECIAL = ("<pad>", "<start>", "<unknown>")
_WORD = re.compile(r"[a-z0-9]+")


def words(text):
    """Split a text into lower-case words and numbers; punctuation is dropped."""
    return _WORD.findall(text.lower())


class WordTokenizer:
    """Whole words to ids, by a fixed vocabulary.

    Args:
        vocabulary: sequence of str, the words known; ids follow after those of `SPECIAL`.
        length: int, ids in a sequence, the start token included.
    """

    def __init__(self, vocabulary, length):
        self.vocabulary = tuple(vocabulary)
        self.length = length
        self._ids = {word: at for at, word in enumerate(self.vocabulary, len(SPECIAL))}

    def __len__(self):
        return len(SPECIAL) + len(self.vocabulary)

    def __call__(self, texts):
        """Return ids (len(texts), length) int32: start, words, padding; long texts are cut."""
        ids = np.full((len(texts), self.length), PAD, np.int32)
        ids[:, 0] = START
        for row, text in zip(ids, texts, strict=True):
            found = [self._ids.get(word, UNKNOWN) for word in words(text)][: self.length - 1]
            row[1 : 1 + len(found)] = found
        return ids

    def unknown(self, text):
        """Return the words of a text that are not in the vocabulary, each once, in order."""
        return tuple(dict.fromkeys(word for word in words(text) if word not in self._ids))

    def unread(self, text):
        """Return the words of a text that lie beyond `length`, in order."""
        return tuple(words(text)[self.length - 1 :])
