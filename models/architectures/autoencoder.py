"""The image autoencoder of Stable Diffusion, small: pixels to far fewer latents, and back.

Knows no text and no noise. Pixels are floats in [-1, 1].
"""

import keras
from keras import layers, ops

GROUPS = 8  # channels are normalised in so many groups (Wu and He 2018)


def build_encoder(image_size, channels, widths, dtype=None):
    """Build the encoder (Rombach et al. 2022, sec. 3.1, without its adversarial loss).

    Args:
        image_size: int, height and width in pixels, divisible by `reduction(widths)`.
        channels: int, channels of the latents.
        widths: channels at a half of the size, a quarter, and so on.

    Returns:
        keras.Model: images (batch, size, size, 3) -> latents (batch, height, width, channels)
        float32, each for `reduction(widths)` pixels a side, not normalised.
    """
    images = keras.Input((image_size, image_size, 3), name="images")
    x = _rectified(_conv(fold(images), widths[0], dtype, "half"), dtype)
    for index, width in enumerate(widths[1:]):
        x = _conv(x, width, dtype, f"halve_{index}", strides=2)
        x = _residual(x, dtype, f"down_{index}")
    x = _rectified(_normalised(x, dtype, "norm_out"), dtype)
    latents = layers.Conv2D(channels, 3, padding="same", dtype="float32", name="latents")(x)
    return keras.Model(images, latents, name="encoder")


def build_decoder(image_size, channels, widths, dtype=None):
    """Build the decoder: the encoder's way back, with two blocks a level.

    At half the size, where a pass over memory costs as much as a convolution, nothing is
    normalised.

    Returns:
        keras.Model: latents (batch, height, width, channels), as the encoder gives them, -> images
        (batch, size, size, 3) float32, about -1 to 1.
    """
    size = image_size // reduction(widths)
    latents = keras.Input((size, size, channels), name="latents")
    x = _conv(latents, widths[-1], dtype, "conv_in")
    for level in range(len(widths) - 1, 0, -1):
        for index in range(2):
            x = _residual(x, dtype, f"up_{level}_{index}")
        x = unfold(_conv(x, 4 * widths[level - 1], dtype, f"double_{level}", kernel_size=1))
    h = _rectified(_conv(_rectified(x, dtype), widths[0], dtype, "half_1"), dtype)
    x = x + _conv(h, widths[0], dtype, "half_2")
    x = layers.Conv2D(
        12, 3, padding="same", kernel_initializer="zeros", dtype="float32", name="pixels"
    )(x)
    return keras.Model(latents, unfold(x), name="decoder")


def reduction(widths):
    """Pixels a side that one latent stands for, in an autoencoder of these widths."""
    return 2 ** len(widths)


def fold(x):
    """Move each 2 x 2 patch into the channels: (b, h, w, c) -> (b, h / 2, w / 2, 4 c)."""
    height, width, channels = x.shape[1:]
    x = ops.reshape(x, (-1, height // 2, 2, width // 2, 2, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, height // 2, width // 2, 4 * channels))


def unfold(x):
    """Undo `fold`: (b, h, w, 4 c) -> (b, 2 h, 2 w, c) (Shi et al. 2016, sub-pixel convolution)."""
    height, width, channels = x.shape[1:]
    x = ops.reshape(x, (-1, height, width, 2, 2, channels // 4))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, 2 * height, 2 * width, channels // 4))


def _residual(x, dtype, name):
    width = x.shape[-1]
    h = _rectified(_normalised(x, dtype, name + "_norm_1"), dtype)
    h = _conv(h, width, dtype, name + "_conv_1")
    h = _rectified(_normalised(h, dtype, name + "_norm_2"), dtype)
    return x + _conv(h, width, dtype, name + "_conv_2")


def _normalised(x, dtype, name):
    return layers.GroupNormalization(GROUPS, dtype=dtype, name=name)(x)


def _rectified(x, dtype):
    """Leaky, since plain rectifiers at the decoder's end died within 50 steps of training."""
    return layers.Activation("leaky_relu", dtype=dtype)(x)


def _conv(x, width, dtype, name, kernel_size=3, strides=1):
    return layers.Conv2D(width, kernel_size, strides, padding="same", dtype=dtype, name=name)(x)
