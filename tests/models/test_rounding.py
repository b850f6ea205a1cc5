"""int8 weights: what is rounded and how far, when it is done, and that it is said."""

import functools

import numpy as np
import pytest

from models import converted, rounding, runtime

INPUTS, OUTPUTS = 64, 48


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def small(monkeypatch):
    """Lets networks be rounded that have few weights."""
    monkeypatch.setattr(rounding, "LARGE", 0)


@pytest.fixture
def function():
    """A function of one array with two products, the second by a turned table, as runtime takes it.

    One output channel has no weights at all.
    """
    runtime.start()
    import keras

    layer = keras.layers.Dense(OUTPUTS)
    layer.build((None, INPUTS))
    kernel = np.random.default_rng(0).standard_normal((INPUTS, OUTPUTS), np.float32)
    kernel[:, 3] = 0
    layer.kernel.assign(kernel)

    def named(model, array):
        return keras.ops.matmul(model(array), keras.ops.transpose(model.kernel))

    return named, layer


ARRAY = np.random.default_rng(1).standard_normal((1, INPUTS)).astype("float32")


def tried(function, *allowed):
    graph = runtime.compile(*function)
    graph(ARRAY)
    return converted.trial(graph.graph, [ARRAY], allowed)


def test_weights_alone_are_rounded_a_scale_for_each_output_channel(function, small):
    kernel = np.asarray(function[1].kernel)
    expected = ARRAY @ rounded(kernel, 0) @ rounded(kernel.T, 0)
    trial = tried(function, converted.LIGHT)
    [found] = trial.programs.values()
    np.testing.assert_allclose(found(ARRAY), expected, rtol=1e-4, atol=1e-4)
    assert 1e-4 < trial.apart[converted.LIGHT] < 0.02


def rounded(weights, summed):
    scale = np.abs(weights).max(axis=summed, keepdims=True) / 127
    return np.round(weights / np.where(scale > 0, scale, 1)) * scale


def test_few_weights_stay_as_they_are(function):
    assert set(tried(function, "float32", converted.LIGHT).programs) == {"float32"}


@pytest.mark.parametrize(
    ("seconds", "precision"),
    [
        pytest.param(0.5, converted.LIGHT, id="clearly faster"),
        pytest.param(0.9, "float32", id="hardly faster"),
    ],
)
def test_int8_is_chosen_where_it_is_clearly_faster(
    function, small, monkeypatch, seconds, precision
):
    times = {"": 2, "float32": 1, converted.LIGHT: seconds}
    monkeypatch.setattr(converted, "timed", lambda calls: {name: times[name] for name in calls})
    for _ in range(2):  # the second one is read from disk
        compiled = runtime.Compiled(
            function[0], lambda: function[1], "weights", exact=True, light=True
        )
        compiled(ARRAY)
        [choice] = compiled.choices.values()
        assert choice == runtime.Choice("OpenVINO", precision, choice.reason)
        monkeypatch.setattr(converted, "_judged", None)


def test_int8_that_is_too_far_off_is_not_chosen_and_the_page_says_so(function, small, monkeypatch):
    monkeypatch.setitem(converted.TOLERANCE, converted.LIGHT, 1e-6)
    compiled = functools.partial(runtime.Compiled, function[0], lambda: function[1])
    light = compiled("weights", exact=True, light=True)
    light(ARRAY)
    [choice] = light.choices.values()
    assert choice.precision == "float32" or choice.engine == "TensorFlow"
    assert "int8 weights is" in choice.reason and choice.reason.endswith("% off")


def test_only_what_asks_for_it_is_rounded(function, small):
    compiled = runtime.Compiled(function[0], lambda: function[1], "weights", exact=True)
    compiled(ARRAY)
    [choice] = compiled.choices.values()
    assert choice.precision == "float32"
