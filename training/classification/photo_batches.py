"""Batches of photos for training: cheap augmentation in NumPy, drawn anew every epoch by seed.

Knows no model. It works on uint8, because it runs beside the training step on the same few cores.
"""

import numpy as np
import tensorflow as tf


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


def scaled(images, targets):
    """What the presets' preprocessors do, less the resizing: 0..255 to -1..1."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0, targets
