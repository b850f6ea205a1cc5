"""Augmentation: the table, the chain's checks, the code, and what the layers do to images."""

import numpy as np
import pytest
from PIL import Image

from models import augmentation, augmentation_chain, augmentation_worker
from models.augmentation_chain import CHAINS
from models.augmentation_layers import LAYERS
from models.augmentation_worker import worker
from models.checks import BadInput

GUIDE = CHAINS["The guide's training pipeline"]


def _images(count, size=64):
    """Smooth noise, (count, size, size, 3) of uint8."""
    noise = np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    scale = Image.Resampling.BICUBIC
    return [np.array(Image.fromarray(each).resize((size, size), scale)) for each in noise]


def _flat(*colours, size=32):
    return [np.full((size, size, 3), colour, np.uint8) for colour in colours]


def test_table_has_every_2d_layer_of_keras_cv():
    code = (
        "from keras_cv import layers\n"
        "bases = layers.BaseImageAugmentationLayer, layers.VectorizedBaseImageAugmentationLayer\n"
        "kinds = {name: each for name, each in vars(layers).items() if isinstance(each, type)}\n"
        "augmented = [n for n, k in kinds.items() if issubclass(k, bases) and k not in bases]\n"
        "mixed = None"
    )
    names, _ = worker.run(code, None, None)
    assert set(names) == set(LAYERS)


@pytest.mark.parametrize("name", LAYERS)
def test_layer_runs_and_repeats(name):
    """Each layer runs at its defaults; the same call gives the same images and labels."""
    first = augmentation.augment(_images(3), [name], seed=3, count=4, size=48)
    again = augmentation.augment(_images(3), [name], seed=3, count=4, size=48)
    assert first.images.shape[0] == 4 and first.images.dtype == np.uint8
    assert first.images.std() > 5, "the images went black, white or flat"
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.labels, again.labels)
    np.testing.assert_allclose(first.labels.sum(1), 1, atol=1e-5)


def test_code_gives_the_same_images():
    """What the page offers to copy makes what the page shows, in a process without the worker."""
    chain = [*GUIDE, "RandomJpegQuality", "RandomAspectRatio"]
    result = augmentation.augment(_images(3), chain, seed=11, count=12, size=64)
    space = {"images": augmentation.squares(_images(3), 64), "labels": np.eye(3)}
    exec(result.code, space)
    np.testing.assert_array_equal(space["augmented"], result.images)
    np.testing.assert_array_equal(space["mixed"], result.labels)


def test_variant_does_not_depend_on_the_count():
    few = augmentation.augment(_images(2), GUIDE, seed=5, count=2, size=48)
    many = augmentation.augment(_images(2), GUIDE, seed=5, count=11, size=48)
    np.testing.assert_array_equal(few.images, many.images[:2])
    np.testing.assert_array_equal(few.labels, many.labels[:2])


def test_another_seed_gives_other_images():
    """A seed of 0 is a seed like any other."""
    zero = augmentation.augment(_images(2), ["RandomRotation"], seed=0, count=4, size=48)
    one = augmentation.augment(_images(2), ["RandomRotation"], seed=1, count=4, size=48)
    assert zero.run.seed == 0
    assert (zero.images != one.images).any()


def test_no_layer_leaves_the_images_in_turn():
    result = augmentation.augment(_flat(10, 200), [], seed=0, count=3, size=32)
    np.testing.assert_array_equal(result.images[:, 0, 0, 0], [10, 200, 10])
    np.testing.assert_array_equal(result.labels, [[1, 0], [0, 1], [1, 0]])


def test_mixup_mixes_labels_as_it_mixes_pixels():
    """Black and white mixed: the grey level is the share of white in the label."""
    chain = [{"layer": "MixUp", "alpha": 1.0}]
    result = augmentation.augment(_flat(0, 255), chain, seed=2, count=9, size=32)
    np.testing.assert_allclose(result.images[:, 5, 5, 0] / 255, result.labels[:, 1], atol=0.01)
    assert ((result.labels > 0.05).sum(1) == 2).any(), "nothing was mixed"


def test_cutmix_mixes_labels_by_area():
    result = augmentation.augment(_flat(0, 255), ["CutMix"], seed=2, count=9, size=32)
    assert set(np.unique(result.images)) == {0, 255}
    assert ((result.labels > 0.05).sum(1) == 2).any(), "nothing was mixed"


def test_labels_of_ones_own_are_mixed():
    labels = [[0.25, 0.75, 0], [0, 0, 1]]
    result = augmentation.augment(_flat(0, 255), [], seed=2, count=2, labels=labels, size=32)
    np.testing.assert_allclose(result.labels, labels)


def test_sources_of_any_size_become_squares():
    odd = [np.zeros((40, 200, 3), np.uint8), np.zeros((300, 90, 3), np.uint8)]
    assert augmentation.squares(odd, 64).shape == (2, 64, 64, 3)


def test_one_image_is_enough():
    assert augmentation.squares(np.zeros((40, 50, 3), np.uint8), 32).shape == (1, 32, 32, 3)


@pytest.mark.parametrize("title", CHAINS)
def test_ready_made_chain_is_valid_and_survives_json(title):
    steps = augmentation_chain.chain(CHAINS[title])
    assert augmentation_chain.chain([step.as_json() for step in steps]) == steps


@pytest.mark.parametrize(
    ("given", "read", "written"),
    [
        pytest.param(0.4, (0, 0.4), "factor=0.4", id="one number"),
        pytest.param([0.1, 0.4], (0.1, 0.4), "factor=(0.1, 0.4)", id="a pair"),
    ],
)
def test_span_reads_as_keras_cv_reads_it(given, read, written):
    (step,) = augmentation_chain.chain([{"layer": "RandomHue", "factor": given}])
    assert dict(step.values)["factor"] == read
    assert written in augmentation_chain.code((step,), 0, 1, 224)


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        pytest.param(["Sharpen"], "'Sharpen' is not known. Choose one of: Random", id="unknown"),
        pytest.param(["RandomFlip"] * 13, "0 to 12 layers", id="too long"),
        pytest.param("RandomFlip", "JSON list", id="not JSON"),
        pytest.param("5", "has to be a list", id="not a list"),
        pytest.param([5], "has to be a name", id="not a layer"),
        pytest.param([{"layer": "RandomFlip", "rat": 1}], "takes: mode, rate", id="parameter"),
        pytest.param([{"layer": "RandomFlip", "rate": 2}], "from 0 to 1, but 2", id="range"),
        pytest.param([{"layer": "RandomFlip", "mode": "up"}], "horizontal,", id="choice"),
        pytest.param([{"layer": "RandomHue", "factor": [0.5, 0.1]}], "smaller", id="order"),
        pytest.param([{"layer": "RandomHue", "factor": float("nan")}], "number", id="NaN"),
        pytest.param([{"layer": "RandomHue", "factor": "x"}], "pair", id="no pair"),
        pytest.param([{"layer": "Resizing", "pad_to_aspect_ratio": True}], "not both", id="both"),
        pytest.param(
            [{"layer": "RandomChoice", "layers": ["CutMix"], "batchwise": False}],
            "Set batchwise",
            id="mixing one image",
        ),
        pytest.param(
            [{"layer": "RandomAugmentationPipeline", "layers": ["MixUp"]}],
            "one image at a time",
            id="mixing in a pipeline",
        ),
        pytest.param(
            [{"layer": "RandomApply", "layer ": "Resizing"}], "no parameter", id="stray space"
        ),
        pytest.param(
            [{"layer": "RandomChoice", "layers": ["Resizing"]}], "cannot hold", id="resizing inside"
        ),
        pytest.param([{"layer": "RandomFlip", "rate": "1); exit("}], "number", id="code"),
    ],
)
def test_bad_chain_is_refused(layers, says):
    with pytest.raises(BadInput, match=says.replace("(", r"\(")):
        augmentation_chain.chain(layers)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param({"images": []}, "1 to 36 pictures", id="no image"),
        pytest.param({"count": 0}, "from 1 to 36", id="no variant"),
        pytest.param({"count": 2.5}, "whole", id="half a variant"),
        pytest.param({"seed": -1}, "seed", id="negative seed"),
        pytest.param({"size": 4000}, "size", id="huge"),
        pytest.param({"labels": [[1, 0]]}, "2 rows", id="labels for one"),
    ],
)
def test_bad_argument_is_refused(arguments, says):
    with pytest.raises(BadInput, match=says):
        augmentation.augment(**{"images": _flat(0, 9), "layers": [], "seed": 0} | arguments)


def test_chain_that_takes_too_long_is_stopped_and_the_next_one_runs(monkeypatch):
    images, labels = np.zeros((1, 8, 8, 3), np.uint8), np.ones((1, 1), "float32")
    worker.start()
    with monkeypatch.context() as short, pytest.raises(BadInput, match="longer than"):
        short.setattr(worker, "_deadline", 0.5)
        worker.run("import time; time.sleep(30)", images, labels)
    augmented, _ = worker.run("augmented, mixed = images + 1, labels", images, labels)
    assert augmented.max() == 1


def test_error_in_the_worker_is_told_and_the_next_one_runs():
    with pytest.raises(RuntimeError, match="NameError"):
        worker.run("augmented = nonsense", None, None)
    assert worker.run("augmented, mixed = 1, 2", None, None) == (1, 2)


def test_process_that_died_is_started_again():
    with pytest.raises(RuntimeError, match="ended before it answered"):
        worker.run("import os; os._exit(9)", None, None)
    assert worker.run("augmented, mixed = 1, 2", None, None) == (1, 2)


def test_where_a_library_is_missing_the_tab_says_so_and_the_app_starts(monkeypatch, caplog):
    monkeypatch.setattr(augmentation_worker, "NEEDED", ("keras_cv_of_nobody",))
    with pytest.raises(BadInput, match="requirements"):
        augmentation.augment(_flat((9, 9, 9))[0], ["RandomFlip"])
    augmentation.start()
    assert "requirements.txt" in caplog.text
