"""Batches of photos for training: cheap augmentation in NumPy, drawn anew every epoch by seed.

Knows no model. It works on uint8, because it runs beside the training step on the same few cores.
TensorFlow is imported by what needs it, so that other recipes train without.
"""

import functools

import keras
import numpy as np


def flipped(images, rng):
    """Mirror half of a batch (batch, height, width, 3) left to right."""
    mirrored = rng.random(len(images)) < 0.5
    images = images.copy()
    images[mirrored] = images[mirrored, :, ::-1]
    return images


def shifted(images, rng, most):
    """Move each picture by up to `most` pixels; what comes in is the reflected border."""
    count = len(images)
    padded = np.pad(images, [(0, 0), (most, most), (most, most), (0, 0)], mode="reflect")
    places = np.lib.stride_tricks.sliding_window_view(padded, images.shape[1:], axis=(1, 2, 3))
    top, left = rng.integers(0, 2 * most + 1, count), rng.integers(0, 2 * most + 1, count)
    return places[np.arange(count), top, left, 0]


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


def cut_mixed(images, targets, rng):
    """CutMix (Yun et al. 2019, arXiv:1905.04899): a piece of another picture lies on each.

    Its area is uniform, less what is outside; targets (batch, classes) are mixed by what is left.
    """
    count, height, width, _ = images.shape
    reach = np.sqrt(rng.random((count, 1))) / 2  # from the piece's middle, in sides
    rows = abs(np.arange(height) + 0.5 - height * rng.random((count, 1))) < height * reach
    columns = abs(np.arange(width) + 0.5 - width * rng.random((count, 1))) < width * reach
    inside = rows[:, :, None] & columns[:, None, :]
    share = inside.mean(axis=(1, 2), dtype=np.float32)[:, None]
    other = rng.permutation(count)
    images = np.where(inside[..., None], images[other], images)
    return images, targets * (1 - share) + targets[other] * share


def toned(images, rng, most=0.3):
    """Vary contrast, brightness and each colour's share by up to `most`, for each picture."""
    count = len(images)
    gain = (
        1 + rng.uniform(-most, most, (count, 1, 1, 1)) + rng.normal(0, most / 5, (count, 1, 1, 3))
    )
    shift = 128 * rng.uniform(-most, most, (count, 1, 1, 1))
    mixed = (images - np.float32(128)) * gain.astype(np.float32) + np.float32(128)
    return np.clip(mixed + shift.astype(np.float32), 0, 255).astype(np.uint8)


def batches(photos, size, augment, seed, first_epoch=0, shares=None):
    """A tf.data.Dataset without end of (images uint8, one-hot labels), shuffled every epoch.

    Args:
        photos: Photos to draw from.
        size: int, pictures in a batch; what does not fill one is left to another epoch.
        augment: `augment(images, targets, rng)` giving both back, same count.
        seed: int; with the epoch's number it fixes every draw.
        first_epoch: int, where a resumed run goes on.
        shares: (count,) how often each photo is drawn, summing to 1; None: once an epoch.
    """
    import tensorflow as tf

    one_hot = np.eye(len(photos.classes), dtype=np.float32)

    def draw():
        epoch = first_epoch
        while True:
            rng = np.random.default_rng([seed, epoch])
            order = rng.choice(len(photos), len(photos), replace=shares is not None, p=shares)
            for start in range(0, len(order) - size + 1, size):
                rows = order[start : start + size]
                yield augment(photos.images[rows], one_hot[photos.labels[rows]], rng)
            epoch += 1

    signature = (
        tf.TensorSpec((size, None, None, 3), tf.uint8),
        tf.TensorSpec((size, len(photos.classes)), tf.float32),
    )
    return tf.data.Dataset.from_generator(draw, output_signature=signature).prefetch(4)


class Numbered(keras.utils.PyDataset):
    """Batches without end of (images uint8, one-hot labels), shuffled every epoch, for any backend.

    A batch hangs on the seed and its number alone; Keras puts it on the device while the step
    before is computed.

    Args:
        photos, size, augment, seed, first_epoch: as `batches` takes them.
    """

    num_batches = None

    def __init__(self, photos, size, augment, seed, first_epoch=0):
        super().__init__()
        self.photos, self.size, self.augment = photos, size, augment
        self.seed, self.first_epoch = seed, first_epoch
        self.one_hot = np.eye(len(photos.classes), dtype=np.float32)

    def __getitem__(self, number):
        """Batch of this number: (size, height, width, 3) uint8 and targets (size, classes)."""
        steps = len(self.photos) // self.size
        epoch, step = self.first_epoch + number // steps, number % steps
        order = _order(len(self.photos), self.seed, epoch)
        rows = order[step * self.size : (step + 1) * self.size]
        rng = np.random.default_rng([self.seed, epoch, step])
        return self.augment(self.photos.images[rows], self.one_hot[self.photos.labels[rows]], rng)


@functools.lru_cache(maxsize=1)
def _order(count, seed, epoch):
    return np.random.default_rng([seed, epoch]).permutation(count)


def scaled(images, targets):
    """What the presets' preprocessors do, less the resizing: 0..255 to -1..1."""
    import tensorflow as tf

    return tf.cast(images, tf.float32) / 127.5 - 1.0, targets
