"""Teaches the text encoder of `stable_diffusion_picture_book` which of two things is on which side.

Knows no pictures. Learning from pictures alone finds this last, and left the vectors of things the
same to the left and to the right; training/LOG.md has the figures. So the vectors of two things are
moved apart by the side that they are told to be on, and what the U-Net makes of that is left to
`flow_matching`.
"""

import keras
import numpy as np
from keras import ops

from training import picture_book, recipe, runs
from training.picture_book.captions import INVERSE, RELATIONS, article
from training.text_to_image import grounding

AXES = ("left of", "above")  # of what is told of two things; the first is on the lower side
PAIRS, OTHERS = 64, 32  # captions of a batch, of two things and others
PEAK_RATE = 1e-3
APART = 3.0  # how far vectors are moved, which are 14 long


def teach(model, captions, steps, folder, seed=0):
    """Train `model.text_encoder` in place; resumes where a run was cut off.

    The U-Net reads the text as before: it is made blind to how far vectors have moved, and can
    learn to see it. The mean of all vectors, which it reads too, stays about the same, since two
    things move to opposite sides.

    Args:
        model: StableDiffusion.
        captions: list of str that tell of no sides, whose vectors should stay.
        steps: int.
        folder: Path for checkpoints.
        seed: int.

    Returns:
        float, seconds of training, earlier runs included.
    """
    rng = np.random.default_rng([seed, 3])
    told, sides = pairs(model.tokenizer, PAIRS * steps, rng)
    token_ids = np.concatenate([told, model.tokenizer(captions)])
    wanted = model.text_encoder.predict(token_ids, batch_size=256, verbose=0).astype(np.float32)
    directions = np.linalg.qr(rng.normal(size=(wanted.shape[-1], len(AXES))))[0].astype(np.float32)
    wanted[: len(told)] += APART * sides @ directions.T

    def make(step):
        rng = np.random.default_rng([seed, step, 4])
        other = rng.integers(len(told), len(token_ids), OTHERS)
        index = np.concatenate([np.arange(PAIRS * step, PAIRS * (step + 1)), other])
        return token_ids[index], wanted[index]

    def loss(wanted, read):
        error = ops.cast(read, "float32") - wanted
        return ops.mean(error**2) + ops.mean((error @ directions) ** 2)

    rate = keras.optimizers.schedules.CosineDecay(PEAK_RATE, steps, alpha=0.02)
    # A model of its own, so that no optimizer is saved with the text encoder.
    trainer = keras.Model(model.text_encoder.inputs, model.text_encoder.outputs)
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=1.0)
    trainer.compile(optimizer, loss, jit_compile=recipe.jit_compile())
    seconds = runs.fit(trainer, make, steps, folder / "sides")["seconds"]
    blind(model.unet, directions)
    return seconds


def pairs(tokenizer, count, rng):
    """Tell of `count` pairs of things, any with any.

    Returns:
        (count, text_length) token ids, and (count, text_length, AXES) float32 of how what a token
        names stands: -1 on the lower side, 1 on the other, else 0.
    """
    texts, sides = [], np.zeros((count, tokenizer.length, len(AXES)), np.float32)
    for axis, side in zip(rng.integers(0, len(AXES), count), sides, strict=True):
        names = [picture_book.CLASSES[at] for at in rng.choice(len(picture_book.CLASSES), 2, False)]
        turned = rng.random() < 0.5
        way = rng.choice(RELATIONS[INVERSE[AXES[axis]] if turned else AXES[axis]])
        first, second = reversed(names) if turned else names
        texts.append(f"{article(first)} {way} {article(second)}")
        naming = grounding.naming(texts[-1], names, tokenizer.length)
        side[naming == 0, axis], side[naming == 1, axis] = -1, 1
    return tokenizer(texts), sides


def blind(unet, directions):
    """Take from what the U-Net's attention reads of the text all that lies along directions.

    Args:
        unet: the U-Net, changed in place.
        directions: (text_width, n), of length 1 and at right angles to each other.
    """
    along = directions @ directions.T
    for attention in grounding.text_attentions(unet):
        for dense in (attention.key_dense, attention.value_dense):
            kernel = np.asarray(dense.kernel)
            dense.kernel.assign(kernel - np.tensordot(along, kernel, 1))
