"""The captioning network: a CNN encoder, then GRU and attention over the picture's cells.

Knows no files of pictures and no sampling; models/captioning.py turns its logits into sentences.

Xu et al. 2015, "Show, Attend and Tell": the words attend to places of the picture. The decoder is
Embedding, GRU, Attention, Add, LayerNormalization, Dense. Attention is Luong's dot product
(Luong et al. 2015, section 3.1), between what was said so far and each cell.

Attention shares one look out over the cells, however many things there are, so it cannot count.
Each cell may therefore know how many things of its kind there are, which is added up; see Counting.
"""

import keras
import keras_hub
from keras import ops

SHARP = 10.0  # slope of gates and steps: half a unit from the middle they are 0.993 or 0.007
ABOVE = (1.5, 2.5, 3.5, 4.5, 5.5)  # the steps of counts: from one to two, from two to three, ...
LOUD = keras.initializers.RandomNormal(stddev=0.5)  # a step is heard beside what is seen there
RARE = keras.initializers.Constant(-4.0)  # 1 cell in 50 holds the middle of a thing


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
class Counting(keras.layers.Layer):
    """Tells each cell how many things like the one seen there are in the whole picture.

    Each cell holds a share of a thing, and the shares of a thing's cells sum to one: a density map,
    whose sums are counts (Lempitsky and Zisserman 2010, "Learning to Count Objects in Images"). A
    cell looks at all cells at once, at each through a gate of its own that is open where the same
    kind of thing is seen. The gates do not share out one look as softmax attention does, which
    cannot count (Zhang et al. 2018, "Learning to Count Objects in Natural Images for Visual
    Question Answering"), so what they let through adds up.

    Args:
        grid: int, cells a side.
        width: int, of the vectors that tell kinds apart.

    Call: (batch, grid * grid, channels) to the logits of the cells' shares and to their counts,
    both (batch, grid * grid).
    """

    def __init__(self, grid, width=64, **kwargs):
        super().__init__(**kwargs)
        self.grid, self.width = grid, width
        dtype = self.dtype_policy
        self.near = keras.layers.Conv2D(width, 3, 1, "same", activation="relu", dtype=dtype)
        self.share = keras.layers.Conv2D(1, 1, bias_initializer=RARE, dtype=dtype)
        self.kind = keras.layers.Dense(width, use_bias=False, dtype=dtype)

    def build(self, shape):
        laid = (None, self.grid, self.grid, shape[-1])
        self.near.build(laid)
        self.share.build((*laid[:3], self.width))
        self.kind.build(shape)
        self.built = True

    def call(self, features):
        laid = ops.reshape(features, (-1, self.grid, self.grid, features.shape[-1]))
        shares = ops.reshape(self.share(self.near(laid)), (-1, self.grid**2, 1))
        kinds = ops.normalize(self.kind(features), axis=-1, epsilon=1e-6)
        alike = ops.matmul(kinds, ops.transpose(kinds, (0, 2, 1)))  # cosines: (batch, cells, cells)
        gates = ops.sigmoid(SHARP * (alike - 0.5))
        return shares[..., 0], ops.matmul(gates, ops.sigmoid(shares))[..., 0]

    def get_config(self):
        return {**super().get_config(), "grid": self.grid, "width": self.width}


def steps_of(counts):
    """Counts (batch, cells) as steps that they have passed, (batch, cells, 5): soft 0 or 1.

    From steps a single layer can tell two from three; on one scale it could only add more of the
    same.
    """
    return ops.sigmoid(SHARP * (counts[..., None] - ops.convert_to_tensor(ABOVE, counts.dtype)))


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
        counting: bool, whether cells know how many things of their kind there are.
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
        counting=False,
        dtype=None,
        **kwargs,
    ):
        self.cells = Cells(grid, dtype=dtype, name="cells")
        self.even = keras.layers.LayerNormalization(dtype=dtype, name="even")
        self.project = keras.layers.Dense(width, dtype=dtype, name="project")
        self.place = keras_hub.layers.PositionEmbedding(grid**2, dtype=dtype, name="place")
        self.counting = None
        if counting:
            self.counting = Counting(grid, dtype=dtype, name="counting")
            self.number = keras.layers.Dense(
                width, use_bias=False, kernel_initializer=LOUD, dtype=dtype, name="number"
            )
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
        return self.counted(features)[0]

    def counted(self, features):
        """What `placed` gives, and what Counting gives beside it; None where cells do not count.

        Returns:
            places (batch, cells, width), logits of the cells' shares of things (batch, cells), and
            how many things of its kind there are for each cell (batch, cells).
        """
        even = self.even(features)
        projected = self.project(even)
        parts, shares, counts = [projected, self.place(projected)], None, None
        if self.counting:
            shares, counts = self.counting(even)
            parts.append(self.number(steps_of(counts)))
        return self.add(parts), shares, counts

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
            "counting": self.counting is not None,
        }

    @classmethod
    def from_config(cls, config):
        encoder = keras.layers.deserialize(config["image_encoder"])
        return super().from_config({**config, "image_encoder": encoder})
