"""What the classifiers' recipes share: cheap augmentation, schedule, fitting and scoring.

Knows no data set and no architecture. Augmentation is NumPy on uint8 batches, because it runs
beside the training step on the same few cores.
"""

import json
import time

import keras
import numpy as np
import tensorflow as tf


class WarmUpHoldCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate: a linear warm-up, a plateau, then half a cosine down to zero.

    The shape is that of the KerasCV classification guide (warm-up 10 %, hold 45 % of the steps).
    """

    def __init__(self, peak, steps, warm_up=0.1, hold=0.45):
        """Args: peak rate; steps of the whole run; shares of the steps, each 0 to 1."""
        self.peak, self.steps, self.warm_up, self.hold = peak, steps, warm_up, hold

    def __call__(self, step):
        done = tf.cast(step, "float32") / self.steps
        rising = done / max(self.warm_up, 1e-6)
        falling = (done - self.warm_up - self.hold) / (1 - self.warm_up - self.hold)
        cosine = 0.5 * (1 + tf.cos(np.pi * tf.clip_by_value(falling, 0.0, 1.0)))
        return self.peak * tf.minimum(rising, cosine)

    def get_config(self):
        return {name: getattr(self, name) for name in ("peak", "steps", "warm_up", "hold")}


def sgd(peak, steps, weight_decay=5e-4, **shape):
    """SGD with Nesterov momentum 0.9; weight decay spares biases and normalisation."""
    optimizer = keras.optimizers.SGD(
        WarmUpHoldCosine(peak, steps, **shape),
        momentum=0.9,
        nesterov=True,
        weight_decay=weight_decay,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def flipped(images, rng):
    """Mirror half of a batch (batch, height, width, 3) left to right."""
    mirrored = rng.random(len(images)) < 0.5
    images = images.copy()
    images[mirrored] = images[mirrored, :, ::-1]
    return images


def shifted(images, rng, most):
    """Move each picture by up to `most` pixels; what comes in is the reflected border."""
    count, height, width, _ = images.shape
    padded = np.pad(images, [(0, 0), (most, most), (most, most), (0, 0)], mode="reflect")
    rows = rng.integers(0, 2 * most + 1, count)[:, None] + np.arange(height)
    columns = rng.integers(0, 2 * most + 1, count)[:, None] + np.arange(width)
    return padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def cut_out(images, rng, side):
    """Grey out a square of `side` pixels in each (DeVries and Taylor 2017, arXiv:1708.04552)."""
    count, height, width, _ = images.shape
    top = rng.integers(-side // 2, height - side // 2, count)[:, None]
    left = rng.integers(-side // 2, width - side // 2, count)[:, None]
    rows = (np.arange(height) >= top) & (np.arange(height) < top + side)
    columns = (np.arange(width) >= left) & (np.arange(width) < left + side)
    images = images.copy()
    images[rows[:, :, None] & columns[:, None, :]] = 128
    return images


def batches(photos, size, augment, seed, first_epoch=0):
    """A tf.data.Dataset without end of (images uint8, one-hot labels), shuffled every epoch.

    Args:
        photos: Photos to draw from.
        size: int, pictures in a batch; what does not fill one is left to another epoch.
        augment: `augment(images, targets, rng)` giving both back, same count.
        seed: int; with the epoch's number it fixes every draw.
        first_epoch: int, where a resumed run goes on.
    """
    one_hot = np.eye(len(photos.classes), dtype=np.float32)

    def draw():
        epoch = first_epoch
        while True:
            rng = np.random.default_rng([seed, epoch])
            order = rng.permutation(len(photos))
            for start in range(0, len(order) - size + 1, size):
                rows = order[start : start + size]
                yield augment(photos.images[rows], one_hot[photos.labels[rows]], rng)
            epoch += 1

    signature = (
        tf.TensorSpec((size, None, None, 3), tf.uint8),
        tf.TensorSpec((size, len(photos.classes)), tf.float32),
    )
    return tf.data.Dataset.from_generator(draw, output_signature=signature).prefetch(4)


class Checkpoint(keras.callbacks.Callback):
    """Saves weights, optimizer state, epoch and time spent after every epoch, to go on from."""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.seconds, self.epoch = folder, 0.0, 0
        self.started = time.monotonic()

    def restore(self, model):
        """Bring a compiled model back to the last saved epoch; gives the number of epochs done."""
        state = self.folder / "state.json"
        if not state.exists():
            return 0
        saved = json.loads(state.read_text())
        model.load_weights(self.folder / "last.weights.h5")
        model.optimizer.build(model.trainable_variables)
        with np.load(self.folder / "optimizer.npz") as arrays:
            for variable, name in zip(model.optimizer.variables, arrays.files, strict=True):
                variable.assign(arrays[name])
        self.epoch, self.seconds = saved["epoch"], saved["seconds"]
        return self.epoch

    def on_epoch_end(self, epoch, logs=None):
        """Write the state; the small file that makes it valid comes last."""
        (self.folder / "state.json").unlink(missing_ok=True)
        self.model.save_weights(self.folder / "last.weights.h5")
        values = [np.asarray(variable) for variable in self.model.optimizer.variables]
        np.savez(self.folder / "optimizer.npz", *values)
        self.seconds += time.monotonic() - self.started
        self.started = time.monotonic()
        state = {"epoch": epoch + 1, "seconds": self.seconds}
        (self.folder / "state.json").write_text(json.dumps(state))


def compile_for_training(model, optimizer, smoothing=0.1):
    """Compile with smoothed cross-entropy on logits (Szegedy et al. 2016), without XLA.

    XLA is left out because it is two to three times slower than a plain graph on a CPU.
    """
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
        metrics=["accuracy"],
        jit_compile=False,
    )


def in_float32(build, trained):
    """The network that `build()` makes in float32, with the weights of the trained one."""
    model = build(dtype="float32")
    model.set_weights(trained.get_weights())
    return model


def probabilities(model, images, batch=250):
    """Class probabilities (count, classes) of uint8 images, through the model's preprocessor."""
    network = tf.function(lambda x: tf.nn.softmax(model(model.preprocessor(x), training=False)))
    parts = [network(images[at : at + batch]).numpy() for at in range(0, len(images), batch)]
    return np.concatenate(parts)


def scores(probability, labels):
    """Shares of held-out pictures named right: over all, mean over classes, and in the top 5."""
    ranked = np.argsort(-probability, axis=1)
    right = ranked[:, 0] == labels
    by_class = [right[labels == label].mean() for label in np.unique(labels)]
    top5 = (ranked[:, :5] == labels[:, None]).any(axis=1)
    return {
        "top1": round(float(right.mean()), 4),
        "mean_over_classes": round(float(np.mean(by_class)), 4),
        "top5": round(float(top5.mean()), 4),
    }
