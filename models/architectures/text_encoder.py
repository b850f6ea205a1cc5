"""The text encoder of Stable Diffusion, small: words to vectors that a picture can attend to.

Knows no picture and no noise. It learns together with the U-Net that reads it.
"""

import keras
from keras import layers, ops
from keras_hub.layers import TokenAndPositionEmbedding, TransformerEncoder

from models.prompts import PAD


def build_text_encoder(vocabulary_size, length, width, depth, heads, dtype=None):
    """Build a pre-norm Transformer encoder (Vaswani et al. 2017; as CLIP's in Rombach et al. 2022).

    Returns:
        keras.Model: token_ids (batch, length) int32 -> context (batch, length, width).
    """
    ids = keras.Input((length,), dtype="int32", name="token_ids")
    mask = ops.not_equal(ids, PAD)
    # Of unit size: smaller ones drown in what the blocks add, and all texts look alike for long.
    unit = keras.initializers.RandomNormal(0.0, 1.0)
    x = TokenAndPositionEmbedding(
        vocabulary_size, length, width, embeddings_initializer=unit, dtype=dtype, name="words"
    )(ids)
    for index in range(depth):
        x = TransformerEncoder(
            4 * width,
            heads,
            activation="gelu",
            normalize_first=True,
            dtype=dtype,
            name=f"encoder_{index}",
        )(x, padding_mask=mask)
    x = layers.LayerNormalization(dtype=dtype, name="norm")(x)
    return keras.Model(ids, x, name="text_encoder")
