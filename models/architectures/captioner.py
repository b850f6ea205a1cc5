"""The captioning network: a CNN encoder, then GRU and attention over the picture's cells.

Knows no files of pictures and no sampling; models/captioning.py turns its logits into sentences.

Xu et al. 2015, "Show, Attend and Tell": the words attend to places of the picture. The decoder is
Embedding, GRU, Attention, Add, LayerNormalization, Dense. Attention is Luong's dot product
(Luong et al. 2015, section 3.1), between what was said so far and each cell.
"""

import keras
import keras_hub
from keras import ops


@keras.saving.register_keras_serializable(package="keras_hands_on")
class Cells(keras.layers.Layer):
    """Lays the levels of a feature pyramid over one grid, `grid` x `grid` cells.

    Finer levels give the largest value within a cell, coarser ones their value at its place.

    Call: dict of (batch, side, side, channels) to (batch, grid * grid, levels * channels).
    """

    def __init__(self, grid, **kwargs):
        super().__init__(**kwargs)
        self.grid = grid

    def call(self, levels):
        laid = [self._laid(levels[name]) for name in sorted(levels)]
        joined = ops.concatenate(laid, axis=-1)
        return ops.reshape(joined, (-1, self.grid**2, joined.shape[-1]))

    def _laid(self, level):
        side = level.shape[1]
        if side > self.grid:
            return ops.max_pool(level, side // self.grid, side // self.grid)
        return ops.repeat(ops.repeat(level, self.grid // side, axis=1), self.grid // side, axis=2)

    def get_config(self):
        return {**super().get_config(), "grid": self.grid}


@keras.saving.register_keras_serializable(package="keras_hands_on")
class Captioner(keras_hub.models.Backbone):
    """Puts pictures into words.

    Call with a dict: `images` (batch, size, size, 3), 0 to 255, and `token_ids` (batch, words),
    what was said so far from START on. Gives logits (batch, words, len(vocabulary)) of the word
    that follows each.

    Args:
        image_encoder: a keras-hub backbone that gives a dict of square feature maps; it takes
            pixels scaled to [-1, 1].
        vocabulary: sequence of str, as models/vocabulary.py builds it.
        grid: int, cells a side that the feature maps are laid over.
        width: int, of the embedding, the GRU's state and the cells.
        length: int, words that a caption has at most.
        once: ids of the tokens that no caption says twice, such as a thing's name.
        dropout: float, share of the decoder's values dropped while training.
    """

    def __init__(
        self,
        image_encoder,
        vocabulary,
        grid=12,
        width=256,
        length=40,
        once=(),
        dropout=0.1,
        dtype=None,
        **kwargs,
    ):
        self.cells = Cells(grid, dtype=dtype, name="cells")
        self.even = keras.layers.LayerNormalization(dtype=dtype, name="even")
        self.project = keras.layers.Dense(width, dtype=dtype, name="project")
        self.place = keras_hub.layers.PositionEmbedding(grid**2, dtype=dtype, name="place")
        self.token_embedding = keras.layers.Embedding(
            len(vocabulary), width, dtype=dtype, name="token_embedding"
        )
        self.gru = keras.layers.GRU(
            width, return_sequences=True, return_state=True, dtype=dtype, name="gru"
        )
        self.attention = keras.layers.Attention(use_scale=True, dtype=dtype, name="attention")
        self.add = keras.layers.Add(dtype=dtype, name="add")
        self.norm = keras.layers.LayerNormalization(dtype=dtype, name="norm")
        self.drop = keras.layers.Dropout(dropout, dtype=dtype, name="drop")
        self.words = keras.layers.Dense(len(vocabulary), dtype="float32", name="words")

        images = keras.Input(image_encoder.input_shape[1:], name="images")
        token_ids = keras.Input((None,), dtype="int32", name="token_ids")
        places = self.places(image_encoder(images / 127.5 - 1))
        logits, _, _ = self.tell(token_ids, places)
        super().__init__({"images": images, "token_ids": token_ids}, logits, dtype=dtype, **kwargs)
        self.image_encoder = image_encoder
        self.vocabulary = tuple(vocabulary)
        self.grid, self.width, self.length = grid, width, length
        self.once, self.dropout = tuple(once), dropout

    @property
    def size(self):
        """Pixels a side of the pictures that it takes."""
        return self.image_encoder.input_shape[1]

    def features(self, images):
        """The encoder's cells (batch, grid * grid, channels) of images, 0 to 255."""
        return self.cells(self.image_encoder(images / 127.5 - 1, training=False))

    def places(self, levels):
        """What the decoder attends to, (batch, grid * grid, width), of the encoder's levels."""
        return self.placed(self.cells(levels))

    def placed(self, features):
        """The same, of features already laid over the grid."""
        projected = self.project(self.even(features))
        return self.add([projected, self.place(projected)])

    def tell(self, token_ids, places, state=None, training=False):
        """Say the next words.

        Args:
            token_ids: (batch, words), what was said.
            places: (batch, cells, width).
            state: (batch, width) of the GRU before the first of the words; zeros by default.
            training: bool, drop values.

        Returns:
            logits (batch, words, vocabulary), the GRU's state after the last word, and how much
            each word looked at each cell, (batch, words, cells), rows that sum to 1.
        """
        said = self.token_embedding(token_ids)
        if token_ids.shape[1] == 1 and state is not None:  # one word needs no loop
            told, [state] = self.gru.cell(said[:, 0], [state])
            told = told[:, None]
        else:
            told, state = self.gru(said, initial_state=state)
        seen, looks = self.attention([told, places], return_attention_scores=True)
        told = self.drop(self.norm(self.add([told, seen])), training=training)
        return self.words(told), state, looks

    def named(self, places):
        """Logits (batch, cells, vocabulary) of the word that each place alone stands for."""
        return self.words(self.norm(places))

    def get_config(self):
        return {
            **super().get_config(),
            "image_encoder": keras.layers.serialize(self.image_encoder),
            "vocabulary": list(self.vocabulary),
            "grid": self.grid,
            "width": self.width,
            "length": self.length,
            "once": list(self.once),
            "dropout": self.dropout,
        }

    @classmethod
    def from_config(cls, config):
        encoder = keras.layers.deserialize(config["image_encoder"])
        return super().from_config({**config, "image_encoder": encoder})
