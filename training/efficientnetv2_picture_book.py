"""Trains `efficientnetv2_picture_book`: names the one thing drawn in a picture-book scene.

Knows nothing of how the app runs it. Small pictures of large things first, larger pictures of
things of every size later, as in progressive learning (Tan and Le 2021, arXiv:2104.00298, section
4): most steps go where they cost the least, and a thing of 8 pixels teaches nothing to a network
that has not yet seen one of 40.
"""

import functools

import keras
import keras_hub

from training import picture_book, recipe
from training.classification import classifiers, photo_batches, photos

SIZE = 128  # pixels the preset resizes to: more than in training, for the sake of small things
# (last epoch, picture's side in pixels, the smallest thing as a share of it)
STAGES = ((4, 64, 0.35), (6, 96, 0.12))
FURTHER = ((3, 96, 0.12), (8, 112, 0.12))
SCENES = 14_000
HELD_OUT = 1_500  # scenes, of seeds that no recipe trains on
MINUTES = 20  # at most
BATCH = 64
PEAK_RATE = 2e-3
SMALLEST, LARGEST = 0.12, 0.9  # the thing's longer side, as a share of the picture's

build = functools.partial(classifiers.efficientnet_v2, len(picture_book.CLASSES), SIZE, dropout=0.2)


def scenes(count, seed, folder, size=SIZE, smallest=SMALLEST, degraded=0.0):
    """Photos of `count` scenes with one thing each, drawn from `seed` on and kept in `folder`."""
    drawn = picture_book.dataset(
        count,
        size,
        seed,
        folder,
        captions=1,
        objects=1,
        smallest=smallest,
        largest=LARGEST,
        degraded=degraded,
    )
    return photos.Photos(drawn["images"], drawn["labels"][:, 0], picture_book.CLASSES)


def augment(images, targets, rng):
    """Shift by up to 6 pixels, mirror, vary the tones: (batch, side, side, 3) uint8."""
    images = photo_batches.flipped(photo_batches.shifted(images, rng, 6), rng)
    return photo_batches.toned(images, rng), targets


def train(args, count, stages, batch):
    """Fit the network on `count` scenes a stage; gives it and the Pace of the run."""
    model = build(dtype=recipe.precision())
    recipe.goes_on(model, args, keras_hub.models.ImageClassifier)
    classifiers.compile_for_training(model, classifiers.adamw())
    steps, epochs = count // batch, stages[-1][0]
    pace = classifiers.Pace(args.work, steps, epochs, PEAK_RATE, MINUTES, warm_up=0.1, hold=0.2)
    smallest = {size: share for _, size, share in stages}

    def batches_of(size, first_epoch):
        seed = args.drawn * count
        drawn = scenes(count, seed, args.work, size, smallest[size], degraded=0.2)
        return photo_batches.batches(drawn, batch, augment, args.drawn, first_epoch).map(
            photo_batches.scaled
        )

    classifiers.fit_stages(model, pace, [stage[:2] for stage in stages], batches_of)
    return model, pace


def main(argv=None):
    """Train and save the preset, then measure it on scenes of held-out seeds; gives the record."""
    args = recipe.arguments(__spec__, argv)
    keras.utils.set_random_seed(args.seed)
    count, held, stages, batch = (
        (64, 16, ((1, 32, 0.3),), 16)
        if args.smoke
        else (SCENES, HELD_OUT, FURTHER if args.further else STAGES, BATCH)
    )
    if not args.measure:
        fitted, pace = train(args, count, stages, batch)
        classifiers.save(build, fitted, args, picture_book.CLASSES, pace)
    told = f"{held:,} scenes of one thing, 12 to 90 % of the picture, of held-out seeds"
    unseen = scenes(held, picture_book.HELD_OUT, args.work)
    worse = scenes(held // 3, picture_book.HELD_OUT, args.work, degraded=1.0)
    return classifiers.measure(args, unseen, told, also={"top1_blurred_noisy_recoloured": worse})


if __name__ == "__main__":
    print(main())
