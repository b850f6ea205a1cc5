"""Trains `resnet_cifar10`: a small ResNet that tells the ten kinds of CIFAR-10 photos apart.

Knows nothing of how the app runs it. The network, its stem and much of its recipe follow Jordan
2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU", arXiv:2404.00498, in its wide variant for
96 %: patches of 2 x 2 pixels are whitened by fixed filters, few wide convolutions follow, the
learning rate rises and falls once, weights are averaged, and a photo is named from its mirror image
too. The run is longer here; pieces of other photos and varied light keep it from learning by heart.
"""

import keras
import keras_hub
import numpy as np

from models.architectures import whitened_resnet
from training import recipe
from training.classification import classifiers, photo_batches, photos

PIXELS = 32  # of the photos
WIDTHS = (128, 384, 512)  # channels of the stages
BLOCKS = (2, 1, 1)
EPOCHS = 150
MINUTES = 90  # at most; a GPU needs five
BATCH = 500  # 90 in an epoch
PEAK_RATE = 0.5
DECAY = 5e-3  # apart from the momentum
SCHEDULE = {"warm_up": 0.1, "hold": 0.0, "floor": 0.05}  # the average takes what noise is left
AVERAGED_OVER = 500  # steps
STEPS_AT_ONCE = 10
KEEP_EVERY = 60  # seconds between checkpoints
SETTLING = 50  # batches from which the averaged weights' batch norms learn what is usual
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


def build(dtype="float32"):
    """The untrained classifier: (batch, 32, 32, 3) as scaled by `scaled`, to logits (batch, 10)."""
    converter = whitened_resnet.WhitenedResNetImageConverter(
        image_size=(PIXELS, PIXELS),
        scale=[1 / each for each in DEVIATION],
        offset=[-mean / each for mean, each in zip(MEAN, DEVIATION, strict=True)],
        crop_to_aspect_ratio=True,
    )
    return whitened_resnet.WhitenedResNetImageClassifier(
        backbone=whitened_resnet.WhitenedResNet(WIDTHS, blocks=BLOCKS, dtype=dtype),
        num_classes=len(photos.CIFAR10),
        preprocessor=whitened_resnet.WhitenedResNetImageClassifierPreprocessor(converter),
        pooling="max",
        head_dtype="float32",
        mirrored=True,
    )


def learner(model):
    """What is fitted: `model` on pixels (batch, 32, 32, 3) uint8, scaled on the model's device.

    In training brightness and contrast vary.
    """
    varied = keras.layers.RandomColorJitter(
        (0, 255), brightness_factor=0.1, contrast_factor=(0.2, 0.2), dtype="float32"
    )
    variance = [deviation**2 for deviation in DEVIATION]
    evened = keras.layers.Normalization(mean=MEAN, variance=variance, dtype="float32")
    pixels = keras.Input((PIXELS, PIXELS, 3), dtype="uint8")
    return keras.Sequential([pixels, varied, evened, model])


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
    """Shift by up to 4 pixels, mirror, and in each a grey square or a piece of another photo.

    Args:
        images: (batch, 32, 32, 3) uint8, in random order.
        targets: (batch, 10), one-hot; mixed where photos are.
        rng: NumPy's Generator.
    """
    images = photo_batches.flipped(photo_batches.shifted(images, rng, 4), rng)
    half = len(images) // 2
    cut = photo_batches.cut_out(images[:half], rng, 12)
    pieced, mixed = photo_batches.cut_mixed(images[half:], targets[half:], rng)
    return np.concatenate([cut, pieced]), np.concatenate([targets[:half], mixed])


def train(train_on, epochs, batch, args):
    """Fit the network; gives it and the Pace of the run."""
    model = build(recipe.precision())
    model.backbone.stem.set_weights([whitening(scaled(train_on.images[::9]))])
    recipe.goes_on(model, args, keras_hub.models.ImageClassifier)
    fitted, steps = learner(model), len(train_on) // batch
    classifiers.compile_for_training(
        fitted,
        classifiers.sgd(DECAY, AVERAGED_OVER),
        smoothing=0.1,
        steps_at_once=min(STEPS_AT_ONCE, steps),
    )
    pace = classifiers.Pace(args.work, steps, epochs, PEAK_RATE, MINUTES, KEEP_EVERY, **SCHEDULE)

    def batches_of(size, first_epoch):
        return photo_batches.Numbered(train_on, batch, augment, args.drawn, first_epoch)

    classifiers.fit_stages(fitted, pace, [(epochs, PIXELS)], batches_of)
    settle(fitted, batches_of(PIXELS, pace.epoch), min(SETTLING, steps))
    return model, pace


def settle(fitted, drawn, count):
    """Let the batch norms learn anew what is usual: averaged weights see what no others saw.

    Args:
        fitted: as `learner` gives it; changed in place.
        drawn: photo_batches.Numbered.
        count: int, batches that are shown.
    """
    for number in range(count):
        fitted(drawn[number][0], training=True)


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
    if args.unmeasured:
        return None
    told = f"{len(held_out):,} photos, a tenth of every class, drawn by seed"
    also = {} if args.smoke else {"on_photos_of_caltech101": elsewhere(args.data)}
    return classifiers.measure(args, held_out, told, shown=False, also=also)


if __name__ == "__main__":
    print(main())
