"""Teachers of n-grams of which each has seen all film sentences but a part, and one that saw all.

A label alone would be learnt by heart; how far teachers that have not seen it believe it keeps the
model honest. It knows data and n-grams; it knows no Keras model.
"""

from dataclasses import replace

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from training.sentiment.ngrams import NGrams

FOLDS = 5  # parts of the film sentences, each judged by teachers that saw the others
FILM_WEIGHT = 0.1  # a film review's label says little about each of its sentences


class Jury:
    """N-gram teachers, fitted at once.

    Attributes:
        whole: the teacher that saw everything that is labelled and not held out.
        parts: list of Data, each without the film sentences of a fold.
        teachers: list of NGrams, each fitted on its part.
    """

    def __init__(self, data):
        self.fold = np.random.default_rng(0).integers(FOLDS, size=len(data.sentences))
        self.parts = [_without(data, np.flatnonzero(self.fold != fold)) for fold in range(FOLDS)]
        self.teachers = [taught(part) for part in self.parts]
        self.whole = taught(data)

    def unseen(self, fold):
        """Indexes of the film sentences that the teacher of this fold has not seen."""
        return np.flatnonzero(self.fold == fold)

    def second_opinions(self, data):
        """Log odds that film sentences are positive, (sentences,), by who has not seen them."""
        given = np.zeros(len(self.fold))
        for fold, teacher in enumerate(self.teachers):
            at = self.unseen(fold)
            given[at] = teacher.logits([data.sentences[place] for place in at])
        return given


def _without(data, kept):
    sentences = [data.sentences[at] for at in kept]
    return replace(data, sentences=sentences, labels=data.labels[kept])


def taught(data):
    """The n-gram teacher, fitted on everything that is labelled and not held out."""
    lines = data.lines()
    line_labels = np.repeat(data.review_labels, [len(review) for review in data.reviews])
    marked = np.flatnonzero(data.opinions)
    products = [data.products[i] for i in marked]
    texts = data.sentences + products + lines
    labels = np.concatenate([data.labels, data.opinions[marked] > 0, line_labels])
    weights = np.ones(len(texts))
    weights[-len(lines) :] = FILM_WEIGHT
    return NGrams().fit(texts, labels, weights)


def weights(opinions, labels):
    """How much to make of each opinion, (opinions,), so that together they tell the labels best.

    Wolpert 1992, "Stacked generalization", with logistic regression.

    Args:
        opinions: log odds (texts, opinions) by teachers that have not seen the labels.
        labels: (texts,) of 0 and 1.
    """

    def loss(weight):
        logits = opinions @ weight
        value = np.logaddexp(0, logits).sum() - labels @ logits
        return value, opinions.T @ (expit(logits) - labels)

    start = np.full(opinions.shape[1], 1 / opinions.shape[1])
    return minimize(loss, start, jac=True, method="L-BFGS-B").x
