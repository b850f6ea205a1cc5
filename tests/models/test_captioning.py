"""Captioning: decoding with a fake speaker of known odds, a tiny captioner, golden facts."""

import contextlib
import dataclasses
import threading
from pathlib import Path

import numpy as np
import pytest

from models import captioning, catalog, loader, vocabulary
from models.checks import BadInput
from models.results import Run
from models.vocabulary import END, START, UNKNOWN

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
WORDS = vocabulary.build(["a dog, a cat and a star"])
A, AND, CAT, COMMA, DOG, STAR = (WORDS.index(w) for w in ("a", "and", "cat", ",", "dog", "star"))
SQUARE = np.zeros((8, 8, 3), np.uint8)


@dataclasses.dataclass
class FakeCaptioner:
    """What a Speaker reads of a Captioner."""

    vocabulary = WORDS
    once = (CAT, DOG, STAR)
    width = 3
    length: int = 12
    size: int = 8


def odds(**shares):
    """Log-probabilities of the whole vocabulary from shares of some words."""
    row = np.full(len(WORDS), 1e-9)
    for word, share in shares.items():
        row[END if word == "end" else WORDS.index(word)] = share
    return np.log(row / row.sum())


AFTER = {
    START: odds(a=0.9, dog=0.1),
    A: odds(dog=0.6, cat=0.3, star=0.1),
    DOG: odds(end=0.7, **{"and": 0.3}),
    CAT: odds(end=1.0),
    STAR: odds(end=1.0),
    AND: odds(a=1.0),
    END: odds(a=1.0),
}


def say(said, state, places):
    """The next word depends on the last alone; the state counts the words said."""
    return np.stack([AFTER.get(int(last), odds(end=1.0)) for last in said]), state + 1


def speaker(say=say, length=12):
    return captioning.Speaker(FakeCaptioner(length), lambda pixels: pixels, say, SQUARE)


def test_tokens_and_back():
    ids = vocabulary.ids(WORDS, "A dog, a zebra")
    assert ids == [START, A, DOG, COMMA, A, UNKNOWN, END]
    assert vocabulary.sentence(WORDS, ids) == "a dog, a"


def test_said_once_finds_the_names():
    told = ["a dog, a cat and a star", "a star, a dog", "two dogs and a cat and a star"]
    words = vocabulary.build(told)
    once = {words[at] for at in vocabulary.said_once(words, told)}
    assert once == {"dog", "cat", "star", "two", "dogs", ","}


def test_greedy_takes_the_likeliest_word_until_the_end():
    [(text, sure)] = speaker().greedy()
    assert text == "a dog"
    assert sure == pytest.approx((0.9 * 0.6 * 0.7) ** (1 / 3), rel=1e-6)


def test_captions_that_name_a_thing_twice_come_last():
    """A weak captioner says `a cat and a cat`; what does not repeat is preferred to it."""
    told = {**AFTER, A: odds(dog=0.9, cat=0.1), DOG: odds(**{"and": 0.8, "end": 0.2})}

    def chatty(said, state, places):
        return np.stack([told.get(int(last), odds(end=1.0)) for last in said]), state

    repeats = [
        len(names) > len(set(names))
        for text, _ in speaker(chatty).sample(0, 1.0, 1.0)
        if (names := [word for word in text.split() if word in ("dog", "cat", "star")])
    ]
    assert True in repeats and False in repeats and repeats == sorted(repeats)
    assert not any(text.split().count("dog") > 1 for text, _ in speaker(chatty).beam())


def test_samples_come_surest_first():
    told = speaker().sample(0, 1.0, 1.0)
    sure = [share for text, share in told if "and" not in text]
    assert sure == sorted(sure, reverse=True) and len(set(sure)) > 1


def test_a_caption_that_never_ends_is_cut():
    def endless(said, state, places):
        return np.tile(odds(a=0.5, **{"and": 0.5}), (len(said), 1)), state

    assert len(speaker(endless, length=5).greedy()[0][0].split()) == 5


def test_the_state_goes_in_and_comes_out():
    seen = []

    def recording(said, state, places):
        seen.append(state[0, 0])
        return say(said, state, places)

    speaker(recording).greedy()
    assert seen == [0, 1, 2]


def test_samples_follow_the_odds_and_the_seed():
    drawn = [text for seed in range(40) for text, _ in speaker().sample(seed, 1.0, 1.0)]
    assert drawn.count("a cat") / len(drawn) == pytest.approx(0.27, abs=0.06)
    assert speaker().sample(3, 1.0, 1.0) == speaker().sample(3, 1.0, 1.0)
    assert speaker().sample(3, 1.0, 1.0) != speaker().sample(4, 1.0, 1.0)


@pytest.mark.parametrize(
    ("top_p", "words"),
    [
        pytest.param(0.5, {0}, id="one word is enough"),
        pytest.param(0.7, {0, 1}, id="two words"),
        pytest.param(1.0, {0, 1, 2}, id="all"),
    ],
)
def test_top_p_keeps_the_fewest_likeliest(top_p, words):
    rng, likely = np.random.default_rng(0), np.log([0.6, 0.3, 0.1])
    assert {captioning.drawn(rng, likely, top_p) for _ in range(300)} == words


def test_beam_finds_what_greedy_misses():
    """The likeliest first word leads to the less likely sentence."""
    after = {START: odds(a=0.55, dog=0.45), A: odds(cat=0.5, star=0.5), DOG: odds(end=1.0)}

    def forked(said, state, places):
        return np.stack([after.get(int(last), odds(end=1.0)) for last in said]), state

    assert speaker(forked).greedy()[0][0] in ("a cat", "a star")
    told = speaker(forked).beam()
    assert [text for text, _ in told[:3]] == ["dog", "a cat", "a star"]
    assert told[0][1] == pytest.approx(0.45**0.5, rel=1e-5)


def test_different_drops_what_was_said_before():
    told = [("a dog", 0.5), ("a cat", 0.4), ("a dog", 0.3), ("a star", 0.2)]
    assert captioning.different(told, 3) == [("a dog", 0.5), ("a cat", 0.4), ("a star", 0.2)]
    assert captioning.different(told[:1] * 5, 3) == [("a dog", 0.5)]


def test_the_same_words_in_another_order_come_last():
    told = [("a dog, a cat and a sun", 0.5), ("a cat, a dog and a sun", 0.4), ("a cat", 0.3)]
    assert captioning.different(told, 2) == [told[0], told[2]]
    assert captioning.different(told, 3) == [told[0], told[2], told[1]]


class FakeLoaded:
    """A loaded captioner that answers as `say` does."""

    row, model = catalog.of("captioning")[0], FakeCaptioner()

    def __init__(self):
        self.lock = threading.Lock()

    def told(self, function):
        return function(self.model)

    def compiled(self, function, exact=False):
        assert exact, "rounding would change words"
        return say if function is captioning.say else lambda pixels: pixels

    def run(self, began, seed=None):
        return Run(self.row.id, 0.01, "CPU", "TensorFlow", "float32", seed)


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(captioning.loader, "use", lambda _: contextlib.nullcontext(FakeLoaded()))


def test_caption_gives_different_texts_and_the_seed(fake):
    result = captioning.caption(SQUARE, count=3, seed=0)
    assert len(set(result.texts)) == len(result.texts) == len(result.probabilities) == 3
    assert result.run.seed == 0
    assert captioning.caption(SQUARE, seed=0, method="greedy").run.seed is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"count": 0}, "from 1 to 10", id="no captions"),
        pytest.param({"count": 2.5}, "whole number", id="half a caption"),
        pytest.param({"method": "loud"}, "sample, greedy, beam", id="method"),
        pytest.param({"temperature": float("nan")}, "from 0.1 to 2", id="temperature"),
        pytest.param({"top_p": 0}, "from 0.05 to 1", id="top p"),
        pytest.param({"seed": -1}, "seed", id="seed"),
        pytest.param({"model": "resnet_cifar10"}, "gru_attention", id="another model"),
    ],
)
def test_bad_arguments_are_explained(fake, options, said):
    with pytest.raises(BadInput, match=said):
        captioning.caption(SQUARE, **options)


@pytest.fixture(scope="module", params=[False, True], ids=["attends", "counts"])
def tiny(request):
    """An untrained Captioner over a pyramid of 4 x 4 and 1 x 1, laid over 2 x 2 cells."""
    keras = pytest.importorskip("keras")
    from models.architectures.captioner import Captioner

    keras.utils.set_random_seed(0)
    pixels = keras.Input((16, 16, 3))
    fine = keras.layers.Conv2D(4, 3, 4, "same", name="fine")(pixels)
    coarse = keras.layers.Conv2D(5, 3, 4, "same", name="coarse")(fine)
    pyramid = keras.Model(pixels, {"P2": fine, "P4": coarse})
    once, counting = (CAT, DOG), request.param
    return Captioner(pyramid, WORDS, grid=2, width=8, length=6, once=once, counting=counting)


def numbers(tensor):
    import keras

    return keras.ops.convert_to_numpy(tensor)


def test_a_captioner_comes_back_from_its_preset(tiny, tmp_path):
    from models.architectures.captioner import Captioner

    tiny.save_to_preset(str(tmp_path))
    back = Captioner.from_preset(str(tmp_path), dtype="float32")
    images = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3))
    given = {"images": images, "token_ids": np.array([[START, A], [START, CAT]])}
    assert np.allclose(numbers(back(given)), numbers(tiny(given)), atol=1e-5)
    assert back.vocabulary == WORDS and back.once == (CAT, DOG) and back.length == 6


def test_steps_say_what_the_whole_sentence_says(tiny):
    """The decoder with its state passed on gives the same logits as all words at once."""
    places = np.random.default_rng(1).normal(size=(1, 4, 8)).astype("float32")
    said = np.array([[START, A, DOG]], "int32")
    together, _, looks = tiny.tell(said, places)
    state, steps = np.zeros((1, 8), "float32"), []
    for at in range(3):
        likely, state = captioning.say(tiny, said[:, at], state, places)
        steps.append(numbers(likely)[0])
    logits = numbers(together)[0]
    assert np.allclose(steps, logits - np.log(np.exp(logits).sum(-1, keepdims=True)), atol=1e-5)
    assert np.allclose(numbers(looks).sum(-1), 1, atol=1e-5)


def test_cells_add_up_what_attention_shares_out():
    """Two dogs and a cat, each in a cell: attention sees as much of two as of one, counting twice.

    Greedy captions stated 14 counts of 500 scenes, of which 10 were wrong; nothing added up.
    """
    keras = pytest.importorskip("keras")
    from models.architectures.captioner import Counting

    counting = Counting(grid=2, width=3)
    counting.build((None, 4, 3))
    counting.kind.set_weights([np.eye(3)])
    kernel, _ = counting.share.get_weights()
    counting.share.set_weights([0 * kernel, np.zeros(1)])  # half a thing in every cell
    dog, cat, nothing = [1, 0, 0], [0, 1, 0], [0, 0, 0]
    features = np.array([[dog, dog, cat, nothing]], "float32")
    shares, counts = map(numbers, counting(features))
    assert (shares == 0).all()
    assert np.allclose(counts[0, :3], [1, 1, 0.5], atol=0.02)
    attend = keras.layers.Attention()
    one, two = (numbers(attend([100 * features[:, :1], features[:, at:]])) for at in (1, 0))
    assert np.allclose(one, two, atol=1e-4)


@pytest.fixture(scope="module")
def bundled():
    row = catalog.of("captioning")[0]
    assert row.folder.is_dir()
    return loader.load(row.id)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "things"),
    [
        pytest.param("space", {"rocket", "monkey", "star"}, id="space"),
        pytest.param("sea", {"sailboat", "whale", "cloud"}, id="sea"),
        pytest.param("night", {"owl", "castle", "moon", "star"}, id="night"),
    ],
)
def test_the_bundled_captioner_names_most_of_an_example(bundled, name, things):
    result = captioning.caption(EXAMPLES / f"{name}.jpg", method="greedy")
    said = set(vocabulary.tokens(result.texts[0]))
    assert len(said & things) >= 2, result.texts


@pytest.mark.slow
def test_the_same_seed_gives_the_same_captions(bundled):
    first, second = (captioning.caption(EXAMPLES / "beach.jpg", seed=7) for _ in range(2))
    assert first.texts == second.texts and len(first.texts) == 5
