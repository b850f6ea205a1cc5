"""Batches of review texts for a small BERT, drawn anew in every epoch.

It knows pieces, labels and a teacher's opinions; it knows no model.
"""

import keras
import numpy as np
from scipy.special import expit

from training.sentiment import everyday, word_pieces
from training.sentiment.mixtures import Mixtures

SHARES = {
    "sentences": 0.12,
    "films": 0.18,
    "products": 0.04,
    "everyday": 0.2,
    "written": 0.08,
    "words": 0.02,
    "mixtures": 0.36,  # what the teacher thinks of texts that are made up on the way
}
GROUP = 8  # batches drawn together
STEP = 16  # pieces; lengths of batches are whole multiples, so that few graphs are traced
MASKED = 0.15  # share of pieces hidden by [MASK], so that no single word decides
SHORT = 8  # pieces of a text that is shown whole: hiding "not" would turn "not good" around


class Batches(keras.utils.PyDataset):
    """Batches of pieces and soft targets, drawn anew in every epoch.

    The first batch of a group holds passages of film reviews, so that all positions of a long
    text are learnt; the others hold single sentences, those of like length together.
    """

    def __init__(self, data, made, teacher, doubts, tokenizer, shape, seed):
        super().__init__()
        self.shape, self.seed, self.epoch = shape, seed, 0
        self.start, self.end = tokenizer.cls_token_id, tokenizer.sep_token_id
        self.pad, self.mask = tokenizer.pad_token_id, tokenizer.mask_token_id
        targets = _targets(data, made, teacher, doubts)
        self.pools = {
            name: (word_pieces.tokens(tokenizer, texts), labels)
            for name, (texts, labels) in targets.items()
        }
        self.drawn = None, []  # epoch and group, and its batches
        self.mixtures = Mixtures(data.texts(), teacher, tokenizer)
        ends = np.cumsum([0] + [len(review) for review in data.reviews])
        self.reviews = list(zip(ends[:-1], ends[1:], data.review_labels, strict=True))

    def pieces(self):
        """The pieces of every text, one array a text."""
        return [row for rows, _ in self.pools.values() for row in rows]

    def __len__(self):
        return self.shape.steps

    def on_epoch_end(self):
        self.epoch += 1

    def __getitem__(self, index):
        group, place = divmod(index, GROUP)
        if self.drawn[0] != (self.epoch, group):
            self.drawn = (self.epoch, group), self._group(group)
        rows, targets = zip(*self.drawn[1][place], strict=True)
        longest = self.shape.longest if place == 0 else max(len(row) for row in rows) + 2
        return self._packed(rows, targets, longest)

    def _group(self, group):
        """The batches of a group, the passages first; lists of pieces and share of positive."""
        rng = np.random.default_rng((self.seed, self.epoch, group))
        count = max(1, self.shape.batch * self.shape.short // self.shape.longest)
        passages, alike = [self._passage(rng) for _ in range(count)], self._alike(rng)
        return [passages, *(alike[at] for at in rng.permutation(GROUP - 1))]

    def _alike(self, rng):
        """Batches of sentences, those of like length together to waste no padding."""
        batch, drawn = self.shape.batch, []
        counts = rng.multinomial((GROUP - 1) * batch, list(SHARES.values()))
        for name, count in zip(SHARES, counts, strict=True):
            if name == "mixtures":
                texts = self.mixtures.draw(rng, count)
            else:
                rows, labels = self.pools[name]
                picked = rng.integers(len(rows), size=count)
                texts = [(self._hidden(rows[at], rng), labels[at]) for at in picked]
            drawn += [(row[: self.shape.short - 2], label) for row, label in texts]
        drawn.sort(key=lambda each: len(each[0]))
        return [drawn[at : at + batch] for at in range(0, len(drawn), batch)]

    def _passage(self, rng):
        """Neighbouring sentences of one review, and the mean of its label and the teacher's."""
        lines, taught = self.pools["films"]
        first, last, label = self.reviews[rng.integers(len(self.reviews))]
        at = rng.integers(first, last)
        stop = min(last, at + rng.integers(2, 9))
        passage = np.concatenate(lines[at:stop])[: self.shape.longest - 2]
        return self._hidden(passage, rng), (label + taught[at:stop].mean()) / 2

    def _hidden(self, row, rng):
        """Some pieces of a text hidden by [MASK]."""
        if len(row) <= SHORT:
            return row
        return np.where(rng.random(len(row)) < MASKED, self.mask, row)

    def _packed(self, rows, targets, longest):
        """({token_ids, padding_mask, segment_ids} of (batch, length), targets (batch, 2)).

        Keras takes the shapes from the first two batches, so passages are always padded in full:
        were both as long by chance, every later batch would have to be.
        """
        length = -(-min(longest, self.shape.longest) // STEP) * STEP
        tokens = np.full((len(rows), length), self.pad, "int32")
        for place, row in zip(tokens, rows, strict=True):
            place[: len(row) + 2] = [self.start, *row, self.end]
        inputs = {
            "token_ids": tokens,
            "padding_mask": tokens != self.pad,
            "segment_ids": np.zeros_like(tokens),
        }
        positive = np.array(targets, "float32")
        return inputs, np.stack([1 - positive, positive], axis=1)


def _targets(data, made, teacher, doubts):
    """By pool: texts and the share of positive, (n,), that the model shall give them.

    Labels are softened by how often they mislead, those of film sentences by what teachers think
    who have not seen them, `doubts`; what has none gets the teacher's opinion.
    """
    lines = [line for review in data.reviews for line in review]
    taught = expit(teacher.logits(data.products))
    marked = np.where(data.opinions, _softened(data.opinions > 0, 0.05), taught)
    written, written_labels = everyday.written_sentences()
    praise, blame = data.opinion_words
    return {
        "sentences": (data.sentences, (_softened(data.labels, 0.05) + doubts) / 2),
        "films": (lines, expit(teacher.logits(lines))),
        "products": (data.products, marked),
        "everyday": (made[0], _softened(made[1], 0.03)),
        "written": (written, _softened(written_labels, 0.03)),
        "words": (praise + blame, _softened(np.repeat([1, 0], [len(praise), len(blame)]), 0.15)),
    }


def _softened(labels, by):
    return np.where(labels, 1 - by, by)
