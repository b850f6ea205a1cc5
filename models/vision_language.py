"""Asks a published vision-language model of keras-hub what is in an image, with Keras' `generate`.

Knows no page. What to ask is what each kind of model was trained on.
"""

import weakref

import numpy as np
from PIL import Image

ASKED = {  # class of keras-hub to its name for texts, and the one that makes it describe an image
    "PaliGemmaCausalLM": ("prompts", "caption en\n"),  # Beyer et al. 2024, arXiv:2407.07726, 3.2.1
    "BLIP2CausalLM": ("text", "a photo of"),  # Li et al. 2023, arXiv:2301.12597, 4.2
}
WORDS = 40  # tokens of a caption at most
BEAMS = 5
_samplers = weakref.WeakKeyDictionary()  # model to (settings, sampler) that it is compiled for


def speaks(model):
    """Whether a model is of a kind that is asked."""
    return type(model).__name__ in ASKED


def tell(model, picture, count, method, seed, temperature, top_p):
    """Return captions of an image, those that differ, in the order that they came.

    Args:
        model: a `keras_hub.models.CausalLM` of a class in ASKED. For one caller at a time.
        picture: array (height, width, 3) of uint8; it is squeezed to the model's square.
        count: int, captions to draw with "sample"; the other methods have one to give.
        method: "sample", "greedy" or "beam".
        seed: int. temperature, top_p: float, as of `captioning.caption`.
    """
    key, prompt = ASKED[type(model).__name__]
    _compile(model, method, seed, temperature, top_p)
    size = model.preprocessor.image_converter.image_size
    square = np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC))
    rows = count if method == "sample" else 1
    length = len(model.preprocessor.tokenizer(prompt)) + 1 + WORDS  # its start counts too
    told = model.generate(
        {"images": np.stack([square] * rows).astype("float32"), key: [prompt] * rows},
        max_length=length,
        strip_prompt=True,
    )
    texts = (" ".join(text.split()) for text in told)
    return tuple(dict.fromkeys(text for text in texts if text))


def _compile(model, method, seed, temperature, top_p):
    """Compile a model's `generate` for a method, unless it is; its traces take long."""
    from keras import random
    from keras_hub import samplers

    settings = (method, temperature, top_p) if method == "sample" else (method,)
    before, sampler = _samplers.get(model, (None, None))
    if before != settings:
        sampler = {
            "sample": lambda: samplers.TopPSampler(p=top_p, temperature=temperature, seed=seed),
            "greedy": samplers.GreedySampler,
            "beam": lambda: samplers.BeamSampler(num_beams=BEAMS),
        }[method]()
        model.compile(sampler=sampler, jit_compile=False)  # XLA is slower on a CPU
        _samplers[model] = settings, sampler
    if method == "sample":
        sampler.seed_generator.state.assign(random.SeedGenerator(seed).state)
