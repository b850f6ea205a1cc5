"""Makes new texts of parts of others for teachers to judge, so that they can be asked without end.

It knows texts; it knows no labels and no model. A small model copies a teacher the better, the
more of its answers it sees, to sentences that nobody wrote as well (Jiao et al. 2020, "TinyBERT",
section 3.2, changes words to that end).
"""

import numpy as np

from training.sentiment import word_pieces

CHANGED = 0.15  # share of words that are replaced, in every other text
LONGEST = 44  # words of a text


class Mixtures:
    """Texts that begin as one and end as another, some of their words replaced by any others.

    Args:
        texts: list of str.
        tokenizer: a WordPiece tokenizer, as `word_pieces.tokens` takes it.
    """

    def __init__(self, texts, tokenizer):
        rows = [text.split() for text in texts]
        self._rows = [row for row in rows if row]
        self._words = sorted({word for row in self._rows for word in row})
        self._pieces = dict(
            zip(self._words, word_pieces.tokens(tokenizer, self._words), strict=True)
        )

    def draw(self, rng, count):
        """Return `count` texts, and the pieces of each, arrays of numbers."""
        rows = [self._row(rng) for _ in range(count)]
        pieces = [np.concatenate([self._pieces[word] for word in row]) for row in rows]
        return [" ".join(row) for row in rows], pieces

    def _row(self, rng):
        first, second = (self._rows[at] for at in rng.integers(len(self._rows), size=2))
        row = first[: rng.integers(1, len(first) + 1)] + second[rng.integers(len(second)) :]
        row = row[:LONGEST]
        if rng.random() < 0.5:
            for at in np.flatnonzero(rng.random(len(row)) < CHANGED):
                row[at] = self._words[rng.integers(len(self._words))]
        return row
