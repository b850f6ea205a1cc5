"""What a detector is trained with: varied scenes in batches, the losses, the loop.

Knows no architecture: a model gives `cls_logits` and `bbox_regression` for its anchors. The loop is
for any model, on TensorFlow or on JAX.

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
from keras import ops

from training.detection.targets import assign, through, window

GREY = 114  # around a picture that does not fill the square, as models/images.py letterboxes
ALPHA, GAMMA = 0.25, 2.0  # of the focal loss (Lin et al., table 1)
BEND = 1 / 9  # where smooth L1 turns from a parabola to a line, in anchor sizes
BOX_SHARE = 2.0  # of the box loss against the focal loss
WARM_UP = 1 / 15  # of a stage
KEEP_EVERY = 60  # seconds between checkpoints
TELL_EVERY = 50  # steps; also how far JAX may be told ahead of what it has done
RATE = 1  # place of the learning rate among an optimizer's variables, after the count of steps


def viewed(images, windows, size):
    """Cut windows out of images on the device, GREY beyond the edges, scaled to [-1, 1].

    Args:
        images: (batch, side, side, 3) of uint8.
        windows: (batch, 4) of float32, x1, y1, x2, y2 in pixels; x1 > x2 mirrors.
        size: int, pixels of the square that comes back.
    """
    x1, y1, x2, y2 = ops.unstack(windows, axis=1)
    (rows, height), (columns, width) = (
        _sampled(low, high, size, images.shape[1]) for low, high in ((y1, y2), (x1, x2))
    )
    cut = ops.einsum("biy,byxc->bixc", rows, ops.cast(images, "float32"))
    cut = ops.einsum("bjx,bixc->bijc", columns, cut)
    inside = ops.logical_and(height[:, :, None, None], width[:, None, :, None])
    return ops.where(inside, cut, GREY) / 127.5 - 1


def _sampled(low, high, size, side):
    """How `size` pixels from `low` to `high`, both (batch,), are mixed of `side` pixels, linearly.

    Returns:
        weights (batch, size, side), and whether each lies between pixels, (batch, size).
    """
    middles = (ops.arange(size, dtype="float32") + 0.5) / size
    at = low[:, None] + (high - low)[:, None] * middles - 0.5  # 0 is the first pixel's middle
    apart = ops.abs(at[..., None] - ops.arange(side, dtype="float32"))
    return ops.relu(1 - apart), ops.logical_and(at >= 0, at <= side - 1)


def focal_loss(logits, classes):
    """Sum of the focal loss (Lin et al., equation 5) over all anchors that are not ignored.

    Args:
        logits: (batch, anchors, classes) of float32.
        classes: (batch, anchors) of int32: a class, BACKGROUND (-1) or IGNORED (-2).
    """
    truth = ops.one_hot(classes, logits.shape[-1], dtype="float32")
    entropy = ops.binary_crossentropy(truth, logits, from_logits=True)
    probability = ops.sigmoid(logits)
    wrong = truth * (1 - probability) + (1 - truth) * probability
    weight = truth * ALPHA + (1 - truth) * (1 - ALPHA)
    counted = ops.cast(classes >= -1, "float32")[..., None]
    return ops.sum(counted * weight * wrong**GAMMA * entropy)


def box_loss(deltas, truth, classes):
    """Sum of smooth L1 (Girshick, equation 3) over the anchors that have an object."""
    apart = ops.abs(deltas - truth)
    bent = ops.where(apart < BEND, apart**2 / (2 * BEND), apart - BEND / 2)
    return ops.sum(bent * ops.cast(classes >= 0, "float32")[..., None])


def scene_loss(model, images, windows, classes, deltas):
    """Loss of a detector on scenes seen through windows, per anchor that has an object."""
    outputs = model(viewed(images, windows, model.input_shape[1]), training=True)
    objects = ops.maximum(ops.sum(ops.cast(classes >= 0, "float32")), 1.0)
    logits = ops.cast(outputs["cls_logits"], "float32")
    boxes = box_loss(ops.cast(outputs["bbox_regression"], "float32"), deltas, classes)
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
        self.anchors = np.concatenate([ops.convert_to_numpy(level) for level in levels])

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

    @property
    def due(self):
        """Whether it is some time since the last was kept."""
        return time.monotonic() - self.saved > KEEP_EVERY

    def keep(self, step):
        """Save the variables as they are after `step` steps."""
        arrays = map(ops.convert_to_numpy, self.variables)
        values = {f"v{at}": array for at, array in enumerate(arrays)}
        partial = self.path.with_suffix(".part.npz")
        np.savez(partial, state=json.dumps({"step": step, "seconds": self.seconds}), **values)
        partial.replace(self.path)
        self.saved = time.monotonic()

    def leave_out(self, seconds):
        """Take seconds in which nothing was learnt off what this stage has taken."""
        self.began += seconds

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


class TensorFlowStep:
    """One step of an optimizer, as a graph that changes the model's variables.

    Call: learning rate and the arrays of a batch, to the loss before the step, a scalar tensor.
    """

    def __init__(self, loss, model, optimizer):
        import tensorflow as tf

        def step(*batch):
            with tf.GradientTape() as tape:
                value = loss(model, *batch)
            gradients = tape.gradient(value, model.trainable_variables)
            optimizer.apply(gradients, model.trainable_variables)
            return value

        self.optimizer, self.graph = optimizer, tf.function(step)

    def __call__(self, rate, *batch):
        self.optimizer.learning_rate = rate
        return self.graph(*batch)

    def write_back(self):
        """Nothing: the variables hold what was learnt."""


class JaxStep:
    """The same on JAX: a compiled function from values to values, which stay on the device.

    The variables hold what was learnt after `write_back` only.
    """

    def __init__(self, loss, model, optimizer):
        import jax

        learnt, others = model.trainable_variables, model.non_trainable_variables
        self.variables = learnt, others, optimizer.variables
        self.values = [[variable.value for variable in part] for part in self.variables]

        def scored(weights, rest, batch):
            given = zip([*learnt, *others], [*weights, *rest], strict=True)
            with keras.StatelessScope(list(given)) as scope:
                value = loss(model, *batch)
            return value, [scope.get_current_value(variable) for variable in others]

        def step(weights, rest, state, batch):
            derived = jax.value_and_grad(scored, has_aux=True)
            (value, rest), gradients = derived(weights, rest, batch)
            weights, state = optimizer.stateless_apply(state, gradients, weights)
            return value, (weights, rest, state)

        self.compiled = jax.jit(step)

    def __call__(self, rate, *batch):
        weights, rest, state = self.values
        state = [*state[:RATE], np.float32(rate), *state[RATE + 1 :]]
        value, self.values = self.compiled(weights, rest, state, batch)
        return value

    def write_back(self):
        """Give the variables the values that they have come to."""
        for part, values in zip(self.variables, self.values, strict=True):
            for variable, value in zip(part, values, strict=True):
                variable.assign(value)


STEPS = {"tensorflow": TensorFlowStep, "jax": JaxStep}  # by Keras' backend


def minimise(loss, model, make, stage, path):
    """Minimise `loss(model, *make(n))` over batches n = 0, 1, ... of a stage with AdamW.

    AdamW is that of Loshchilov and Hutter 2019. Goes on from what `path` holds, if anything. The
    outcome repeats by seed as long as the clock does not end the stage. The first step, which
    compiles, is not on the clock.

    Returns:
        (steps done, seconds spent).
    """
    optimizer = keras.optimizers.AdamW(stage.rate, weight_decay=1e-4, global_clipnorm=5.0)
    optimizer.build(model.trainable_variables)
    checkpoint, seen = Checkpoint(path, model, optimizer), []
    done = checkpoint.restore()
    step = STEPS[keras.backend.backend()](loss, model, optimizer)
    batches = prefetched(make, range(done, stage.steps))
    while (progress := stage.progress(done, checkpoint.seconds)) < 1:
        began = time.monotonic()
        seen.append(step(stage.rate_at(progress), *next(batches)))
        done += 1
        if len(seen) == 1:
            seen = [float(seen[0])]
            checkpoint.leave_out(time.monotonic() - began)
        if done % TELL_EVERY == 0:
            seen = [float(each) for each in seen[-TELL_EVERY:]]
            told = f"loss {np.mean(seen):.3f}, {checkpoint.seconds:.0f} s"
            print(f"{path.stem} {done}/{stage.steps} {told}", flush=True)
        if checkpoint.due:
            step.write_back()
            checkpoint.keep(done)
    step.write_back()
    if seen:
        checkpoint.keep(done)
    print(f"{path.stem} ended after {done} of {stage.steps} steps", flush=True)
    return done, checkpoint.seconds
