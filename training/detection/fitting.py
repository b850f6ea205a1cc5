"""What a detector is trained with: varied scenes in batches, the losses, the loop.

Knows no architecture: a model gives `cls_logits` and `bbox_regression` for its anchors.

Lin et al. 2017, "Focal Loss for Dense Object Detection"; Girshick 2015, "Fast R-CNN".
"""

import dataclasses
import json
import math
import queue
import threading
import time

import keras
import numpy as np
import tensorflow as tf

from training.detection.targets import assign, through, window

GREY = 114  # around a picture that does not fill the square, as models/images.py letterboxes
ALPHA, GAMMA = 0.25, 2.0  # of the focal loss (Lin et al., table 1)
BEND = 1 / 9  # where smooth L1 turns from a parabola to a line, in anchor sizes
BOX_SHARE = 2.0  # of the box loss against the focal loss
WARM_UP = 1 / 15  # of a stage
KEEP_EVERY = 150  # seconds between checkpoints


def viewed(images, windows, size):
    """Cut windows out of images on the device, GREY beyond the edges, scaled to [-1, 1].

    Args:
        images: (batch, side, side, 3) of uint8.
        windows: (batch, 4) of float32, x1, y1, x2, y2 in pixels; x1 > x2 mirrors.
        size: int, pixels of the square that comes back.
    """
    last = images.shape[1] - 1  # crop_and_resize counts from the first pixel's middle to the last's
    x1, y1, x2, y2 = tf.unstack(windows, axis=1)
    half_x, half_y = (x2 - x1) / (2 * size), (y2 - y1) / (2 * size)
    corners = [y1 + half_y, x1 + half_x, y2 - half_y, x2 - half_x]
    boxes = (tf.stack(corners, axis=1) - 0.5) / last
    which = tf.range(tf.shape(images)[0])
    cut = tf.image.crop_and_resize(images, boxes, which, (size, size), extrapolation_value=GREY)
    return cut / 127.5 - 1


def focal_loss(logits, classes):
    """Sum of the focal loss (Lin et al., equation 5) over all anchors that are not ignored.

    Args:
        logits: (batch, anchors, classes) of float32.
        classes: (batch, anchors) of int32: a class, BACKGROUND (-1) or IGNORED (-2).
    """
    truth = tf.one_hot(classes, logits.shape[-1])
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)
    probability = tf.sigmoid(logits)
    wrong = truth * (1 - probability) + (1 - truth) * probability
    weight = truth * ALPHA + (1 - truth) * (1 - ALPHA)
    counted = tf.cast(classes >= -1, "float32")[..., None]
    return tf.reduce_sum(counted * weight * wrong**GAMMA * entropy)


def box_loss(deltas, truth, classes):
    """Sum of smooth L1 (Girshick, equation 3) over the anchors that have an object."""
    apart = tf.abs(deltas - truth)
    bent = tf.where(apart < BEND, apart**2 / (2 * BEND), apart - BEND / 2)
    return tf.reduce_sum(bent * tf.cast(classes >= 0, "float32")[..., None])


def scene_loss(model, images, windows, classes, deltas):
    """Loss of a detector on scenes seen through windows, per anchor that has an object."""
    outputs = model(viewed(images, windows, model.input_shape[1]), training=True)
    objects = tf.maximum(tf.reduce_sum(tf.cast(classes >= 0, "float32")), 1.0)
    logits = tf.cast(outputs["cls_logits"], "float32")
    boxes = box_loss(tf.cast(outputs["bbox_regression"], "float32"), deltas, classes)
    return (focal_loss(logits, classes) + BOX_SHARE * boxes) / objects


class Scenes:
    """Batches of varied scenes; batch number n of a seed is always the same.

    Args:
        scenes: `picture_book.dataset`'s arrays.
        anchor_generator: a keras-hub AnchorGenerator that gives xyxy.
        seed: int.
    """

    def __init__(self, scenes, anchor_generator, seed):
        self.images, self.boxes, self.labels = scenes["images"], scenes["boxes"], scenes["labels"]
        self.things = np.argwhere(self.labels >= 0)  # (scene, thing)
        self.size, self.seed = self.images.shape[1], seed
        levels = anchor_generator(np.zeros((1, self.size, self.size, 3), "float32")).values()
        self.levels = [len(level) for level in levels]
        self.anchors = np.concatenate([keras.ops.convert_to_numpy(level) for level in levels])

    def close_ups(self, number, count):
        """`count` images, a window around one thing in each, and its class (int32)."""
        rng = np.random.default_rng([self.seed, 1, number])
        at, thing = self.things[rng.integers(len(self.things), size=count)].T
        boxes = self.boxes[at, thing]
        side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) * rng.uniform(0.95, 2.2, count)
        moved = 0.12 * side[:, None] * rng.uniform(-1, 1, (count, 2))
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2 + moved
        half = np.stack([side * rng.choice([-1, 1], count), side], axis=1) / 2
        windows = np.concatenate([middle - half, middle + half], axis=1).astype("float32")
        return self.images[at], windows, self.labels[at, thing].astype("int32")

    def views(self, number, count):
        """`count` images, windows on them, and each anchor's class and deltas for what is seen."""
        rng = np.random.default_rng([self.seed, 2, number])
        chosen = rng.integers(len(self.images), size=count)
        windows = np.stack([window(rng, self.size) for _ in chosen])
        targets = [self._targets(at, frame) for at, frame in zip(chosen, windows, strict=True)]
        classes, deltas = (np.stack(part) for part in zip(*targets, strict=True))
        return self.images[chosen], windows.astype("float32"), classes, deltas

    def _targets(self, at, frame):
        there = self.labels[at] >= 0
        boxes, labels = through(self.boxes[at][there], self.labels[at][there], frame, self.size)
        return assign(boxes, labels, self.anchors, self.levels)


def prefetched(make, numbers, depth=4):
    """Yield make(n) for each n, made ahead in a thread."""
    ready = queue.Queue(depth)

    def fill():
        for number in numbers:
            ready.put(make(number))

    threading.Thread(target=fill, daemon=True).start()
    for _ in numbers:
        yield ready.get()


class Checkpoint:
    """One stage's variables, the number of steps done and the seconds spent, kept on disk."""

    def __init__(self, path, model, optimizer):
        self.path, self.variables = path, [*model.variables, *optimizer.variables]
        self.began = self.saved = time.monotonic()

    def restore(self):
        """Bring everything back as it was last kept; gives the number of steps done, 0 if none."""
        if not self.path.exists():
            return 0
        with np.load(self.path) as kept:
            state = json.loads(str(kept["state"]))
            for at, variable in enumerate(self.variables):
                variable.assign(kept[f"v{at}"])
        self.began -= state["seconds"]
        return state["step"]

    def keep(self, step, now=False):
        """Save, if it is `now` or some minutes since the last time."""
        if now or time.monotonic() - self.saved > KEEP_EVERY:
            arrays = map(keras.ops.convert_to_numpy, self.variables)
            values = {f"v{at}": array for at, array in enumerate(arrays)}
            partial = self.path.with_suffix(".part.npz")
            np.savez(partial, state=json.dumps({"step": step, "seconds": self.seconds}), **values)
            partial.replace(self.path)
            self.saved = time.monotonic()

    @property
    def seconds(self):
        """Seconds that this stage has taken, interrupted runs included."""
        return time.monotonic() - self.began


@dataclasses.dataclass(frozen=True)
class Stage:
    """How long to train, on how much at once, and how fast."""

    steps: int
    batch: int
    rate: float  # peak learning rate
    minutes: float  # ends earlier after so much time; the schedule then runs by the clock

    def progress(self, done, seconds):
        """Share of the stage that is over, 0 to 1."""
        return min(1.0, max(done / self.steps, seconds / 60 / self.minutes))

    def rate_at(self, progress):
        """Learning rate: a linear warm-up, then half a cosine to zero."""
        warm_up = min(1.0, progress / WARM_UP + 0.02)
        return self.rate * warm_up * (1 + math.cos(math.pi * progress)) / 2


def minimise(loss, model, make, stage, path):
    """Minimise `loss(model, *make(n))` over batches n = 0, 1, ... of a stage with AdamW.

    AdamW is that of Loshchilov and Hutter 2019. Goes on from what `path` holds, if anything. The
    outcome repeats by seed as long as the clock does not end the stage.

    Returns:
        (steps done, seconds spent).
    """
    optimizer = keras.optimizers.AdamW(stage.rate, weight_decay=1e-4, global_clipnorm=5.0)
    optimizer.build(model.trainable_variables)
    checkpoint, seen = Checkpoint(path, model, optimizer), []
    done = checkpoint.restore()

    @tf.function
    def step(*batch):
        with tf.GradientTape() as tape:
            value = loss(model, *batch)
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return value

    batches = prefetched(make, range(done, stage.steps))
    while (progress := stage.progress(done, checkpoint.seconds)) < 1:
        optimizer.learning_rate = stage.rate_at(progress)
        seen.append(float(step(*next(batches))))
        done += 1
        checkpoint.keep(done)
        if done % 50 == 0:
            told = f"loss {np.mean(seen[-50:]):.3f}, {checkpoint.seconds:.0f} s"
            print(f"{path.stem} {done}/{stage.steps} {told}", flush=True)
    if seen:
        checkpoint.keep(done, now=True)
    print(f"{path.stem} ended after {done} of {stage.steps} steps", flush=True)
    return done, checkpoint.seconds
