"""The tab that detects: its endpoint through a real client, and what redraws without the model."""

from pathlib import Path

import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageOps

from models import catalog
from models.results import Detections, Run
from tabs import boxes, detection

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
MODEL = "retinanet_picture_book"
FOUND = Detections(
    np.array([[10, 10, 60, 60], [12, 10, 62, 60], [80, 20, 120, 90]], "float32"),
    np.array([0.9, 0.6, 0.3], "float32"),
    ("dog", "dog", "cat"),
    Run(MODEL, 0.031, "CPU", "TensorFlow", "float32"),
)


@pytest.fixture
def runs(monkeypatch):
    """A list of the images that the model, a fake one, was run on."""
    seen = []

    def detect(image, model=None):
        seen.append(image)
        return FOUND

    monkeypatch.setattr(detection.detection, "detect", detect)
    return seen


def labels(views):
    return [each["label"] for each in views[0]]


def test_the_sliders_redraw_without_running_the_model(runs, picture):
    *first, shown = detection._detect(picture(), MODEL, 0.5, 0.5, [])
    assert labels(first) == ["dog"] and len(runs) == 1

    assert labels(detection._redraw(shown, 0.5, 0.99, [])) == ["dog", "dog"]
    assert labels(detection._redraw(shown, 0.2, 0.5, [])) == ["dog", "cat"]
    assert labels(detection._redraw(shown, 0.2, 0.5, ["cat"])) == ["cat"]
    assert labels(detection._redraw(shown, 0.95, 0.5, [])) == []
    assert len(runs) == 1, "the model ran again"


def test_nothing_found_says_what_to_do(runs, picture):
    views = detection._detect(picture(), MODEL, 1.0, 0.5, [])
    assert "Lower the confidence" in views[2]


def test_the_sentence_counts(runs, picture):
    views = detection._detect(picture(), MODEL, 0.2, 1.0, [])
    assert "dog × 2, cat" in views[2]


def test_sliders_before_any_picture_change_nothing(runs):
    assert all(view["__type__"] == "update" for view in detection._redraw(None, 0.5, 0.5, []))


def test_a_frame_is_drawn_where_its_box_is():
    """On a picture of 300 x 150, enlarged four times, a box from 100 to 150 starts at 400."""
    white = np.full((150, 300, 3), 255, np.uint8)
    box = np.array([[100, 50, 150, 120]], "float32")
    one = Detections(box, np.array([0.5], "float32"), ("dog",), FOUND.run)
    drawn = boxes.draw(white, one)
    assert drawn.size == (1200, 600)
    pixels = np.asarray(drawn)
    frame = tuple(int(boxes.colours(["dog"])["dog"][at : at + 2], 16) for at in (1, 3, 5))
    for x, y in ((401, 300), (599, 300), (500, 479)):
        assert tuple(pixels[y, x]) == frame
    for x, y in ((390, 300), (500, 300), (610, 300), (500, 490)):
        assert tuple(pixels[y, x]) == (255, 255, 255)


def test_things_of_one_picture_have_colours_of_their_own():
    names = catalog.labels(MODEL)
    for at in range(len(names)):
        seen = [names[(at + 7 * step) % len(names)] for step in range(len(boxes.COLOURS))]
        assert len(set(boxes.colours(seen).values())) == len(boxes.COLOURS), seen
    assert boxes.colours(["whale", "whale"]) == boxes.colours(["whale"])
    assert set(boxes.colours(names)) == set(names), "more names than colours"


@pytest.mark.parametrize("size", [(1, 1), (3, 290), (290, 3), (4000, 3000)])
def test_any_size_can_be_drawn_on(size):
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    assert max(boxes.draw(picture, FOUND).size) == boxes.SIDE


@pytest.fixture
def mirrored(tmp_path):
    """A picture that is none of the examples: one of them, mirrored and on white."""
    path = tmp_path / "mirrored.png"
    picture = ImageOps.mirror(Image.open(EXAMPLES / "city.jpg"))
    ImageOps.expand(picture, (120, 0, 0, 0), "white").save(path)
    return path


def test_detect_gives_labels_scores_and_boxes(client, mirrored):
    found, *_ = client.predict(handle_file(mirrored), MODEL, 0.3, 0.5, api_name="/detect")
    things = {each["label"] for each in found}
    assert len(things & {"bus", "car", "bicycle", "balloon", "airplane"}) >= 4
    for each in found:
        assert set(each) == {"label", "score", "box"} and 0.3 <= each["score"] <= 1
        left, top, right, bottom = each["box"]
        assert 0 <= left < right <= 760 and 0 <= top < bottom <= 480
    scores = [each["score"] for each in found]
    assert scores == sorted(scores, reverse=True)


def test_detect_obeys_the_class_filter(client, mirrored):
    found, *_ = client.predict(handle_file(mirrored), MODEL, 0.05, 0.5, ["car"], api_name="/detect")
    assert {each["label"] for each in found} == {"car"}


def test_detect_has_the_documented_parameters(client):
    api = client.view_api(return_format="dict")["named_endpoints"]["/detect"]
    names = [parameter["parameter_name"] for parameter in api["parameters"]]
    assert names[:4] == ["image", "model", "confidence", "iou"]
    assert all(parameter["parameter_has_default"] for parameter in api["parameters"][4:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"image": None}, "no image", id="no image"),
        pytest.param(
            {"confidence": 7}, "Confidence goes from 0 to 1", id="confidence out of range"
        ),
        pytest.param({"iou": -1}, "IoU goes from 0 to 1", id="IoU out of range"),
        pytest.param({"model": "yolo"}, "yolo", id="unknown model"),
    ],
)
def test_detect_explains_what_is_wrong(client, picture, arguments, message):
    sent = {"image": handle_file(picture()), "model": MODEL, "confidence": 0.5, "iou": 0.5}
    with pytest.raises((AppError, ValueError), match=message):
        client.predict(**{**sent, **arguments}, api_name="/detect")


def test_detect_says_that_a_text_file_is_no_image(client, tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("not a picture")
    with pytest.raises(AppError, match="not an image"):
        client.predict(handle_file(path), MODEL, 0.5, 0.5, api_name="/detect")
