"""The U-Net of Stable Diffusion, small: which way noisy latents should move, given a text.

Knows no pixels and no words: latents and the text encoder's vectors come in.
"""

import math

import keras
import numpy as np
from keras import layers, ops
from keras_hub.layers import PositionEmbedding

GROUPS = 8  # channels are normalised in so many groups (Wu and He 2018)
FREQUENCIES = 64  # sines and as many cosines that tell the U-Net the time
LONGEST_PERIOD = 10_000.0
PLACE_SIZE = 1.5  # of what tells a place at first, beside features of 3 to 4
SELF_ATTENTION = "_self"  # how the names of its layers end
TIME_SCALE = 1_000.0  # times in [0, 1] are spread over as many positions


def build_unet(size, channels, widths, depths, text_length, text_width, heads, dtype=None):
    """Build a U-Net with cross-attention (Ronneberger et al. 2015; Rombach et al. 2022, sec. 3.3).

    The outer level convolves at full size. The inner levels, each at half the size of the one
    before, also attend to themselves and to the text: at their last block down, in the middle and
    at their last block up. The mean of the text's vectors joins the time embedding, as the pooled
    text does in SDXL (Podell et al. 2023, sec. 2.2).

    Args:
        size: int, height and width of the latents.
        channels: int, channels of the latents.
        widths: channels of the levels, from the outer one in, divisible by GROUPS and by `heads`.
        depths: residual blocks of each level on the way down; one more on the way up.
        text_length, text_width: int, shape of the text encoder's output.
        heads: int, attention heads.

    Returns:
        keras.Model: {latents (batch, size, size, channels), times (batch,) in [0, 1], context
        (batch, text_length, text_width), mask (batch, text_length) bool} -> velocity
        (batch, size, size, channels) float32.
    """
    inputs = {
        "latents": keras.Input((size, size, channels), name="latents"),
        "times": keras.Input((), name="times"),
        "context": keras.Input((text_length, text_width), name="context"),
        "mask": keras.Input((text_length,), dtype="bool", name="mask"),
    }
    blocks = Blocks(inputs["context"], inputs["mask"], inputs["times"], widths[-1], heads, dtype)
    x = blocks.conv(inputs["latents"], widths[0], "conv_in")
    skips = [x]
    for level, depth in enumerate(depths):
        if level > 0:
            x = blocks.conv(x, widths[level], f"halve_{level}", strides=2)
            skips.append(x)
        for index in range(depth):
            x = blocks.residual(x, widths[level], f"down_{level}_{index}")
            if level > 0 and index == depth - 1:
                x = blocks.transformer(x, f"down_{level}_attention")
            skips.append(x)
    x = blocks.transformer(blocks.residual(x, widths[-1], "middle"), "middle_attention")
    for level, depth in reversed(list(enumerate(depths))):
        for index in range(depth + 1):
            x = layers.Concatenate(dtype=dtype, name=f"skip_{level}_{index}")([x, skips.pop()])
            x = blocks.residual(x, widths[level], f"up_{level}_{index}")
        if level > 0:
            x = blocks.transformer(x, f"up_{level}_attention")
            x = layers.UpSampling2D(2, dtype=dtype, name=f"double_{level}")(x)
            x = blocks.conv(x, widths[level - 1], f"conv_double_{level}")
    x = blocks.activated(x, "norm_out")
    velocity = layers.Conv2D(
        channels, 3, padding="same", kernel_initializer="zeros", dtype="float32", name="conv_out"
    )(x)
    return keras.Model(inputs, velocity, name="unet")


class Blocks:
    """Builds the U-Net's blocks, all of which see the same time, text and dtype."""

    def __init__(self, context, mask, times, innermost, heads, dtype):
        self.heads, self.dtype = heads, dtype
        self.context = context
        self.mask = mask[:, None, :]  # (batch, 1, text_length)
        self.embedding = self._embedding(times, 2 * innermost)

    def _embedding(self, times, width):
        """Embed times (batch,) and the pooled text as (batch, width)."""
        weights = ops.cast(self.mask[:, 0, :, None], self.context.dtype)
        pooled = ops.sum(self.context * weights, axis=1) / ops.sum(weights, axis=1)
        x = self._dense(sinusoids(times), width, "time_in")
        x = x + self._dense(pooled, width, "pooled_text")
        x = self._dense(layers.Activation("silu", dtype=self.dtype)(x), width, "time_out")
        return layers.Activation("silu", dtype=self.dtype, name="embedding")(x)

    def residual(self, x, width, name):
        """Two convolutions around a shift and scale by time and text (Dhariwal and Nichol 2021)."""
        h = self.conv(self.activated(x, name + "_norm_1"), width, name + "_conv_1")
        h = layers.GroupNormalization(GROUPS, dtype=self.dtype, name=name + "_norm_2")(h)
        moved = self._dense(self.embedding, 2 * width, name + "_modulation", "zeros")
        scale, shift = ops.split(moved[:, None, None, :], 2, axis=-1)
        h = layers.Activation("silu", dtype=self.dtype)(h * (1 + scale) + shift)
        h = self.conv(h, width, name + "_conv_2", kernel_initializer="zeros")
        if x.shape[-1] != width:
            x = self.conv(x, width, name + "_match", kernel_size=1)
        return x + h

    def transformer(self, x, name):
        """Self-attention, attention to the text and a feed-forward layer, each added to x.

        A learned vector for each place comes first: to draw what is told to be left of something,
        attention has to know where it is.
        """
        height, wide, width = x.shape[1:]
        x = layers.Reshape((height * wide, width), dtype=self.dtype)(x)
        place = PositionEmbedding(height * wide, places, dtype=self.dtype, name=name + "_place")
        x = x + place(x)
        h = self._layer_norm(x, name + "_norm_1")
        x = x + self._attention(name + SELF_ATTENTION, width)(h, h)
        h = self._layer_norm(x, name + "_norm_2")
        x = x + self._attention(name + "_text", width)(h, self.context, attention_mask=self.mask)
        h = self._dense(self._layer_norm(x, name + "_norm_3"), 4 * width, name + "_wide")
        h = layers.Activation("gelu", dtype=self.dtype)(h)
        x = x + self._dense(h, width, name + "_narrow")
        return layers.Reshape((height, wide, width), dtype=self.dtype)(x)

    def activated(self, x, name):
        """Group norm and SiLU."""
        x = layers.GroupNormalization(GROUPS, dtype=self.dtype, name=name)(x)
        return layers.Activation("silu", dtype=self.dtype)(x)

    def conv(self, x, width, name, kernel_size=3, **options):
        """A convolution that keeps the size unless told to stride."""
        return layers.Conv2D(
            width, kernel_size, padding="same", dtype=self.dtype, name=name, **options
        )(x)

    def _attention(self, name, width):
        return layers.MultiHeadAttention(
            self.heads, width // self.heads, dtype=self.dtype, name=name
        )

    def _layer_norm(self, x, name):
        return layers.LayerNormalization(dtype=self.dtype, name=name)(x)

    def _dense(self, x, width, name, initializer="glorot_uniform"):
        return layers.Dense(width, kernel_initializer=initializer, dtype=self.dtype, name=name)(x)


def places(shape, dtype=None):
    """Return the first vectors (side * side, width) of the places of a square, a Keras initializer.

    Half of a vector tells the row, half the column: a quarter in waves from half a turn a side to
    eight, a quarter as a line. From zeros neither the vectors nor what reads them would learn.
    """
    side, part = math.isqrt(shape[0]), shape[1] // 4
    middles = (np.arange(side)[:, None] + 0.5) / side
    angles = np.pi * middles * np.repeat(2 ** np.linspace(-1, 3, part // 2), 2)
    waves = np.where(np.arange(part) % 2, np.cos(angles), np.sin(angles))
    told = np.concatenate([waves, np.tile(2 * middles - 1, part)], axis=1)  # (side, width / 2)
    both = np.concatenate([np.repeat(told, side, axis=0), np.tile(told, (side, 1))], axis=1)
    return ops.convert_to_tensor(PLACE_SIZE * both, dtype or "float32")


def sinusoids(times):
    """Embed times (batch,) in [0, 1] as sines and cosines (batch, 2 * FREQUENCIES) float32."""
    powers = ops.arange(FREQUENCIES, dtype="float32") / FREQUENCIES
    frequencies = TIME_SCALE * ops.exp(-math.log(LONGEST_PERIOD) * powers)
    angles = ops.cast(times, "float32")[:, None] * frequencies[None, :]
    return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
