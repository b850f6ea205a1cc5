"""Trains the image autoencoder of `stable_diffusion_picture_book`: pixels to latents and back.

Knows no text and no noise schedule.
"""

import functools
import math

import numpy as np

from training import recipe, runs

BATCH = 32
LATENT_NOISE = 0.1  # standard deviation; decoders that forgive it forgive a U-Net's small errors
LATENT_WEIGHT = 1e-3  # holds the latents near unit size against that noise
PEAK_RATE = 1e-3
PERCEIVED = 0.15  # of the perceptual loss beside that of pixels; from 0.5 on it leaves a mesh
WARM_UP = 50  # steps
AVERAGE = 0.998  # what a step leaves of the weights' moving average (Polyak and Juditsky 1992)
WORKERS = 4  # threads that make batches


def train(encoder, decoder, images, steps, folder, seed=0):
    """Train `encoder` and `decoder` in place; resumes from `folder` where a run was cut off.

    Args:
        encoder, decoder: keras.Model, from models.architectures.autoencoder.
        images: (n, height, width, 3) uint8.
        steps: int, batches of BATCH images in all.
        folder: Path for checkpoints.
        seed: int.

    Returns:
        float, seconds of training, earlier runs included.
    """
    model = _trainer(encoder, decoder, steps, pyramid_loss, PEAK_RATE)
    make = functools.partial(_batch, images, seed=seed)
    return runs.fit(model, make, steps, folder / "autoencoder", WORKERS)["seconds"]


def sharpen(model, images, look, steps, folder, seed=0):
    """Train the decoder of `model` further, in place, for what makes a thing recognisable.

    The encoder stays, so that latents and what draws them stay valid. To the loss of pixels comes a
    perceptual one (Johnson et al. 2016, "Perceptual losses for real-time style transfer"; as in the
    autoencoder of Rombach et al. 2022), on the features of a network that does not score drawings
    of one thing.

    Args:
        model: StableDiffusion.
        images: (n, size, size, 3) uint8.
        look: keras.Model, pixels (batch, size, size, 3) in [-1, 1] to a list of feature maps.
        steps, folder, seed: as of `train`.

    Returns:
        float, seconds of training, earlier runs included.
    """
    model.encoder.trainable = False

    def loss(true, made):
        return pyramid_loss(true, made) + PERCEIVED * perceptual_loss(look, true, made)

    trainer = _trainer(model.encoder, model.decoder, steps, loss, PEAK_RATE / 2)
    make = functools.partial(_batch, images, seed=seed)
    seconds = runs.fit(trainer, make, steps, folder / "decoder", WORKERS)["seconds"]
    model.encoder.trainable = True
    return seconds


def pixels(images):
    """Map uint8 images to float32 in [-1, 1]."""
    return images.astype(np.float32) / 127.5 - 1


def reconstruction_error(model, images):
    """Mean absolute error of `model.decode(model.encode(images))` in grey levels of 255."""
    rebuilt = model.decode(model.encode(pixels(images)))
    return float(np.abs(np.asarray(rebuilt, np.float32) - pixels(images)).mean() * 127.5)


def pyramid_loss(true, made):
    """L1 distance of the pictures and of their gradients, at full, half and quarter size.

    Args:
        true: (batch, height, width, 3), 0 to 255.
        made: (batch, height, width, 3) in [-1, 1].

    Returns:
        scalar. The gradients keep edges sharp where L1 alone would blur them (Mathieu et al. 2016).
    """
    from keras import ops

    total, true = 0.0, ops.cast(true, "float32") / 127.5 - 1
    for level in range(3):
        if level:
            true, made = (ops.average_pool(each, 2, 2) for each in (true, made))
        apart = made - true
        total += ops.mean(ops.abs(apart))
        total += ops.mean(ops.abs(apart[:, 1:] - apart[:, :-1]))
        total += ops.mean(ops.abs(apart[:, :, 1:] - apart[:, :, :-1]))
    return total


def perceptual_loss(look, true, made):
    """Squared distance of features of unit length, as in LPIPS (Zhang et al. 2018), unweighted.

    Args:
        look: as `sharpen` takes it.
        true, made: as `pyramid_loss` takes them.

    Returns:
        scalar: a mean over places, summed over feature maps.
    """
    from keras import ops

    total = 0.0
    for one, other in zip(look(ops.cast(true, "float32") / 127.5 - 1), look(made), strict=True):
        one, other = (ops.normalize(ops.cast(each, "float32"), axis=-1) for each in (one, other))
        total += ops.mean(ops.sum(ops.square(one - other), axis=-1))
    return total


def _trainer(encoder, decoder, steps, loss, peak):
    """A model that rebuilds images through noisy latents, compiled."""
    import keras
    from keras import layers

    images = keras.Input(encoder.input.shape[1:], dtype="uint8")  # a quarter of what floats weigh
    weight = LATENT_WEIGHT / math.prod(encoder.output.shape[1:])
    latents = encoder(layers.Rescaling(1 / 127.5, -1, dtype="float32")(images))
    latents = layers.ActivityRegularization(l2=weight, dtype="float32")(latents)
    latents = layers.GaussianNoise(LATENT_NOISE, dtype="float32")(latents)
    model = keras.Model(images, decoder(latents))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, alpha=0.02, warmup_target=peak, warmup_steps=WARM_UP
    )
    optimizer = keras.optimizers.Adam(
        rate, beta_2=0.99, global_clipnorm=1.0, use_ema=True, ema_momentum=AVERAGE
    )
    model.compile(optimizer, loss, jit_compile=recipe.jit_compile())
    return model


def _batch(images, step, seed):
    """The images of a step, (BATCH, height, width, 3) uint8, half of them mirrored, twice."""
    rng = np.random.default_rng([seed, step])
    chosen = images[rng.integers(0, len(images), BATCH)]
    mirrored = rng.random(BATCH) < 0.5
    chosen[mirrored] = chosen[mirrored, :, ::-1]
    return chosen, chosen
