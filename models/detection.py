"""Finds things in an image: a box, a class and a score for each.

Knows no page. Thresholds are not applied here: `Detections.filter` does that, without the model.
"""

import time

import numpy as np

from models import catalog, images, loader, runtime
from models.results import Detections

MOST = 300  # candidates kept of an image, the best ones
LEAST = 0.01  # score of a candidate that is kept at all


@runtime.on_gpu
def detect(image, model=None):
    """Find things in an image.

    Args:
        image: a path, a PIL image, or an array (height, width, 3) of uint8.
        model: id of a detection model, or None for the default.

    Returns:
        Detections before thresholds: up to MOST candidates that overlap, best first, boxes in
        pixels of the image sent. `.filter(confidence, iou, classes)` leaves one box a thing.

    Raises:
        BadInput: the image cannot be read, or no detection model has that id.
    """
    picture = images.read(image)
    row = catalog.pick(model, "detection")
    with loader.use(row.id) as loaded:
        began = time.perf_counter()
        square, frame = images.letterbox(picture, loaded.told(side))
        with loaded.lock:
            run = loaded.compiled(READERS[loaded.told(reader)])
            found = run(square[None].astype("float32"))
        boxes, scores, classes = likeliest(*(each[0] for each in found))
        boxes = frame.to_source(boxes)
        kept = (scores >= LEAST) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        names = catalog.labels(row.id)
        labels = tuple(names[index] for index in classes[kept])
        return Detections(boxes[kept], scores[kept], labels, loaded.run(began))


def side(model):
    """Return the side in pixels of the square that a detector's preprocessor asks for."""
    return int(model.preprocessor.image_converter.image_size[0])


def reader(model):
    """Return the key in READERS of what reads candidates from what a detector gives."""
    if hasattr(model, "anchor_generator"):
        return "candidates"
    return "cells" if hasattr(model, "corners") else "queries"


def candidates(model, pixels):
    """Run a keras-hub RetinaNet and decode its candidates, one an anchor.

    An anchor speaks for its likeliest class only: a bicycle is not a bus as well.

    Args:
        model: a RetinaNetObjectDetector that gives logits and works in xyxy boxes.
        pixels: tensor (batch, side, side, 3), 0 to 255.

    Returns:
        Tensors in the order of the anchors: boxes (batch, anchors, 4) xyxy in pixels of the
        square, not clipped to it; scores (batch, anchors), 0 to 1; classes (batch, anchors) of int.
    """
    import keras
    from keras import ops

    prepared = _prepared(model, pixels)
    outputs = model(prepared, training=False)
    anchors = ops.concatenate(list(model.anchor_generator(prepared).values()), axis=0)
    boxes = keras.utils.bounding_boxes.decode_deltas_to_boxes(
        anchors=anchors,
        boxes_delta=ops.cast(outputs["bbox_regression"], "float32"),
        encoded_format="center_xywh",
        anchor_format=model.anchor_generator.bounding_box_format,
        box_format="xyxy",
        image_shape=tuple(prepared.shape[1:]),
    )
    logits = ops.cast(outputs["cls_logits"], "float32")
    best, classes = ops.top_k(logits, 1)  # not argmax, for which OpenVINO has no rule
    return boxes, ops.sigmoid(best[..., 0]), classes[..., 0]


def queries(model, pixels):
    """Run a keras-hub D-FINE (Peng et al. 2024, arXiv:2410.13842): one candidate a query.

    Args:
        model: a DFineObjectDetector.
        pixels: tensor (batch, side, side, 3), 0 to 255.

    Returns:
        Tensors as `candidates` gives them, in the order of the queries.
    """
    from keras import ops

    prepared = _prepared(model, pixels)
    outputs = model(prepared, training=False)
    middle, size = ops.split(ops.cast(outputs["pred_boxes"], "float32"), 2, axis=-1)
    corners = ops.concatenate([middle - size / 2, middle + size / 2], axis=-1)
    best, classes = ops.top_k(ops.cast(outputs["logits"], "float32"), 1)
    return corners * prepared.shape[1], ops.sigmoid(best[..., 0]), classes[..., 0]


def cells(model, pixels):
    """Run KerasCV's YOLOv8, which has no anchors: one candidate a cell of three grids.

    Args:
        model: a `models.architectures.kerascv.YOLOV8Detector`.
        pixels: tensor (batch, side, side, 3), 0 to 255.

    Returns:
        Tensors as `candidates` gives them, in the order of the cells.
    """
    from keras import ops

    outputs = model(_prepared(model, pixels), training=False)
    best, classes = ops.top_k(ops.cast(outputs["classes"], "float32"), 1)
    boxes = model.corners(ops.cast(outputs["boxes"], "float32"))
    return boxes, best[..., 0], classes[..., 0]


def _prepared(model, pixels):
    # They have their size already; OpenVINO has no rule for smoothing while resizing.
    model.preprocessor.image_converter.resizing.antialias = False
    return model.preprocessor(pixels)


READERS = {"candidates": candidates, "queries": queries, "cells": cells}


def likeliest(boxes, scores, classes):
    """The MOST candidates of the highest scores of one image, best first; arrays by anchor."""
    order = np.argsort(-scores, kind="stable")[:MOST]
    return boxes[order], scores[order], classes[order]
