"""Make variants of images as training does: a chain of keras-cv layers, drawn by a seed.

Knows no page. The code that it hands back is the code that ran.
"""

import logging
import time

import numpy as np
from PIL import Image, ImageOps

from models import augmentation_chain, checks
from models import images as pictures
from models.augmentation_worker import worker
from models.checks import BadInput
from models.results import Augmented, Run

IMAGES = 36  # given at once, and variants made of them
SIZE = 224  # pixels, as the classification guide has it


def augment(images, layers, seed=None, count=9, labels=None, size=SIZE):
    """Make `count` variants of images, the images in turn, through a chain of layers.

    Variant i is the same whatever the count.

    Args:
        images: one image or a list, 1 to 36; each a path, a PIL image, or an array
            (height, width, 3) of uint8. They are cut to squares of `size` first.
        layers: list of layer names and of `{"layer": name, **parameters}`, in the order they run;
            the names and parameters are those of `keras_cv.layers`.
        seed: int in [0, 2**31 - 1], or None for a new one.
        count: int in [1, 36].
        labels: array (n, classes) of one row per image, or None for a class for each image.
        size: int in [32, 512], side in pixels of what goes into the chain.

    Returns:
        Augmented, whose labels are mixed where CutMix, MixUp, FourierMix or Mosaic mixed images.

    Raises:
        BadInput: what came cannot be used, or the chain takes too long.
    """
    began = time.perf_counter()
    seed = checks.seed(seed)
    program = code(layers, seed, count, size)
    batch = squares(images, int(size))
    augmented, mixed = worker.run(program, batch, _labels(labels, len(batch)))
    run = Run("keras_cv.layers", time.perf_counter() - began, "CPU", "TensorFlow", "float32", seed)
    return Augmented(augmented, mixed, program, run)


def code(layers, seed, count=9, size=SIZE):
    """Return the Keras code that `augment` runs for the same arguments, without running it."""
    count = checks.number(count, "The number of variants", 1, IMAGES, integer=True)
    size = checks.number(size, "The size", 32, 512, integer=True)
    return augmentation_chain.code(augmentation_chain.chain(layers), seed, count, size)


def squares(images, size=SIZE):
    """Return one image or several, cut to squares, as (n, size, size, 3) of uint8."""
    if not isinstance(images, (list, tuple)) and np.ndim(images) != 4:
        images = [images]
    if not 1 <= len(images) <= IMAGES:
        raise BadInput(
            f"1 to {IMAGES} pictures are needed, but {len(images)} came. Upload one, paste one, "
            "or click an example."
        )
    return np.stack([_square(pictures.read(image), size) for image in images])


def start():
    """Start the process that does the work and run a first chain through it, about 12 seconds."""
    try:
        worker.start()
    except BadInput as missing:
        logging.getLogger(__name__).warning("%s", missing)
        return
    augment(np.zeros((64, 64, 3), np.uint8), ["RandomFlip", "RandAugment"], seed=0, size=32)


def _square(image, size):
    """Cut a square from the middle and scale it, (size, size, 3) of uint8."""
    return np.asarray(ImageOps.fit(Image.fromarray(image), (size, size), Image.Resampling.BICUBIC))


def _labels(labels, count):
    """Return rows of classes (count, classes) of float32, a class for each image by default."""
    if labels is None:
        return np.eye(count, dtype="float32")
    expected = f"The labels have to be an array (images, classes) of numbers with {count} rows"
    try:
        rows = np.asarray(labels, dtype="float32")
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"{expected}.") from error
    if rows.ndim != 2 or len(rows) != count:
        raise BadInput(f"{expected}, but {rows.shape} came.")
    return rows
