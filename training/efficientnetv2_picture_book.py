"""Trains `efficientnetv2_picture_book`: names the one thing drawn in a picture-book scene.

Knows nothing of how the app runs it. Small pictures first, larger ones later, as in progressive
learning (Tan and Le 2021, arXiv:2104.00298, section 4), which spends the most steps where they
cost the least.
"""

import functools

import keras

from training import classifiers, photo_batches, photos, picture_book, recipe

SIZE = 96  # pixels
STAGES = ((4, 64), (6, 96))  # (last epoch, picture size in pixels)
SCENES = 16_000
HELD_OUT = 1_500  # scenes, of seeds that no recipe trains on
MINUTES = 14  # at most
BATCH = 64
PEAK_RATE = 0.05
SMALLEST, LARGEST = 0.12, 0.9  # the thing's longer side, as a share of the picture's

build = functools.partial(
    classifiers.efficientnet_v2, len(picture_book.CLASSES), SIZE, pooling="max", dropout=0.2
)


def scenes(count, seed, folder, degraded=0.0):
    """Photos of `count` scenes with one thing each, drawn from `seed` on and kept in `folder`."""
    drawn = picture_book.dataset(
        count,
        SIZE,
        seed,
        folder,
        captions=1,
        objects=1,
        smallest=SMALLEST,
        largest=LARGEST,
        degraded=degraded,
    )
    return photos.Photos(drawn["images"], drawn["labels"][:, 0], picture_book.CLASSES)


def augment(images, targets, rng):
    """Shift by up to 6 pixels, mirror, vary the tones: (batch, 96, 96, 3) uint8."""
    images = photo_batches.flipped(photo_batches.shifted(images, rng, 6), rng)
    return photo_batches.toned(images, rng), targets


def train(train_on, stages, batch, seed, work):
    """Fit the network; gives it and the Pace of the run."""
    model = build()
    classifiers.compile_for_training(model)
    steps, epochs = len(train_on) // batch, stages[-1][0]
    pace = classifiers.Pace(work, steps, epochs, PEAK_RATE, MINUTES, warm_up=0.1, hold=0.2)

    def batches_of(size, first_epoch):
        drawn = photo_batches.batches(train_on, batch, augment, seed, first_epoch)
        return drawn.map(functools.partial(photo_batches.resized, size=size)).map(
            photo_batches.scaled
        )

    classifiers.fit_stages(model, pace, stages, batches_of)
    return model, pace


def main(argv=None):
    """Train, save the preset, measure the saved preset on scenes of held-out seeds."""
    args = recipe.arguments(__spec__, argv)
    keras.utils.set_random_seed(args.seed)
    count, held, stages, batch = (
        (64, 16, ((1, 32),), 16) if args.smoke else (SCENES, HELD_OUT, STAGES, BATCH)
    )
    train_on = scenes(count, args.seed * SCENES, args.work, degraded=0.2)
    held_out = scenes(held, picture_book.HELD_OUT, args.work)
    trained, pace = train(train_on, stages, batch, args.seed, args.work)
    return classifiers.finish(
        build,
        trained,
        args,
        held_out,
        pace,
        held_out_as=f"{held:,} scenes of one thing, 12 to 90 % of the picture, of held-out seeds",
    )


if __name__ == "__main__":
    print(main())
