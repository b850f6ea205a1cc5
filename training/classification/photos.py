"""Labelled photos as arrays: Caltech-101 and CIFAR-10, from copies at hand or the public way.

Knows no model; splits are drawn by class and by seed, so that every run holds out the same photos.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

# Krizhevsky 2009, in the order of the data set's own numbers, which is also that of the alphabet
CIFAR10 = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)


@dataclass(frozen=True)
class Photos:
    """Photos of one size with the class of each."""

    images: np.ndarray  # (count, height, width, 3) uint8
    labels: np.ndarray  # (count,) int, index into classes
    classes: tuple  # names, in the order of a model's outputs

    def __len__(self):
        return len(self.labels)

    def take(self, rows):
        """The photos at these positions, (n,) int or bool."""
        return Photos(self.images[rows], self.labels[rows], self.classes)


def cifar10(data=None):
    """The 50,000 training photos of CIFAR-10, (50000, 32, 32, 3).

    Args:
        data: Path of a folder that holds cifar10_train.zip, or None for `keras.datasets`.
    """
    if data is not None:
        return from_zip(Path(data) / "cifar10_train.zip", 32)
    import keras

    (images, labels), _ = keras.datasets.cifar10.load_data()
    return Photos(images, labels[:, 0].astype(int), CIFAR10)


def caltech101(data=None, size=128):
    """The photos of Caltech-101 (Fei-Fei, Fergus and Perona 2004), each squeezed to a square.

    Args:
        data: Path of a folder that holds caltech101_train.zip, or None for tensorflow-datasets.
        size: int, pixels of the square's side.
    """
    if data is not None:
        return from_zip(Path(data) / "caltech101_train.zip", size)
    import tensorflow_datasets

    rows, about = tensorflow_datasets.load("caltech101", split="train+test", with_info=True)
    classes = tuple(about.features["label"].names)
    pairs = [(_squeezed(Image.fromarray(r["image"].numpy()), size), int(r["label"])) for r in rows]
    return Photos(np.stack([p[0] for p in pairs]), np.array([p[1] for p in pairs]), classes)


def from_zip(path, size):
    """Photos of a zip with one folder to a class, squeezed to (size, size); classes by name."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.lower().endswith(".jpg"))
        classes = sorted({name.split("/")[-2] for name in names})
        images = [square(archive.read(name), size) for name in names]
    labels = [classes.index(name.split("/")[-2]) for name in names]
    return Photos(np.stack(images), np.array(labels), tuple(classes))


def square(encoded, size):
    """Decode an image file's bytes into (size, size, 3) uint8, its aspect ratio given up."""
    return _squeezed(Image.open(io.BytesIO(encoded)), size)


def _squeezed(image, size):
    return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR))


def split(photos, share, seed):
    """Hold out this share of every class (at least one photo), drawn by seed.

    Returns:
        (to train on, held out), two Photos.
    """
    rng = np.random.default_rng(seed)
    held = np.zeros(len(photos), bool)
    for label in range(len(photos.classes)):
        rows = rng.permutation(np.flatnonzero(photos.labels == label))
        held[rows[: max(1, round(len(rows) * share))]] = True
    return photos.take(~held), photos.take(held)


def stand_in(classes, per_class, size, seed):
    """Photos of nothing for a smoke run: each class a colour of its own, with noise."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(40, 216, (len(classes), 1, 1, 3))
    labels = np.repeat(np.arange(len(classes)), per_class)
    noise = rng.integers(-30, 31, (len(labels), size, size, 3))
    return Photos((colours[labels] + noise).astype(np.uint8), labels, tuple(classes))
