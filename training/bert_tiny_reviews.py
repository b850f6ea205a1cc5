"""Trains `bert_tiny_reviews`: a two-layer BERT that tells praise from blame in English sentences.

It knows the review data, everyday sentences and GloVe's word vectors; it knows no network that
others trained.

    python -m training.bert_tiny_reviews --data FOLDER

From scratch on 9,000 labelled sentences a Transformer learns words too slowly, so it is helped:
100 numbers of each word vector start from GloVe (Pennington et al. 2014), so that words that no
review has are near those that are like them, the others from counts of neighbours (PPMI and SVD:
Levy and Goldberg 2014), one from how far a teacher of n-grams thinks the word leans; on the
sentences of whole reviews and on mixtures of sentences it learns from that teacher's soft labels
(Hinton et al. 2015, "Distilling the knowledge"), and on labelled ones from the label and from
teachers that have not seen them. The architecture is BERT's (Devlin et al. 2019), small.
"""

import itertools
import time
from dataclasses import dataclass, replace

import keras
import keras_hub
import numpy as np
from scipy.special import expit

from models import catalog, loader, sentiment
from training import recipe
from training.sentiment import everyday, glove, reviews, word_pieces
from training.sentiment.ngrams import NGrams
from training.sentiment.review_batches import Batches

LABELS = ("negative", "positive")
FOLDS = 5  # parts of the film sentences, each judged by a teacher that saw the others
FILM_WEIGHT = 0.1  # a film review's label says little about each of its sentences


@dataclass(frozen=True)
class Shape:
    """Sizes of the model and lengths of the training; the smoke run has its own."""

    words: int = 9_000  # whole words in the vocabulary
    common: int = 15_000  # of GloVe's commonest words, in the vocabulary as well
    endings: int = 1_500  # of rarer words in the vocabulary
    width: int = 128
    layers: int = 2
    heads: int = 4
    longest: int = 192  # pieces the model reads of a text
    short: int = 48  # pieces of a single sentence at most
    everyday: int = 30_000  # sentences made by the grammar
    epochs: int = 24
    steps: int = 400  # batches in an epoch
    batch: int = 64  # sentences; of passages fewer by short / longest


SMOKE = Shape(300, 20, 50, 16, 1, 2, 32, 16, everyday=60, epochs=1, steps=4, batch=8)


SMOKE_VECTORS = {"dull": np.float32([1, 0]), "a": np.float32([0, 1]), "fine": np.float32([-1, 0])}


def main(argv=None):
    """Train and save the preset, then measure it on held-out sentences; gives the record."""
    args = recipe.arguments(__spec__, argv)
    shape = SMOKE if args.smoke else Shape()
    keras.utils.set_random_seed(args.seed)
    data = smoke_data() if args.smoke else Data.read(reviews.folder(args.data), args.seed)
    if not args.measure:
        start = time.perf_counter()
        classifier = train(data, shape, args)
        seconds = time.perf_counter() - start
        recipe.save(classifier, args.out, LABELS)
        recipe.trained(args, classifier, seconds, epochs=shape.epochs)
    return measure(data, args)


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

    @classmethod
    def read(cls, folder, seed):
        """Reads the folder; a tenth of the film review sentences, by seed, is held out."""
        return cls(
            *reviews.hold_out(*reviews.polarity_sentences(folder), seed),
            *reviews.film_reviews(folder),
            *reviews.product_sentences(folder),
            reviews.opinion_words(folder),
        )

    def texts(self):
        """Every text that training may see."""
        return self.sentences + [line for review in self.reviews for line in review] + self.products


def smoke_data():
    """A tiny data set of the same form, written by the everyday grammar."""
    texts, labels = everyday.sentences(160, seed=1)
    pairs = [list(pair) for pair in zip(texts[:40:2], texts[1:40:2], strict=True)]
    return Data(
        texts[:100], labels[:100], texts[100:120], labels[100:120],
        pairs, labels[:40:2], texts[120:], 2 * labels[120:] - 1, (["fine"], ["dull"]),
    )  # fmt: skip


def train(data, shape, args):
    """The trained keras_hub BertTextClassifier; its backups go to the folder `args.work`."""
    known = SMOKE_VECTORS if args.smoke or args.further else glove.vectors(args.data)
    made = everyday.sentences(shape.everyday, args.drawn)
    teacher, doubts = teach(data), second_opinions(data)
    if args.further:
        classifier = keras_hub.models.TextClassifier.from_preset(str(args.out), dtype="float32")
        tokenizer = classifier.preprocessor.tokenizer
    else:
        words = vocabulary(data, made[0], known, shape)
        tokenizer = keras_hub.tokenizers.BertTokenizer(words, lowercase=True, strip_accents=True)
        classifier = build(tokenizer, shape)
    batches = Batches(data, made, teacher, doubts, tokenizer, shape, args.drawn)
    if not args.further:
        vectors = first_vectors(words, batches.pieces(), known, teacher, shape.width, args.drawn)
        classifier.backbone.token_embedding.embeddings.assign(vectors)
    fit(classifier, batches, shape, args.work)
    return classifier


def vocabulary(data, made, known, shape):
    """Pieces of the texts, and of `known` words the commonest and those of opinion."""
    texts = data.texts() + everyday.written_sentences()[0] + made
    opinions = [word for words in data.opinion_words for word in words if word in known]
    more = [*itertools.islice(known, shape.common), *opinions]
    return word_pieces.vocabulary(texts, shape.words, shape.endings, more)


def first_vectors(words, rows, known, teacher, width, seed):
    """Vectors that the words begin with, (len(words), width), as this module's head tells."""
    meanings = word_pieces.meanings(words, known)
    own = word_pieces.vectors(rows, len(words), width - meanings.shape[1], seed)
    vectors = np.concatenate([own, meanings], axis=1)
    vectors[:, 0] = 2 * vectors.std() * teacher.leanings(words)
    return vectors


def second_opinions(data):
    """What teachers that have not seen a film sentence think of it: (sentences,) in [0, 1].

    A label alone would be learnt by heart; how far it is to be believed keeps the model honest.
    """
    folds = np.random.default_rng(0).integers(FOLDS, size=len(data.sentences))
    given = np.zeros(len(folds))
    for fold in range(FOLDS):
        seen, unseen = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        part = [data.sentences[at] for at in seen]
        teacher = teach(replace(data, sentences=part, labels=data.labels[seen]))
        given[unseen] = expit(teacher.logits([data.sentences[at] for at in unseen]))
    return given


def teach(data):
    """The n-gram teacher, fitted on everything that is labelled and not held out."""
    lines = [line for review in data.reviews for line in review]
    line_labels = np.repeat(data.review_labels, [len(review) for review in data.reviews])
    marked = np.flatnonzero(data.opinions)
    products = [data.products[i] for i in marked]
    texts = data.sentences + products + lines
    labels = np.concatenate([data.labels, data.opinions[marked] > 0, line_labels])
    weights = np.ones(len(texts))
    weights[-len(lines) :] = FILM_WEIGHT
    return NGrams().fit(texts, labels, weights)


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


def measure(data, args):
    """Accuracy of the saved preset, in training.json; gives that record."""
    classifier = keras_hub.models.TextClassifier.from_preset(str(args.out), dtype="float32")
    key = recipe.key(args)
    right = accuracy(classifier, data.held_out, data.held_out_labels, key)
    texts, labels = everyday.test_sentences()
    return recipe.report(
        args,
        measure="accuracy on sentences of film reviews",
        value=right,
        held_out=f"{len(data.held_out):,} sentences of Sentence Polarity v1.0, split by seed",
        everyday_accuracy=round(accuracy(classifier, texts, labels, key), 4),
        everyday_sentences=len(texts),
    )


def accuracy(classifier, texts, labels, key=None):
    """The share of texts whose likelier class is their label; `key` is as `recipe.key` gives it."""
    if key is None:
        given = classifier.predict(texts, verbose=0)
    else:
        row = catalog.get("bert_tiny_reviews")
        given = sentiment.shares(loader.Loaded(row, lambda: classifier, key=key), texts)
    return float((given.argmax(axis=1) == labels).mean())


if __name__ == "__main__":
    print(main())
