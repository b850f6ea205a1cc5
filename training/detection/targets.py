"""What a detector should say at each anchor of a scene, and how scenes are varied.

Knows no model: NumPy in, NumPy out.

Anchors are given to objects by their statistics (ATSS): Zhang et al. 2020, "Bridging the Gap
Between Anchor-based and Anchor-free Detection via Adaptive Training Sample Selection", section 3,
algorithm 1. It finds an anchor for every object with one anchor a place, where RetinaNet's fixed
threshold of 0.5 needs nine (Lin et al. 2017, "Focal Loss for Dense Object Detection", section 4).
"""

import numpy as np

from training.detection.metrics import overlaps

NEAREST = 9  # anchors of each level that are candidates for an object: k of ATSS
BACKGROUND, IGNORED = -1, -2
SEEN = 0.4  # an object of which less is inside the window is neither right nor wrong


def assign(boxes, labels, anchors, levels):
    """Say which anchors answer for which objects.

    Args:
        boxes: array (n, 4) of float, xyxy in pixels.
        labels: array (n,) of int, a class or IGNORED.
        anchors: array (anchors, 4) of float, xyxy in pixels.
        levels: the number of anchors of each pyramid level, in the order of `anchors`.

    Returns:
        classes: (anchors,) of int32, a class, BACKGROUND or IGNORED.
        deltas: (anchors, 4) of float32, see `encode`; 0 where no object is.
    """
    classes = np.full(len(anchors), BACKGROUND, np.int32)
    deltas = np.zeros((len(anchors), 4), np.float32)
    if not len(boxes):
        return classes, deltas
    iou = overlaps(anchors, boxes)
    chosen = np.where(_candidates(boxes, anchors, levels, iou), iou, -1)
    best = chosen.argmax(axis=1)
    taken = chosen[np.arange(len(anchors)), best] >= 0
    classes[taken] = np.asarray(labels)[best[taken]]
    deltas[taken] = encode(boxes[best[taken]], anchors[taken])
    return classes, deltas


def _candidates(boxes, anchors, levels, iou):
    """(anchors, n) of bool: near, overlapping more than is usual, and centred inside the object."""
    middles = (anchors[:, :2] + anchors[:, 2:]) / 2
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    apart = np.linalg.norm(middles[:, None] - centres[None], axis=2)
    near = np.concatenate([_nearest(part) for part in np.split(apart, np.cumsum(levels)[:-1])])
    count = near.sum(axis=0)
    mean = (iou * near).sum(axis=0) / count
    deviation = np.sqrt((((iou - mean) * near) ** 2).sum(axis=0) / count)
    inside = (middles[:, None] > boxes[None, :, :2]) & (middles[:, None] < boxes[None, :, 2:])
    return near & (iou >= mean + deviation) & inside.all(axis=2)


def _nearest(apart):
    """(anchors of a level, n) of bool: the NEAREST ones of each object."""
    near = np.zeros(apart.shape, bool)
    order = np.argsort(apart, axis=0, kind="stable")[:NEAREST]
    np.put_along_axis(near, order, True, axis=0)
    return near


def encode(boxes, anchors):
    """Boxes (n, 4) relative to anchors (n, 4), both xyxy: shift of the centre in anchor sizes and
    logarithm of the size ratio, as `center_xywh` deltas of Keras (n, 4)."""
    size, wide = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    shift = (boxes[:, :2] + boxes[:, 2:] - anchors[:, :2] - anchors[:, 2:]) / 2
    return np.concatenate([shift / wide, np.log(size / wide)], axis=1).astype(np.float32)


def window(rng, size, low=0.7, high=1.35):
    """A square part of a scene, or more than the scene, at random: (x1, y1, x2, y2) in pixels.

    x1 > x2 in half of the cases: seen through such a window, the scene is mirrored.
    """
    side = size * np.exp(rng.uniform(np.log(low), np.log(high)))
    x, y = rng.uniform(0, size - side, 2) if side <= size else rng.uniform(size - side, 0, 2)
    left, right = (x, x + side) if rng.random() < 0.5 else (x + side, x)
    return np.array([left, y, right, y + side])


def through(boxes, labels, frame, size):
    """Boxes and labels of a scene as seen through a window that fills a square of `size` pixels.

    Objects out of sight are left out; of those hardly in sight the label becomes IGNORED.
    """
    start, span = frame[:2], frame[2:] - frame[:2]
    corners = (np.reshape(boxes, (-1, 2, 2)) - start) / span * size
    whole = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    cut = np.clip(whole, 0, size)
    share = np.prod(cut[:, 2:] - cut[:, :2], axis=1) / np.prod(whole[:, 2:] - whole[:, :2], axis=1)
    visible = (cut[:, 2:] - cut[:, :2]).min(axis=1) > 2
    return cut[visible], np.where(share >= SEEN, labels, IGNORED)[visible]
