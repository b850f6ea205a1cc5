"""A teacher for the sentiment model: logistic regression on word n-grams (NB-SVM's features).

It knows words and labels; it knows no Keras model.
"""

import re
from collections import Counter

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

WORD = re.compile(r"n't|[a-z0-9]+|'\w+|[!?]")
LONGEST = 3  # words in an n-gram


def words(text):
    """Lower-case words, with `n't` apart: "It isn't" gives it, is, n't."""
    return WORD.findall(text.lower().replace("n't", " n't "))


def grams(text):
    """The set of n-grams of 1 to LONGEST words, between a start and an end mark."""
    row = ["<", *words(text), ">"]
    sizes = range(1, LONGEST + 1)
    return {" ".join(row[i : i + n]) for n in sizes for i in range(len(row) - n + 1)}


class NGrams:
    """Binary n-grams scaled by naive Bayes' log ratio, then logistic regression.

    Wang and Manning 2012, "Baselines and Bigrams", section 2.3.
    """

    def __init__(self, seldom=2, penalty=1.0, smoothing=1.0):
        self.seldom = seldom  # n-grams in fewer texts are dropped
        self.penalty = penalty  # L2
        self.smoothing = smoothing

    def fit(self, texts, labels, weights=None):
        """texts: n strings; labels (n,) in [0, 1], soft ones too; weights (n,)."""
        labels = np.asarray(labels, float)
        weights = np.ones(len(labels)) if weights is None else np.asarray(weights, float)
        rows = [grams(text) for text in texts]
        counts = Counter(gram for row in rows for gram in row)
        kept = sorted(gram for gram, count in counts.items() if count >= self.seldom)
        self.index = {gram: i for i, gram in enumerate(kept)}
        found = self._binary(rows)
        self.ratio = self._log_ratio(found, labels, weights)
        self.weight = self._logistic(found.multiply(self.ratio).tocsr(), labels, weights)
        return self

    def logits(self, texts):
        """Log odds of positive, (n,)."""
        found = self._binary([grams(text) for text in texts])
        return found @ (self.ratio * self.weight[:-1]) + self.weight[-1]

    def leanings(self, words):
        """How far each of `words` alone leans to positive, (n,) of deviation 1; 0 if unknown."""
        weight = self.ratio * self.weight[:-1]
        found = np.array([weight[self.index[w]] if w in self.index else 0.0 for w in words])
        return found / max(found.std(), 1e-9)

    def _binary(self, rows):
        columns = [[self.index[gram] for gram in sorted(row) if gram in self.index] for row in rows]
        ends = np.cumsum([0] + [len(row) for row in columns])
        flat = np.array([i for row in columns for i in row], dtype=np.int64)
        shape = (len(rows), len(self.index))
        return sparse.csr_matrix((np.ones(len(flat)), flat, ends), shape=shape)

    def _log_ratio(self, found, labels, weights):
        positive = found.T @ (weights * labels) + self.smoothing
        negative = found.T @ (weights * (1 - labels)) + self.smoothing
        return np.log(positive / positive.sum()) - np.log(negative / negative.sum())

    def _logistic(self, found, labels, weights):
        def loss(weight):
            logits = found @ weight[:-1] + weight[-1]
            value = weights @ (np.logaddexp(0, logits) - labels * logits)
            error = weights * (expit(logits) - labels)
            slope = np.append(found.T @ error + self.penalty * weight[:-1], error.sum())
            return value + 0.5 * self.penalty * weight[:-1] @ weight[:-1], slope

        start = np.zeros(found.shape[1] + 1)
        return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 40}).x
