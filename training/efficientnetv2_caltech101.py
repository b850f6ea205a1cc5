"""Trains `efficientnetv2_caltech101`: names what is in a photo, out of Caltech-101's 101 kinds.

Knows nothing of how the app runs it. The chain is that of the KerasCV classification guide: flip,
crop and resize, RandAugment (Cubuk et al. 2020, arXiv:1909.13719), cutout, CutMix (Yun et al. 2019,
arXiv:1905.04899) or MixUp (Zhang et al. 2018, arXiv:1710.09412); warm-up, hold, cosine. It differs
where an hour on a CPU asks for it: it starts from the backbone of `efficientnetv2_picture_book`,
the pictures grow while it learns (Tan and Le 2021, arXiv:2104.00298, section 4), AdamW, one
RandAugment operation instead of three, photos mixed in half of the batches, and average pooling,
whose gradient reaches every place of the picture. Small classes are drawn more often than their
size, and the rest of what the numbers of photos teach about them is taken out at the end.
"""

import functools

import keras
import keras_cv
import keras_hub
import numpy as np

from training import recipe
from training.classification import classifiers, photo_batches, photos

SIZE = 112  # pixels the preset resizes to: more than in training, where crops enlarge things
STORED = 128  # pixels of the photos that crops are taken from
STAGES = ((60, 64), (100, 96))  # (last epoch, picture size in pixels)
HELD_OUT = 0.15  # of every class
MINUTES = 65  # at most
BATCH = 64
PEAK_RATE = 1.5e-3
START = recipe.BUNDLED / "efficientnetv2_picture_book"
CLASSES = 101

build = functools.partial(classifiers.efficientnet_v2, CLASSES, SIZE, dropout=0.3)


class Chain:
    """The guide's augmentation for batches that become (batch, size, size, 3)."""

    def __init__(self, size):
        layers, plain = keras_cv.layers, {"dtype": "float32"}
        self.one_by_one = [
            layers.RandomFlip("horizontal", **plain),
            layers.RandomCropAndResize(
                (size, size),
                crop_area_factor=(0.35, 1.0),
                aspect_ratio_factor=(0.75, 1.33),
                **plain,
            ),
            layers.RandAugment(
                value_range=(0, 255),
                augmentations_per_image=1,
                magnitude=0.3,
                magnitude_stddev=0.2,
                rate=0.8,
                **plain,
            ),
        ]
        mixing = [layers.CutMix(**plain), layers.MixUp(**plain)]
        cutting = [layers.RandomCutout(side, side, **plain) for side in (0.2, 0.4)]
        self.mix = layers.RandomChoice([*mixing, *cutting], batchwise=True, **plain)

    def __call__(self, images, targets):
        """(batch, height, width, 3) uint8 and one-hot targets to float32 0..255 and mixed ones."""
        inputs = {"images": keras.ops.cast(images, "float32"), "labels": targets}
        for layer in self.one_by_one:
            inputs = layer(inputs, training=True)
        mixed = self.mix(inputs, training=True)
        return mixed["images"], mixed["labels"]


def shares(labels):
    """How often to draw each photo: a class by the square root of its size, summing to 1."""
    share = 1 / np.sqrt(np.bincount(labels)[labels])
    return share / share.sum()


def train(train_on, stages, batch, args):
    """Fit the network; gives it and the Pace of the run."""
    model = build(dtype=recipe.precision())
    start_from_drawings(model)
    recipe.goes_on(model, args, keras_hub.models.ImageClassifier)
    classifiers.compile_for_training(model, classifiers.adamw(0.05))
    steps, epochs = len(train_on) // batch, stages[-1][0]
    pace = classifiers.Pace(args.work, steps, epochs, PEAK_RATE, MINUTES, warm_up=0.1, hold=0.3)

    def batches_of(size, first_epoch):
        drawn = photo_batches.batches(
            train_on, batch, unchanged, args.drawn, first_epoch, shares(train_on.labels)
        )
        return drawn.map(Chain(size)).map(photo_batches.scaled).prefetch(4)

    classifiers.fit_stages(model, pace, stages, batches_of)
    evened(model, train_on.labels)
    return model, pace


def evened(model, labels):
    """Take from the outputs what the classes' numbers taught: the log of how often each was drawn.

    Logit adjustment (Menon et al. 2021, arXiv:2007.07314, section 4.1); a visitor's photo is of any
    class alike.
    """
    bias = model.output_dense.bias
    bias.assign(bias - np.log(np.bincount(labels, weights=shares(labels))))


def unchanged(images, targets, rng):
    """No augmentation before the chain."""
    return images, targets


def start_from_drawings(model):
    """Copy the backbone that learned to tell drawings apart; its edges and colours serve photos."""
    drawings = keras_hub.models.Backbone.from_preset(str(START))
    model.backbone.set_weights(drawings.get_weights())


def main(argv=None):
    """Train and save the preset, then measure it on the held-out photos; gives the record."""
    args = recipe.arguments(__spec__, argv)
    keras.utils.set_random_seed(args.seed)
    stages, batch = (((1, 32),), 32) if args.smoke else (STAGES, BATCH)
    if args.smoke:
        names = [f"kind {number}" for number in range(CLASSES)]
        everything = photos.stand_in(names, 3, 48, args.seed)
    else:
        everything = photos.caltech101(args.data, STORED)
    train_on, held_out = photos.split(everything, HELD_OUT, args.seed)
    if not args.measure:
        fitted, pace = train(train_on, stages, batch, args)
        classifiers.save(build, fitted, args, held_out.classes, pace)
    told = f"{len(held_out):,} photos, 15 % of every class, drawn by seed"
    return classifiers.measure(args, held_out, told, "mean_over_classes")


if __name__ == "__main__":
    print(main())
