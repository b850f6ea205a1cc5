"""Measures drawings: do they show what was asked for, and how far off are velocities.

Knows no training. Pictures are drawn as the app draws them; a classifier that was trained on other
scenes names them.
"""

import itertools

import numpy as np

from models import catalog, classification, detection, loader, text_to_image
from training import picture_book
from training.picture_book.captions import article, plural
from training.text_to_image import flow_matching, grounding

CLASSIFIER = "efficientnetv2_picture_book"
DETECTOR = "retinanet_picture_book"
SURE = 0.3  # confidence from which the detector has found a thing
APART = {  # how far right and down the second thing's middle is of the first's
    "to the left of": (1, 0),
    "to the right of": (-1, 0),
    "above": (0, 1),
    "below": (0, -1),
}
# No caption says "please", "show" or "shiny"; the bare name and the plural are among them.
WORDINGS = (
    "PICTURE OF {a}",
    "{several}",
    "{name}",
    "please show me {a}",
    "a shiny {name}!",
)
EDITS = (  # prompts, and what they are changed to
    ("a dog in a meadow", "a cat in a meadow"),
    ("a penguin in the snow", "an owl in the snow"),
    ("a house on a beach", "a castle on a beach"),
    ("a rocket in space", "an airplane in space"),
    ("a fox in a forest", "a fox in the snow"),
    ("a car in a city", "a car in the desert"),
    ("a lion in the desert", "a lion at night"),
    ("a tree in a meadow", "a tree in a city"),
)
BATCH = 64
TOGETHER = text_to_image.MOST_IMAGES  # pictures drawn side by side


def loaded(folder, key):
    """The preset in `folder` as the app loads it; `key` is as `recipe.key` gives it."""
    from models.architectures.stable_diffusion import StableDiffusion

    row = catalog.get("stable_diffusion_picture_book")
    model = StableDiffusion.from_preset(str(folder), dtype="float32")
    return loader.Loaded(row, lambda: model, key=key)


def drawings(artist, prompts, seeds, first=0, **options):
    """Draw each prompt with `loaded`: dict of prompt to images (seeds, height, width, 3) uint8.

    The seeds count up from `first`; options are those of `text_to_image.Request`.
    """
    options = {"guidance_scale": artist.row.guidance, **options}
    drawn = {}
    for prompt in prompts:
        requests = (
            text_to_image.Request(
                prompt, first + seed, batch_size=min(TOGETHER, seeds - seed), **options
            )
            for seed in range(0, seeds, TOGETHER)
        )
        lasts = [list(text_to_image.denoise(artist, request))[-1] for request in requests]
        drawn[prompt] = np.concatenate([last.images for last in lasts])
    return drawn


def things(artist, names, seeds, **options):
    """Draw "a" name for each of `names`: dict of name to images (seeds, height, width, 3) uint8."""
    drawn = drawings(artist, map(article, names), seeds, **options)
    return dict(zip(names, drawn.values(), strict=True))


def reworded(artist, names):
    """Draw each of `names` asked for in one of WORDINGS, in turn: dict as of `things`."""
    asked = {
        name: wording.format(a=article(name), name=name, several=plural(name))
        for name, wording in zip(names, itertools.cycle(WORDINGS), strict=False)
    }
    drawn = drawings(artist, asked.values(), seeds=1)
    return {name: drawn[prompt] for name, prompt in asked.items()}


def edited(artist):
    """Draw EDITS, the seeds counting up from 0: images and their captions, a list each."""
    images, options = [], {"keep": text_to_image.KEEP, "at_once": 1}
    for seed, (prompt, changed) in enumerate(EDITS):
        images.extend(drawings(artist, [prompt], 1, seed, edited_prompt=changed, **options)[prompt])
    return images, [prompt for pair in EDITS for prompt in pair]


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
    told = [grounding.told(model, scene.captions(rng, 1)) for scene in scenes]
    latents = np.concatenate(
        [np.asarray(model.encode(images[at : at + BATCH])) for at in range(0, count, BATCH)]
    )
    course = flow_matching.Course(1, batch=count)
    inputs, true = flow_matching.batch(latents, told, rng, course)
    made = flow_matching.compiled(model, course).predict(inputs, batch_size=BATCH, verbose=0)
    return float(np.square(made["velocity"] - true["velocity"]).mean())


def pairs(count, seed=0):
    """Prompts of two things and how they stand: list of (prompt, first, relation, second)."""
    rng = np.random.default_rng([seed, 2])
    told = []
    for _ in range(count):
        first, second = (
            picture_book.CLASSES[at] for at in rng.choice(len(picture_book.CLASSES), 2, False)
        )
        relation = str(rng.choice(list(APART)))
        told.append((f"{article(first)} {relation} {article(second)}", first, relation, second))
    return told


def related(artist, told, seeds):
    """Share of drawings of `pairs` in which the detector finds both things, standing as told."""
    held = []
    drawn = drawings(artist, [prompt for prompt, *_ in told], seeds)
    for prompt, first, relation, second in told:
        for image in drawn[prompt]:
            found = detection.detect(image, DETECTOR).filter(confidence=SURE)
            held.append(_stand(found, first, relation, second))
    return float(np.mean(held))


def _stand(found, first, relation, second):
    middles = {}
    for box, label in zip(found.boxes, found.labels, strict=True):
        middles.setdefault(label, (np.asarray(box[:2]) + np.asarray(box[2:])) / 2)
    if not {first, second} <= set(middles):
        return False
    apart = np.dot(middles[second] - middles[first], APART[relation])
    return bool(apart > 0)
