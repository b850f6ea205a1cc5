"""Detection: thresholds by hand, boxes back on the image sent, the bundled model's golden facts."""

import contextlib
import threading
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from models import catalog, detection, images
from models.checks import BadInput
from models.results import Detections, Run, suppressed

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
RUN = Run("retinanet_picture_book", 0.1, "CPU", "TensorFlow", "float32")


def made(*rows):
    """Detections of rows (label, score, box)."""
    labels, scores, boxes = zip(*rows, strict=True) if rows else ((), (), ())
    boxes = np.reshape(np.array(boxes, "float32"), (-1, 4))
    return Detections(boxes, np.array(scores, "float32"), tuple(labels), RUN)


def kept(detections, **thresholds):
    """Scores that `filter` keeps, in tenths."""
    return [round(float(score), 2) for score in detections.filter(**thresholds).scores]


DOGS = made(  # the second overlaps the first by 50 of 150 pixels: IoU 1/3
    ("dog", 0.9, [0, 0, 10, 10]),
    ("dog", 0.8, [5, 0, 15, 10]),
    ("cat", 0.7, [0, 0, 10, 10]),
    ("dog", 0.6, [40, 40, 50, 50]),
)


@pytest.mark.parametrize(
    ("thresholds", "expected"),
    [
        pytest.param({"confidence": 0, "iou": 0.34}, [0.9, 0.8, 0.7, 0.6], id="IoU above a third"),
        pytest.param({"confidence": 0, "iou": 0.33}, [0.9, 0.7, 0.6], id="IoU below a third"),
        pytest.param({"confidence": 0, "iou": 0}, [0.9, 0.7, 0.6], id="no overlap allowed"),
        pytest.param({"confidence": 0.65, "iou": 1}, [0.9, 0.8, 0.7], id="by score"),
        pytest.param({"confidence": 1, "iou": 1}, [], id="nothing is that sure"),
        pytest.param({"confidence": 0, "iou": 0.3, "classes": ["cat"]}, [0.7], id="one class"),
        pytest.param({"confidence": 0, "iou": 0.3, "classes": []}, [0.9, 0.7, 0.6], id="all"),
        pytest.param({"confidence": 0, "iou": 0.3, "classes": ["bee"]}, [], id="a class not there"),
    ],
)
def test_filter(thresholds, expected):
    assert kept(DOGS, **thresholds) == expected


def test_a_score_equal_to_the_threshold_stays():
    assert kept(made(("dog", 0.5, [0, 0, 1, 1])), confidence=0.5) == [0.5]


def test_a_suppressed_box_suppresses_nothing():
    """Of a row of three, the middle one goes to the first; the last only overlaps the middle."""
    row = made(
        ("dog", 0.9, [0, 0, 10, 10]), ("dog", 0.8, [4, 0, 14, 10]), ("dog", 0.7, [8, 0, 18, 10])
    )
    assert kept(row, confidence=0, iou=0.4) == [0.9, 0.7]


def test_filter_puts_the_best_first_and_keeps_rows_together():
    mixed = made(("cat", 0.2, [1, 1, 2, 2]), ("dog", 0.9, [3, 3, 5, 5])).filter(0.1, 0.5)
    assert mixed.labels == ("dog", "cat")
    assert mixed.boxes.tolist() == [[3, 3, 5, 5], [1, 1, 2, 2]]


def test_filter_of_nothing_is_nothing():
    empty = made().filter(0.5, 0.5)
    assert empty.boxes.shape == (0, 4) and empty.scores.shape == (0,) and empty.labels == ()


def test_boxes_of_no_area_do_not_divide_by_zero():
    boxes = np.zeros((2, 4), "float32")
    assert suppressed(boxes, np.array([0.9, 0.8]), np.array([1, 1]), 0.5).tolist() == [0, 1]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan"), None, "0.5", True])
@pytest.mark.parametrize("name", ["confidence", "iou"])
def test_thresholds_out_of_range_are_refused(name, wrong):
    with pytest.raises(BadInput, match="from 0 to 1"):
        DOGS.filter(**{name: wrong})


class FakeLoaded:
    """A loaded detector of 100-pixel squares that always finds the same boxes."""

    def __init__(self, boxes, scores, classes):
        self.found = [np.array(each)[None] for each in (boxes, scores, classes)]
        self.lock = threading.Lock()

    def told(self, function):
        return {detection.side: 100, detection.reader: "candidates"}[function]

    def compiled(self, function):
        return self.answer

    def answer(self, square):
        self.square = square
        return self.found

    def run(self, began):
        return RUN


@pytest.fixture
def finding(monkeypatch):
    """Return a function that makes every detector find these boxes, xyxy in a square of 100."""

    def install(boxes, scores=None, classes=None):
        scores = [0.9] * len(boxes) if scores is None else scores
        loaded = FakeLoaded(boxes, scores, classes or [0] * len(boxes))
        monkeypatch.setattr(detection.loader, "use", lambda name: contextlib.nullcontext(loaded))
        monkeypatch.setattr(detection.catalog, "labels", lambda name: ("dog", "cat"))
        return loaded

    return install


@pytest.mark.parametrize(
    ("size", "square", "source"),
    [
        pytest.param((200, 100), [10, 30, 60, 55], [20, 10, 120, 60], id="wide"),
        pytest.param((100, 200), [30, 10, 55, 60], [10, 20, 60, 120], id="tall"),
        pytest.param((400, 400), [10, 20, 30, 40], [40, 80, 120, 160], id="square"),
        pytest.param((50, 50), [10, 20, 30, 40], [5, 10, 15, 20], id="enlarged"),
        pytest.param((200, 100), [-10, 0, 130, 90], [0, 0, 200, 100], id="clipped to the image"),
    ],
)
def test_boxes_are_in_pixels_of_the_image_sent(finding, size, square, source):
    finding([square])
    found = detection.detect(Image.new("RGB", size))
    np.testing.assert_allclose(found.boxes, [source], atol=1e-4)
    assert found.boxes.dtype == np.float32


def test_a_box_in_the_margin_is_dropped(finding):
    finding([[10, 2, 60, 20], [10, 30, 60, 55]])
    assert len(detection.detect(Image.new("RGB", (200, 100))).boxes) == 1


def test_candidates_below_the_least_score_are_dropped(finding):
    finding([[0, 0, 9, 9]] * 3, scores=[0.5, detection.LEAST, 0.5 * detection.LEAST])
    assert detection.detect(Image.new("RGB", (100, 100))).scores.tolist() == [0.5, 0.01]


def test_classes_become_names(finding):
    finding([[0, 0, 9, 9]] * 2, classes=[1, 0])
    assert detection.detect(Image.new("RGB", (100, 100))).labels == ("cat", "dog")


def test_the_model_sees_the_letterboxed_pixels(finding):
    loaded = finding([[0, 0, 9, 9]])
    picture = np.full((100, 200, 3), 200, np.uint8)
    detection.detect(picture)
    assert loaded.square.shape == (1, 100, 100, 3)
    np.testing.assert_array_equal(loaded.square[0], images.letterbox(picture, 100)[0])


def test_a_model_for_something_else_is_refused():
    with pytest.raises(BadInput, match="retinanet_picture_book"):
        detection.detect(np.zeros((9, 9, 3), np.uint8), "bert_tiny_reviews")


def test_no_image_is_told():
    with pytest.raises(BadInput, match="no image"):
        detection.detect(None)


def test_candidates_decode_what_the_targets_encode():
    """What training asks of an anchor for a box, decoding turns back into that box."""
    keras = pytest.importorskip("keras")
    from training.detection.targets import encode

    anchors = np.array([[0, 0, 32, 32], [16, 16, 80, 80]], "float32")
    boxes = np.array([[4, 6, 20, 30], [10, 40, 90, 70]], "float32")
    logits = np.array([[[-9, 0.0, -9], [2.0, -9, 1.0]]], "float32")

    class Fake:
        preprocessor = mock.Mock(side_effect=lambda pixels: pixels)

        def anchor_generator(self, pixels):
            return {"P3": anchors[:1], "P4": anchors[1:]}

        def __call__(self, pixels, training):
            return {"bbox_regression": encode(boxes, anchors)[None], "cls_logits": logits}

    Fake.anchor_generator.bounding_box_format = "xyxy"
    found, scores, classes = (
        keras.ops.convert_to_numpy(each)
        for each in detection.candidates(Fake(), np.zeros((1, 96, 96, 3), "float32"))
    )
    assert classes.tolist() == [[1, 0]], "an anchor's second class is left out"
    found, scores, classes = detection.likeliest(found[0], scores[0], classes[0])
    assert classes.tolist() == [0, 1], "the best comes first"
    np.testing.assert_allclose(scores, [0.8808, 0.5], atol=1e-4)
    np.testing.assert_allclose(found, boxes[[1, 0]], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "things"),
    [
        ("city", {"bus", "car", "bicycle", "balloon", "airplane"}),
        ("sea", {"sailboat", "whale", "cloud"}),
        ("desert", {"cactus", "tractor", "sun", "snake"}),
        ("snow", {"snowman", "penguin", "gift", "house"}),
    ],
)
def test_the_bundled_model_finds_most_things_of_an_example(name, things):
    found = detection.detect(EXAMPLES / f"{name}.jpg").filter(0.3, 0.5)
    assert len(things & set(found.labels)) >= len(things) - 1
    assert len(set(found.labels) - things) <= 1


def test_the_bundled_model_puts_the_sunflower_where_it_is():
    found = detection.detect(EXAMPLES / "sunflower.jpg").filter(0.3, 0.5)
    assert found.labels[0] == "sunflower"
    left, top, right, bottom = found.boxes[0]
    assert 100 < left < 210 and 20 < top < 100 and 370 < right < 470 and 360 < bottom < 480


def test_the_bundled_model_knows_68_things():
    assert len(catalog.labels("retinanet_picture_book")) == 68
