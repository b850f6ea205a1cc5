"""The texts of the sentiment recipe as pieces, and how positive a model shall find each.

It knows texts, their labels and opinions that others have of them; it knows no model.
"""

import numpy as np
from scipy.special import expit

from training.sentiment import word_pieces
from training.sentiment.mixtures import Mixtures


class Texts:
    """All texts by kind, their pieces, and what is known of how positive they are.

    Attributes:
        texts: dict of a kind to its list of str.
        rows: dict of a kind to a list of arrays of piece numbers.
        reviews: list of each film review's (first line, end, label), lines counted in "films".
    """

    def __init__(self, data, made, tokenizer, shape, seed):
        self.data, self.made, self.tokenizer = data, made, tokenizer
        praise, blame = data.opinion_words
        self.texts = {
            "sentences": data.sentences,
            "films": data.lines(),
            "products": data.products,
            "everyday": made[0],
            "written": data.written[0],
            "words": praise + blame,
        }
        self.rows = {
            kind: word_pieces.tokens(tokenizer, texts) for kind, texts in self.texts.items()
        }
        spoken = data.written[0] + made[0][: len(data.written[0])]
        self._mix("mixtures", data.texts(), shape.mixtures, seed)
        self._mix("everyday mixtures", spoken, shape.everyday_mixtures, seed)
        ends = np.cumsum([0] + [len(review) for review in data.reviews])
        self.reviews = list(zip(ends[:-1], ends[1:], data.review_labels, strict=True))

    def _mix(self, kind, texts, count, seed):
        mixtures = Mixtures(texts, self.tokenizer)
        self.texts[kind], self.rows[kind] = mixtures.draw(np.random.default_rng(seed), count)

    def written_rows(self):
        """Pieces of the texts that people wrote, neighbours where the texts are."""
        kinds = ("sentences", "films", "products", "written")
        return [row for kind in kinds for row in self.rows[kind]]

    def pools(self, opinions, chosen=slice(None)):
        """By kind: rows, and the share of positive that a model shall give them, (rows,).

        Labels are softened by how often they mislead, those of film sentences by what teachers
        think who have not seen them; what has none gets the teachers' opinion.

        Args:
            opinions: dict of a kind to log odds of positive, (rows,); mixtures may lack.
            chosen: indexes of the film sentences that may be learnt from.
        """
        given, data = {kind: expit(odds) for kind, odds in opinions.items()}, self.data
        praise, blame = data.opinion_words
        sentences = (_softened(data.labels, 0.05) + given["sentences"]) / 2
        given |= {
            "sentences": sentences,
            "products": np.where(
                data.opinions, _softened(data.opinions > 0, 0.05), given["products"]
            ),
            "everyday": _softened(self.made[1], 0.03),
            "written": _softened(data.written[1], 0.03),
            "words": _softened(np.repeat([1, 0], [len(praise), len(blame)]), 0.15),
        }
        pools = {kind: (self.rows[kind], shares) for kind, shares in given.items()}
        places = np.arange(len(sentences))[chosen]
        pools["sentences"] = [self.rows["sentences"][at] for at in places], sentences[places]
        return pools


def _softened(labels, by):
    return np.where(labels, 1 - by, by)
