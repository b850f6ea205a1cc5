"""Stable Diffusion, small: text encoder, U-Net and image autoencoder as one Keras backbone.

Knows no sampler and no guidance: it says which way latents move, and turns latents to pixels.
"""

import keras
import numpy as np
from keras import ops
from keras_hub.models import Backbone

from models.architectures.autoencoder import build_decoder, build_encoder, reduction
from models.architectures.text_encoder import build_text_encoder
from models.architectures.unet import SELF_ATTENTION, build_unet
from models.prompts import PAD, WordTokenizer


@keras.saving.register_keras_serializable(package="picture_book")
class StableDiffusion(Backbone):
    """Latent diffusion (Rombach et al. 2022) with flow matching (Lipman et al. 2023) in its U-Net.

    Latents are normalised to mean 0 and deviation 1 a channel. Noisy latents at time t in [0, 1]
    are (1 - t) * latents + t * noise, and the U-Net's velocity is noise - latents.

    Args:
        vocabulary: sequence of str, the words that the text encoder knows.
        text_length, text_width, text_depth: of the text encoder.
        image_size: int, pixels a side.
        channels: int, channels of the latents.
        autoencoder_widths: channels at a half of the size, a quarter, and so on to the latents'.
        unet_widths, unet_depths: channels and blocks at the latents' size, at half of that, ...
        heads: int, attention heads of text encoder and U-Net.
        latent_mean, latent_deviation: sequences of `channels` floats, measured on the autoencoder.
        latent_colours: `channels` + 1 rows of red, green and blue in [-1, 1]: what each channel of
            normalised latents adds to a cell's colour, and the colour where all are 0.
    """

    def __init__(
        self,
        vocabulary,
        text_length=24,
        text_width=192,
        text_depth=2,
        image_size=256,
        channels=16,
        autoencoder_widths=(32, 64, 128, 192),
        unet_widths=(128, 224),
        unet_depths=(2, 2),
        heads=4,
        latent_mean=None,
        latent_deviation=None,
        latent_colours=None,
        dtype=None,
        **kwargs,
    ):
        tokenizer = WordTokenizer(vocabulary, text_length)
        latent_size = image_size // reduction(autoencoder_widths)
        text_encoder = build_text_encoder(
            len(tokenizer), text_length, text_width, text_depth, heads, dtype
        )
        unet = build_unet(
            latent_size, channels, unet_widths, unet_depths, text_length, text_width, heads, dtype
        )
        encoder = build_encoder(image_size, channels, autoencoder_widths, dtype)
        decoder = build_decoder(image_size, channels, autoencoder_widths, dtype)

        images = keras.Input((image_size, image_size, 3), name="images")
        latents = keras.Input((latent_size, latent_size, channels), name="latents")
        times = keras.Input((), name="times")
        token_ids = keras.Input((text_length,), dtype="int32", name="token_ids")
        velocity = unet(
            {
                "latents": latents,
                "times": times,
                "context": text_encoder(token_ids),
                "mask": ops.not_equal(token_ids, PAD),
            }
        )
        super().__init__(
            inputs={"images": images, "latents": latents, "times": times, "token_ids": token_ids},
            outputs={"velocity": velocity, "images": decoder(encoder(images))},
            dtype=dtype,
            **kwargs,
        )
        self.text_encoder, self.unet = text_encoder, unet
        self.encoder, self.decoder = encoder, decoder
        self.tokenizer = tokenizer
        self.latent_mean = tuple(map(float, latent_mean or [0] * channels))
        self.latent_deviation = tuple(map(float, latent_deviation or [1] * channels))
        self.latent_colours = latent_colours or [[0.0] * 3] * (channels + 1)
        self._sizes = {
            "text_length": text_length,
            "text_width": text_width,
            "text_depth": text_depth,
            "image_size": image_size,
            "channels": channels,
            "autoencoder_widths": tuple(autoencoder_widths),
            "unet_widths": tuple(unet_widths),
            "unet_depths": tuple(unet_depths),
            "heads": heads,
        }

    @property
    def latent_shape(self):
        """(height, width, channels) of one picture's latents."""
        return tuple(self.unet.output.shape[1:])

    @property
    def picture_shape(self):
        """(height, width) of a picture in pixels."""
        return tuple(self.decoder.output.shape[1:3])

    @property
    def attends_by(self):
        """The layers that make the queries and keys of the U-Net's attention to itself."""
        found = [each for each in self.unet.layers if each.name.endswith(SELF_ATTENTION)]
        return [layer for each in found for layer in (each.query_dense, each.key_dense)]

    def context(self, token_ids):
        """Token ids (texts, length) to vectors (texts, length, width), and where there is text."""
        return self.text_encoder(token_ids), ops.not_equal(token_ids, PAD)

    def levels(self, steps):
        """Shares of picture and noise, and the time told, (steps + 1, 3) float32.

        From noise to picture in equal steps.
        """
        times = np.linspace(1, 0, steps + 1, dtype=np.float32)
        return np.stack([1 - times, times, times], axis=1)

    def estimate(self, latents, times, context, mask):
        """Noise minus latents, as the U-Net sees them: (batch, height, width, channels).

        Args:
            latents: (batch, height, width, channels), noisy.
            times: (batch,) in [0, 1].
            context: (batch, text_length, text_width), of the text encoder.
            mask: (batch, text_length) bool, where there is text.
        """
        return self.unet({"latents": latents, "times": times, "context": context, "mask": mask})

    def parted(self, latents, predicted, level):
        """Part latents into (picture, noise) by what was predicted at a level, a row of `levels`.

        Latents are level[0] * picture + level[1] * noise.
        """
        return latents - level[1] * predicted, latents + level[0] * predicted

    def encode(self, images):
        """Images (batch, size, size, 3) in [-1, 1] to normalised latents."""
        latents = ops.cast(self.encoder(images), "float32")
        return (latents - ops.array(self.latent_mean)) / ops.array(self.latent_deviation)

    def decode(self, latents):
        """Normalised latents to images (batch, size, size, 3) in [-1, 1]."""
        latents = latents * ops.array(self.latent_deviation) + ops.array(self.latent_mean)
        return ops.clip(ops.cast(self.decoder(latents), "float32"), -1, 1)

    def get_config(self):
        """What the constructor needs to build this model again."""
        return (
            super().get_config()
            | self._sizes
            | {
                "vocabulary": list(self.tokenizer.vocabulary),
                "latent_mean": list(self.latent_mean),
                "latent_deviation": list(self.latent_deviation),
                "latent_colours": [list(map(float, row)) for row in self.latent_colours],
            }
        )
