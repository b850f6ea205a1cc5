"""Trains `gru_attention_picture_book`: drawn scenes put into words by a GRU that attends to places.

Knows nothing of the page. Run it with `python -m training.gru_attention_picture_book` after
`training.retinanet_picture_book`, whose encoder it takes; the emoji font is needed.

The encoder is the detector's, trained before. At first it is frozen, so its features are made once
and the decoder trains on them alone; then both train along, on pictures that are mirrored half of
the time. Beside the sentence (Xu et al. 2015, "Show, Attend and Tell") each place learns to stand
for the word of the thing that is seen there; without it the attention takes far longer to find its
subject.
"""

import dataclasses
import functools
import math
import textwrap

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from models import captioning, images, runtime, vocabulary
from models.architectures.captioner import Captioner
from training import picture_book, recipe, retinanet_picture_book, sheets
from training.detection.fitting import Stage, minimise
from training.picture_book import captions as wording

SIZE = retinanet_picture_book.SIZE  # pixels of the square that the encoder sees
SHAPES = ((1.0, 1.0, 0.7), (1.0, 0.75, 0.2), (0.75, 1.0, 0.1))  # width, height, share of scenes
FIRST = 100_000_000  # seed of the first scene; the encoder has not seen those from here on
CAPTIONS = 4  # of each scene
SIDE_BY_SIDE = 2  # captions of a scene in one batch: its places are projected once for all
WORDS = 40  # of a caption at most, START and END included
PACE = 8  # captions are padded to a multiple of so many words: few shapes to compile
CELL_SHARE = 0.5  # of the loss of the places' words against that of the sentence
DEGRADED = 0.25  # of the scenes are blurred, noisy or recoloured
SIDES = ("left", "right")  # the words that change places when a picture is mirrored
MISTAKES = 8  # shown in the model card


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much of everything."""

    scenes: int
    held_out: int
    decoder: Stage  # alone, on features that are made once; only in the first round
    along: Stage  # with the encoder


FULL = Plan(14_000, 500, Stage(6_000, 48, 2e-3, 18), Stage(8_000, 24, 6e-4, 20))
SMOKE = Plan(10, 4, Stage(3, 4, 1e-3, 1), Stage(3, 4, 1e-3, 1))


def scenes(count, seed, folder):
    """`count` scenes of three shapes, letterboxed as the app does it.

    Returns:
        dict of images (count, SIZE, SIZE, 3) uint8, boxes (count, things, 4) in pixels of the
        square, labels (count, things), -1 where there is none, and captions, lists of texts.
    """
    parts = []
    for number, (width, height, share) in enumerate(SHAPES):
        size = int(SIZE * width), int(SIZE * height)
        part = picture_book.dataset(
            max(1, round(count * share)),
            size,
            seed + number * 10_000_000,
            folder,
            captions=CAPTIONS,
            complete=True,
            degraded=DEGRADED,
        )
        part["boxes"] += np.tile([(SIZE - side) // 2 for side in size], 2).astype("float32")
        part["images"] = np.stack([images.letterbox(each, SIZE)[0] for each in part["images"]])
        parts.append(part)
    joined = {
        key: np.concatenate([part[key] for part in parts])
        for key in parts[0]
        if key in ("images", "boxes", "labels")
    }
    return {**joined, "captions": [each for part in parts for each in part["captions"]]}


def encoder(smoke, dtype):
    """The bundled detector's backbone; for a smoke run an untrained one.

    Raises:
        FileNotFoundError: the detector is not trained yet.
    """
    if smoke:
        return retinanet_picture_book.detector(dtype).backbone
    preset = recipe.BUNDLED / "retinanet_picture_book"
    if not preset.is_dir():
        raise FileNotFoundError(f"{preset} is missing: run training.retinanet_picture_book first")
    return keras_hub.models.ObjectDetector.from_preset(str(preset), dtype=dtype).backbone


def features(model, pictures, batch=32):
    """The encoder's features (count, cells, channels) of pictures, float16."""
    run = runtime.compile(lambda captioner, pixels: captioner.features(pixels), model)
    ahead = (pictures[at : at + batch].astype("float32") for at in range(0, len(pictures), batch))
    return np.concatenate([np.asarray(run(part)).astype("float16") for part in ahead])


def cell_words(boxes, labels, grid, words):
    """The token (count, grid * grid) of the thing seen at each cell, PADDING where there is none.

    boxes (count, things, 4) in pixels of the square, back to front; labels (count, things).
    """
    tokens = [words.index(vocabulary.tokens(name)[0]) for name in picture_book.CLASSES]
    cells = np.full((len(boxes), grid, grid), vocabulary.PADDING, np.int32)
    corners = boxes / SIZE * grid
    for scene, thing in np.argwhere(labels >= 0):
        x1, y1, x2, y2 = corners[scene, thing]
        rows, columns = slice(int(y1), int(np.ceil(y2))), slice(int(x1), int(np.ceil(x2)))
        cells[scene, rows, columns] = tokens[labels[scene, thing]]
    return cells.reshape(len(boxes), -1)


def sentence_ids(captions, words):
    """Token ids (scenes, CAPTIONS, WORDS) int32 of lists of captions, padded and cut."""
    ids = np.full((len(captions), CAPTIONS, WORDS), vocabulary.PADDING, np.int32)
    for at, told in enumerate(captions):
        for number, caption in enumerate(told):
            said = vocabulary.ids(words, caption)[:WORDS]
            ids[at, number, : len(said)] = said
    return ids


def loss(model, seen, ids, cells):
    """Cross-entropy a word of sentences, and CELL_SHARE of that of the places' words.

    seen (batch, cells, channels); ids (batch, SIDE_BY_SIDE, words); cells (batch, cells) of tokens.
    """
    told = tf.reshape(ids, (-1, ids.shape[-1]))
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits
    places = model.placed(tf.cast(seen, model.compute_dtype))
    looked_at = tf.repeat(places, SIDE_BY_SIDE, axis=0)
    logits, _, _ = model.tell(told[:, :-1], looked_at, training=True)
    counted = tf.cast(told[:, 1:] != vocabulary.PADDING, "float32")
    words = tf.reduce_sum(counted * entropy(told[:, 1:], logits)) / tf.reduce_sum(counted)
    return words + CELL_SHARE * tf.reduce_mean(entropy(cells, model.named(places)))


def loss_along(model, pictures, ids, cells):
    """The same loss of pictures (batch, SIZE, SIZE, 3), 0 to 255, through the encoder."""
    return loss(model, model.features(tf.cast(pictures, "float32")), ids, cells)


def batch(number, count, seed, seen, ids, cells):
    """Batch `number`: `count` scenes, SIDE_BY_SIDE captions of each, padded to the longest."""
    rng = np.random.default_rng([seed, number])
    chosen = rng.integers(len(seen), size=count)
    which = rng.permuted(np.tile(np.arange(CAPTIONS), (count, 1)), axis=1)[:, :SIDE_BY_SIDE]
    told = ids[chosen[:, None], which]
    longest = (told != vocabulary.PADDING).sum(axis=-1).max() - 1
    length = min(WORDS, 1 + PACE * -(-int(longest) // PACE))
    return seen[chosen], told[..., :length], cells[chosen]


def half_mirrored(number, seed, words, **drawn):
    """Batch `number` of pictures, every other one mirrored: what is left is right, and told so."""
    pictures, told, cells = batch(number, seed=seed, **drawn)
    sides = [words.index(side) for side in SIDES]
    flipped = slice(None, None, 2)
    told, there = told.copy(), told[flipped]
    told[flipped] = np.select([there == side for side in sides], sides[::-1], there)
    grid = cells.reshape(len(cells), math.isqrt(cells.shape[1]), -1).copy()
    grid[flipped] = grid[flipped, :, ::-1]
    pictures[flipped] = pictures[flipped, :, ::-1]
    return pictures, told, grid.reshape(cells.shape)


def train(plan, drawn, args):
    """Train the decoder on the frozen encoder's features, then both; a further round only both.

    Returns:
        (the Captioner in float32, steps, seconds spent).
    """
    words, options = said(drawn["captions"], args)
    model = Captioner(
        encoder(args.smoke, "mixed_bfloat16"), words, **options, dtype="mixed_bfloat16"
    )
    recipe.goes_on(model, args, Captioner)
    told = {
        "seed": args.drawn,
        "ids": sentence_ids(drawn["captions"], words),
        "cells": cell_words(drawn["boxes"], drawn["labels"], model.grid, words),
    }
    steps, seconds = (0, 0.0) if args.further else alone(model, plan.decoder, drawn, told, args)
    model.image_encoder.trainable = True
    make = functools.partial(
        half_mirrored, words=words, count=plan.along.batch, seen=drawn["images"], **told
    )
    more = minimise(loss_along, model, make, plan.along, args.work / "along.npz")
    exact = Captioner(encoder(args.smoke, "float32"), words, **options, dtype="float32")
    exact.set_weights(model.get_weights())
    return exact, steps + more[0], seconds + more[1]


def alone(model, stage, drawn, told, args):
    """Train the decoder of `model` on the features of its frozen encoder; (steps, seconds)."""
    model.image_encoder.trainable = False
    seen = features(model, drawn["images"])
    make = functools.partial(batch, count=stage.batch, seen=seen, **told)
    return minimise(loss, model, make, stage, args.work / "decoder.npz")


def said(captions, args):
    """The words of captions and the Captioner's options; in a further round those of the preset."""
    if args.further:
        earlier = Captioner.from_preset(str(args.out), dtype="float32")
        return earlier.vocabulary, {"length": earlier.length, "once": earlier.once}
    told = [caption for each in captions for caption in each]
    words = vocabulary.build([*told, *picture_book.CLASSES, *SIDES])
    return words, {"length": WORDS, "once": vocabulary.said_once(words, told)}


def measure(model, drawn, key=None):
    """What the greedy captions of scenes name; `key` is as `recipe.key` gives it.

    Returns:
        dict of `named`, the share of the things there whose class the caption names; `true`, the
        share of the named classes that are there; `claims_true`, `relations_true` and
        `counts_true`, that of the stated relations and counts, together and apart; `claims`, how
        many were stated; `captions`, the captions; `wrong`, how many classes
        each caption leaves out or makes up.
    """
    look, say = (
        runtime.compile(each, model, key, True) for each in (captioning.look, captioning.say)
    )
    told = [
        captioning.Speaker(model, look, say, picture).greedy()[0][0] for picture in drawn["images"]
    ]
    there = [[picture_book.CLASSES[at] for at in each if at >= 0] for each in drawn["labels"]]
    said = [picture_book.named(caption) for caption in told]
    pairs = list(zip(there, said, strict=True))
    held = [
        (len(claim) == 2, wording.holds(claim, things, boxes))
        for caption, things, boxes in zip(told, there, drawn["boxes"], strict=True)
        for claim in wording.claims(caption)
    ]
    named = sum(name in names for things, names in pairs for name in things)
    true = sum(name in things for things, names in pairs for name in names)
    return {
        "named": named / sum(map(len, there)),
        "true": true / max(1, sum(map(len, said))),
        "claims_true": _share([true for _, true in held]),
        "relations_true": _share([true for counts, true in held if not counts]),
        "counts_true": _share([true for counts, true in held if counts]),
        "claims": len(held),
        "captions": told,
        "wrong": [len(set(things) ^ set(names)) for things, names in pairs],
    }


def _share(truths):
    return round(float(np.mean(truths or [0])), 4)


def main(argv=None):
    """Train and save the preset, then measure it on held-out scenes; gives the record."""
    args = recipe.arguments(__spec__, argv)
    keras.utils.set_random_seed(args.seed)
    plan = SMOKE if args.smoke else FULL
    if not args.measure:
        drawn = scenes(plan.scenes, FIRST + args.drawn * plan.scenes, args.work)
        model, steps, seconds = train(plan, drawn, args)
        recipe.save(model, args.out, picture_book.CLASSES)
        recipe.trained(args, model, seconds, scenes=plan.scenes, steps=steps)
    saved = Captioner.from_preset(str(args.out), dtype="float32")
    unseen = scenes(plan.held_out, picture_book.HELD_OUT, args.work)
    figures = measure(saved, unseen, recipe.key(args))
    worst = np.argsort(figures["wrong"], kind="stable")[: -MISTAKES - 1 : -1]
    told = ["\n".join(textwrap.wrap(figures["captions"][at], 32)[:3]) for at in worst]
    sheets.sheet([unseen["images"][at] for at in worst], told, args.out / "failures.jpg", 4, 240)
    return recipe.report(
        args,
        "things named by greedy captions",
        figures["named"],
        f"{plan.held_out:,} scenes of seeds that training never draws",
        named_that_are_there=round(figures["true"], 4),
        **{key: figures[key] for key in ("claims_true", "relations_true", "counts_true", "claims")},
    )


if __name__ == "__main__":
    print(main())
