"""Runs: what is kept, resumed and averaged, on a model of one layer."""

import numpy as np
import pytest

from training import runs

DATA = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)


def compiled(**options):
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    model.compile(keras.optimizers.Adam(0.1, **options), "mse", jit_compile=False)
    return model


def rows(step):
    chosen = np.random.default_rng(step).integers(0, len(DATA), 8)
    return DATA[chosen], DATA[chosen]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path, monkeypatch, workers):
    monkeypatch.setattr(runs, "EPOCH", 5)

    def cut_off(step):
        if step == 12:
            raise RuntimeError("cut off")
        return rows(step)

    unbroken, broken = compiled(use_ema=True), compiled(use_ema=True)
    runs.fit(unbroken, rows, 20, tmp_path / "unbroken", workers)
    with pytest.raises(Exception, match="cut off"):  # of a kind that the backend chooses
        runs.fit(broken, cut_off, 20, tmp_path / "broken", workers)
    resumed = compiled(use_ema=True)
    done = runs.fit(resumed, rows, 20, tmp_path / "broken", workers)
    assert done["steps"] == 20 and len(done["losses"]) == 4 and done["seconds"] > 0
    for one, other in zip(unbroken.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_run_that_is_over_gives_the_same_model_again(tmp_path):
    first, again = compiled(use_ema=True, ema_momentum=0.9), compiled(use_ema=True)
    done = runs.fit(first, rows, 7, tmp_path)
    once_more = runs.fit(again, rows, 7, tmp_path)
    assert done == once_more
    for one, other in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_average_of_the_weights_is_what_is_left(tmp_path):
    plain, averaged = compiled(), compiled(use_ema=True, ema_momentum=0.99)
    for name, model in (("plain", plain), ("averaged", averaged)):
        runs.fit(model, rows, 30, tmp_path / name)
    start = compiled().get_weights()[0]
    moved = [np.abs(model.get_weights()[0] - start).max() for model in (plain, averaged)]
    assert 0 < moved[1] < moved[0]
