"""Trains `stable_diffusion_picture_book`: pictures of the picture-book world from their captions.

Knows nothing of how the app draws with it. Latent diffusion (Rombach et al. 2022, "High-resolution
image synthesis with latent diffusion models"): an autoencoder first, then text encoder and U-Net
together on its latents. Each part resumes from its checkpoint when run again.
"""

import dataclasses
import itertools
import logging
import sys

import numpy as np

from models.prompts import words
from training import picture_book, recipe, sheets
from training.picture_book.captions import INVERSE, PLACES, RELATIONS, article, plural
from training.text_to_image import autoencoder, drawing_score, flow_matching, grounding, sides

CAPTIONS = 4  # a scene
LARGE = {"objects": 1, "smallest": 0.5, "largest": 0.85, "inside": 0.96, "plain": False}
SEVERAL = {"objects": (2, 3), "smallest": 0.3, "inside": 0.9, "plain": False}
PAIR = {**SEVERAL, "objects": 2}
COLOURED = 2_000  # scenes at most from which the colours of latents are learnt
SEEDS = 100_000  # of scenes that a round may draw
FULL = flow_matching.Course(24_000)
MEASURE = "drawings that the picture-book classifier names as asked"


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is drawn and trained, and how large the model is."""

    single: int = 30_000  # scenes with one large thing, which show best what a thing looks like
    pair: int = 18_000  # scenes with two things, of which those are kept that stand clearly
    several: int = 2_000  # scenes with two or three things
    plain: int = 2_000  # scenes with one large thing on a plain background
    autoencoder_steps: int = 6_000
    decoder_steps: int = 3_000  # of the decoder alone, for what makes things recognisable
    side_steps: int = 0  # of the text encoder alone
    unet: flow_matching.Course = FULL
    scored: int = len(picture_book.CLASSES)  # classes drawn and named for the score
    seeds: int = 8  # pictures a prompt
    related: int = 40  # prompts of two things for the score
    related_seeds: int = 2  # pictures of each
    held_out: int = 512  # scenes, from picture_book.HELD_OUT on
    sizes: dict = dataclasses.field(default_factory=dict)  # of StableDiffusion, where not default


# A further round is for what is learned last, which of two things is on which side. It is little
# enough to learn for a plain CPU.
FURTHER = Plan(
    single=3_000,
    pair=14_000,
    several=500,
    plain=500,
    side_steps=600,
    unet=flow_matching.Course(800, batch=32, peak_rate=3e-4, noise=1.0, grounding=1.0),
)
SMOKE = Plan(
    single=8,
    pair=24,
    several=8,
    plain=2,
    autoencoder_steps=2,
    decoder_steps=2,
    side_steps=2,
    unet=flow_matching.Course(2),
    scored=0,
    held_out=8,
    sizes={
        "image_size": 32,
        "channels": 4,
        "text_width": 16,
        "text_depth": 1,
        "autoencoder_widths": (8, 8, 16),
        "unet_widths": (8, 16),
        "unet_depths": (1, 1),
        "heads": 2,
    },
)


def main(argv=None):
    """Train and save the preset, then measure it by what it draws; gives the record."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    args = recipe.arguments(__spec__, argv)
    plan = SMOKE if args.smoke else FURTHER if args.further else Plan()
    if not args.measure:
        train(plan, args)
    return None if args.unmeasured else measure(plan, args)


def train(plan, args):
    """Train autoencoder, text encoder and U-Net, and save the preset.

    A further round trains text encoder and U-Net of the preset that is there.
    """
    import keras

    keras.utils.set_random_seed(args.seed)
    keras.config.disable_flash_attention()  # on JAX it takes no mask of one row for all queries
    images, captions, things = scenes(plan, args.work, args.drawn)
    if args.further:
        model, spent = bundled(args.out), {"side_steps": plan.side_steps}
        single = sorted({text for told in captions[: plan.single] for text in told})
        seconds = sides.teach(model, single, plan.side_steps, args.work, args.drawn)
    else:
        model, seconds = with_autoencoder(plan, args, images, vocabulary(captions))
        spent = {"autoencoder_steps": plan.autoencoder_steps, "decoder_steps": plan.decoder_steps}
    latents = encoded(model, images, args.work)
    latents = (latents - np.float32(model.latent_mean)) / np.float32(model.latent_deviation)
    told = [grounding.told(model, *each) for each in zip(captions, things, strict=True)]
    seconds += flow_matching.train(model, latents, told, plan.unet, args.work, args.drawn)
    recipe.save(model, args.out, picture_book.CLASSES)
    recipe.trained(args, model, seconds, **spent, steps=plan.unet.steps)


def with_autoencoder(plan, args, images, known):
    """A model that knows the words `known`, its autoencoder trained.

    Returns:
        (StableDiffusion with its latents' mean, deviation and colours set, seconds).
    """
    model, steps = build(plan, known), plan.autoencoder_steps
    seconds = autoencoder.train(model.encoder, model.decoder, images, steps, args.work, args.seed)
    model = normalised(model, encoded(model, images, args.work), images)
    seconds += autoencoder.sharpen(
        model, images, eyes(model), plan.decoder_steps, args.work, args.drawn
    )
    return model, seconds


def eyes(model):
    """What the decoder is judged by: the stages of the bundled detector's encoder, at its size."""
    import keras
    import keras_hub

    preset = str(recipe.BUNDLED / drawing_score.DETECTOR)
    detector = keras_hub.models.ObjectDetector.from_preset(preset, dtype=recipe.precision())
    encoder = detector.backbone.image_encoder
    shape = {"image_shape": model.encoder.input.shape[1:]}
    fitting = type(encoder).from_config({**encoder.get_config(), **shape})
    fitting.set_weights(encoder.get_weights())
    fitting.trainable = False
    return keras.Model(fitting.inputs, list(fitting.pyramid_outputs.values()))


def build(plan, known):
    """The untrained model."""
    from models.architectures.stable_diffusion import StableDiffusion

    return StableDiffusion(known, dtype=recipe.precision(), **plan.sizes)


def bundled(out):
    """The model of the preset in `out`."""
    from models.architectures.stable_diffusion import StableDiffusion

    return StableDiffusion.from_preset(str(out), dtype=recipe.precision())


def scenes(plan, folder, seed):
    """Images (n, size, size, 3) uint8 of the training scenes, n lists of captions, n of things.

    Things, (name, box), are told of the scenes with two, whose captions say how they stand.

    A scene with one thing also goes by the bare name, by "a" name and by its plural, each with its
    place and without; one with two things mostly by how they stand, in every wording and either way
    round, since that is learned last, and is left out where they hide each other. What is not told
    to be plain is somewhere, so that a prompt that names no place gets one.
    """
    size = plan.sizes.get("image_size", 256)
    several_from = plan.single + plan.pair
    plain_from = several_from + plan.several
    first = seed * SEEDS

    def drawn(count, after, options, captions=CAPTIONS):
        return picture_book.dataset(count, size, first + after, folder, captions, **options)

    single = drawn(plan.single, 0, LARGE)
    pair = drawn(plan.pair, plan.single, PAIR, captions=1)
    several = drawn(plan.several, several_from, SEVERAL)
    plain = drawn(plan.plain, plain_from, {**LARGE, "plain": True})
    names = map(called, single["labels"], single["settings"])
    pair_things = [*zip(pair["labels"][:, :2], pair["boxes"][:, :2], strict=True)]
    stand = [standing(*each) for each in pair_things]
    clear = [at for at, told in enumerate(stand) if told]
    parts = single["images"], pair["images"][clear], several["images"], plain["images"]
    captions = [
        *(told + more for told, more in zip(single["captions"], names, strict=True)),
        *(pair["captions"][at] + stand[at] for at in clear),
        *several["captions"],
        *map(at_its_place, plain["labels"], plain["settings"]),
    ]
    things = [[] for _ in captions]
    for at, pair in enumerate(clear, plan.single):
        labels, boxes = pair_things[pair]
        things[at] = [*zip((picture_book.CLASSES[label] for label in labels), boxes, strict=True)]
    return np.concatenate(parts), captions, things


def called(labels, setting):
    """What a scene with one thing goes by besides its captions, with its place and without."""
    name = picture_book.CLASSES[labels[0]]
    return [name, article(name), plural(name), *at_its_place(labels, setting)]


def at_its_place(labels, setting):
    """The bare name, "a" name and the plural, each with words for the setting, in turns."""
    name = picture_book.CLASSES[labels[0]]
    told = zip([name, article(name), plural(name)], itertools.cycle(PLACES[setting]), strict=False)
    return [f"{words} {place}" for words, place in told]


def standing(labels, boxes):
    """How two different things stand, in all the words there are for it; [] where it is unclear.

    Args:
        labels: (things,) with -1 for none. boxes: (things, 4), left, top, right, bottom.
    """
    there = labels >= 0
    scene = picture_book.Scene(None, boxes[there], labels[there], "", covers=())
    return [
        f"{article(one)} {way} {article(other)}"
        for first, relation, second in scene.relations
        for one, told, other in ((first, relation, second), (second, INVERSE[relation], first))
        for way in RELATIONS[told]
    ]


def vocabulary(captions):
    """All words of the captions, sorted."""
    return sorted({word for told in captions for text in told for word in words(text)})


def encoded(model, images, folder):
    """Latents (n, height, width, channels) float16 of images, computed once for a `folder`."""
    kept = folder / f"latents-{len(images)}.npy"
    if not kept.exists():
        parts = [
            model.encoder.predict_on_batch(autoencoder.pixels(images[at : at + 64]))
            for at in range(0, len(images), 64)
        ]
        np.save(kept, np.concatenate(parts).astype(np.float16))
    return np.load(kept)


def normalised(model, latents, images):
    """A copy of the model that knows its latents' mean and deviation, by channel, and colours."""
    told = model.get_config()
    told["latent_mean"] = latents.mean((0, 1, 2), np.float64).round(4).tolist()
    told["latent_deviation"] = latents.std((0, 1, 2), np.float64).round(4).tolist()
    some = slice(None, None, -(-len(latents) // COLOURED))
    scaled = (latents[some] - np.float32(told["latent_mean"])) / told["latent_deviation"]
    told["latent_colours"] = colours(scaled, images[some]).round(4).tolist()
    fresh = type(model).from_config(told)
    fresh.set_weights(model.get_weights())
    return fresh


def colours(latents, images):
    """The linear map from normalised latents to the mean colours of their cells, by least squares.

    Args:
        latents: (n, height, width, channels).
        images: (n, side * height, side * width, 3) uint8; a cell has side x side pixels.

    Returns:
        (channels + 1, 3): the map, then the colour where all latents are 0, in [-1, 1].
    """
    count, height, width, channels = latents.shape
    side = images.shape[1] // height
    cells = images.reshape(count, height, side, width, side, 3).mean((2, 4)) / 127.5 - 1
    given = latents.reshape(-1, channels).astype("float64")
    given = np.concatenate([given, np.ones((len(given), 1))], axis=1)
    return np.linalg.lstsq(given, cells.reshape(-1, 3), rcond=None)[0]


def measure(plan, args):
    """Score the saved preset on held-out scenes and by what a classifier sees in its drawings."""
    artist = drawing_score.loaded(args.out, recipe.key(args))
    error = drawing_score.velocity_error(artist.model, plan.held_out)
    if not plan.scored:
        return recipe.report(args, "velocity error", error, "scenes of seeds not trained on")
    names = picture_book.CLASSES[: plan.scored]
    drawn = drawing_score.things(artist, names, plan.seeds)
    share, missed = drawing_score.named(drawn)
    reworded, _ = drawing_score.named(drawing_score.reworded(artist, names))
    by_turns = [images[at % plan.seeds] for at, images in enumerate(drawn.values())]
    sheets.sheet(by_turns, list(drawn), args.out / "drawings.jpg", columns=12, side=128)
    sheets.sheet(*drawing_score.edited(artist), args.out / "edits.jpg", columns=8)
    prompts = drawing_score.pairs(plan.related)
    related = drawing_score.related(artist, prompts, plan.related_seeds)
    return recipe.report(
        args,
        MEASURE,
        share,
        f"{len(names)} prompts, {plan.seeds} seeds each",
        in_other_words=round(reworded, 4),
        two_things_as_told=round(related, 4),
        velocity_error=round(error, 4),
        missed=missed,
    )


if __name__ == "__main__":
    main()
