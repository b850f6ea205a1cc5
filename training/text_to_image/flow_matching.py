"""Trains text encoder and U-Net of `stable_diffusion_picture_book` by flow matching.

Knows no pixels: latents and token ids come in.
"""

import dataclasses

import numpy as np

from models.prompts import PAD, START, UNKNOWN
from training import recipe, runs
from training.text_to_image import grounding

NO_CAPTION = 0.12  # share of pictures without one, for guidance (Ho and Salimans 2022)
NO_WORD = 0.03  # share of words hidden, so that an unknown word does little harm
WARM_UP = 100  # steps
AVERAGE = 0.998  # what a step leaves of the weights' moving average (Polyak and Juditsky 1992)
WORKERS = 4  # threads that make batches


@dataclasses.dataclass(frozen=True)
class Course:
    """How long to train and on what."""

    steps: int
    batch: int = 128
    peak_rate: float = 1e-3
    noise: float = 0.5  # mean of the times' logits: where things stand is decided early, in noise
    grounding: float = 0.0  # weight of the loss of attention beside that of velocities


def train(model, latents, told, course, folder, seed=0):
    """Train `model.text_encoder` and `model.unet` in place; resumes where a run was cut off.

    The U-Net learns the velocity noise - latents along straight lines (Lipman et al. 2023; Liu et
    al. 2023), at times drawn from a logit-normal (Esser et al. 2024, sec. 3.1), around more noise
    than picture.

    Args:
        model: StableDiffusion.
        latents: (n, height, width, channels), normalised.
        told: list of n grounding.Told.
        course: Course.
        folder: Path for checkpoints.
        seed: int.

    Returns:
        float, seconds of training, earlier runs included.
    """

    def make(step):
        return batch(latents, told, np.random.default_rng([seed, step]), course)

    trainer = compiled(model, course)
    return runs.fit(trainer, make, course.steps, folder / "unet", WORKERS)["seconds"]


def compiled(model, course):
    """The model from noisy latents, times and token ids to velocities, compiled for training.

    It also gives where the U-Net attends to each token, (batch, layers, places, text_length).
    """
    import keras
    from keras import ops

    inputs = {
        key: keras.Input(model.input[key].shape[1:], dtype=model.input[key].dtype, name=key)
        for key in ("latents", "times", "token_ids")
    }
    ids = inputs["token_ids"]
    context = {"context": model.text_encoder(ids), "mask": ops.not_equal(ids, PAD)}
    seen = {"latents": inputs["latents"], "times": inputs["times"]}
    unet = model.unet
    looking = keras.Model(unet.input, [unet.output, grounding.attention(unet)])
    velocity, attention = looking(seen | context)
    trainer = keras.Model(inputs, {"velocity": velocity, "attention": attention})
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, course.steps, alpha=0.03, warmup_target=course.peak_rate, warmup_steps=WARM_UP
    )
    optimizer = keras.optimizers.Adam(
        rate, beta_2=0.99, global_clipnorm=1.0, use_ema=True, ema_momentum=AVERAGE
    )
    trainer.compile(
        optimizer,
        {"velocity": "mse", "attention": grounding.loss},
        loss_weights={"velocity": 1.0, "attention": course.grounding},
        jit_compile=recipe.jit_compile(),
    )
    return trainer


def batch(latents, told, rng, course):
    """Draw a batch: ({latents, times, token_ids}, {velocity, attention}), as of `compiled`."""
    index = rng.integers(0, len(latents), course.batch)
    clean = latents[index].astype(np.float32)
    noise = rng.standard_normal(clean.shape, np.float32)
    times = (1 / (1 + np.exp(-course.noise - rng.standard_normal(course.batch)))).astype(np.float32)
    along = times[:, None, None, None]
    scenes = [told[at] for at in index]
    chosen = (rng.random(len(scenes)) * [len(each.token_ids) for each in scenes]).astype(int)
    captions = [each.caption(at) for at, each in zip(chosen, scenes, strict=True)]
    token_ids, named = map(np.stack, zip(*captions, strict=True))
    token_ids = _hidden(token_ids, rng)
    inputs = {"latents": (1 - along) * clean + along * noise, "times": times}
    attention = (named * (token_ids != PAD)[:, None, :])[:, None]
    return inputs | {"token_ids": token_ids}, {"velocity": noise - clean, "attention": attention}


def _hidden(token_ids, rng):
    """Hide some words of (batch, text_length) token ids, and all of some captions."""
    words = token_ids > START
    token_ids = np.where(words & (rng.random(words.shape) < NO_WORD), UNKNOWN, token_ids)
    bare = rng.random((len(token_ids), 1)) < NO_CAPTION
    return np.where(words & bare, PAD, token_ids)
