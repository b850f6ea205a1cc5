"""Stable Diffusion 1.4 and 2.1 of KerasCV: what a sampler needs of them.

Knows no sampler and no guidance. The networks are KerasCV's own, with its published weights; the
words come through keras-hub's CLIP tokenizer, which makes the same pieces.
"""

from pathlib import Path

import numpy as np
from keras import ops

from models.architectures.clip import LENGTH, ClipTokenizer
from models.architectures.kerascv import policy

REDUCTION = 8  # pixels of a cell of the latents
FREQUENCIES = 160  # half of what a time is told by
SLOWEST = 10_000  # steps of the slowest of them
BETAS = 0.00085, 0.012  # the noise added at the first and the last of TIMES (Rombach et al. 2022)
TIMES = 1000
# How far each channel of the latents turns a cell red, green and blue, in [-1, 1], as ComfyUI's
# previews have it, and the colour where all are 0; found by fitting, good enough for a glimpse.
COLOURS = (
    (0.3512, 0.2297, 0.3227),
    (0.3250, 0.4974, 0.2350),
    (-0.2829, 0.1762, 0.2721),
    (-0.2120, -0.2616, -0.7177),
    (0.0, 0.0, 0.0),
)


class PublishedDiffusion:
    """Latent diffusion (Rombach et al. 2022) that predicts the noise (Ho et al. 2020).

    Subclasses name the networks, classes of KerasCV, and the files of their weights.

    Args:
        folder: Path that holds the weights and the tokenizer's files.
    """

    image_size = 512  # pixels a side, which they were trained for
    latent_colours = COLOURS
    text_encoder_class, text_encoder_file = "", ""
    unet_class, unet_file = "", ""
    decoder_file = "kcv_decoder.h5"

    def __init__(self, folder):
        from keras_cv.src.models.stable_diffusion import decoder, diffusion_model, text_encoder

        sides = (self.image_size, self.image_size)
        self.tokenizer = ClipTokenizer(_pieces(folder / "assets" / "tokenizer"))
        reader = getattr(text_encoder, self.text_encoder_class)
        unet = getattr(diffusion_model, self.unet_class)
        self.text_encoder = reader(LENGTH, download_weights=False)
        self.unet = unet(*sides, LENGTH, download_weights=False)
        self.decoder = decoder.Decoder(*sides, download_weights=False)
        self.text_encoder.load_weights(folder / self.text_encoder_file)
        self.unet.load_weights(folder / self.unet_file)
        self.decoder.load_weights(folder / self.decoder_file)

    @classmethod
    def from_preset(cls, folder, dtype=None):
        """Load what lies in a folder, in a dtype policy."""
        with policy(dtype):
            return cls(Path(folder))

    @property
    def weights(self):
        """The variables of all three networks."""
        return self.text_encoder.weights + self.unet.weights + self.decoder.weights

    @property
    def latent_shape(self):
        """(height, width, channels) of one picture's latents."""
        return tuple(self.unet.inputs[0].shape[1:])

    @property
    def picture_shape(self):
        """(height, width) of a picture in pixels."""
        height, width, _ = self.latent_shape
        return REDUCTION * height, REDUCTION * width

    @property
    def attends_by(self):
        """The layers that make the queries and keys of the U-Net's attention to itself."""
        blocks = [getattr(layer, "transformer_block", None) for layer in self.unet.layers]
        found = [block.attn1 for block in blocks if block]
        return [layer for each in found for layer in (each.to_q, each.to_k)]

    def context(self, token_ids):
        """Token ids (texts, LENGTH) to vectors (texts, LENGTH, width), and where they count."""
        positions = ops.broadcast_to(ops.arange(LENGTH, dtype="int32"), ops.shape(token_ids))
        return self.text_encoder([token_ids, positions]), ops.ones_like(token_ids)

    def levels(self, steps):
        """Shares of picture and noise, and the time told, (steps + 1, 3) float32.

        From noise to picture, at the times that KerasCV takes.
        """
        betas = np.linspace(*np.sqrt(BETAS), TIMES) ** 2
        times = (np.arange(steps) * (TIMES - 1) / max(1, steps - 1)).round().astype(int)[::-1]
        kept = np.append(np.cumprod(1 - betas)[times], 1.0)
        return np.stack([np.sqrt(kept), np.sqrt(1 - kept), [*times, 0]], axis=1).astype("float32")

    def estimate(self, latents, times, context, mask):
        """The noise that the U-Net sees in latents (batch, ...) at times (batch,)."""
        slowing = np.exp(-np.log(SLOWEST) * np.arange(FREQUENCIES) / FREQUENCIES)
        angles = times[:, None] * slowing.astype("float32")
        told = ops.concatenate([ops.cos(angles), ops.sin(angles)], axis=1)
        return self.unet([latents, told, context], training=False)

    def parted(self, latents, predicted, level):
        """Part latents into (picture, noise) by what was predicted at a level, a row of `levels`.

        Latents are level[0] * picture + level[1] * noise.
        """
        return (latents - level[1] * predicted) / level[0], predicted

    def decode(self, latents):
        """Latents to images (batch, size, size, 3) in [-1, 1]."""
        return ops.clip(ops.cast(self.decoder(latents), "float32"), -1, 1)


def _pieces(folder):
    """keras-hub's tokenizer of the vocabulary.json and merges.txt in a folder."""
    import keras_hub

    return keras_hub.tokenizers.CLIPTokenizer(
        str(folder / "vocabulary.json"), str(folder / "merges.txt")
    )


class StableDiffusion14(PublishedDiffusion):
    """Stable Diffusion 1.4 (Rombach et al. 2022), as `keras_cv.models.StableDiffusion`."""

    text_encoder_class, text_encoder_file = "TextEncoder", "kcv_encoder.h5"
    unet_class, unet_file = "DiffusionModel", "kcv_diffusion_model.h5"


class StableDiffusion21(PublishedDiffusion):
    """Stable Diffusion 2.1 base, as `keras_cv.models.StableDiffusionV2`."""

    text_encoder_class, text_encoder_file = "TextEncoderV2", "text_encoder_v2_1.h5"
    unet_class, unet_file = "DiffusionModelV2", "diffusion_model_v2_1.h5"
