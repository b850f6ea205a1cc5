"""What CLIP reads: prompts as the ids of byte pairs.

Knows no picture. Stable Diffusion's text encoders are CLIP's (Radford et al. 2021,
arXiv:2103.00020).
"""

import numpy as np

LENGTH = 77  # pieces of a prompt, start and end included


class ClipTokenizer:
    """Prompts to the ids of byte pairs that CLIP reads.

    Args:
        pieces: keras_hub.tokenizers.CLIPTokenizer.
    """

    def __init__(self, pieces):
        self._pieces = pieces

    def __call__(self, texts):
        """Return ids (len(texts), LENGTH) int32: start, pieces, ends; long texts are cut."""
        start, end = self._pieces.start_token_id, self._pieces.end_token_id
        ids = np.full((len(texts), LENGTH), end, np.int32)
        ids[:, 0] = start
        for row, text in zip(ids, texts, strict=True):
            found = self._of(text)[: LENGTH - 2]
            row[1 : 1 + len(found)] = found
        return ids

    def unknown(self, text):
        """Return (): every byte has a piece."""
        return ()

    def unread(self, text):
        """Return the words of a text that lie beyond LENGTH, wholly or in part, in order."""
        words = text.split()
        pieces = np.cumsum([len(self._of(word)) for word in words])
        return tuple(np.array(words)[pieces > LENGTH - 2].tolist())

    def _of(self, text):
        return np.asarray(self._pieces(text.lower()), np.int32)
