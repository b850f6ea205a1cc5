"""Draws the picture-book world: scenes of things over settings, with their boxes and captions.

Knows no models. A scene is decided by its seed: the same seed and options, the same pixels.
Seeds from HELD_OUT on are kept for measuring; recipes train on seeds below it.

    scene(7).image                  (128, 128, 3) uint8
    scene(7, classes=["dog"])       one dog, somewhere
    dataset(1000, 128, 0, folder)   arrays of 1000 scenes, drawn once and kept
"""

import os
from pathlib import Path

import numpy as np

from training.picture_book.captions import named
from training.picture_book.glyphs import CLASSES, FONT, GROUPS, NoFont, standing_in
from training.picture_book.scene import MOST, Scene, scene
from training.picture_book.settings import PLAIN, SETTINGS
from training.picture_book.worker import drawn_apart

__all__ = [
    "CLASSES",
    "FONT",
    "GROUPS",
    "HELD_OUT",
    "MOST",
    "PLAIN",
    "SETTINGS",
    "NoFont",
    "Scene",
    "dataset",
    "named",
    "scene",
    "scenes",
    "standing_in",
]

HELD_OUT = 1_000_000_000


def scenes(seeds, size=128, workers=None, **options):
    """Many scenes, one a seed, in order; drawn in processes where there are enough of them."""
    seeds, options = list(seeds), {"size": size, **options}
    workers = workers or min(os.cpu_count() or 1, len(seeds) // 500)
    if workers > 1:
        yield from drawn_apart(seeds, options, workers)
    else:
        yield from (scene(seed, **options) for seed in seeds)


def _arrays(count, size, seed, options, texts, complete):
    """Draw `count` scenes into arrays."""
    width, height = size if isinstance(size, tuple) else (size, size)
    images = np.empty((count, height, width, 3), np.uint8)
    boxes = np.zeros((count, MOST, 4), np.float32)
    labels = np.full((count, MOST), -1, np.int64)
    captions, settings = [], []
    for at, drawn in enumerate(scenes(range(seed, seed + count), size, **options)):
        images[at], things = drawn.image, len(drawn.labels)
        boxes[at, :things], labels[at, :things] = drawn.boxes, drawn.labels
        rng = np.random.default_rng([seed + at, 1])
        captions.append("\n".join(drawn.captions(rng, texts, complete)))
        settings.append(drawn.setting)
    return {
        "images": images,
        "boxes": boxes,
        "labels": labels,
        "captions": np.asarray(captions, "S"),
        "settings": np.asarray(settings, "S"),
    }


def dataset(count, size, seed, folder, captions=5, complete=False, **options):
    """Arrays of the scenes of seeds seed..seed + count - 1, drawn once and kept in `folder`.

    images (count, height, width, 3) uint8; boxes (count, MOST, 4) float32, x1 y1 x2 y2 in pixels,
    padded with 0; labels (count, MOST), padded with -1; captions: lists of texts; settings: texts.
    Further options are those of `scene`.
    """
    told = "".join(f"-{key}={value}" for key, value in sorted(options.items()))
    name = f"scenes-{count}-{size}-{seed}-{captions}{'-complete' * complete}{told}.npz"
    path = Path(folder) / name.replace("/", "_").replace(" ", "")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.part")
        with partial.open("wb") as file:
            np.savez(file, **_arrays(count, size, seed, options, captions, complete))
        partial.replace(path)
    with np.load(path) as kept:
        arrays = dict(kept)
    arrays["captions"] = [each.decode().split("\n") for each in arrays["captions"]]
    arrays["settings"] = [each.decode() for each in arrays["settings"]]
    return arrays
