"""Any value for any argument of a public function gives a result or BadInput, and nothing else.

FUZZ_EXAMPLES lengthens it: `FUZZ_EXAMPLES=20000 python -m pytest tests/models/test_any_value.py`.
"""

import fractions
import functools
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from models import (
    augmentation,
    augmentation_chain,
    captioning,
    catalog,
    checks,
    classification,
    detection,
    fine_tuning,
    images,
    new_word,
    results,
    samplers,
    sentiment,
    text_generation,
    text_to_image,
)
from models.augmentation_layers import LAYERS
from models.checks import BadInput

pytestmark = [pytest.mark.fault, pytest.mark.filterwarnings("ignore")]
FUZZ = os.environ.get("FUZZ_EXAMPLES")
fuzzed = settings(
    max_examples=int(FUZZ or 60),
    derandomize=not FUZZ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

ARRAYS = arrays.arrays(
    st.one_of(arrays.integer_dtypes(), arrays.floating_dtypes(), st.just(np.dtype("uint8"))),
    arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6),
)
NUMBERS = st.one_of(
    st.integers(),
    st.integers(-3, 12),
    st.sampled_from([10**400, -(10**400), 2**31, 2**63, 2**64]),
    st.floats(),
    st.floats(0, 1),
    st.fractions(),
    st.decimals(),
    st.complex_numbers(),
    st.booleans(),
    st.sampled_from([np.float32("nan"), np.int64(3), np.float16(2), np.bool_(True), np.uint8(1)]),
)
SINGLE = st.one_of(
    st.none(), NUMBERS, st.text(), st.binary(), st.dates(), ARRAYS, st.just(object())
)
ANY = st.recursive(
    SINGLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.text(), st.integers()), inner, max_size=3),
    ),
    max_leaves=6,
)
PICTURE = np.full((30, 40, 3), 120, np.uint8)
PICTURES = st.one_of(
    st.just(PICTURE),
    ANY,
    st.builds(
        Image.new,
        st.sampled_from(["1", "L", "P", "LA", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV"]),
        st.tuples(st.integers(0, 120), st.integers(0, 120)),
    ),
    st.builds(Image.new, st.sampled_from(["I", "F", "I;16"]), st.just((9, 9))),
)
PLACES = st.one_of(PICTURES, st.text().map(lambda name: "/" + name), st.just("a" * 5000))
IDS = [row.id for row in catalog.MODELS]


def models(capability):
    """Ids that fit, ids that do not, and anything."""
    return st.one_of(st.just(catalog.of(capability)[0].id), st.sampled_from(IDS), ANY)


def mostly(*good):
    """Anything, but often one of the values that are taken, so that the others are looked at."""
    return st.one_of(*map(st.just, good), ANY)


def answered(function, *values, **named):
    """What a function gives, or None where it refuses with a message."""
    try:
        return function(*values, **named)
    except BadInput as told:
        assert str(told)
        return None


@fuzzed
@given(ANY, st.booleans())
@example(10**400, True)
@example(10**5000, False)
@example(fractions.Fraction(1, 3), True)
@example(np.arange(3), False)
def test_checks(value, integer):
    answered(checks.text, value)
    answered(checks.choice, value, "It", ("a", "b"))
    answered(catalog.pick, value, "sentiment")
    answered(catalog.get, value)
    found = answered(checks.number, value, "It", -1, 10, integer)
    assert found is None or (-1 <= found <= 10 and isinstance(found, int if integer else float))
    assert value is None or answered(checks.seed, value) in (None, value)


@fuzzed
@given(PLACES)
@example("a" * 5000)
@example(Image.new("RGB", (0, 0)))
def test_images(value):
    found = answered(images.read, value)
    assert found is None or (found.dtype == np.uint8 and found.shape[2] == 3 and found.size)


@fuzzed
@given(PICTURES, models("classification"), mostly(1, 3))
def test_classification(image, model, top_k):
    answered(classification.classify, image, model, top_k)


@functools.cache
def taught():
    """What a first lesson taught, once."""
    return fine_tuning.fit({"a": [PICTURE] * 2, "b": [PICTURE] * 2}, epochs=1)


@fuzzed
@given(
    st.one_of(
        st.dictionaries(
            st.one_of(st.text(), st.text(min_size=41), st.integers()),
            st.one_of(st.lists(PICTURES, max_size=3), ANY),
            max_size=3,
        ),
        ANY,
    ),
    models("classification"),
    mostly(1),
    PICTURES,
    st.one_of(st.builds(taught), ANY),
)
@example({"a": [PICTURE] * 2, "A": [PICTURE] * 2}, None, 1, PICTURE, None)
@example({"a": [PICTURE] * 2, "b": [PICTURE] * 2}, None, 10**400, PICTURE, 3)
def test_fine_tuning(pictures, model, epochs, image, tuned):
    answered(fine_tuning.fit, pictures, model, epochs)
    answered(fine_tuning.classify, image, tuned)


@fuzzed
@given(PICTURES, models("detection"))
def test_detection(image, model):
    answered(detection.detect, image, model)


def two_boxes():
    """Detections of two things."""
    run = results.Run("a", 0.1, "CPU", "Keras", "float32")
    boxes = np.array([[0, 0, 5, 5], [1, 1, 6, 6]], "float32")
    return results.Detections(boxes, np.array([0.9, 0.4], "float32"), ("cat", "dog"), run)


@fuzzed
@given(mostly(0, 0.5), mostly(0.5, 1), mostly(None, ["cat"], ("dog", "cat"), "cat"))
@example(0.5, fractions.Fraction(5, 2), None)
@example(0.5, 0.5, 3)
@example(0.5, 0.5, [["cat"]])
def test_thresholds(confidence, iou, classes):
    answered(two_boxes().filter, confidence, iou, classes)


@fuzzed
@given(mostly("a good film"), mostly(["good", "bad"]), models("sentiment"))
def test_sentiment(text, texts, model):
    answered(sentiment.score, text, model)
    answered(sentiment.score_many, texts, model)


@fuzzed
@given(
    st.tuples(
        mostly("The fox"),
        models("text_generation"),
        mostly(1, 9),
        mostly(*text_generation.SAMPLERS),
        mostly(0.8),
        mostly(5),
        mostly(0.9),
        mostly(1, None),
        mostly(4),
        mostly(0.6),
    )
)
def test_text_generation(values):
    tokens = answered(text_generation.generate, *values)
    assert tokens is None or next(tokens, None) is not False


@fuzzed
@given(
    mostly("a dog"),
    mostly("", None, "snow"),
    models("text_to_image"),
    st.tuples(mostly(1, 25), mostly(4.0), mostly(1), mostly(7, None), mostly(4)),
)
def test_text_to_image(prompt, negative, model, values):
    """The arguments; each number of pictures would be a program of its own."""
    answered(text_to_image.generate, prompt, negative, model, *values)
    answered(text_to_image.passed_over, prompt, model)


@fuzzed
@given(
    mostly("robot"),
    st.one_of(st.lists(PICTURES, max_size=4), mostly([PICTURE] * 3)),
    mostly("word.npz"),
    models("text_to_image"),
    st.tuples(mostly(1, 160), mostly(0, 7)),
)
@example("robot", [PICTURE] * 3, "word.npz", None, (160, 0))
def test_a_new_word(word, pictures, path, model, values):
    """The arguments; a lesson takes half a minute."""
    answered(new_word.learn, word, pictures, path, model, *values)
    answered(new_word.draw, pictures, word, *values)


@fuzzed
@given(
    mostly("a dog"),
    mostly("a cat"),
    mostly("", None, "snow"),
    models("text_to_image"),
    st.tuples(mostly(1, 25), mostly(4.0), mostly(7, None), mostly(0, 0.3, 1)),
)
def test_editing_a_drawing(prompt, edited_prompt, negative, model, values):
    answered(text_to_image.edit, prompt, edited_prompt, negative, model, *values)


@fuzzed
@given(
    st.tuples(
        PICTURES,
        models("captioning"),
        mostly(1, 5),
        mostly(3, None),
        mostly(*captioning.METHODS),
        mostly(0.8),
        mostly(0.9),
    )
)
def test_captioning(values):
    answered(captioning.caption, *values)


NAMES = sorted(LAYERS)
PARAMETERS = {each.name for layer in LAYERS.values() for each in layer.parameters}
LAYER = st.one_of(
    st.sampled_from(NAMES),
    st.fixed_dictionaries(
        {"layer": st.sampled_from(NAMES)},
        optional={name: mostly(0.3, [0.1, 0.5], 2, True) for name in PARAMETERS - {"layer"}},
    ),
    ANY,
)
CHAINS = st.one_of(st.lists(LAYER, max_size=3), ANY, st.text().map(lambda text: f"[{text}]"))


@fuzzed
@given(CHAINS, mostly(0, None), mostly(1, 9), mostly(32))
@example("[" * 100_000, 0, 1, 32)
@example(["RandomApply"], 0, 1, 32)
def test_augmentation_chains(layers, seed, count, size):
    steps = answered(augmentation_chain.chain, layers)
    assert steps is None or augmentation_chain.chain([step.as_json() for step in steps]) == steps
    code = answered(augmentation.code, layers, 0, count, size)
    assert code is None or compile(code, "chain", "exec")


def test_a_chain_in_a_chain_and_so_on_is_refused():
    inside = "RandomFlip"
    for _ in range(10_000):
        inside = {"layer": "RandomChoice", "layers": [inside]}
    with pytest.raises(BadInput):
        augmentation_chain.chain([inside])


@fuzzed
@given(
    st.one_of(PICTURES, st.lists(PICTURES, max_size=3)),
    mostly(0),
    mostly(1),
    mostly(None, np.eye(1), [[1.0, 0.0]]),
    mostly(32),
)
def test_augmentation(given_images, seed, count, labels, size):
    answered(augmentation.augment, given_images, [], seed, count, labels, size)


@fuzzed
@given(
    arrays.arrays("float32", st.integers(1, 30), elements=st.floats(-1e4, 1e4, width=32)),
    st.integers(1, 100),
    st.floats(0.01, 1),
    st.floats(0.05, 2),
)
def test_samplers(logits, k, p, temperature):
    shares, rng = samplers.softmax(logits, temperature), np.random.default_rng(0)
    assert shares.sum() == pytest.approx(1)
    for token in (
        samplers.greedy(shares),
        samplers.top_k(shares, k, rng),
        samplers.top_p(shares, p, rng),
    ):
        assert 0 <= token < len(shares) and shares[token] > 0
