"""Checkpoints: what is kept, resumed and averaged, on a model of one layer."""

import numpy as np
import pytest

from training import checkpoints
from training.checkpoints import Checkpoint

DATA = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)


def compiled():
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    model.compile(keras.optimizers.Adam(0.1), "mse", jit_compile=False)
    return model


def advance(kept, steps):
    for _ in range(steps):
        kept.advance(float(kept.model.train_on_batch(DATA, DATA)))


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path):
    unbroken = Checkpoint(compiled(), tmp_path / "unbroken.npz")
    advance(unbroken, 25)
    first = Checkpoint(compiled(), tmp_path / "broken.npz")
    advance(first, 15)
    first.keep()
    second = Checkpoint(compiled(), tmp_path / "broken.npz")
    assert second.step == 15
    advance(second, 10)
    for one, other in zip(unbroken.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    for one, other in zip(unbroken.average, second.average, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_finish_leaves_the_average_in_the_model(tmp_path):
    kept = Checkpoint(compiled(), tmp_path / "run.npz", horizon=30)
    advance(kept, 100)
    last = kept.model.get_weights()[0].copy()
    assert kept.finish() > 0
    averaged = kept.model.get_weights()[0]
    np.testing.assert_array_equal(averaged, kept.average[0])
    assert 0 < np.abs(averaged - last).max() < 1


def test_losses_are_those_of_the_step(tmp_path):
    """Keras' train_on_batch gave the mean over all steps so far, which hid a dead model."""
    kept = Checkpoint(compiled(), tmp_path / "run.npz")
    advance(kept, 60)
    model = kept.model
    assert kept.losses[-1] == pytest.approx(float(model.evaluate(DATA, DATA, verbose=0)), rel=0.3)


def test_it_keeps_by_the_clock(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "EVERY", 0)
    kept = Checkpoint(compiled(), tmp_path / "run.npz")
    advance(kept, 1)
    assert (tmp_path / "run.npz").exists()
    assert not (tmp_path / "run.part").exists()
