"""Trains `resnet_cifar10`: a small ResNet V2 that tells the ten kinds of CIFAR-10 photos apart.

Knows nothing of how the app runs it. The blocks are those of He et al. 2016, "Identity mappings in
deep residual networks", arXiv:1603.05027; few stages that widen quickly and keep their resolution
for long, with the learning rate and decay of ResNet-9 (Page 2018, "How to train your ResNet").
"""

import functools

import keras
import keras_hub

from training import recipe
from training.classification import classifiers, photo_batches, photos

PIXELS = 32  # of the photos
SIZE = 64  # pixels the 32 are enlarged to: keras-hub's ResNet starts by shrinking to a quarter
EPOCHS = 15
MINUTES = 75  # at most
BATCH = 256
PEAK_RATE = 0.2
DECAY = 5e-3  # apart from the momentum: as strong as 5e-4 that goes through it
HELD_OUT = 0.1  # of every class: 5,000 photos


def build(dtype="mixed_bfloat16"):
    """The untrained classifier: (batch, 64, 64, 3) scaled to -1..1 in, logits (batch, 10) out."""
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[5],
        stackwise_num_filters=[64, 128, 256, 256],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 1, 2, 2],
        block_type="basic_block",
        use_pre_activation=True,
        image_shape=(SIZE, SIZE, 3),
        dtype=dtype,
    )
    converter = keras_hub.layers.ResNetImageConverter(
        image_size=(SIZE, SIZE), scale=1 / 127.5, offset=-1.0, antialias=True
    )
    return keras_hub.models.ResNetImageClassifier(
        backbone=backbone,
        num_classes=len(photos.CIFAR10),
        preprocessor=keras_hub.models.ResNetImageClassifierPreprocessor(converter),
        head_dtype="float32",
    )


def augment(images, targets, rng):
    """Shift by up to 4 pixels, mirror, cut out 8 x 8: (batch, 32, 32, 3) uint8."""
    images = photo_batches.flipped(photo_batches.shifted(images, rng, 4), rng)
    return photo_batches.cut_out(images, rng, 8), targets


def train(train_on, epochs, batch, args):
    """Fit the network; gives it and the Pace of the run."""
    model = build()
    recipe.goes_on(model, args, keras_hub.models.ImageClassifier)
    classifiers.compile_for_training(model, classifiers.sgd(DECAY))
    steps = len(train_on) // batch
    pace = classifiers.Pace(args.work, steps, epochs, PEAK_RATE, MINUTES, warm_up=0.2, hold=0.0)

    def batches_of(size, first_epoch):
        drawn = photo_batches.batches(train_on, batch, augment, args.drawn, first_epoch)
        return drawn.map(functools.partial(photo_batches.resized, size=size)).map(
            photo_batches.scaled
        )

    classifiers.fit_stages(model, pace, [(epochs, SIZE)], batches_of)
    return model, pace


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
        classifiers.save(build, fitted, args, held_out.classes, pace, pixels=PIXELS)
    told = f"{len(held_out):,} photos, a tenth of every class, drawn by seed"
    return classifiers.measure(args, held_out, told, shown=False)


if __name__ == "__main__":
    print(main())
