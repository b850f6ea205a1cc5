"""Trains text encoder and U-Net of `stable_diffusion_picture_book` by flow matching.

Knows no pixels: latents and token ids come in.
"""

import numpy as np

from models.prompts import PAD, START, UNKNOWN
from training import recipe, runs

BATCH = 128
NO_CAPTION = 0.12  # share of pictures without one, for guidance (Ho and Salimans 2022)
NO_WORD = 0.03  # share of words hidden, so that an unknown word does little harm
PEAK_RATE = 1e-3
WARM_UP = 100  # steps
AVERAGE = 0.998  # what a step leaves of the weights' moving average (Polyak and Juditsky 1992)
WORKERS = 4  # threads that make batches
NOISIER = 0.5  # mean of the times' logits: where things stand is decided while there is noise


def train(model, latents, captions, steps, folder, seed=0):
    """Train `model.text_encoder` and `model.unet` in place; resumes where a run was cut off.

    The U-Net learns the velocity noise - latents along straight lines (Lipman et al. 2023; Liu et
    al. 2023), at times drawn from a logit-normal (Esser et al. 2024, sec. 3.1), around more noise
    than picture.

    Args:
        model: StableDiffusion.
        latents: (n, height, width, channels), normalised.
        captions: list of n arrays (captions, text_length) of token ids.
        steps: int, batches of BATCH in all.
        folder: Path for checkpoints.
        seed: int.

    Returns:
        float, seconds of training, earlier runs included.
    """

    def make(step):
        return batch(latents, captions, np.random.default_rng([seed, step]))

    trainer = compiled(model, steps)
    return runs.fit(trainer, make, steps, folder / "unet", WORKERS)["seconds"]


def compiled(model, steps):
    """The model from noisy latents, times and token ids to velocities, compiled for training."""
    import keras
    from keras import ops

    inputs = {
        key: keras.Input(model.input[key].shape[1:], dtype=model.input[key].dtype, name=key)
        for key in ("latents", "times", "token_ids")
    }
    ids = inputs["token_ids"]
    context, mask = model.text_encoder(ids), ops.not_equal(ids, PAD)
    velocity = model.estimate(inputs["latents"], inputs["times"], context, mask)
    trainer = keras.Model(inputs, velocity)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, alpha=0.03, warmup_target=PEAK_RATE, warmup_steps=WARM_UP
    )
    optimizer = keras.optimizers.Adam(
        rate, beta_2=0.99, global_clipnorm=1.0, use_ema=True, ema_momentum=AVERAGE
    )
    trainer.compile(optimizer, "mse", jit_compile=recipe.jit_compile())
    return trainer


def batch(latents, captions, rng, size=BATCH):
    """Draw a batch: ({latents, times, token_ids}, velocities)."""
    index = rng.integers(0, len(latents), size)
    clean = latents[index].astype(np.float32)
    noise = rng.standard_normal(clean.shape, np.float32)
    times = (1 / (1 + np.exp(-NOISIER - rng.standard_normal(size)))).astype(np.float32)
    along = times[:, None, None, None]
    inputs = {
        "latents": (1 - along) * clean + along * noise,
        "times": times,
        "token_ids": _hidden(_told(captions, index, rng), rng),
    }
    return inputs, noise - clean


def _told(captions, index, rng):
    """One caption of each of the scenes `index`, (len(index), text_length)."""
    chosen = rng.random(len(index))
    ways = (captions[at] for at in index)
    return np.stack([told[int(at * len(told))] for told, at in zip(ways, chosen, strict=True)])


def _hidden(token_ids, rng):
    """Hide some words of (batch, text_length) token ids, and all of some captions."""
    words = token_ids > START
    token_ids = np.where(words & (rng.random(words.shape) < NO_WORD), UNKNOWN, token_ids)
    bare = rng.random((len(token_ids), 1)) < NO_CAPTION
    return np.where(words & bare, PAD, token_ids)
