"""Where the things that a caption names stand, and how far the U-Net's attention is from it.

Knows no noise and no velocities. Those alone hardly say which of two things is on which side, so
attention is told as well: Wang et al. 2024, "TokenCompose: Grounding diffusion with token-level
supervision".
"""

import dataclasses
import math

import keras
import numpy as np
from keras import ops

from models.prompts import words

NOTHING = -1
FIRST_WORD = 1  # token of a caption's first word, after that of its start


@dataclasses.dataclass(frozen=True)
class Told:
    """What is said of one scene.

    Args:
        token_ids: (captions, text_length) int.
        things: (captions, text_length) int, which thing a token names, from 0, else NOTHING.
        cover: (things, places) float32 in [0, 1], how much of each place of the U-Net's attention,
            row by row, lies in a thing's box.
    """

    token_ids: np.ndarray
    things: np.ndarray
    cover: np.ndarray

    def caption(self, at):
        """One caption's token ids (text_length,), and (places, text_length) what they name."""
        nowhere = np.zeros_like(self.cover, shape=(1, self.cover.shape[1]))  # as the last: NOTHING
        return self.token_ids[at], np.concatenate([self.cover, nowhere])[self.things[at]].T


def told(model, captions, things=()):
    """Tell `model` of a scene.

    Args:
        model: StableDiffusion.
        captions: list of str.
        things: (name, box) of each thing whose name in a caption should be attended to from where
            it is; a box is left, top, right, bottom in pixels of the model's pictures.

    Returns:
        Told.
    """
    names = [name for name, _ in things]
    boxes = np.array([box for _, box in things], np.float32).reshape(-1, 4)
    return Told(
        model.tokenizer(captions),
        np.stack([naming(text, names, model.tokenizer.length) for text in captions]),
        cover(boxes, model.picture_shape[0], places(model.unet)),
    )


def naming(text, names, length):
    """Which of `names` each of a text's `length` tokens names, from 0, else NOTHING."""
    said, found = words(text)[: length - FIRST_WORD], np.full(length, NOTHING)
    for thing, name in enumerate(map(words, names)):
        for at in range(len(said) - len(name) + 1):
            if said[at : at + len(name)] == name:
                found[FIRST_WORD + at : FIRST_WORD + at + len(name)] = thing
    return found


def cover(boxes, size, count):
    """How much of each of `count` places of a square of `size` pixels lies in boxes (things, 4).

    Returns:
        (things, count) float32 in [0, 1], places row by row.
    """
    cell = size / math.isqrt(count)
    starts = np.arange(math.isqrt(count)) * cell

    def along(first, last):
        inside = np.minimum(last[:, None], starts + cell) - np.maximum(first[:, None], starts)
        return np.clip(inside / cell, 0, 1)

    left, top, right, bottom = boxes.T
    both = along(top, bottom)[:, :, None] * along(left, right)[:, None, :]
    return both.reshape(-1, count).astype(np.float32)


def places(unet):
    """Of how many places the U-Net attends to the text."""
    return text_attentions(unet)[0].input[0].shape[1]


def attention(unet):
    """Where the U-Net attends to each token, a Keras tensor (batch, layers, places, text_length).

    The mean over heads, of the same inputs as the U-Net's.
    """
    return ops.stack([Seen(each)(*each.input) for each in text_attentions(unet)], axis=1)


class Seen(keras.layers.Layer):
    """Where a `MultiHeadAttention` attends, (batch, places, text_length): the mean over heads.

    Keras does not let a layer that is part of a model be called again with other outputs.
    """

    def __init__(self, attention):
        super().__init__()
        self.attention = attention

    def call(self, query, context, mask):
        """Shapes as of the attention's own call."""
        told = {"attention_mask": mask, "return_attention_scores": True}
        _, scores = self.attention(query, context, **told)
        return ops.mean(ops.cast(scores, "float32"), axis=1)


def text_attentions(unet):
    """The layers in which places attend to the text."""
    return [layer for layer in unet.layers if layer.name.endswith("attention_text")]


def loss(named, attention):
    """How much of the attention to words comes from outside of what they name.

    Args:
        named: (batch, 1, places, tokens) in [0, 1], where what a token names is; 0 for tokens that
            name nothing.
        attention: (batch, layers, places, tokens), each place's over the tokens.

    Returns:
        (batch,): the mean over layers and over tokens that name something, in [0, 1].
    """
    some = ops.cast(ops.max(named, axis=2) > 0, "float32")  # (batch, 1, tokens)
    inside = ops.sum(attention * named, axis=2) / (ops.sum(attention, axis=2) + 1e-6)
    outside = ops.mean(ops.square(1 - inside) * some, axis=1)
    return ops.sum(outside, axis=-1) / ops.maximum(ops.sum(some, axis=(1, 2)), 1)
