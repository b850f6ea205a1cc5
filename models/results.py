"""The values that cross the seam between a model and whoever shows it.

Knows no model, no device and no page; a result is complete before anything is drawn.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from models import checks


@dataclass(frozen=True)
class Run:
    """What made a result, and what repeats it."""

    model: str  # id in the catalogue
    seconds: float  # wall clock, from the call to the result, loading excluded
    device: str  # "CPU" or the GPU's name
    engine: str  # what computed it: "OpenVINO", "TensorFlow" or both
    precision: str  # "float32", "bfloat16" or both, "mixed_bfloat16" or "mixed_float16"
    seed: int | None = None  # for what draws at random


@dataclass(frozen=True)
class Prediction:
    """One class and its share of belief."""

    label: str
    probability: float  # 0 to 1


@dataclass(frozen=True)
class Classification:
    """The likeliest classes of an image."""

    predictions: tuple[Prediction, ...]  # best first
    run: Run


@dataclass(frozen=True)
class FineTuned:
    """A classifier's new head for classes of one's own, and how well it does."""

    classes: tuple[str, ...]  # their names
    kernel: np.ndarray  # (features, classes) float32
    bias: np.ndarray  # (classes,) float32
    loss: tuple[float, ...]  # cross-entropy in nats of the pictures seen, an epoch each
    held_out_loss: tuple[float, ...]  # of pictures held out
    guessed: tuple[str, ...]  # what each picture is taken for by a head that has not seen it
    right: int  # how many of these are
    run: Run


@dataclass(frozen=True)
class Detections:
    """Boxes found in an image, best score first, before thresholds until `filter` is called."""

    boxes: np.ndarray  # (n, 4) float32: left, top, right, bottom in pixels of the image sent
    scores: np.ndarray  # (n,) float32, 0 to 1
    labels: tuple[str, ...]  # n class names
    run: Run

    def filter(self, confidence=0.5, iou=0.5, classes=None):
        """Keep boxes by score and class, then drop those that overlap a better one of their class.

        Args:
            confidence: float in [0, 1], the least score kept.
            iou: float in [0, 1]; of two boxes of one class whose intersection over union is
                larger, the lower score goes (greedy non-maximum suppression).
            classes: list, tuple or set of class names; None or none of them for all.

        Returns:
            Detections, best score first.

        Raises:
            BadInput: a threshold is not a number in its range, or `classes` are no names.
        """
        confidence = checks.number(confidence, "The confidence", 0, 1)
        iou = checks.number(iou, "The IoU", 0, 1)
        names, wanted = np.array(self.labels, dtype=object), set(checks.names(classes, "classes"))
        fits = [not wanted or name in wanted for name in names]
        candidates = np.flatnonzero((self.scores >= confidence) & np.array(fits, dtype=bool))
        kept = suppressed(self.boxes[candidates], self.scores[candidates], names[candidates], iou)
        index = candidates[kept]
        return replace(
            self, boxes=self.boxes[index], scores=self.scores[index], labels=tuple(names[index])
        )


def suppressed(boxes, scores, labels, iou):
    """Say which boxes stay when those that overlap a better one of their own class go.

    Args:
        boxes: array (n, 4), xyxy.
        scores: array (n,).
        labels: array (n,) of names or numbers.
        iou: float in [0, 1], the largest intersection over union with a better box that stays.

    Returns:
        Array of int: indexes of those that stay, best score first.
    """
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        rival = labels[order] == labels[best]
        order = order[~rival | (_iou(boxes[best], boxes[order]) <= iou)]
    return np.array(kept, dtype=int)


def _iou(box, others):
    """Intersection over union of one box (4,) with others (n, 4), as (n,)."""
    corner = np.maximum(box[:2], others[:, :2])
    opposite = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(opposite - corner, 0, None), axis=1)
    area = np.prod(box[2:] - box[:2])
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    return shared / np.maximum(area + areas - shared, 1e-9)


@dataclass(frozen=True)
class Augmented:
    """Variants of images with their mixed labels."""

    images: np.ndarray  # (count, height, width, 3) uint8
    labels: np.ndarray  # (count, classes) float32, each row sums to 1
    code: str  # Keras code that repeats the chain
    run: Run


@dataclass(frozen=True)
class Step:
    """One step of denoising; the last one carries the finished images."""

    index: int  # 1 to total
    total: int
    previews: np.ndarray | None  # (batch, height, width, 3) uint8, None on steps without one
    images: np.ndarray | None  # (batch, height, width, 3) uint8, on the last step only
    run: Run


@dataclass(frozen=True)
class Taught:
    """A word that a text-to-image model was taught."""

    word: str
    path: str  # of the file that keeps what was learned
    steps: int  # of the lesson
    run: Run


@dataclass(frozen=True)
class Lesson:
    """How far a lesson is; the last one has what was taught."""

    index: int  # steps done
    total: int
    loss: float  # mean squared error of velocities since the last one
    taught: Taught | None
    run: Run


@dataclass(frozen=True)
class Sentiment:
    """How positive a text is."""

    positive: float  # 0 to 1
    negative: float  # 1 - positive
    run: Run


@dataclass(frozen=True)
class Token:
    """One more token of a text."""

    text: str  # everything so far, the prompt included
    token: str  # the piece that is new
    probability: float  # of this token under the model, 0 to 1
    run: Run
    note: str = ""  # anything that the reader should know, such as a prompt cut to the context


@dataclass(frozen=True)
class Captions:
    """Captions of one image."""

    texts: tuple[str, ...]
    run: Run
    probabilities: tuple[float, ...] = field(default=())  # mean per word, in the order of texts
