"""Average precision of detections, as COCO defines it.

Knows no model and no data set.

Lin et al. 2014, "Microsoft COCO: Common Objects in Context", and the rules of its detection
challenge: greedy matching by score, 101 points of recall, the mean over classes.
"""

import numpy as np

RECALLS = np.linspace(0, 1, 101)
THRESHOLDS = np.arange(10) * 0.05 + 0.5  # of intersection over union: 0.50, 0.55, ... 0.95
MOST = 100  # detections counted in one image, the best ones


def overlaps(boxes, others):
    """Intersection over union of boxes (n, 4) with others (m, 4), xyxy, as (n, m)."""
    boxes, others = np.reshape(boxes, (-1, 4)), np.reshape(others, (-1, 4))
    corner = np.maximum(boxes[:, None, :2], others[None, :, :2])
    opposite = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.prod(np.clip(opposite - corner, 0, None), axis=2)
    areas = [np.prod(each[:, 2:] - each[:, :2], axis=1) for each in (boxes, others)]
    return shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9)


def matched(boxes, truths, threshold):
    """Which boxes, best score first, find a truth that no better one has taken.

    Args:
        boxes: array (n, 4), best score first.
        truths: array (m, 4) of the same class and image.
        threshold: float, the least intersection over union that counts as found.

    Returns:
        Array (n,) of bool.
    """
    iou = overlaps(boxes, truths)
    hits = np.zeros(len(iou), bool)
    for at in range(len(iou)):
        best = iou[at].argmax() if iou.shape[1] else -1
        if best >= 0 and iou[at, best] >= threshold:
            hits[at] = True
            iou[:, best] = -1
    return hits


def precision_at_recalls(scores, hits, truths):
    """Area under precision over recall, read at 101 points of recall.

    Args:
        scores: array (n,) of one class, over all images.
        hits: array (n,) of bool, whether each is right.
        truths: int, how many there are to find; at least 1.

    Returns:
        float from 0 to 1.
    """
    right = np.cumsum(hits[np.argsort(-scores, kind="stable")])
    recall = right / truths
    precision = right / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]  # the best at this recall or beyond
    at = np.searchsorted(recall, RECALLS, side="left")
    return float(np.append(precision, 0.0)[at].mean())


def average_precision(found, truths, classes, threshold=0.5):
    """Average precision of each class at one threshold of intersection over union.

    Args:
        found: for each image (boxes (n, 4), scores (n,), labels (n,) of int).
        truths: for each image (boxes (m, 4), labels (m,) of int), in the same order.
        classes: int, number of classes.
        threshold: float from 0 to 1.

    Returns:
        Array (classes,) of float; NaN for a class of which there is none to find.
    """
    each = np.full(classes, np.nan)
    found = [_best(*image) for image in found]
    for label in range(classes):
        wanted = [boxes[labels == label] for boxes, labels in truths]
        total = sum(map(len, wanted))
        if total:
            scores, hits = _hits(found, wanted, label, threshold)
            each[label] = precision_at_recalls(scores, hits, total)
    return each


def summary(found, truths, classes):
    """COCO's two headline figures, means over classes.

    Returns:
        dict: `ap50`, at intersection over union 0.5; `ap`, the mean from 0.5 to 0.95.
    """
    aps = [np.nanmean(average_precision(found, truths, classes, at)) for at in THRESHOLDS]
    return {"ap50": float(aps[0]), "ap": float(np.mean(aps))}


def mistakes(found, truths, threshold=0.5):
    """The frames around what is not there, surest first.

    A second frame around a thing is none of them, though the average precision counts it.

    Args:
        found, truths: as `average_precision` takes them.
        threshold: float, the least intersection over union with a thing of the frame's class.

    Returns:
        list of (score, image, box, class found, class of the thing that it shares most with, or
        None where it shares nothing).
    """
    wrong = []
    for image, (seen, there) in enumerate(zip(found, truths, strict=True)):
        boxes, labels = there
        for box, score, label in zip(*seen, strict=True):
            shared = overlaps(box, boxes)[0]
            if not (shared[labels == label] >= threshold).any():
                nearest = labels[shared.argmax()] if shared.max(initial=0) > 0 else None
                wrong.append((score, image, box, label, nearest))
    return sorted(wrong, key=lambda each: -each[0])


def _best(boxes, scores, labels):
    order = np.argsort(-scores, kind="stable")[:MOST]
    return boxes[order], scores[order], labels[order]


def _hits(found, wanted, label, threshold):
    """Scores and hits of one class's detections over all images."""
    scores, hits = [np.zeros(0)], [np.zeros(0, bool)]
    for (boxes, points, labels), truths in zip(found, wanted, strict=True):
        of_class = labels == label
        if of_class.any():
            scores.append(points[of_class])
            hits.append(matched(boxes[of_class], truths, threshold))
    return np.concatenate(scores), np.concatenate(hits)
