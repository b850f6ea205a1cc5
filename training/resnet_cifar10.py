"""Trains `resnet_cifar10`: a small ResNet that tells the ten kinds of CIFAR-10 photos apart.

Knows nothing of how the app runs it. The network, its stem and much of its recipe follow Jordan
2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU", arXiv:2404.00498: patches of 2 x 2 pixels
are whitened by fixed filters, few wide convolutions follow, and the learning rate rises and falls
once. Batches are smaller here, and the run is longer.
"""

import keras
import keras_hub
import numpy as np

from models.architectures import whitened_resnet
from training import recipe
from training.classification import classifiers, photo_batches, photos

PIXELS = 32  # of the photos
EPOCHS = 18
MINUTES = 75  # at most
BATCH = 256
PEAK_RATE = 0.25
DECAY = 0.01  # apart from the momentum
HELD_OUT = 0.1  # of every class: 5,000 photos
MEAN = (125.3, 123.0, 113.9)  # of each colour over the photos, 0..255
DEVIATION = (63.0, 62.1, 66.7)
ELSEWHERE = {  # kinds of Caltech-101 that are of CIFAR-10's
    **dict.fromkeys(("emu", "flamingo", "ibis", "pigeon", "rooster"), "bird"),
    **dict.fromkeys(("ferry", "ketch", "schooner"), "ship"),
    "airplanes": "airplane",
    "car_side": "automobile",
    "dalmatian": "dog",
    "wild_cat": "cat",
}
MOST = 60  # photos of one of them
EVEN = 5e-4  # added to how much patches vary in a direction, so that none is blown up without end


def build(dtype="mixed_bfloat16"):
    """The untrained classifier: (batch, 32, 32, 3) as scaled by `scaled`, to logits (batch, 10)."""
    converter = whitened_resnet.WhitenedResNetImageConverter(
        image_size=(PIXELS, PIXELS),
        scale=[1 / each for each in DEVIATION],
        offset=[-mean / each for mean, each in zip(MEAN, DEVIATION, strict=True)],
        crop_to_aspect_ratio=True,
    )
    return whitened_resnet.WhitenedResNetImageClassifier(
        backbone=whitened_resnet.WhitenedResNet(dtype=dtype),
        num_classes=len(photos.CIFAR10),
        preprocessor=whitened_resnet.WhitenedResNetImageClassifierPreprocessor(converter),
        pooling="max",
        head_dtype="float32",
    )


def scaled(images):
    """What the preset's preprocessor does to (batch, 32, 32, 3) uint8: of mean 0, deviation 1."""
    return (images - np.float32(MEAN)) / np.float32(DEVIATION)


def whitening(images):
    """Filters (2, 2, 3, 24) that make what they see of patches uncorrelated and of unit size.

    The eigenvectors of the patches' covariance, each divided by how far patches vary along it,
    and their negatives, so that what an activation cuts off of one is seen by the other.

    Args:
        images: (count, height, width, 3), as `scaled` gives them.
    """
    side = whitened_resnet.PATCH
    patches = np.lib.stride_tricks.sliding_window_view(images, (side, side), axis=(1, 2))
    values = np.moveaxis(patches, 3, -1).reshape(-1, whitened_resnet.PATCH_VALUES)
    spread, directions = np.linalg.eigh(values.T @ values / len(values))
    filters = (directions / np.sqrt(spread + EVEN)).reshape(side, side, 3, -1)
    return np.concatenate([filters, -filters], axis=-1)


def augment(images, targets, rng):
    """Shift by up to 3 pixels, mirror, cut out 10 x 10: (batch, 32, 32, 3) uint8."""
    images = photo_batches.flipped(photo_batches.shifted(images, rng, 3), rng)
    return photo_batches.cut_out(images, rng, 10), targets


def train(train_on, epochs, batch, args):
    """Fit the network; gives it and the Pace of the run."""
    model = build()
    model.backbone.stem.set_weights([whitening(scaled(train_on.images[::9]))])
    recipe.goes_on(model, args, keras_hub.models.ImageClassifier)
    classifiers.compile_for_training(model, classifiers.sgd(DECAY), smoothing=0.2)
    steps = len(train_on) // batch
    pace = classifiers.Pace(args.work, steps, epochs, PEAK_RATE, MINUTES, warm_up=0.2, hold=0.0)

    def batches_of(size, first_epoch):
        drawn = photo_batches.batches(train_on, batch, augment, args.drawn, first_epoch)
        return drawn.map(lambda images, targets: (_scaled(images), targets))

    classifiers.fit_stages(model, pace, [(epochs, PIXELS)], batches_of)
    return model, pace


def _scaled(images):
    """`scaled` in a tf.data pipeline."""
    return (keras.ops.cast(images, "float32") - np.float32(MEAN)) / np.float32(DEVIATION)


def elsewhere(data):
    """Photos of another data set, which no training has seen, under CIFAR-10's names.

    Args:
        data: as `photos.caltech101` takes it.
    """
    found = photos.caltech101(data, PIXELS)
    names = [name.lower() for name in found.classes]
    rows = np.concatenate(
        [np.flatnonzero(found.labels == names.index(name))[:MOST] for name in ELSEWHERE]
    )
    labels = [photos.CIFAR10.index(ELSEWHERE[names[at]]) for at in found.labels[rows]]
    return photos.Photos(found.images[rows], np.array(labels), photos.CIFAR10)


def main(argv=None):
    """Train and save the preset, then measure it on the held-out photos; gives the record."""
    args = recipe.arguments(__spec__, argv)
    keras.utils.set_random_seed(args.seed)
    everything = (
        photos.stand_in(photos.CIFAR10, 20, 32, args.seed)
        if args.smoke
        else photos.cifar10(args.data)
    )
    train_on, held_out = photos.split(everything, HELD_OUT, args.seed)
    epochs, batch = (1, 32) if args.smoke else (EPOCHS, BATCH)
    if not args.measure:
        fitted, pace = train(train_on, epochs, batch, args)
        classifiers.save(build, fitted, args, held_out.classes, pace)
    told = f"{len(held_out):,} photos, a tenth of every class, drawn by seed"
    also = {} if args.smoke else {"on_photos_of_caltech101": elsewhere(args.data)}
    return classifiers.measure(args, held_out, told, shown=False, also=also)


if __name__ == "__main__":
    print(main())
