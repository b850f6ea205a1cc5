"""Classification: fitting by hand, a tiny classifier end to end, golden facts of the bundled."""

import json
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image, ImageDraw

from models import catalog, classification, loader, rows
from models.checks import BadInput

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
NAMES = ("red", "green", "blue")
RED = np.full((20, 30, 3), (250, 10, 10), np.uint8)


SQUEEZED = {"size": [8, 8], "crop": False}
CROPPED = {"size": [8, 8], "crop": True}


def striped():
    """A picture of 16 x 8: a white quarter, a black half, a white quarter, side by side."""
    picture = np.zeros((8, 16, 3), np.uint8)
    picture[:, :4] = picture[:, 12:] = 255
    return picture


def test_fit_crops_the_middle():
    assert classification.fit(striped(), CROPPED).max() == 0


def test_fit_squeezes_everything_in():
    row = classification.fit(striped(), SQUEEZED)[4, :, 0]
    assert row[0] == 255 and row[3] == row[4] == 0 and row[7] == 255


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (640, 480)])
def test_fit_gives_every_image_one_shape(size):
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    for expected in (CROPPED, SQUEEZED):
        assert classification.fit(picture, expected).shape == (8, 8, 3)


class FakeNetwork:
    """Always says the same; `preprocessor` passes pixels through."""

    def __init__(self, outputs, activation):
        self.outputs, self.activation = np.array([outputs], "float32"), activation
        self.preprocessor = mock.Mock(side_effect=lambda pixels: pixels)

    def __call__(self, pixels, training):
        return self.outputs


@pytest.mark.parametrize(
    ("outputs", "activation", "expected"),
    [
        pytest.param([0, 0], "linear", [0.5, 0.5], id="logits"),
        pytest.param([np.log(3), 0], None, [0.75, 0.25], id="no activation is logits too"),
        pytest.param([0.9, 0.1], "softmax", [0.9, 0.1], id="probabilities already"),
    ],
)
def test_probabilities(outputs, activation, expected):
    shares = classification.probabilities(FakeNetwork(outputs, activation), None)
    np.testing.assert_allclose(np.array(shares), [expected], atol=1e-6)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A folder of presets with a tiny real classifier in it that answers the strongest colour."""
    import keras
    import keras_hub

    from training import recipe

    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64],
        stackwise_num_blocks=[1],
        stackwise_num_strides=[1],
        block_type="basic_block",
        image_shape=(8, 8, 3),
    )
    converter = keras_hub.layers.ResNetImageConverter(image_size=(8, 8), scale=1 / 255)
    model = keras_hub.models.ResNetImageClassifier(
        backbone=backbone,
        num_classes=3,
        preprocessor=keras_hub.models.ResNetImageClassifierPreprocessor(converter),
    )
    for weight in model.weights:
        if not weight.path.endswith(("moving_variance", "gamma")):
            weight.assign(keras.ops.zeros_like(weight))
    kernel = np.zeros((3, 3, 3, 64), "float32")
    kernel[1, 1, range(3), range(3)] = 1
    backbone.get_layer("conv1_conv").kernel.assign(kernel)
    dense = np.zeros((64, 3), "float32")
    dense[range(3), range(3)] = 4
    model.output_dense.kernel.assign(dense)
    folder = tmp_path_factory.mktemp("models")
    recipe.save(model, folder / "efficientnetv2_picture_book", NAMES)
    return folder


@pytest.fixture
def tiny(preset, monkeypatch):
    """Puts the tiny classifier where the catalogue looks for the one of drawings."""
    monkeypatch.setattr(rows, "BUNDLED", preset)
    shelf = loader.Shelf(budget=10**9)
    monkeypatch.setattr(classification.loader, "use", shelf.use)
    return "efficientnetv2_picture_book"


@pytest.mark.parametrize(
    ("colour", "label"),
    [((250, 9, 9), "red"), ((9, 250, 9), "green"), ((9, 9, 250), "blue")],
)
def test_a_preset_names_what_it_sees(tiny, colour, label):
    result = classification.classify(Image.new("RGB", (40, 30), colour), tiny, 2)
    assert result.predictions[0].label == label
    assert len(result.predictions) == 2 and result.run.model == tiny


def test_predictions_are_ordered_and_sum_to_one(tiny):
    found = classification.classify(RED, tiny, 3).predictions
    shares = [each.probability for each in found]
    assert shares == sorted(shares, reverse=True)
    assert {each.label for each in found} == set(NAMES)
    assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_a_path_an_array_and_a_pil_image_give_the_same(tiny, tmp_path):
    path = tmp_path / "red.png"
    Image.fromarray(RED).save(path)
    given = (path, str(path), RED, Image.fromarray(RED))
    found = [classification.classify(each, tiny, 3).predictions for each in given]
    assert found[0] == found[1] == found[2] == found[3]


def test_images_of_many_sizes_are_traced_once(tiny, monkeypatch):
    """Each new input shape costs a trace of most of a second, so all sizes must become one."""
    shapes = set()

    def seen(model, pixels):
        shapes.add(tuple(pixels.shape))
        return original(model, pixels)

    original = classification.probabilities
    monkeypatch.setattr(classification, "probabilities", seen)
    for size in ((8, 8), (31, 17), (200, 100)):
        classification.classify(Image.new("RGB", size), tiny, 1)
    assert shapes == {(1, 8, 8, 3)}


@pytest.mark.parametrize("wrong", [0, 4, -1, 1.5, float("nan"), None, "3", True])
def test_top_k_out_of_range_is_refused(tiny, wrong):
    with pytest.raises(BadInput, match="from 1 to 3"):
        classification.classify(RED, tiny, wrong)


def test_a_model_for_something_else_is_refused():
    with pytest.raises(BadInput, match="efficientnetv2_caltech101"):
        classification.classify(RED, "bert_tiny_reviews")


def test_no_image_is_told():
    with pytest.raises(BadInput, match="no image"):
        classification.classify(None)


def top(picture, model, count):
    return [each.label for each in classification.classify(picture, model, count).predictions]


@pytest.mark.parametrize("row", catalog.of("classification"), ids=lambda row: row.id)
def test_every_bundled_classifier_has_a_name_for_each_output(row):
    config = json.loads((row.folder / "task.json").read_text())["config"]
    names = catalog.labels(row.id)
    assert len(names) == len(set(names)) == config["num_classes"]


def yin_yang(side=240):
    """The sign, drawn."""
    picture = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(picture)
    low, middle, high = side * 0.08, side / 2, side * 0.92
    quarter = (high - low) / 4
    draw.ellipse((low, low, high, high), "white", "black", 4)
    draw.pieslice((low, low, high, high), 90, 270, "black")
    for top, fill, eye in ((low, "black", "white"), (middle, "white", "black")):
        draw.ellipse((middle - quarter, top, middle + quarter, top + 2 * quarter), fill)
        draw.ellipse((middle - 12, top + quarter - 12, middle + 12, top + quarter + 12), eye)
    return picture


def test_the_photo_model_knows_a_yin_yang():
    assert "yin_yang" in top(yin_yang(), "efficientnetv2_caltech101", 3)


def test_the_drawing_model_knows_a_sunflower():
    assert top(EXAMPLES / "sunflower.jpg", "efficientnetv2_picture_book", 1) == ["sunflower"]


def test_the_small_photo_model_thinks_of_a_ship_at_sea():
    """It learned from photos; a drawn boat is as far as it can be expected to go."""
    assert "ship" in top(EXAMPLES / "sea.jpg", "resnet_cifar10", 3)
