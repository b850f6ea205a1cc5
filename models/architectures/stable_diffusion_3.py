"""Stable Diffusion 3 and 3.5 of keras-hub: what a sampler needs of them.

Knows no sampler and no guidance. The networks are keras-hub's own, with the published weights.
"""

import numpy as np
from keras import ops

from models.architectures.clip import ClipTokenizer

# How far each channel of the latents turns a cell red, green and blue, in [-1, 1], and the colour
# where all are 0, as ComfyUI's previews have them; good enough for a glimpse.
COLOURS = (
    (-0.0922, -0.0175, 0.0749),
    (0.0311, 0.0633, 0.0954),
    (0.1994, 0.0927, 0.0458),
    (0.0856, 0.0339, 0.0902),
    (0.0587, 0.0272, -0.0496),
    (-0.0006, 0.1104, 0.0309),
    (0.0978, 0.0306, 0.0427),
    (-0.0042, 0.1038, 0.1358),
    (-0.0194, 0.0020, 0.0669),
    (-0.0488, 0.0130, -0.0268),
    (0.0922, 0.0988, 0.0951),
    (-0.0278, 0.0524, -0.0542),
    (0.0332, 0.0456, 0.0895),
    (-0.0069, -0.0030, -0.0810),
    (-0.0596, -0.0465, -0.0293),
    (-0.1448, -0.1463, -0.1189),
    (0.2394, 0.2135, 0.1925),
)


class TwoReaders(ClipTokenizer):
    """Prompts for two CLIPs, which fill up what is short in different ways.

    Args:
        preprocessor: keras_hub.models.StableDiffusion3TextToImagePreprocessor.
    """

    def __init__(self, preprocessor):
        super().__init__(preprocessor.clip_l_preprocessor.tokenizer)
        self._preprocessor = preprocessor

    def __call__(self, texts):
        """Return ids (len(texts), 2, LENGTH) int32, those for the smaller reader first."""
        read = self._preprocessor.generate_preprocess(list(texts))
        return np.stack([np.asarray(read[each]) for each in ("clip_l", "clip_g")], axis=1)


class StableDiffusion3:
    """A transformer that predicts velocities of latents (Esser et al. 2024, arXiv:2403.03206).

    Without the T5 that may read along: keras-hub's presets come without it.

    Args:
        task: keras_hub.models.StableDiffusion3TextToImage.
    """

    image_size = 512  # pixels a side: a quarter of the places that it was trained for, at most
    latent_colours = COLOURS

    def __init__(self, task):
        self._backbone = task.backbone
        self.tokenizer = TwoReaders(task.preprocessor)

    @classmethod
    def from_preset(cls, folder, dtype=None):
        """Load what lies in a folder, in a dtype policy, for pictures of `image_size`."""
        import keras_hub

        side = cls.image_size
        task = keras_hub.models.TextToImage.from_preset(
            folder, dtype=dtype, image_shape=(side, side, 3)
        )
        return cls(task)

    @property
    def weights(self):
        """The variables of all networks."""
        return self._backbone.weights

    @property
    def latent_shape(self):
        """(height, width, channels) of one picture's latents."""
        return tuple(self._backbone.latent_shape[1:])

    @property
    def picture_shape(self):
        """(height, width) of a picture in pixels."""
        return tuple(self._backbone.image_shape[:2])

    def context(self, token_ids):
        """Token ids (texts, 2, LENGTH) of an even number of texts to what the transformer is told.

        Returns:
            (vectors (texts, length, width), one vector (texts, width) for each text as a whole).
        """
        first, second = (
            {"clip_l": half[:, 0], "clip_g": half[:, 1]} for half in ops.split(token_ids, 2)
        )
        words, more_words, whole, more_whole = self._backbone.encode_text_step(first, second)
        return ops.concatenate([words, more_words]), ops.concatenate([whole, more_whole])

    def levels(self, steps):
        """Shares of picture and noise, and the time told, (steps + 1, 3) float32.

        From noise to picture, with the scheduler's shift towards noise.
        """
        scheduler = self._backbone.scheduler
        scheduler.set_sigmas(steps)
        noise = np.asarray(ops.convert_to_numpy(scheduler.sigmas), np.float32)
        return np.stack([1 - noise, noise, scheduler.num_train_timesteps * noise], axis=1)

    def estimate(self, latents, times, context, whole):
        """Noise minus latents, as the transformer sees them: (batch, height, width, channels).

        Args:
            latents: (batch, height, width, channels), noisy.
            times: (batch,), as `levels` has them.
            context, whole: of `context`, one for each picture.
        """
        given = {"latent": latents, "context": context}
        told = {"pooled_projection": whole, "timestep": times}
        return self._backbone.diffuser({**given, **told}, training=False)

    def parted(self, latents, predicted, level):
        """Part latents into (picture, noise) by what was predicted at a level, a row of `levels`.

        Latents are level[0] * picture + level[1] * noise.
        """
        return latents - level[1] * predicted, latents + level[0] * predicted

    def decode(self, latents):
        """Latents to images (batch, size, size, 3) in [-1, 1]."""
        return ops.clip(ops.cast(self._backbone.decode_step(latents), "float32"), -1, 1)
