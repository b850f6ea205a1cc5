"""Measures drawings: do they show what was asked for, and how far off are velocities.

Knows no training. Pictures are drawn as the app draws them; a classifier that was trained on other
scenes names them.
"""

import numpy as np
from PIL import Image

from models import catalog, classification, loader, text_to_image
from training import picture_book
from training.text_to_image import flow_matching

CLASSIFIER = "efficientnetv2_picture_book"
BATCH = 64


def drawings(model, names, seeds, **options):
    """Draw "a" name for each of `names`: dict of name to images (seeds, height, width, 3) uint8."""
    row = catalog.get("stable_diffusion_picture_book")
    loaded = loader.Loaded(row, model, nbytes=0, seconds=0.0)
    drawn = {}
    for name in names:
        prompt = f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
        request = text_to_image.Request(prompt, seed=0, batch_size=seeds, **options)
        *_, last = text_to_image.denoise(loaded, request)
        drawn[name] = last.images
    return drawn


def named(drawn):
    """Share of drawings that the bundled classifier gives their own name, and who was missed.

    Returns:
        (float in [0, 1], dict of name to the names given instead).
    """
    given = {
        name: [
            classification.classify(image, CLASSIFIER, 1).predictions[0].label for image in images
        ]
        for name, images in drawn.items()
    }
    hits = [label == name for name, labels in given.items() for label in labels]
    missed = {
        name: [label for label in labels if label != name]
        for name, labels in given.items()
        if any(label != name for label in labels)
    }
    return float(np.mean(hits)), missed


def velocity_error(model, count):
    """Mean squared error of velocities on `count` held-out scenes of one large thing."""
    scenes = list(
        picture_book.scenes(
            range(picture_book.HELD_OUT, picture_book.HELD_OUT + count),
            model.encoder.input.shape[1],
            objects=1,
            smallest=0.5,
        )
    )
    images = np.stack([scene.image for scene in scenes]).astype(np.float32) / 127.5 - 1
    rng = np.random.default_rng(0)
    captions = [model.tokenizer(scene.captions(rng, 1)) for scene in scenes]
    latents = np.concatenate(
        [np.asarray(model.encode(images[at : at + BATCH])) for at in range(0, count, BATCH)]
    )
    inputs, velocities = flow_matching.batch(latents, captions, rng, count)
    made = flow_matching.compiled(model, 1).predict(inputs, batch_size=BATCH, verbose=0)
    return float(np.square(made - velocities).mean())


def sheet(drawn, path, columns=17):
    """Write a contact sheet: one row a seed of each run of `columns` names."""
    rows, names = [], list(drawn)
    for at in range(0, len(names), columns):
        part = np.stack([drawn[name] for name in names[at : at + columns]], axis=1)
        blank = np.full((len(part), columns - part.shape[1], *part.shape[2:]), 255, np.uint8)
        part = np.concatenate([part, blank], axis=1)
        rows += [np.concatenate(list(row), axis=1) for row in part]
    Image.fromarray(np.concatenate(rows)).save(path)
