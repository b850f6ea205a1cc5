"""Trains `bert_tiny_reviews`: a two-layer BERT that tells praise from blame in English sentences.

It knows the review data and a grammar of everyday sentences; it knows no pretrained weights.

    python -m training.bert_tiny_reviews --data FOLDER

From scratch on 9,000 labelled sentences a Transformer learns words too slowly, so it is helped:
its word vectors start from counts of neighbours (PPMI and SVD: Levy and Goldberg 2014), and on
the sentences of whole reviews it learns from a teacher's soft labels (Hinton et al. 2015,
"Distilling the knowledge"). The architecture is BERT's (Devlin et al. 2019), small.
"""

import time
import unicodedata
from collections import Counter
from dataclasses import dataclass

import keras
import keras_hub
import numpy as np
from scipy import sparse
from scipy.special import expit

from training import everyday, recipe, reviews
from training.ngrams import NGrams

LABELS = ("negative", "positive")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
FILM_WEIGHT = 0.1  # a film review's label says little about each of its sentences


@dataclass(frozen=True)
class Shape:
    """Sizes of the model and lengths of the training; the smoke run has its own."""

    words: int = 9_000  # whole words in the vocabulary
    pieces: int = 1_500  # parts of rarer words in the vocabulary
    width: int = 128
    layers: int = 2
    heads: int = 4
    longest: int = 192  # pieces the model reads of a text
    short: int = 48  # pieces in a batch of single sentences
    everyday: int = 12_000  # written sentences
    epochs: int = 14
    steps: int = 300  # batches in an epoch
    batch: int = 64  # sentences; passages in a batch are fewer by short / longest


SMOKE = Shape(300, 50, 16, 1, 2, 32, 16, everyday=60, epochs=1, steps=4, batch=8)


def main(argv=None):
    """Trains, saves the preset, measures it; returns the report."""
    args = recipe.arguments(__spec__, argv)
    shape = SMOKE if args.smoke else Shape()
    start = time.perf_counter()
    keras.utils.set_random_seed(args.seed)
    data = smoke_data() if args.smoke else Data.read(reviews.folder(args.data), args.seed)
    classifier = train(data, shape, args.seed, args.work)
    seconds = time.perf_counter() - start
    recipe.save(classifier, args.out, LABELS)
    return measure(data, args.out, seconds)


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

    @classmethod
    def read(cls, folder, seed):
        """Reads the folder; a tenth of the film review sentences, by seed, is held out."""
        parts = reviews.hold_out(*reviews.polarity_sentences(folder), seed)
        return cls(*parts, *reviews.film_reviews(folder), *reviews.product_sentences(folder))

    def texts(self):
        """Every text that training may see."""
        return self.sentences + [line for review in self.reviews for line in review] + self.products


def smoke_data():
    """A tiny data set of the same form, written by the everyday grammar."""
    texts, labels = everyday.sentences(160, seed=1)
    pairs = [list(pair) for pair in zip(texts[:40:2], texts[1:40:2], strict=True)]
    return Data(
        texts[:100], labels[:100], texts[100:120], labels[100:120],
        pairs, labels[:40:2], texts[120:], 2 * labels[120:] - 1,
    )  # fmt: skip


def train(data, shape, seed, work):
    """The trained keras_hub BertTextClassifier; its backups go to the folder `work`."""
    teacher = teach(data)
    tokenizer = keras_hub.tokenizers.BertTokenizer(
        vocabulary(data.texts() + everyday.sentences(shape.everyday, seed)[0], shape),
        lowercase=True,
        strip_accents=True,
    )
    classifier = build(tokenizer, shape)
    batches = Batches(data, teacher, tokenizer, shape, seed)
    vectors = word_vectors(batches.pieces(), tokenizer.vocabulary_size(), shape.width, seed)
    classifier.backbone.token_embedding.embeddings.assign(vectors)
    fit(classifier, batches, shape, work)
    return classifier


def teach(data):
    """The n-gram teacher, fitted on everything that is labelled and not held out."""
    lines = [(line, y) for review, y in zip(data.reviews, data.review_labels, strict=True)
             for line in review]  # fmt: skip
    marked = [(t, float(o > 0)) for t, o in zip(data.products, data.opinions, strict=True) if o]
    texts = [*data.sentences, *(t for t, _ in marked), *(t for t, _ in lines)]
    labels = [*data.labels, *(y for _, y in marked), *(y for _, y in lines)]
    weights = np.ones(len(texts))
    weights[len(texts) - len(lines) :] = FILM_WEIGHT
    return NGrams().fit(texts, labels, weights)


def vocabulary(texts, shape):
    """WordPieces: letters, the commonest words whole, the commonest endings of the others."""
    counts = Counter(word for text in texts for word in _words(text))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    whole, rare = set(ranked[: shape.words]), ranked[shape.words :]
    endings = Counter()
    for word in rare:
        cut = next((n for n in range(len(word) - 1, 2, -1) if word[:n] in whole), 0)
        for at in {cut, len(word) - 2, len(word) - 3, len(word) - 4}:
            if 0 < at < len(word) - 1:
                endings["##" + word[at:]] += counts[word]
    ranked_endings = sorted(endings, key=lambda piece: (-endings[piece], piece))
    letters = sorted({letter for word in counts for letter in word})
    pieces = [*letters, *("##" + letter for letter in letters), *ranked[: shape.words]]
    return list(dict.fromkeys([*SPECIAL, *pieces, *ranked_endings[: shape.pieces]]))


def _words(text):
    """Words as BERT's tokenizer parts them: lower case, no accents, punctuation on its own."""
    plain = unicodedata.normalize("NFD", text.lower())
    plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
    return "".join(c if c.isalnum() else f" {c} " for c in plain).split()


def build(tokenizer, shape):
    """An untrained BertTextClassifier of this shape, float32 weights."""
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=tokenizer.vocabulary_size(),
        num_layers=shape.layers,
        num_heads=shape.heads,
        hidden_dim=shape.width,
        intermediate_dim=2 * shape.width,
        dropout=0.1,
        max_sequence_length=shape.longest,
        num_segments=2,
    )
    preprocessor = keras_hub.models.BertTextClassifierPreprocessor(tokenizer, shape.longest)
    return keras_hub.models.BertTextClassifier(
        backbone, num_classes=len(LABELS), preprocessor=preprocessor, dropout=0.3
    )


def word_vectors(rows, size, width, seed, reach=4):
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


class Batches(keras.utils.PyDataset):
    """Batches of pieces and soft targets, drawn anew in every epoch.

    Seven in eight hold single sentences: a third labelled film sentences, the others film review
    sentences under the teacher's labels, product sentences and everyday ones. One in eight holds
    passages of film reviews, so that all positions of a long text are learnt.
    """

    SHARES = {"sentences": 0.34, "films": 0.28, "products": 0.13, "everyday": 0.25}
    PASSAGES = 8  # every eighth batch
    MASKED = 0.12  # pieces hidden by [MASK], so that no single word decides

    def __init__(self, data, teacher, tokenizer, shape, seed):
        super().__init__()
        self.shape, self.seed, self.epoch = shape, seed, 0
        self.start, self.end = tokenizer.cls_token_id, tokenizer.sep_token_id
        self.pad, self.mask = tokenizer.pad_token_id, tokenizer.mask_token_id
        lines = [line for review in data.reviews for line in review]
        written, written_labels = everyday.sentences(shape.everyday, seed)
        marked = np.sign(data.opinions)
        taught = expit(teacher.logits(data.products))
        self.pools = {
            "sentences": (_tokens(tokenizer, data.sentences), _softened(data.labels, 0.08)),
            "films": (_tokens(tokenizer, lines), expit(teacher.logits(lines))),
            "products": (
                _tokens(tokenizer, data.products),
                np.where(marked, _softened(marked > 0, 0.05), taught),
            ),
            "everyday": (_tokens(tokenizer, written), _softened(written_labels, 0.03)),
        }
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
        rng = np.random.default_rng((self.seed, self.epoch, index))
        if index % self.PASSAGES == 0:
            count = self.shape.batch * self.shape.short // self.shape.longest
            rows, targets = zip(*(self._passage(rng) for _ in range(count)), strict=True)
            return self._packed(rows, targets, self.shape.longest, rng)
        counts = rng.multinomial(self.shape.batch, list(self.SHARES.values()))
        rows, targets = [], []
        for name, count in zip(self.SHARES, counts, strict=True):
            texts, labels = self.pools[name]
            drawn = rng.integers(len(texts), size=count)
            rows += [texts[i] for i in drawn]
            targets += list(labels[drawn])
        return self._packed(rows, targets, self.shape.short, rng)

    def _passage(self, rng):
        """Neighbouring sentences of one review, and the mean of its label and the teacher's."""
        lines, taught = self.pools["films"]
        first, last, label = self.reviews[rng.integers(len(self.reviews))]
        at = rng.integers(first, last)
        stop = min(last, at + rng.integers(2, 9))
        return np.concatenate(lines[at:stop]), (label + taught[at:stop].mean()) / 2

    def _packed(self, rows, targets, length, rng):
        """({token_ids, padding_mask, segment_ids} of (batch, length), targets (batch, 2))."""
        tokens = np.full((len(rows), length), self.pad, "int32")
        for place, row in zip(tokens, rows, strict=True):
            row = row[: length - 2]
            hidden = rng.random(len(row)) < self.MASKED
            place[: len(row) + 2] = [self.start, *np.where(hidden, self.mask, row), self.end]
        inputs = {
            "token_ids": tokens,
            "padding_mask": tokens != self.pad,
            "segment_ids": np.zeros_like(tokens),
        }
        positive = np.array(targets, "float32")
        return inputs, np.stack([1 - positive, positive], axis=1)


def _tokens(tokenizer, texts):
    """The pieces of each text, arrays of numbers; each different word is cut up once."""
    rows = [_words(text) for text in texts]
    words = sorted({word for row in rows for word in row})
    pieces = dict(zip(words, tokenizer(words), strict=True))
    return [np.array([n for word in row for n in pieces[word]], "int32") for row in rows]


def _softened(labels, by):
    return np.where(labels, 1 - by, by)


def fit(classifier, batches, shape, work):
    """Trains with AdamW, warm-up and cosine, and a running mean of the weights.

    A run that was cut off goes on from its last epoch.
    """
    steps = shape.epochs * shape.steps
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, alpha=0.02, warmup_target=1e-3, warmup_steps=steps // 10
    )
    optimizer = keras.optimizers.AdamW(
        rate, weight_decay=0.01, clipnorm=1.0, use_ema=True, ema_momentum=0.998
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    network = keras.Model(classifier.inputs, classifier.outputs)  # takes pieces, not texts
    network.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    backup = keras.callbacks.BackupAndRestore(str(work / "backup"))
    network.fit(batches, epochs=shape.epochs, callbacks=[backup], verbose=2)


def measure(data, folder, seconds):
    """Accuracy through the saved preset, in training.json; returns that record."""
    classifier = keras_hub.models.TextClassifier.from_preset(str(folder), dtype="float32")
    right = accuracy(classifier, data.held_out, data.held_out_labels)
    texts, labels = everyday.test_sentences()
    return recipe.report(
        folder,
        measure="accuracy on sentences of film reviews",
        value=right,
        held_out=f"{len(data.held_out):,} sentences of Sentence Polarity v1.0, split by seed",
        model=classifier,
        seconds=seconds,
        everyday_accuracy=round(accuracy(classifier, texts, labels), 4),
        everyday_sentences=len(texts),
    )


def accuracy(classifier, texts, labels):
    """The share of texts whose likelier class is their label."""
    return float((classifier.predict(texts, verbose=0).argmax(axis=1) == labels).mean())


if __name__ == "__main__":
    print(main())
