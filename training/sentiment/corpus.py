"""All that the sentiment recipe learns from and is measured on, as one value.

It knows files and labels; it knows no pieces and no model.
"""

from dataclasses import dataclass

import numpy as np

from training.sentiment import everyday, reviews


@dataclass(frozen=True)
class Data:
    """Texts with labels (1 is positive) as the recipe uses them."""

    sentences: list  # of film reviews
    labels: np.ndarray
    held_out: list
    held_out_labels: np.ndarray
    reviews: list  # whole film reviews, each a list of sentences
    review_labels: np.ndarray
    products: list  # sentences about products
    opinions: np.ndarray  # their signed marks, 0 for none
    opinion_words: tuple  # (positive words, negative words)
    written: tuple  # everyday sentences written one by one: (texts, labels)

    @classmethod
    def read(cls, folder, seed):
        """Reads the folder; a tenth of the film review sentences, by seed, is held out."""
        return cls(
            *reviews.hold_out(*reviews.polarity_sentences(folder), seed),
            *reviews.film_reviews(folder),
            *reviews.product_sentences(folder),
            reviews.opinion_words(folder),
            everyday.written_sentences(),
        )

    def lines(self):
        """The sentences of the whole film reviews, one review after the other."""
        return [line for review in self.reviews for line in review]

    def texts(self):
        """Every text about films and products that training may see."""
        return self.sentences + self.lines() + self.products


def smoke():
    """A tiny data set of the same form, written by the everyday grammar."""
    texts, labels = everyday.sentences(160, seed=1)
    pairs = [list(pair) for pair in zip(texts[:40:2], texts[1:40:2], strict=True)]
    return Data(
        texts[:100], labels[:100], texts[100:120], labels[100:120],
        pairs, labels[:40:2], texts[120:], 2 * labels[120:] - 1, (["fine"], ["dull"]),
        everyday.written_sentences(),
    )  # fmt: skip
