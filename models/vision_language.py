"""Asks a published vision-language model of keras-hub what is in an image, with Keras' `generate`.

Knows no page. What to ask is what each kind of model was trained on.
"""

import weakref

import numpy as np
from PIL import Image

ASKED = {  # class of keras-hub to its name for texts, and the one that makes it describe an image
    "PaliGemmaCausalLM": ("prompts", "caption en\n"),  # Beyer et al. 2024, arXiv:2407.07726, 3.2.1
    "BLIP2CausalLM": ("text", "a photo of"),  # Li et al. 2023, arXiv:2301.12597, 4.2
    "Qwen3_5CausalLM": (  # a chat's markup, as keras-hub's own conversion of it asks
        "prompts",
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>"
        "Describe this image in one sentence.<|im_end|>\n<|im_start|>assistant\n",
    ),
}
SIZED = ("Qwen3_5CausalLM",)  # reads an image's size as Python numbers, which a graph has not
THOUGHT = "</think>"  # before which Qwen puts what is not its answer
SIDE = 448  # pixels of the square for a model that takes any size
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
    converter = model.preprocessor.image_converter
    size = converter.image_size or (SIDE, SIDE)
    square = np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC))
    rows = count if method == "sample" else 1
    given = {"images": np.stack([square] * rows).astype("float32"), key: [prompt] * rows}
    asked = model.preprocessor.generate_preprocess(dict(given))["padding_mask"]
    length = int(np.asarray(asked)[0].sum()) + WORDS
    told = model.generate(given, max_length=length, strip_prompt=True)
    texts = (" ".join(text.rpartition(THOUGHT)[2].split()) for text in told)
    return tuple(dict.fromkeys(text for text in texts if text))


def _compile(model, method, seed, temperature, top_p):
    """Compile a model's `generate` for a method, unless it is; its traces take long."""
    from keras import config, random
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
        if type(model).__name__ in SIZED and config.backend() == "tensorflow":
            model.generate_function = _graph(model)
        _samplers[model] = settings, sampler
    if method == "sample":
        sampler.seed_generator.state.assign(random.SeedGenerator(seed).state)


def _graph(model):
    """What `make_generate_function` makes, for a model in SIZED: it sees before its graph."""
    import tensorflow as tf

    see, step = model.backbone.vision_encoder, tf.function(model.generate_step)

    def generate(inputs, stop_token_ids):
        seen = see(inputs["pixel_values"], inputs["image_grid_thw"])
        model.backbone.vision_encoder = lambda pixels, sizes: pixels  # they are what was seen
        try:
            return step({**inputs, "pixel_values": seen}, stop_token_ids)
        finally:
            model.backbone.vision_encoder = see

    return generate
