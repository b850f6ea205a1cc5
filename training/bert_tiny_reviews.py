"""Trains `bert_tiny_reviews`: a small BERT that tells praise from blame in English sentences.

It knows the review data, everyday sentences and GloVe's word vectors; it knows no network that
others trained.

    python -m training.bert_tiny_reviews --data FOLDER

From scratch on 9,000 labelled sentences a Transformer learns words too slowly, so it is helped:
100 numbers of each word vector start from GloVe (Pennington et al. 2014), so that words that no
review has are near those that are like them, the others from counts of neighbours (PPMI and SVD:
Levy and Goldberg 2014), one from how far a teacher of n-grams thinks the word leans. What stands
around words it first learns by guessing hidden ones. Then BERTs of the same shape learn, each
beside n-grams that have seen all film sentences but a fold; what all of them together think of
other texts, and of a sentence who has not seen it, the final one learns as soft labels (Hinton et
al. 2015, "Distilling the knowledge"). In a further round it learns what the n-grams and it itself
think of new mixtures. The architecture is BERT's (Devlin et al. 2019), small.
"""

import functools
import itertools
import time
from dataclasses import dataclass

import keras
import keras_hub
import numpy as np

from models import catalog, loader, sentiment
from training import recipe
from training.sentiment import (
    corpus,
    everyday,
    glove,
    juries,
    masked_words,
    reviews,
    word_pieces,
)
from training.sentiment.learners import Learner, once, optimizer
from training.sentiment.review_batches import Batches
from training.sentiment.texts import Texts

LABELS = ("negative", "positive")
# By kind of text the share of the sentences that teachers, and the model itself, learn from.
TEACHERS = {
    "sentences": 0.12,
    "films": 0.18,
    "products": 0.04,
    "everyday": 0.2,
    "written": 0.08,
    "words": 0.02,
    "mixtures": 0.36,  # what the n-grams think of texts that are made up of others
}
LEARNER = {
    "sentences": 0.08,
    "films": 0.2,
    "products": 0.04,
    "everyday": 0.14,
    "written": 0.05,
    "words": 0.01,
    "mixtures": 0.36,
    "everyday mixtures": 0.12,
}
UNLABELLED = ("films", "products", "mixtures")  # kinds that the n-grams judge
JUDGED = (*UNLABELLED, "everyday mixtures", "sentences")


@dataclass(frozen=True)
class Shape:
    """Sizes of the model and lengths of the training; the smoke run has its own."""

    words: int = 9_000  # whole words in the vocabulary
    common: int = 15_000  # of GloVe's commonest words, in the vocabulary as well
    endings: int = 1_500  # of rarer words in the vocabulary
    width: int = 160  # more, and the word vectors are too large for a shard of the weights
    layers: int = 4
    heads: int = 5
    longest: int = 192  # pieces the model reads of a text
    short: int = 48  # pieces of a single sentence at most
    everyday: int = 30_000  # sentences made by the grammar
    mixtures: int = 300_000  # made-up texts of films and products
    everyday_mixtures: int = 60_000
    guessing: int = 10  # epochs of hidden words
    teaching: int = 10  # epochs of each teacher
    epochs: int = 40
    further_epochs: int = 30
    steps: int = 400  # batches in an epoch
    batch: int = 128  # sentences; of passages fewer by short / longest
    rate: float = 6e-4  # learning rate at its highest
    further_rate: float = 2.5e-4


SMOKE = Shape(
    300, 20, 50, 16, 1, 2, 32, 16, everyday=60, mixtures=80, everyday_mixtures=40,
    guessing=1, teaching=1, epochs=1, further_epochs=1, steps=4, batch=8,
)  # fmt: skip


SMOKE_VECTORS = {"dull": np.float32([1, 0]), "a": np.float32([0, 1]), "fine": np.float32([-1, 0])}


def main(argv=None):
    """Train and save the preset, then measure it on held-out sentences; gives the record."""
    args = recipe.arguments(__spec__, argv)
    shape = SMOKE if args.smoke else Shape()
    keras.utils.set_random_seed(args.seed)
    folder = None if args.smoke else reviews.folder(args.data)
    data = corpus.smoke() if args.smoke else corpus.Data.read(folder, args.seed)
    if not args.measure:
        start = time.perf_counter()
        classifier = train(data, shape, args)
        seconds = time.perf_counter() - start
        recipe.save(classifier, args.out, LABELS)
        epochs = shape.further_epochs if args.further else shape.epochs
        recipe.trained(args, classifier, seconds, epochs=epochs)
    return None if args.unmeasured else measure(data, args)


def train(data, shape, args):
    """The trained keras_hub BertTextClassifier; its backups go to the folder `args.work`."""
    made = everyday.sentences(shape.everyday, args.drawn)
    jury = juries.Jury(data)
    if args.further:
        classifier = keras_hub.models.TextClassifier.from_preset(str(args.out), dtype="float32")
        texts = Texts(data, made, classifier.preprocessor.tokenizer, shape, args.drawn)
        learner = learns(classifier, shape.further_epochs, shape.further_rate, shape)
        opinions = once(
            args.work / "opinions.npz", lambda: judge_again(texts, jury, learner, shape)
        )
        learn(learner, texts, opinions, shape.further_epochs, shape, args)
    else:
        known = SMOKE_VECTORS if args.smoke else glove.vectors(args.data)
        words = vocabulary(data, made[0], known, shape)
        tokenizer = keras_hub.tokenizers.BertTokenizer(words, lowercase=True, strip_accents=True)
        texts = Texts(data, made, tokenizer, shape, args.drawn)
        first = beginning(texts, known, jury.whole, shape, args)
        opinions = judge(texts, jury, first, shape, args)
        learner = learns(begun(tokenizer, first, shape), shape.epochs, shape.rate, shape)
        learn(learner, texts, opinions, shape.epochs, shape, args)
    for kept in args.work.glob("*.npz"):
        kept.unlink()
    return learner.classifier


def learns(classifier, epochs, rate, shape):
    """A Learner of so many epochs, with the learning rate `rate` at its highest."""
    return Learner(classifier, epochs * shape.steps, rate, jit_compile=recipe.jit_compile())


def learn(learner, texts, opinions, epochs, shape, args):
    """The final training, on what is known of the texts and thought of them."""
    pools = texts.pools(opinions)
    batches = Batches(pools, texts.reviews, LEARNER, texts.tokenizer, shape, args.drawn)
    learner.fit(batches, epochs, args.work / "backup")


def vocabulary(data, made, known, shape):
    """Pieces of the texts, and of `known` words the commonest and those of opinion."""
    texts = data.texts() + data.written[0] + made
    opinions = [word for words in data.opinion_words for word in words if word in known]
    more = [*itertools.islice(known, shape.common), *opinions]
    return word_pieces.vocabulary(texts, shape.words, shape.endings, more)


def beginning(texts, known, teacher, shape, args):
    """Weights of a BertBackbone that has only guessed hidden words, as `get_weights` gives them."""

    def guess():
        tokenizer, steps = texts.tokenizer, shape.guessing * shape.steps
        backbone = build(tokenizer, shape).backbone
        rows = [row for rows in texts.rows.values() for row in rows]
        words = tokenizer.get_vocabulary()
        vectors = first_vectors(words, rows, known, shape.width, args.drawn)
        backbone.token_embedding.embeddings.assign(vectors)
        lean(backbone, tokenizer, teacher)
        windows = masked_words.Windows(
            texts.written_rows(), tokenizer, shape.short, 2 * shape.batch, shape.steps, args.drawn
        )
        how = {"jit_compile": recipe.jit_compile()}
        masked_words.learn(backbone, windows, optimizer(steps, shape.rate), shape.guessing, **how)
        return {f"{at:03}": weights for at, weights in enumerate(backbone.get_weights())}

    kept = once(args.work / "beginning.npz", guess)
    return [kept[name] for name in sorted(kept)]


def first_vectors(words, rows, known, width, seed):
    """Vectors that the words begin with, (len(words), width), as this module's head tells."""
    meanings = word_pieces.meanings(words, known)
    own = word_pieces.vectors(rows, len(words), width - meanings.shape[1], seed)
    return np.concatenate([own, meanings], axis=1)


def lean(backbone, tokenizer, teacher):
    """Make the first number of each word vector tell how far the teacher thinks it leans."""
    embeddings = backbone.token_embedding.embeddings
    vectors = keras.ops.convert_to_numpy(embeddings).copy()
    leanings = teacher.leanings(tokenizer.get_vocabulary())
    vectors[:, 0] = 2 * vectors[:, 1:].std() * leanings
    embeddings.assign(vectors)


def judge(texts, jury, first, shape, args):
    """Log odds of positive by kind, (rows,), of n-grams and BERTs of each fold together.

    Film sentences are judged by those of the fold that have not seen them, other texts by all.
    """
    doubts = jury.second_opinions(texts.data)
    learner = learns(begun(texts.tokenizer, first, shape), shape.teaching, shape.rate, shape)
    unseen, means = np.stack([doubts, doubts], axis=1), {}  # (rows, 2): by n-grams, by BERTs
    for fold in range(len(jury.teachers)):
        ask = functools.partial(teach, learner, texts, jury, doubts, fold, shape, args.drawn)
        given = once(args.work / f"fold {fold}.npz", ask)
        unseen[jury.unseen(fold), 1] = given.pop("sentences")
        for kind, found in given.items():
            means[kind] = means.get(kind, 0) + found / len(jury.teachers)
    weights = juries.weights(unseen, texts.data.labels)
    opinions = {kind: means[kind] @ weights for kind in UNLABELLED}
    opinions |= {"sentences": unseen @ weights, "everyday mixtures": means["everyday mixtures"]}
    tell(unseen, weights, texts.data.labels)
    return opinions


def judge_again(texts, jury, learner, shape):
    """Log odds of positive by kind, (rows,), half of the n-grams and half of the network itself.

    Where the n-grams are not asked, for they know no everyday sentences, of the network alone.
    """
    own = {kind: learner.odds(texts.rows[kind], shape.short) for kind in JUDGED}
    grams = {
        kind: np.mean([each.logits(texts.texts[kind]) for each in jury.teachers], axis=0)
        for kind in UNLABELLED
    }
    grams["sentences"] = jury.second_opinions(texts.data)
    return own | {kind: (own[kind] + found) / 2 for kind, found in grams.items()}


def tell(opinions, weights, labels):
    """Print how often film sentences that they have not seen are judged right, and by whom."""
    verdicts = opinions @ np.c_[np.eye(2), weights] > 0  # (sentences, 3)
    n_grams, berts, both = (verdicts == labels[:, None]).mean(axis=0)
    print(
        f"unseen film sentences: n-grams {n_grams:.4f}, BERTs {berts:.4f}, both {both:.4f} "
        f"with weights {np.round(weights, 2)}",
        flush=True,
    )


def teach(learner, texts, jury, doubts, fold, shape, seed):
    """What a BERT thinks that learns all but a fold: log odds by kind, (rows,).

    Of film sentences those of the fold. Where the n-grams are asked as well, (rows, 2): theirs
    first.
    """
    grams = jury.teachers[fold]
    asked = {kind: grams.logits(texts.texts[kind]) for kind in UNLABELLED}
    pools = texts.pools({**asked, "sentences": doubts}, jury.fold != fold)
    learner.afresh()
    lean(learner.classifier.backbone, texts.tokenizer, grams)
    drawn = Batches(pools, texts.reviews, TEACHERS, texts.tokenizer, shape, (seed, fold))
    learner.fit(drawn, shape.teaching)
    rows = {kind: texts.rows[kind] for kind in JUDGED}
    rows["sentences"] = [texts.rows["sentences"][at] for at in jury.unseen(fold)]
    found = {kind: learner.odds(each, shape.short) for kind, each in rows.items()}
    return found | {kind: np.stack([asked[kind], found[kind]], axis=1) for kind in UNLABELLED}


def begun(tokenizer, first, shape):
    """A classifier whose backbone has these weights."""
    classifier = build(tokenizer, shape)
    classifier.backbone.set_weights(first)
    return classifier


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


def measure(data, args):
    """Accuracy of the saved preset, in training.json; gives that record."""
    classifier = keras_hub.models.TextClassifier.from_preset(str(args.out), dtype="float32")
    key = recipe.key(args)
    held_out = shares(classifier, data.held_out, key)
    texts, labels = everyday.test_sentences()
    given = shares(classifier, texts, key)
    return recipe.report(
        args,
        measure="accuracy on sentences of film reviews",
        value=accuracy(held_out, data.held_out_labels),
        held_out=f"{len(data.held_out):,} sentences of Sentence Polarity v1.0, split by seed",
        everyday_accuracy=round(accuracy(given, labels), 4),
        everyday_sentences=len(texts),
        failures=mistakes(given, texts, labels),
    )


def shares(classifier, texts, key=None):
    """Probabilities (texts, classes); `key` is as `recipe.key` gives it."""
    if key is None:
        return keras.ops.convert_to_numpy(keras.ops.softmax(classifier.predict(texts, verbose=0)))
    row = catalog.get("bert_tiny_reviews")
    return sentiment.shares(loader.Loaded(row, lambda: classifier, key=key), texts)


def accuracy(given, labels):
    """The share of texts whose likelier class is their label."""
    return float((given.argmax(axis=1) == labels).mean())


def mistakes(given, texts, labels, most=8):
    """The `most` texts whose wrong class a model was surest of, each with what it says of it.

    Args:
        given: (texts, classes) probabilities.
        texts: list of str.
        labels: (texts,) of int.
    """
    answers = given.argmax(axis=1)
    wrong = np.flatnonzero(answers != labels)
    surest = wrong[np.argsort(-given[wrong].max(axis=1))][:most]
    return [
        f"{texts[at]} ({LABELS[answers[at]]}, it says, {100 * given[at].max():.0f} % sure)"
        for at in surest
    ]


if __name__ == "__main__":
    print(main())
