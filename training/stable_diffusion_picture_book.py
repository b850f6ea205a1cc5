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
from training.text_to_image import autoencoder, drawing_score, flow_matching

CAPTIONS = 4  # a scene
LARGE = {"objects": 1, "smallest": 0.5, "largest": 0.85, "inside": 0.96, "plain": False}
SEVERAL = {"objects": (2, 3), "smallest": 0.3, "inside": 0.9, "plain": False}
PAIR = {**SEVERAL, "objects": 2}
COLOURED = 2_000  # scenes at most from which the colours of latents are learnt
TRIED = 4  # drawings of each thing from which a further round learns what to practise
MEASURE = "drawings that the picture-book classifier names as asked"


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is drawn and trained, and how large the model is."""

    single: int = 30_000  # scenes with one large thing, which show best what a thing looks like
    pair: int = 18_000  # scenes with two things, of which those are kept that stand clearly
    several: int = 2_000  # scenes with two or three things
    plain: int = 2_000  # scenes with one large thing on a plain background
    practice: int = 500  # further scenes, in a further round, of each thing that comes out badly
    autoencoder_steps: int = 6_000
    unet_steps: int = 24_000
    decoder_steps: int = 3_000  # of the decoder alone, for what makes things recognisable
    further_steps: int = 6_000  # of the U-Net in a further round
    scored: int = len(picture_book.CLASSES)  # classes drawn and named for the score
    seeds: int = 8  # pictures a prompt
    related: int = 40  # prompts of two things for the score
    related_seeds: int = 2  # pictures of each
    held_out: int = 512  # scenes, from picture_book.HELD_OUT on
    sizes: dict = dataclasses.field(default_factory=dict)  # of StableDiffusion, where not default


SMOKE = Plan(
    single=8,
    pair=24,
    several=8,
    plain=2,
    practice=4,
    autoencoder_steps=2,
    decoder_steps=2,
    unet_steps=2,
    further_steps=2,
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
    plan = SMOKE if args.smoke else Plan()
    if not args.measure:
        train(plan, args)
    return None if args.unmeasured else measure(plan, args)


def train(plan, args):
    """Train autoencoder, text encoder and U-Net, and save the preset."""
    model, pictures, seconds = prepare(plan, args)
    captions = [model.tokenizer(texts) for texts in pictures["captions"]]
    seconds += autoencoder.sharpen(
        model, pictures["images"], eyes(model), plan.decoder_steps, args.work, args.drawn
    )
    steps = plan.further_steps if args.further else plan.unet_steps
    seconds += flow_matching.train(
        model, pictures["latents"], captions, steps, args.work, args.drawn
    )
    recipe.save(model, args.out, picture_book.CLASSES)
    spent = {"autoencoder_steps": plan.autoencoder_steps, "decoder_steps": plan.decoder_steps}
    recipe.trained(args, model, seconds, **spent, steps=steps)


def prepare(plan, args):
    """Train the autoencoder and encode the scenes; a further round keeps the preset's autoencoder.

    Returns:
        (StableDiffusion with its latents' mean and deviation set, {images, latents, captions},
        seconds).
    """
    import keras

    keras.utils.set_random_seed(args.seed)
    keras.config.disable_flash_attention()  # on JAX it takes no mask of one row for all queries
    badly = missed(plan, args) if args.further else ()
    images, captions = scenes(plan, args.work, args.drawn, badly)
    if args.further:
        model, seconds = bundled(args.out), 0.0
        latents = encoded(model, images, plan.autoencoder_steps, args.work)
    else:
        model = build(plan, vocabulary(captions))
        seconds = autoencoder.train(
            model.encoder, model.decoder, images, plan.autoencoder_steps, args.work, args.seed
        )
        latents = encoded(model, images, plan.autoencoder_steps, args.work)
        model = normalised(model, latents, images)
    latents = (latents - np.float32(model.latent_mean)) / np.float32(model.latent_deviation)
    return model, {"images": images, "latents": latents, "captions": captions}, seconds


def eyes(model):
    """What the decoder is judged by: the stages of the bundled detector's encoder, at its size."""
    import keras
    import keras_hub

    preset = str(recipe.BUNDLED / drawing_score.DETECTOR)
    detector = keras_hub.models.ObjectDetector.from_preset(preset, dtype="mixed_bfloat16")
    encoder = detector.backbone.image_encoder
    shape = {"image_shape": model.encoder.input.shape[1:]}
    fitting = type(encoder).from_config({**encoder.get_config(), **shape})
    fitting.set_weights(encoder.get_weights())
    fitting.trainable = False
    return keras.Model(fitting.inputs, list(fitting.pyramid_outputs.values()))


def build(plan, known, **more):
    """The untrained model, in mixed bfloat16."""
    from models.architectures.stable_diffusion import StableDiffusion

    return StableDiffusion(known, dtype="mixed_bfloat16", **plan.sizes, **more)


def bundled(out):
    """The preset in `out`, in mixed bfloat16."""
    from models.architectures.stable_diffusion import StableDiffusion

    return StableDiffusion.from_preset(str(out), dtype="mixed_bfloat16")


def missed(plan, args):
    """The things that the preset draws too badly to be told, by seeds that are not scored."""
    artist = drawing_score.loaded(args.out, recipe.key(args))
    names = picture_book.CLASSES[: plan.scored]
    return sorted(
        name
        for name, images in drawing_score.things(artist, names, TRIED, first=plan.seeds).items()
        if drawing_score.named({name: images})[1]
    )


def scenes(plan, folder, seed, badly=()):
    """Images (n, size, size, 3) uint8 of the training scenes, and n lists of captions.

    Of the things that come out `badly` there are more. A scene with one thing also goes by the bare
    name, by "a" name and by its plural, each with its place and without; one with two things mostly
    by how they stand, in every wording and either way round, since that is learned last, and is
    left out where they hide each other. What is not told to be plain is somewhere, so that a prompt
    that names no place gets one.
    """
    size = plan.sizes.get("image_size", 256)
    several_from = plan.single + plan.pair
    plain_from = several_from + plan.several
    first = seed * (plain_from + plan.plain)

    def drawn(count, after, options, captions=CAPTIONS):
        return picture_book.dataset(count, size, first + after, folder, captions, **options)

    singles = [drawn(plan.single, 0, LARGE)]
    for name in badly:
        singles.append(drawn(plan.practice, 0, {**LARGE, "objects": None, "classes": [name]}))
    single = joined(singles)
    pair = drawn(plan.pair, plan.single, PAIR, captions=1)
    several = drawn(plan.several, several_from, SEVERAL)
    plain = drawn(plan.plain, plain_from, {**LARGE, "plain": True})
    names = map(called, single["labels"], single["settings"])
    stand = [standing(*each) for each in zip(pair["labels"], pair["boxes"], strict=True)]
    clear = [at for at, told in enumerate(stand) if told]
    parts = single["images"], pair["images"][clear], several["images"], plain["images"]
    captions = [
        *(told + more for told, more in zip(single["captions"], names, strict=True)),
        *(pair["captions"][at] + stand[at] for at in clear),
        *several["captions"],
        *map(at_its_place, plain["labels"], plain["settings"]),
    ]
    return np.concatenate(parts), captions


def joined(parts):
    """Several of what `picture_book.dataset` gives as one, but for boxes."""
    lists = {
        key: list(itertools.chain.from_iterable(part[key] for part in parts))
        for key in ("captions", "settings")
    }
    arrays = {key: np.concatenate([part[key] for part in parts]) for key in ("images", "labels")}
    return arrays | lists


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


def encoded(model, images, steps, folder):
    """Latents (n, height, width, channels) float16 of images after `steps`, computed once."""
    kept = folder / f"latents-{len(images)}-{steps}.npy"
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
