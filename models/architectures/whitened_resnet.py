"""A ResNet for photos of 32 pixels: a stem that evens out small patches, then residual stages.

Knows no data set; the stem's filters are computed by the recipe that trains it.

Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU", arXiv:2404.00498, after Page 2018,
"How to train your ResNet". The residual stages are those of its variant for higher accuracy.
"""

import keras
from keras import layers
from keras_hub.layers import ImageConverter
from keras_hub.models import Backbone, ImageClassifier, ImageClassifierPreprocessor

PATCH = 2  # pixels a side of the patches that the stem looks at
PATCH_VALUES = PATCH * PATCH * 3
FEATURE_SCALE = 1 / 9  # so that the layer that names classes learns as slowly as the others


@keras.saving.register_keras_serializable(package="keras_hands_on")
class WhitenedResNet(Backbone):
    """Pixels (batch, side, side, 3), of about unit deviation, to features of an eighth the side.

    The stem has a fixed filter and its negative for each direction in which patches vary. Each
    stage halves the side, then adds what two convolutions find, once or more often.

    Args:
        widths: channels of the stages.
        image_shape: (side, side, 3), or None for each side.
        blocks: how often each stage adds.
    """

    def __init__(
        self,
        widths=(64, 256, 256),
        image_shape=(32, 32, 3),
        blocks=(1, 1, 1),
        dtype=None,
        **kwargs,
    ):
        self.stem = layers.Conv2D(
            2 * PATCH_VALUES, PATCH, use_bias=False, trainable=False, dtype=dtype, name="stem"
        )
        images = keras.Input(image_shape, name="images")
        x = layers.Activation("gelu", dtype=dtype, name="stem_gelu")(self.stem(images))
        for at, (width, count) in enumerate(zip(widths, blocks, strict=True), 1):
            x = _convolved(x, width, f"stage_{at}_halve", dtype, halve=True)
            for block in range(1, count + 1):
                name = f"stage_{at}" if block == 1 else f"stage_{at}_block_{block}"
                x = _added(x, width, name, dtype)
        x = layers.Rescaling(FEATURE_SCALE, dtype=dtype, name="scaled_down")(x)
        super().__init__(inputs=images, outputs=x, dtype=dtype, **kwargs)
        self.widths, self.blocks = tuple(widths), tuple(blocks)
        self.image_shape = tuple(image_shape)

    def get_config(self):
        """What the constructor needs to build this network again."""
        shape = {"widths": self.widths, "blocks": self.blocks, "image_shape": self.image_shape}
        return {**super().get_config(), **shape}


def _added(x, width, name, dtype):
    """What comes in plus what two convolutions find in it, GELU."""
    inner = _convolved(x, width, name + "_first", dtype)
    inner = _convolved(inner, width, name + "_second", dtype, active=False)
    x = layers.Add(dtype=dtype, name=name + "_add")([x, inner])
    return layers.Activation("gelu", dtype=dtype, name=name + "_gelu")(x)


def _convolved(x, width, name, dtype, halve=False, active=True):
    """3 x 3 convolution, halving the side by the largest values if asked, batch norm, GELU."""
    x = layers.Conv2D(width, 3, padding="same", use_bias=False, dtype=dtype, name=name)(x)
    if halve:
        x = layers.MaxPooling2D(2, dtype=dtype, name=name + "_pool")(x)
    x = layers.BatchNormalization(momentum=0.9, dtype=dtype, name=name + "_norm")(x)
    return layers.Activation("gelu", dtype=dtype, name=name + "_gelu")(x) if active else x


@keras.saving.register_keras_serializable(package="keras_hands_on")
class WhitenedResNetImageConverter(ImageConverter):
    """Resizes pictures and evens out their colours."""

    backbone_cls = WhitenedResNet


@keras.saving.register_keras_serializable(package="keras_hands_on")
class WhitenedResNetImageClassifierPreprocessor(ImageClassifierPreprocessor):
    """What a classifier does to pictures before its network sees them."""

    backbone_cls = WhitenedResNet
    image_converter_cls = WhitenedResNetImageConverter


@keras.saving.register_keras_serializable(package="keras_hands_on")
class WhitenedResNetImageClassifier(ImageClassifier):
    """Names what is in a photo of 32 pixels.

    Args:
        *args: as `ImageClassifier` takes them.
        mirrored: bool, whether the logits are the mean of those of the photo and of its mirror
            image; in training it is the photo alone.
        **kwargs: as `ImageClassifier` takes them.
    """

    backbone_cls = WhitenedResNet
    preprocessor_cls = WhitenedResNetImageClassifierPreprocessor

    def __init__(self, *args, mirrored=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.mirrored = mirrored

    def call(self, inputs, training=None, mask=None):
        """Pixels (batch, side, side, 3) to logits (batch, classes)."""
        logits = super().call(inputs, training=training, mask=mask)
        if training or not self.mirrored:
            return logits
        mirror_image = keras.ops.flip(inputs, axis=2)
        return (logits + super().call(mirror_image, training=training, mask=mask)) / 2

    def get_config(self):
        """What the constructor needs to build this classifier again."""
        return {**super().get_config(), "mirrored": self.mirrored}
