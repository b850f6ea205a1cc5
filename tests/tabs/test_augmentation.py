"""The tab that augments: its endpoint through a real client, its editor, its captions."""

import json

import gradio as gr
import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from models import augmentation_chain
from models.augmentation_chain import CHAINS
from models.augmentation_layers import LAYERS
from models.checks import BadInput
from tabs import augmentation
from tabs import augmentation_editor as editor


@pytest.fixture
def two(picture):
    """Two pictures, sent as a client sends them."""
    return [handle_file(picture(f"{name}.png", seed=seed)) for seed, name in enumerate("ab")]


def _pixels(gallery):
    return [np.asarray(Image.open(each["image"])) for each in gallery]


def test_augment_gives_a_gallery_the_labels_and_the_code(client, two):
    layers = ["RandomFlip", {"layer": "MixUp", "alpha": 1.0}]
    gallery, shares, code = client.predict(two, layers, 7, 5, "dog, cat", 96, api_name="/augment")
    assert [image.shape for image in _pixels(gallery)] == [(96, 96, 3)] * 5
    assert all(set(each) <= {"dog", "cat"} for each in shares)
    assert [sum(each.values()) for each in shares] == pytest.approx([1] * 5, abs=0.01)
    mixed = next(each for each in gallery if "+" in each["caption"])
    assert "dog 0." in mixed["caption"] and "cat 0." in mixed["caption"]
    assert "layers.MixUp(alpha=1.0)" in code


def test_augment_repeats_by_seed(client, two):
    first, again, other = (
        _pixels(client.predict(two, ["RandomRotation"], seed, 3, api_name="/augment")[0])
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (np.array(first) != np.array(other)).any()


def test_augment_takes_one_image_and_layers_as_text(client, picture):
    image = [handle_file(picture())]
    gallery, shares, _ = client.predict(image, '["Grayscale"]', 0, 1, api_name="/augment")
    assert shares == [{"image 1": 1}]
    red, green, blue = np.moveaxis(_pixels(gallery)[0], -1, 0)
    assert (red == green).all() and (green == blue).all()


def test_augment_has_the_documented_parameters(client):
    api = client.view_api(return_format="dict")["named_endpoints"]["/augment"]
    names = [parameter["parameter_name"] for parameter in api["parameters"]]
    assert names[:4] == ["images", "layers", "seed", "count"]
    assert all(parameter["parameter_has_default"] for parameter in api["parameters"][4:])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"layers": ["Sharpen"]}, "Choose one of: RandomFlip", id="layer"),
        pytest.param({"layers": [{"layer": "RandomFlip", "rate": 7}]}, "0 to 1", id="range"),
        pytest.param({"images": []}, "pictures are needed", id="no image"),
        pytest.param({"count": 99}, "1 to 36", id="count"),
        pytest.param({"seed": -4}, "seed", id="seed"),
        pytest.param({"labels": "a, b, c"}, "3 names came for 2", id="names"),
    ],
)
def test_augment_refuses_with_what_to_do(client, two, change, says):
    sent = {"images": two, "layers": ["RandomFlip"], "seed": 0, "count": 2} | change
    with pytest.raises(AppError, match=says):
        client.predict(**sent, api_name="/augment")


def test_augment_refuses_a_text_file_called_png(client, tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("not a picture")
    with pytest.raises(AppError, match="not an image"):
        client.predict([handle_file(path)], [], 0, 1, api_name="/augment")


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        pytest.param([1, 0], "dog", id="one"),
        pytest.param([0.38, 0.62], "cat 0.62 + dog 0.38", id="two, the larger first"),
        pytest.param([0.998, 0.002], "dog", id="a trace"),
    ],
)
def test_caption(shares, says):
    assert augmentation._caption(augmentation._shares(shares, ["dog", "cat"])) == says


def test_pictures_of_one_name_are_one_label():
    assert augmentation._shares([0.5, 0.5], ["dog", "dog"]) == {"dog": 1}


def test_names_are_the_files_unless_given():
    stems = augmentation._stems(["/x/dog.jpg", "/y/image.png", "/z/image.png"])
    assert stems == ["dog", "image 2", "image 3"]
    assert augmentation._names("cat, , owl", stems) == ["cat", "image 2", "owl"]
    with pytest.raises(BadInput, match="up to 40"):
        augmentation._names("x" * 41, stems)


def _chain(*names):
    return editor._items(names)


def test_editor_adds_moves_and_removes():
    items = _chain("RandomFlip", "MixUp")
    items, drawn, wanted, menu, title = editor._add("GridMask", items)
    assert [each["layer"] for each in wanted] == ["RandomFlip", "MixUp", "GridMask"]
    assert (drawn["open"], menu, title) == (items[-1]["id"], None, editor.OWN)
    items, _, wanted, _ = editor._move(items[2]["id"], -1, items)
    assert [each["layer"] for each in wanted] == ["RandomFlip", "GridMask", "MixUp"]
    items, _, wanted, _ = editor._remove(items[0]["id"], None, items)
    assert [each["layer"] for each in wanted] == ["GridMask", "MixUp"]


def test_editor_tells_two_layers_of_one_name_apart():
    items = _chain("RandomFlip", "RandomFlip")
    (rate,) = (each for each in LAYERS["RandomFlip"].parameters if each.name == "rate")
    _, wanted = editor._set(items[1]["id"], rate, items, 0.9)
    assert [each["rate"] for each in wanted] == [0.5, 0.9]


@pytest.mark.parametrize(
    ("layer", "name", "shown", "read"),
    [
        pytest.param("RandomHue", "factor", (0.6, 0.2), [0.2, 0.6], id="crossed ends"),
        pytest.param("RandomZoom", "width_factor", (-0.2, 0.2, True), [-0.2, 0.2], id="set"),
        pytest.param("RandomZoom", "width_factor", (-0.2, 0.2, False), None, id="not set"),
        pytest.param("RandomCropAndResize", "target_size", (96,), [96, 96], id="square"),
        pytest.param("RandomFlip", "mode", ("vertical",), "vertical", id="choice"),
    ],
)
def test_editor_reads_controls(layer, name, shown, read):
    items = _chain(layer)
    (parameter,) = (each for each in LAYERS[layer].parameters if each.name == name)
    _, wanted = editor._set(items[0]["id"], parameter, items, *shown)
    assert wanted[0][name] == read


def test_choosing_inner_layers_gives_a_chain_that_is_valid():
    items = _chain("RandomChoice")
    (pool,) = (each for each in LAYERS["RandomChoice"].parameters if each.name == "layers")
    _, wanted = editor._set(items[0]["id"], pool, items, ["CutMix", "FourierMix"])
    assert "FourierMix" in augmentation.augmentation.code(json.loads(json.dumps(wanted)), 0)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_has_its_card(layer):
    """What the page keeps of a layer is read again, and has a control for each parameter."""
    items = _chain(layer)
    assert augmentation_chain.chain(editor._bare(items))[0].name == layer
    with gr.Blocks() as blocks:
        states = [gr.State(), gr.State(), gr.State(), gr.Dropdown()]
        editor._cards(*states, {"items": items, "open": None})
    labels = {getattr(part, "label", None) for part in blocks.blocks.values()}
    for parameter in LAYERS[layer].parameters:
        assert {parameter.name, f"{parameter.name}, from"} & labels


def test_what_random_apply_applies_can_be_chosen():
    items = _chain("RandomApply")
    (inner,) = (each for each in LAYERS["RandomApply"].parameters if each.kind == "layer")
    _, wanted = editor._set(items[0]["id"], inner, items, "RandomHue")
    code = augmentation.augmentation.code(json.loads(json.dumps(wanted)), 0)
    assert "RandomApply" in code and "layer=layers.RandomHue(" in code


def test_a_ready_made_chain_replaces_the_own_one():
    _, _, wanted = editor._load("CutMix or MixUp")
    assert [each["layer"] for each in wanted] == ["RandomChoice"]
    assert all(each["__type__"] == "update" for each in editor._load(editor.OWN))
    assert editor.OWN not in CHAINS
