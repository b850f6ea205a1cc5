"""Batches of review texts for a small BERT, drawn anew in every epoch.

It knows pieces and how positive they shall be; it knows no teacher and no model.
"""

import keras
import numpy as np

GROUP = 8  # batches drawn together
STEP = 24  # pieces; lengths of batches are whole multiples, so that few graphs are traced
MASKED = 0.15  # share of pieces hidden by [MASK], so that no single word decides
SHORT = 8  # pieces of a text that is shown whole: hiding "not" would turn "not good" around
WHOLE = ("mixtures", "everyday mixtures")  # judged as they are, so nothing in them is hidden


class Batches(keras.utils.PyDataset):
    """Batches of pieces and soft targets, drawn anew in every epoch.

    The first batch of a group holds passages of film reviews, so that all positions of a long
    text are learnt; the others hold single sentences, those of like length together.

    Args:
        pools: dict of a kind of text to its (rows, targets): arrays of piece numbers, and the
            shares of positive (rows,) that the model shall give them. "films" holds all sentences
            of the film reviews in their order.
        reviews: list of each film review's (first line, end, label).
        shares: dict of kinds to the share of sentences that comes from each; they sum to 1.
        tokenizer: of BERT, for its special pieces.
        shape: the recipe's, with `longest`, `short`, `batch` and `steps`.
        seed: int or tuple of int, of what is drawn.
    """

    def __init__(self, pools, reviews, shares, tokenizer, shape, seed):
        super().__init__()
        self.shape, self.seed, self.epoch, self.shares = shape, seed, 0, shares
        self.tokenizer = tokenizer
        self.films, self.reviews = pools["films"], reviews
        self.pools = {
            kind: (padded(pools[kind][0], tokenizer, shape.short), np.asarray(pools[kind][1]))
            for kind in shares
        }
        self.drawn = None, []  # epoch and group, and its batches

    def __len__(self):
        return self.shape.steps

    def on_epoch_end(self):
        self.epoch += 1

    def __getitem__(self, index):
        group, place = divmod(index, GROUP)
        if self.drawn[0] != (self.epoch, group):
            self.drawn = (self.epoch, group), self._group(group)
        tokens, positive = self.drawn[1][place]
        return inputs(tokens, self.tokenizer), np.stack([1 - positive, positive], axis=1)

    def _group(self, group):
        """The batches of a group, (tokens, share of positive), the passages first."""
        rng = np.random.default_rng((*np.atleast_1d(self.seed), self.epoch, group))
        alike = self._alike(rng)
        return [self._passages(rng), *(alike[at] for at in rng.permutation(GROUP - 1))]

    def _alike(self, rng):
        """Batches of sentences, those of like length together to waste no padding."""
        counts = rng.multinomial((GROUP - 1) * self.shape.batch, list(self.shares.values()))
        drawn = [self._drawn(*each, rng) for each in zip(self.shares, counts, strict=True)]
        tokens = np.concatenate([each for each, _ in drawn])
        positive = np.concatenate([each for _, each in drawn]).astype("float32")
        lengths = self._lengths(tokens)
        batches = np.argsort(lengths, kind="stable").reshape(GROUP - 1, -1)
        return [(self._cut(tokens[at], lengths[at].max()), positive[at]) for at in batches]

    def _drawn(self, kind, count, rng):
        tokens, positive = self.pools[kind]
        at = rng.integers(len(tokens), size=count)
        shown = tokens[at] if kind in WHOLE else self._hidden(tokens[at], rng)
        return shown, positive[at]

    def _passages(self, rng):
        """Neighbouring sentences of reviews; the mean of their label and the teachers' opinion.

        Keras takes the shapes from the first two batches, so passages are always padded in full:
        were both as long by chance, every later batch would have to be.
        """
        count = max(1, self.shape.batch * self.shape.short // self.shape.longest)
        rows, positive = zip(*(self._passage(rng) for _ in range(count)), strict=True)
        tokens = self._hidden(padded(rows, self.tokenizer, self.shape.longest), rng)
        return tokens, np.array(positive, "float32")

    def _passage(self, rng):
        lines, taught = self.films
        first, last, label = self.reviews[rng.integers(len(self.reviews))]
        at = rng.integers(first, last)
        stop = min(last, at + rng.integers(2, 9))
        return np.concatenate(lines[at:stop]), (label + taught[at:stop].mean()) / 2

    def _hidden(self, tokens, rng):
        """Some pieces of longer texts hidden by [MASK]."""
        lengths = self._lengths(tokens)[:, None]
        inner = (np.arange(tokens.shape[1]) > 0) & (np.arange(tokens.shape[1]) < lengths - 1)
        hidden = inner & (lengths - 2 > SHORT) & (rng.random(tokens.shape) < MASKED)
        return np.where(hidden, np.int32(self.tokenizer.mask_token_id), tokens)

    def _lengths(self, tokens):
        return (tokens != self.tokenizer.pad_token_id).sum(axis=1)

    def _cut(self, tokens, longest):
        return tokens[:, : -(-longest // STEP) * STEP]


def padded(rows, tokenizer, length):
    """Rows of piece numbers between [CLS] and [SEP], cut or padded: (rows, length) int32."""
    tokens = np.full((len(rows), length), tokenizer.pad_token_id, "int32")
    for place, row in zip(tokens, rows, strict=True):
        row = row[: length - 2]
        place[: len(row) + 2] = [tokenizer.cls_token_id, *row, tokenizer.sep_token_id]
    return tokens


def inputs(tokens, tokenizer):
    """What BERT takes: token_ids, padding_mask and segment_ids, of tokens (batch, length)."""
    return {
        "token_ids": tokens,
        "padding_mask": tokens != tokenizer.pad_token_id,
        "segment_ids": np.zeros_like(tokens),
    }
