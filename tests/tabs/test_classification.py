"""The tab that classifies: its endpoint through a real client, and what it refuses."""

from pathlib import Path

import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageOps

from models import catalog, loader
from tabs import classification

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
DRAWINGS = "efficientnetv2_picture_book"


@pytest.fixture
def sunflower(tmp_path):
    """A picture that is none of the examples: one of them, mirrored and framed."""
    path = tmp_path / "mirrored.png"
    picture = ImageOps.mirror(Image.open(EXAMPLES / "sunflower.jpg"))
    ImageOps.expand(picture, 20, "lightblue").save(path)
    return path


def test_classify_names_a_drawing(client, sunflower):
    label, *_ = client.predict(handle_file(sunflower), DRAWINGS, 3, api_name="/classify")
    assert label["label"] == "sunflower"
    assert len(label["confidences"]) == 3
    shares = [each["confidence"] for each in label["confidences"]]
    assert shares == sorted(shares, reverse=True) and 0 < sum(shares) <= 1.0001


@pytest.mark.parametrize("row", catalog.of("classification"), ids=lambda row: row.id)
def test_every_model_answers_with_its_own_classes(client, picture, row):
    label, *_ = client.predict(handle_file(picture()), row.id, 5, api_name="/classify")
    assert {each["label"] for each in label["confidences"]} <= set(catalog.labels(row.id))
    assert len(label["confidences"]) == 5


def test_what_an_example_asks_is_warm_beside_the_default_model():
    loader.evict_idle()
    classification.warm_up()
    default = catalog.pick(None, "classification")
    assert {default.id, DRAWINGS} <= {loaded.row.id for loaded in loader.models()}


def test_classify_has_the_documented_parameters(client):
    api = client.view_api(return_format="dict")["named_endpoints"]["/classify"]
    names = [parameter["parameter_name"] for parameter in api["parameters"]]
    assert names[:3] == ["image", "model", "top_k"]
    assert all(parameter["parameter_has_default"] for parameter in api["parameters"][3:])


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        pytest.param("photo.jpg", "CMYK", id="CMYK"),
        pytest.param("photo.png", "P", id="palette"),
        pytest.param("photo.png", "I;16", id="16 bits"),
        pytest.param("photo.png", "RGBA", id="transparency"),
        pytest.param("photo.gif", "P", id="GIF"),
    ],
)
def test_classify_reads_every_kind_of_image(client, picture, name, mode):
    if mode == "I;16":
        path = picture("grey.png", mode="L").with_name(name)
        Image.new("I;16", (40, 30), 40_000).save(path)
    else:
        path = picture(name, mode=mode)
    label, *_ = client.predict(handle_file(path), DRAWINGS, 2, api_name="/classify")
    assert len(label["confidences"]) == 2


def test_classify_reads_a_single_pixel(client, picture):
    label, *_ = client.predict(handle_file(picture(size=(1, 1))), DRAWINGS, 1, api_name="/classify")
    assert len(label["confidences"]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"image": None}, "no image", id="no image"),
        pytest.param({"model": "alexnet"}, "alexnet", id="unknown model"),
        pytest.param({"top_k": 0}, "Classes shown goes from 1 to 10", id="none asked for"),
        pytest.param({"top_k": 500}, "Classes shown goes from 1 to 10", id="more than there are"),
    ],
)
def test_classify_explains_what_is_wrong(client, picture, arguments, message):
    sent = {"image": handle_file(picture()), "model": DRAWINGS, "top_k": 3}
    with pytest.raises((AppError, ValueError), match=message):
        client.predict(**{**sent, **arguments}, api_name="/classify")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("notes.png", b"not a picture", "not an image", id="text called .png"),
        pytest.param("cut.jpg", None, "cut off", id="truncated JPEG"),
    ],
)
def test_classify_says_that_a_file_is_no_good(client, picture, tmp_path, name, content, message):
    path = tmp_path / name
    if content is None:
        whole = picture("whole.jpg", size=(400, 300)).read_bytes()
        content = whole[: len(whole) // 2]
    path.write_bytes(content)
    with pytest.raises(AppError, match=message):
        client.predict(handle_file(path), DRAWINGS, 3, api_name="/classify")
