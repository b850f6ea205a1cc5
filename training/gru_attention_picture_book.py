"""Trains `gru_attention_picture_book`: drawn scenes put into words by a GRU that attends to places.

Knows nothing of the page. Run it with `python -m training.gru_attention_picture_book` after
`training.retinanet_picture_book`, whose encoder it takes; the emoji font is needed.

The encoder is the detector's, trained before, and goes on learning with the decoder, on pictures
that are mirrored half of the time. Beside the sentence (Xu et al. 2015, "Show, Attend and Tell")
each cell of the picture learns three things of what is seen there. Its word, without which the
attention takes far longer to find its subject; the share of a thing that it holds; and how many
things of its kind there are, which the shares add up to.

The plan is for a GPU, where Keras runs on JAX: six minutes. On two cores the clock ends it.
"""

import dataclasses
import functools
import math
import textwrap

import keras
import keras_hub
import numpy as np
from keras import ops

from models import captioning, images, runtime, vocabulary
from models.architectures.captioner import Captioner
from training import picture_book, recipe, retinanet_picture_book, sheets
from training.detection.fitting import Stage, minimise
from training.picture_book import captions as wording

SIZE = retinanet_picture_book.SIZE  # pixels of the square that the encoder sees
SHAPES = ((1.0, 1.0, 0.7), (1.0, 0.75, 0.2), (0.75, 1.0, 0.1))  # width, height, share of scenes
FIRST = 100_000_000  # seed of the first scene; the encoder has not seen those from here on
CROWDS = 100_000_000  # from the seeds of a round's scenes to those of its crowded ones
CAPTIONS = 4  # of each scene
SIDE_BY_SIDE = 2  # captions of a scene in one batch: its places are projected once for all
WORDS = 40  # of a caption at most, START and END included
PACE = 20  # captions are padded to a multiple of so many words: few shapes to compile
CELL_SHARE = 0.5  # of the loss of the cells' words against that of the sentence
THING_SHARE = 0.1  # of the loss of where things are, a sum over the cells
COUNT_SHARE = 0.5  # of the loss of the cells' counts
CROWD = (3, picture_book.MOST)  # things in a crowded scene, fewest and most
DEGRADED = 0.25  # of the scenes are blurred, noisy or recoloured
SIDES = ("left", "right")  # the words that change places when a picture is mirrored
MISTAKES = 8  # shown in the model card


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much of everything."""

    scenes: int
    crowded: int  # scenes more, of CROWD things: more to count
    held_out: int
    stage: Stage


FULL = Plan(64_000, 16_000, 500, Stage(25_000, 64, 1e-3, 120))
SMOKE = Plan(10, 4, 4, Stage(3, 4, 1e-3, 1))


def scenes(count, seed, folder, objects=None):
    """`count` scenes of three shapes, letterboxed as the app does it.

    `objects` is as `picture_book.scene` takes it.

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
            **({"objects": objects} if objects else {}),
        )
        part["boxes"] += np.tile([(SIZE - side) // 2 for side in size], 2).astype("float32")
        part["images"] = np.stack([images.letterbox(each, SIZE)[0] for each in part["images"]])
        parts.append(part)
    return joined(parts)


def joined(parts):
    """One dict of scenes from several."""
    arrays = {
        key: np.concatenate([part[key] for part in parts])
        for key in parts[0]
        if key in ("images", "boxes", "labels")
    }
    return {**arrays, "captions": [each for part in parts for each in part["captions"]]}


def drawn(plan, args):
    """The scenes of a round of training, as `scenes` gives them."""
    first = FIRST + args.drawn * plan.scenes
    crowds = scenes(plan.crowded, first + CROWDS, args.work, CROWD)
    return joined([scenes(plan.scenes, first, args.work), crowds])


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


def cell_shares(boxes, labels, grid):
    """The share of a thing (count, grid * grid) that each cell holds, float32, 1 at most.

    A thing is shared out over the four cells around its middle, to each the more the nearer.
    """
    shares = np.zeros((len(boxes), grid, grid), np.float32)
    middles = (boxes[..., :2] + boxes[..., 2:]) / 2 / SIZE * grid - 0.5
    middles = np.clip(middles, 0, grid - 1)
    scene, thing = np.nonzero(labels >= 0)
    column, row = np.minimum(middles[scene, thing].astype(int), grid - 2).T
    right, down = (middles[scene, thing] - np.stack([column, row], axis=1)).T
    for y, x in np.ndindex(2, 2):
        part = (down if y else 1 - down) * (right if x else 1 - right)
        np.add.at(shares, (scene, row + y, column + x), part)
    return np.minimum(shares, 1).reshape(len(boxes), -1)


def cell_counts(cells, labels, words):
    """How many of the thing seen at each cell the scene has (count, cells), 0 where none is seen.

    cells (count, cells) as `cell_words` gives them; labels (count, things).
    """
    there = np.zeros((len(cells), len(words)), np.uint8)
    tokens = np.array([words.index(vocabulary.tokens(name)[0]) for name in picture_book.CLASSES])
    scene, thing = np.nonzero(labels >= 0)
    np.add.at(there, (scene, tokens[labels[scene, thing]]), 1)
    return np.take_along_axis(there, cells, axis=1) * (cells != vocabulary.PADDING)


def sentence_ids(captions, words):
    """Token ids (scenes, CAPTIONS, WORDS) int32 of lists of captions, padded and cut."""
    ids = np.full((len(captions), CAPTIONS, WORDS), vocabulary.PADDING, np.int32)
    for at, told in enumerate(captions):
        for number, caption in enumerate(told):
            said = vocabulary.ids(words, caption)[:WORDS]
            ids[at, number, : len(said)] = said
    return ids


def loss(model, pictures, ids, cells, shares, counts):
    """Cross-entropy a word of sentences, with what each cell should know of what is seen there.

    pictures (batch, SIZE, SIZE, 3), 0 to 255; ids (batch, SIDE_BY_SIDE, words); cells of tokens,
    shares and counts (batch, cells).
    """
    seen = model.features(ops.cast(pictures, "float32"))
    places, held, added_up = model.counted(ops.cast(seen, model.compute_dtype))
    entropy = ops.sparse_categorical_crossentropy(cells, model.named(places), True)
    beside = CELL_SHARE * ops.mean(entropy)
    beside += THING_SHARE * shares_loss(held, shares) + COUNT_SHARE * counts_loss(added_up, counts)
    return words_loss(model, places, ids) + beside


def words_loss(model, places, ids):
    """Cross-entropy a word of the sentences, each from the words before it."""
    told = ops.reshape(ids, (-1, ids.shape[-1]))
    logits, _, _ = model.tell(told[:, :-1], ops.repeat(places, SIDE_BY_SIDE, axis=0), training=True)
    entropy = ops.sparse_categorical_crossentropy(told[:, 1:], logits, True)
    counted = ops.cast(told[:, 1:] != vocabulary.PADDING, "float32")
    return ops.sum(counted * entropy) / ops.sum(counted)


def shares_loss(logits, shares):
    """Cross-entropy of the cells' shares, whose best answer is what they are on average."""
    entropy = ops.binary_crossentropy(shares, ops.cast(logits, "float32"), True)
    return ops.mean(ops.sum(entropy, axis=1))


def counts_loss(added_up, counts):
    """Huber's loss of the counts, over the cells where a thing is seen."""
    truth = ops.cast(counts, "float32")
    apart = ops.abs(ops.cast(added_up, "float32") - truth)
    bent = ops.where(apart < 1, apart**2 / 2, apart - 0.5)
    seen = ops.cast(truth > 0, "float32")
    return ops.sum(seen * bent) / ops.maximum(ops.sum(seen), 1.0)


def batch(number, count, seed, seen, ids, maps):
    """Batch `number`: `count` scenes, SIDE_BY_SIDE captions of each, padded to the longest.

    seen (scenes, ...) is what the model sees of each; maps are arrays (scenes, cells).
    """
    rng = np.random.default_rng([seed, number])
    chosen = rng.integers(len(seen), size=count)
    which = rng.permuted(np.tile(np.arange(CAPTIONS), (count, 1)), axis=1)[:, :SIDE_BY_SIDE]
    told = ids[chosen[:, None], which]
    longest = (told != vocabulary.PADDING).sum(axis=-1).max() - 1
    length = min(WORDS, 1 + PACE * -(-int(longest) // PACE))
    return seen[chosen], told[..., :length], *(each[chosen] for each in maps)


def half_mirrored(number, seed, words, **given):
    """Batch `number` of pictures, every other one mirrored: what is left is right, and told so."""
    pictures, told, *maps = batch(number, seed=seed, **given)
    sides = [words.index(side) for side in SIDES]
    flipped = slice(None, None, 2)
    told, there = told.copy(), told[flipped]
    told[flipped] = np.select([there == side for side in sides], sides[::-1], there)
    pictures[flipped] = pictures[flipped, :, ::-1]
    for each in maps:
        grid = each.reshape(len(each), math.isqrt(each.shape[1]), -1)
        grid[flipped] = grid[flipped, :, ::-1]
    return pictures, told, *maps


def train(plan, scenes, args):
    """Train encoder and decoder together on scenes.

    Returns:
        (the Captioner in float32, steps, seconds spent).
    """
    words, options = said(scenes["captions"], args)
    policy = recipe.precision()
    model = Captioner(encoder(args.smoke, policy), words, **options, dtype=policy)
    recipe.goes_on(model, args, Captioner)
    make = functools.partial(
        half_mirrored,
        seed=args.drawn,
        words=words,
        count=plan.stage.batch,
        seen=scenes["images"],
        ids=sentence_ids(scenes["captions"], words),
        maps=cell_truths(scenes, model.grid, words),
    )
    steps, seconds = minimise(loss, model, make, plan.stage, args.work / "together.npz")
    exact = Captioner(encoder(args.smoke, "float32"), words, **options, dtype="float32")
    exact.set_weights(model.get_weights())
    return exact, steps, seconds


def cell_truths(scenes, grid, words):
    """What each cell should know: arrays (scenes, cells) of words, of shares and of counts."""
    boxes, labels = scenes["boxes"], scenes["labels"]
    cells = cell_words(boxes, labels, grid, words)
    return cells, cell_shares(boxes, labels, grid), cell_counts(cells, labels, words)


def said(captions, args):
    """The words of captions and the Captioner's options; in a further round those of the preset."""
    if args.further:
        earlier = Captioner.from_preset(str(args.out), dtype="float32")
        options = {"length": earlier.length, "once": earlier.once}
        return earlier.vocabulary, {**options, "counting": earlier.counting is not None}
    told = [caption for each in captions for caption in each]
    words = vocabulary.build([*told, *picture_book.CLASSES, *SIDES])
    once = vocabulary.said_once(words, told)
    return words, {"length": WORDS, "once": once, "counting": True}


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
        model, steps, seconds = train(plan, drawn(plan, args), args)
        recipe.save(model, args.out, picture_book.CLASSES)
        recipe.trained(args, model, seconds, scenes=plan.scenes + plan.crowded, steps=steps)
        if args.unmeasured:
            return None
    saved = Captioner.from_preset(str(args.out), dtype="float32")
    unseen = scenes(plan.held_out, picture_book.HELD_OUT, args.work)
    figures = measure(saved, unseen, recipe.key(args))
    if not args.by_keras:
        _show_mistakes(figures, unseen["images"], args.out / "failures.jpg")
    return recipe.report(
        args,
        "things named by greedy captions",
        figures["named"],
        f"{plan.held_out:,} scenes of seeds that training never draws",
        named_that_are_there=round(figures["true"], 4),
        **{key: figures[key] for key in ("claims_true", "relations_true", "counts_true", "claims")},
    )


def _show_mistakes(figures, images, path):
    """Write a sheet of the MISTAKES pictures whose captions say most that is wrong."""
    worst = np.argsort(figures["wrong"], kind="stable")[: -MISTAKES - 1 : -1]
    told = ["\n".join(textwrap.wrap(figures["captions"][at], 32)[:3]) for at in worst]
    sheets.sheet([images[at] for at in worst], told, path, 4, 240)


if __name__ == "__main__":
    print(main())
