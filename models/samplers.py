"""Ways to choose the next token: greedy, top-k, top-p, beam and contrastive search.

Knows no network and no text. A decoder is anything with `ends` (the ids of tokens that end a text),
`begin(copies)` and `extend(rows, tokens)`; all arrays are NumPy's.

The meaning of every setting is that of keras-hub's samplers of the same names, except that a
finished beam stays as it is.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Choice:
    """One more token of a sequence."""

    ids: tuple[
        int, ...
    ]  # all new tokens so far; beam search may change its mind about earlier ones
    probability: float  # of the last one under the network at temperature 1


def softmax(logits, temperature=1.0):
    """Shares (..., vocabulary) float64 of logits of the same shape, divided by `temperature`."""
    scaled = np.asarray(logits, "float64") / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def greedy(shares):
    """The likeliest token of shares (vocabulary,)."""
    return int(np.argmax(shares))


def top_k(shares, k, rng):
    """Draw one of the `k` likeliest tokens by their shares (Fan et al. 2018, 5.4)."""
    kept = np.argsort(-shares, kind="stable")[:k]
    return int(rng.choice(kept, p=shares[kept] / shares[kept].sum()))


def top_p(shares, p, rng):
    """Draw from the fewest tokens, likeliest first, that hold `p` (Holtzman et al. 2020, 3.1)."""
    order = np.argsort(-shares, kind="stable")
    sums = np.cumsum(shares[order])
    kept = order[: 1 + np.count_nonzero(sums[:-1] <= p)]
    return int(rng.choice(kept, p=shares[kept] / shares[kept].sum()))


def one_by_one(decoder, pick, temperature):
    """Choose each token from the shares of the next one, until one that ends the text.

    Args:
        decoder: see the module.
        pick: function of shares (vocabulary,) that gives an id.
        temperature: float above 0; below 1 the likely become likelier.

    Yields:
        `Choice`.
    """
    ids, (logits, _) = [], decoder.begin(1)
    while (token := pick(softmax(logits[0], temperature))) not in decoder.ends:
        ids.append(token)
        yield Choice(tuple(ids), float(softmax(logits[0])[token]))
        logits, _ = decoder.extend(np.zeros(1, "int32"), np.array([token], "int32"))


def contrastive(decoder, k, alpha, temperature):
    """Contrastive search (Su et al. 2022, equation 5): likely, yet unlike what stands there.

    Args:
        decoder: see the module.
        k: int, candidates per token.
        alpha: float in [0, 1], weight of the penalty: the greatest cosine between a candidate's
            hidden state and those before it. At 0 the search is greedy.
        temperature: float above 0.

    Yields:
        `Choice`.
    """
    ids, (logits, hidden) = [], decoder.begin(k)
    past, next_logits, best = _unit(hidden), logits[0], 0
    while True:
        shares = softmax(next_logits, temperature)
        candidates = np.argsort(-shares, kind="stable")[:k].astype("int32")
        logits, states = decoder.extend(np.full(k, best, "int32"), candidates)
        penalty = (past @ _unit(states).T).max(axis=0)
        best = int(np.argmax((1 - alpha) * shares[candidates] - alpha * penalty))
        token = int(candidates[best])
        if token in decoder.ends:
            return
        ids.append(token)
        yield Choice(tuple(ids), float(softmax(next_logits)[token]))
        past, next_logits = np.vstack([past, _unit(states[best : best + 1])]), logits[best]


def _unit(vectors):
    vectors = np.asarray(vectors, "float64")
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def beam(decoder, beams, temperature):
    """Beam search: keep the `beams` sequences whose log-shares have the greatest sum.

    Args:
        decoder: see the module.
        beams: int, sequences kept.
        temperature: float above 0.

    Yields:
        `Choice` of the likeliest sequence so far, one a token, until that one ends.
    """
    logits, _ = decoder.begin(beams)
    ids, scores = [()] * beams, np.full(beams, -1e9)
    scores[0] = 0.0
    while True:
        totals = scores[:, None] + _log_shares(logits, temperature, ids, decoder.ends)
        best = np.argsort(-totals, axis=None, kind="stable")[:beams]
        rows, tokens = np.divmod(best, logits.shape[-1])
        chance = float(softmax(logits[rows[0]])[tokens[0]])
        ids = [(*ids[row], int(token)) for row, token in zip(rows, tokens, strict=True)]
        scores = totals.ravel()[best]
        if ids[0][-1] in decoder.ends:
            return
        yield Choice(ids[0], chance)
        logits, _ = decoder.extend(rows.astype("int32"), tokens.astype("int32"))


def _log_shares(logits, temperature, ids, ends):
    """Log-shares (beams, vocabulary); a beam that has ended can only stay as it is."""
    with np.errstate(divide="ignore"):
        logs = np.log(softmax(logits, temperature))
    for row, sequence in enumerate(ids):
        if sequence and sequence[-1] in ends:
            logs[row] = -np.inf
            logs[row, sequence[-1]] = 0.0
    return logs
