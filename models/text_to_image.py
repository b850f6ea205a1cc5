"""Draws pictures from a prompt, step by step, with a latent diffusion model.

Knows no page. Each step is a value of a generator, so the caller owns progress and stopping.
"""

import time
from dataclasses import dataclass

import numpy as np
from PIL import Image

from models import catalog, checks, loader, prompts, runtime
from models.results import Step

PROMPT_LIMIT = 1_000  # characters
MOST_STEPS = 100
MOST_GUIDANCE = 12.0
MOST_IMAGES = 4
STEPS = 25
KEEP = 0.4  # of the steps, in which changed words leave things where they were
PREVIEW_EVERY = 3  # steps


@dataclass(frozen=True)
class Request:
    """What to draw and how, checked."""

    prompt: str
    seed: int  # in [0, 2**31 - 1]
    guidance_scale: float  # 1 is the plain model; more follows the prompt more closely
    negative_prompt: str = ""  # what to keep away from
    steps: int = STEPS  # from noise to picture
    batch_size: int = 1  # pictures
    at_once: int = MOST_IMAGES  # pictures that a step moves together; fewer take less memory
    edited_prompt: str = ""  # what a second picture shows in the first one's places; "" for none
    keep: float = 0.0  # share of the steps in which it follows the first one

    @property
    def prompts(self):
        """What each picture shows, a tuple of str."""
        if self.edited_prompt:
            return self.prompt, self.edited_prompt
        return (self.prompt,) * self.batch_size


def generate(
    prompt,
    negative_prompt="",
    model=None,
    steps=STEPS,
    guidance_scale=None,
    batch_size=1,
    seed=None,
    at_once=MOST_IMAGES,
):
    """Draw `batch_size` pictures of `prompt`, with previews on the way.

    Args:
        prompt: str, what to draw.
        negative_prompt: str, what to keep away from; "" for nothing in particular.
        model: str, an id in the catalogue, or None for the default.
        steps: int in [1, 100].
        guidance_scale: float in [1, 12] (Ho and Salimans 2022), or None for the model's own.
        batch_size: int in [1, 4]. Picture i is the same picture in a batch of any size.
        seed: int in [0, 2**31 - 1], or None for one at random, which the steps' `run` names.
        at_once: int in [1, 4], pictures that a step moves together. Fewer take less memory and
            more time; the pictures are the same.

    Returns:
        A generator of Step; every PREVIEW_EVERY-th and the last have previews, the last has images.
        Closing it stops the work.

    Raises:
        BadInput: an argument out of range, before any step.
    """
    row = catalog.pick(model, "text_to_image")
    asked = prompt, negative_prompt, steps, guidance_scale, batch_size, seed, at_once
    return _generate(row, requested(row, *asked))


def requested(
    row,
    prompt,
    negative_prompt="",
    steps=STEPS,
    guidance_scale=None,
    batch_size=1,
    seed=None,
    at_once=MOST_IMAGES,
):
    """Return the Request of what `generate` takes, for a row of the catalogue. Raises as it."""
    return Request(
        **_checked(row, prompt, negative_prompt, steps, guidance_scale, seed),
        batch_size=checks.number(batch_size, "batch_size", 1, MOST_IMAGES, integer=True),
        at_once=checks.number(at_once, "at_once", 1, MOST_IMAGES, integer=True),
    )


def edit(
    prompt,
    edited_prompt,
    negative_prompt="",
    model=None,
    steps=STEPS,
    guidance_scale=None,
    seed=None,
    keep=KEEP,
):
    """Draw `prompt`, and beside it the same picture with other words (prompt-to-prompt).

    Both begin with the same noise. In the first steps the second picture attends to itself as the
    first one does, so that what the words leave alone stays in its place (Hertz et al. 2022,
    arXiv:2208.01626).

    Args:
        prompt: str, what the first picture shows, as `generate` draws it.
        edited_prompt: str, what the second one shows, "a cat in a meadow" for "a dog in a meadow".
        negative_prompt, model, steps, guidance_scale, seed: as `generate` takes them.
        keep: float in [0, 1], share of the steps in which the second picture follows the first.
            With 0 they share the noise alone; the nearer to 1, the more of a setting stays.

    Returns:
        A generator of Step, as that of `generate`, with two pictures each.

    Raises:
        BadInput: an argument out of range, or a model that cannot do this, before any step.
    """
    row = catalog.pick(model, "text_to_image")
    if not row.edits:
        raise checks.BadInput(
            f"{row.title} cannot keep a picture while its words change. Choose another model."
        )
    request = Request(
        **_checked(row, prompt, negative_prompt, steps, guidance_scale, seed),
        edited_prompt=checks.text(edited_prompt, "changed prompt", PROMPT_LIMIT),
        keep=checks.number(keep, "keep", 0, 1),
        at_once=1,  # once they part, by the program that one picture has anyway
    )
    return _generate(row, request)


def passed_over(prompt, model=None):
    """Return the words of a prompt that the model does not know or read, in order, as a tuple.

    Raises:
        BadInput: as `generate`.
    """
    row, prompt = catalog.pick(model, "text_to_image"), checks.text(prompt, "prompt", PROMPT_LIMIT)
    tokenizer = _tokenizer(loader.load(row.id))
    unread = tokenizer.unknown(prompt) + tokenizer.unread(prompt)
    return tuple(dict.fromkeys(unread))


def denoise(loaded, request):
    """Yield the Steps of a Request on a Loaded StableDiffusion, from noise to pictures.

    Each step parts the latents into the picture and the noise that the U-Net sees in them, and
    mixes both anew with less noise: DDIM (Song et al. 2021, arXiv:2010.02502), which is Euler's
    method for a model of flow matching. A preview is that picture, coarsely: decoding it would
    cost nearly as much as a step.
    """
    began = time.perf_counter()
    move, follow, pixels = (
        loaded.compiled(each, loaded.row.exact) for each in (_move, _follow, _pixels)
    )
    sizes = loaded.told(canvas)
    latents = noise(request.seed, request.batch_size, sizes["latents"])
    latents = np.repeat(latents, len(request.prompts) // len(latents), axis=0)  # of an edit, alike
    parts = [slice(i, i + request.at_once) for i in range(0, len(latents), request.at_once)]
    with loaded.lock:
        read = _read(loaded, request)
    levels = np.array(loaded.told(_levels, request.steps), np.float32)
    scale = np.float32(request.guidance_scale)
    for index in range(1, request.steps + 1):
        last = index == request.steps
        before, (now, after) = latents, levels[index - 1 : index + 1]
        step, taken = move, parts
        if index <= round(request.keep * request.steps):
            step, taken = follow, [slice(None)]
        with loaded.lock:
            latents = np.concatenate(
                [step(before[each], now, after, *_together(read[each]), scale) for each in taken]
            )
            drawn = np.concatenate([pixels(latents[each]) for each in parts]) if last else None
        shown = drawn
        if not last and index % PREVIEW_EVERY == 1:
            shown = _glimpse(sizes, _picture(before, latents, now, after))
        run = loaded.run(began, request.seed)
        yield Step(index, request.steps, shown, drawn, run)


def noise(seed, count, shape):
    """Standard normal noise (count, *shape) float32; that of image i hangs on (seed, i) alone."""
    return np.stack(
        [np.random.default_rng([seed, i]).standard_normal(shape, np.float32) for i in range(count)]
    )


@runtime.on_gpu
def _generate(row, request):
    with loader.use(row.id) as loaded:
        yield from denoise(loaded, request)


def _checked(row, prompt, negative_prompt, steps, guidance_scale, seed):
    """What every request says, checked: the fields of a Request by name."""
    if guidance_scale is None:
        guidance_scale = row.guidance
    return {
        "prompt": checks.text(prompt, "prompt", PROMPT_LIMIT),
        "negative_prompt": _optional(negative_prompt),
        "steps": checks.number(steps, "steps", 1, MOST_STEPS, integer=True),
        "guidance_scale": checks.number(guidance_scale, "guidance_scale", 1, MOST_GUIDANCE),
        "seed": checks.seed(seed),
    }


def _optional(text):
    blank = text is None or (isinstance(text, str) and not text.strip())
    return "" if blank else checks.text(text, "negative prompt", PROMPT_LIMIT)


def _read(loaded, request):
    """Encode prompt and negative prompt of each picture once.

    Returns:
        list, for each picture what `_context` gives of its two texts.
    """
    encode, tokenize = loaded.compiled(_context, loaded.row.exact), _tokenizer(loaded)
    read = {
        each: encode(tokenize([each, request.negative_prompt])) for each in set(request.prompts)
    }
    return [read[each] for each in request.prompts]


def _tokenizer(loaded):
    """What makes token ids of prompts: made of words here, or the model's own."""
    known = loaded.told(canvas)["words"]
    return prompts.WordTokenizer(*known) if known else loaded.model.tokenizer


def canvas(model):
    """What drawing has to know of a model besides its networks, JSON values.

    Returns:
        dict: `latents`, their (height, width, channels); `pixels`, a picture's (height, width);
        `colours`, (channels + 1, 3), what each channel adds to a cell's colour in [-1, 1] and the
        colour where all are 0; `words`, its (vocabulary, length) where it reads whole words.
    """
    reads = model.tokenizer
    whole = isinstance(reads, prompts.WordTokenizer)
    return {
        "latents": list(model.latent_shape),
        "pixels": list(model.picture_shape),
        "colours": [list(map(float, row)) for row in model.latent_colours],
        "words": [list(reads.vocabulary), reads.length] if whole else None,
    }


def _levels(model, steps):
    """Shares of picture and noise, and the time told, from noise to picture: lists of three."""
    return model.levels(steps).tolist()


def _together(read):
    """Of some pictures what was read: all prompts, then all negative ones, (2 * pictures, ...)."""
    return tuple(np.concatenate(np.stack(each, axis=1)) for each in zip(*read, strict=True))


def _context(model, token_ids):
    """(texts, length) token ids -> vectors (texts, length, width), and where there is a word."""
    return model.context(token_ids)


def _move(model, latents, now, after, context, mask, scale):
    """One step between two of the model's levels: latents at level `after`, float32.

    Prompt and negative prompt go through the U-Net as one batch, the prompt's half first.
    """
    from keras import ops

    both = ops.concatenate([latents, latents])
    times = ops.broadcast_to(now[2], (both.shape[0],))
    predicted = ops.cast(model.estimate(both, times, context, mask), "float32")
    wanted, unwanted = ops.split(predicted, 2)
    picture, noise = model.parted(latents, unwanted + scale * (wanted - unwanted), now)
    return after[0] * picture + after[1] * noise


def _follow(model, *given):
    """`_move` of two pictures, the second of which attends to itself as the first one does."""
    from models.architectures.shared_attention import following

    with following(model.attends_by):
        return _move(model, *given)


def _picture(before, latents, now, after):
    """The latents of the picture that a step from level `now` to `after` was heading for.

    Before it they were now[0] * picture + now[1] * noise, after it are after[0] * picture +
    after[1] * noise, with the same picture and noise.
    """
    return (after[1] * before - now[1] * latents) / (after[1] * now[0] - now[1] * after[0])


def _glimpse(canvas, latents):
    """Latents to coarse images (batch, height, width, 3) uint8 of the size of the finished ones.

    Linear in the latents, so it costs next to nothing.
    """
    *slopes, offset = np.array(canvas["colours"], np.float32)
    seen = np.clip(latents @ np.stack(slopes) + offset, -1, 1)
    cells = np.round((seen + 1) * 127.5).astype(np.uint8)
    size, smooth = canvas["pixels"][::-1], Image.Resampling.BICUBIC
    return np.stack([np.asarray(Image.fromarray(each).resize(size, smooth)) for each in cells])


def _pixels(model, latents):
    """Latents to images (batch, height, width, 3) uint8."""
    from keras import ops

    return ops.cast(ops.round((model.decode(latents) + 1) * 127.5), "uint8")
