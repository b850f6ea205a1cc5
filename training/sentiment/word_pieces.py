"""WordPieces of English words and first vectors for them, from counts.

It knows texts; it knows no labels and no model.
"""

import unicodedata
from collections import Counter

import numpy as np
from scipy import sparse

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def vocabulary(texts, words, endings, known=()):
    """WordPieces: letters, the commonest words whole, the commonest endings of the others.

    texts: str; words, endings: how many; known: further whole words. Gives a list of str, the
    special pieces first.
    """
    counts = Counter(word for text in texts for word in split(text))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    whole = set(ranked[:words]).union(known)
    rare = [word for word in ranked if word not in whole]
    tails = Counter()
    for word in rare:
        cut = next((n for n in range(len(word) - 1, 2, -1) if word[:n] in whole), 0)
        for at in {cut, len(word) - 2, len(word) - 3, len(word) - 4}:
            if 0 < at < len(word) - 1:
                tails["##" + word[at:]] += counts[word]
    ranked_tails = sorted(tails, key=lambda piece: (-tails[piece], piece))
    letters = sorted({letter for word in counts for letter in word})
    pieces = [*letters, *("##" + letter for letter in letters), *ranked[:words]]
    return list(dict.fromkeys([*SPECIAL, *pieces, *ranked_tails[:endings], *known]))


def split(text):
    """Words as BERT's tokenizer parts them: lower case, no accents, punctuation on its own."""
    plain = unicodedata.normalize("NFD", text.lower())
    plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
    return "".join(c if c.isalnum() else f" {c} " for c in plain).split()


def tokens(tokenizer, texts):
    """The pieces of each text, arrays of numbers; each different word is cut up once."""
    rows = [split(text) for text in texts]
    words = sorted({word for row in rows for word in row})
    pieces = dict(zip(words, tokenizer(words), strict=True))
    return [np.array([n for word in row for n in pieces[word]], "int32") for row in rows]


def vectors(rows, size, width, seed, reach=4):
    """Vectors for `size` pieces from who stands near whom: (size, width), deviation 0.05.

    rows: arrays of piece numbers; reach: pieces to either side that count as near, nearer ones
    more (1 / distance). PPMI with contexts smoothed by 0.75, then a truncated SVD (Levy,
    Goldberg and Dagan 2015, section 3), by random projection.
    """
    flat = np.concatenate([np.r_[row, [-1] * reach] for row in rows])
    near = sparse.csr_matrix((size, size))
    for distance in range(1, reach + 1):
        left, right = flat[:-distance], flat[distance:]
        both = (left >= 0) & (right >= 0)
        ones = np.full(both.sum(), 1 / distance)
        near += sparse.csr_matrix((ones, (left[both], right[both])), shape=(size, size))
    near = (near + near.T).tocoo()
    totals = np.maximum(np.asarray(near.sum(axis=1)).ravel(), 1e-9)
    contexts = totals**0.75 / (totals**0.75).sum()
    values = np.log(near.data / (totals[near.row] * contexts[near.col]))
    positive = sparse.csr_matrix((np.maximum(values, 0), (near.row, near.col)), near.shape)
    rng = np.random.default_rng(seed)
    vectors = _leading(positive, width, rng) + rng.standard_normal((size, width)) * 1e-3
    return vectors * 0.05 / vectors.std()


def meanings(pieces, known):
    """Vectors of the pieces that are `known` words, the others all but nothing: deviation 0.05.

    pieces: str; known: dict of a word to (size,). What all words have in common is taken out of
    each (Mu and Viswanath 2018). Gives (pieces, size).
    """
    size = len(next(iter(known.values())))
    there = np.array([piece in known for piece in pieces])
    found = np.stack([known[piece] for piece in pieces if piece in known])
    found = found - found.mean(axis=0)
    found /= np.linalg.norm(found, axis=1, keepdims=True) ** 0.5  # rare words' are shorter
    vectors = np.random.default_rng(0).standard_normal((len(pieces), size)) * 1e-2
    vectors[there] = found * 0.05 / found.std()
    return vectors


def _leading(matrix, count, rng, extra=16, rounds=2):
    """Left singular vectors times the root of their values, (rows, count), by random projection.

    Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1.
    """
    basis = matrix @ rng.standard_normal((matrix.shape[1], count + extra))
    for _ in range(rounds):
        basis = matrix @ (matrix.T @ np.linalg.qr(basis)[0])
    basis = np.linalg.qr(basis)[0]
    left, values, _ = np.linalg.svd((matrix.T @ basis).T, full_matrices=False)
    return (basis @ left * np.sqrt(values))[:, :count]
