"""Teaches the small Stable Diffusion a new word from a few pictures, and draws with it.

Knows no page. The text encoder and the image autoencoder stay as they are; the U-Net learns what
the word stands for (DreamBooth, Ruiz et al. 2023, arXiv:2208.12242), which with so small a network
shows more of a thing than a vector for the word does (textual inversion, Gal et al. 2022,
arXiv:2208.01618). All of it knows the thing afterwards, so what was learned is for pictures of it.
"""

import functools
import secrets
import threading
import time
from pathlib import Path

import numpy as np

from models import catalog, checks, classification, images, loader, runtime, text_to_image, workshop
from models.checks import BadInput
from models.prompts import words
from models.results import Lesson, Run, Taught
from models.rows import Published

FEWEST, MOST = 3, 10  # pictures
STEPS, MOST_STEPS = 160, 400
LETTERS = 20  # of a word
AT_ONCE = 5  # steps between two Lessons
BATCH = 4
RATE, WARM_UP = 8e-4, 5  # of the learning rate: its peak, and the steps to it
NOISE = 0.5  # mean of the times' logits, as in the recipe
UNTAUGHT = "Nothing has been taught yet, or it is no longer kept. Teach it again."


def learn(word, pictures, path, model=None, steps=STEPS, seed=0):
    """Teach a word from pictures of one thing, in settings as unlike as possible.

    Args:
        word: str, one word of letters and digits that stands for the thing in prompts, "a {word}".
        pictures: list of 3 to 10 images: a path, a PIL image, or an array (height, width, 3) of
            uint8. The middle square of each is seen.
        path: path of the file, which ends in .npz, that what is learned is kept in. Its folder is
            made, before the first step.
        model: id of a bundled text-to-image model, or None for the default.
        steps: int from 1 to 400, batches of 4.
        seed: int in [0, 2**31 - 1]: the same one and the same pictures teach the same.

    Returns:
        A generator of Lesson, one each AT_ONCE steps; the last one has what was taught. Closing it
        ends the lesson.

    Raises:
        BadInput: what came cannot be used, before any step.
        OSError: the file's folder cannot be made, before any step.
    """
    row = catalog.pick(model, "text_to_image")
    if isinstance(row, Published):
        raise BadInput(f"{row.title} is too large to be taught here. Choose the small one.")
    steps = checks.number(steps, "The number of steps", 1, MOST_STEPS, integer=True)
    word, seed = _word(word), checks.seed(seed)
    if not str(path).endswith(".npz"):
        raise BadInput(f"The file that keeps a word ends in .npz, but {path} came.")
    if not isinstance(pictures, (list, tuple)) or not FEWEST <= len(pictures) <= MOST:
        came = len(pictures) if isinstance(pictures, (list, tuple)) else 0
        raise BadInput(f"{FEWEST} to {MOST} pictures of one thing are needed, but {came} came.")
    return _learn(row, word, [*_read(pictures)], Path(path).absolute(), steps, seed)


def draw(taught, prompt, negative_prompt="", steps=text_to_image.STEPS, **options):
    """Draw pictures of a prompt that has the word in it.

    Args:
        taught: Taught, of the last Lesson.
        prompt, negative_prompt, steps: as `text_to_image.generate` takes them.
        options: `guidance_scale`, `batch_size` and `seed`, as it takes them.

    Returns:
        A generator of Step, as that of `text_to_image.generate`.

    Raises:
        BadInput: an argument out of range, or nothing was taught, before any step.
    """
    if not isinstance(taught, Taught) or not Path(taught.path).is_file():
        raise BadInput(UNTAUGHT)
    row = catalog.get(taught.run.model)
    return _draw(
        taught, row, text_to_image.requested(row, prompt, negative_prompt, steps, **options)
    )


def means(taught, prompt, model=None):
    """Whether a prompt for a model, None for the default, has the word in it that was taught."""
    if not isinstance(taught, Taught) or not isinstance(prompt, str):
        return False
    return taught.word in words(prompt) and model in (None, taught.run.model)


def _word(word):
    found = words(checks.text(word, "word", LETTERS))
    if len(found) != 1:
        raise BadInput("One word of letters and digits is needed, as in a prompt: robot.")
    return found[0]


def _read(pictures):
    for place, picture in enumerate(pictures, 1):
        try:
            yield images.read(picture)
        except BadInput as told:
            raise BadInput(f"Picture {place}: {told}") from told


@runtime.on_gpu
def _learn(row, word, pictures, path, steps, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    with loader.use(row.id) as loaded:
        canvas = loaded.told(text_to_image.canvas)
    square = {"size": canvas["pixels"], "crop": True}
    shown = np.stack([classification.fit(picture, square) for picture in pictures])
    began, lesson = time.perf_counter(), secrets.token_hex(8)
    device = "CPU" if runtime.on_cpu() else runtime.start().name
    try:
        _apart(row, _begin, lesson, row.id, f"a {word}", shown, steps, seed)
        for done in [*range(AT_ONCE, steps, AT_ONCE), steps]:
            engine, precision, loss = _apart(row, _go_on, lesson, done)
            run = Run(row.id, time.perf_counter() - began, device, engine, precision, seed)
            if done == steps:
                np.savez(path, *_apart(row, _learned, lesson))
            taught = Taught(word, str(path), steps, run) if done == steps else None
            yield Lesson(done, steps, loss, taught, run)
    finally:
        _apart(row, _end, lesson)


@runtime.on_gpu
def _draw(taught, row, request):
    with loader.use(row.id) as loaded:
        yield from text_to_image.denoise(_Relearned(loaded, taught), request)


def _apart(row, function, *given):
    """What a function gives, in the process that has Keras where models run without it."""
    return workshop.of(row).call(function, *given) if runtime.on_cpu() else function(*given)


class _Relearned:
    """A Loaded model whose U-Net is that of a lesson, and runs where Keras is.

    Args:
        loaded: the Loaded that was taught. taught: Taught.
    """

    lock = threading.Lock()  # of all of them, since two may be of one lesson

    def __init__(self, loaded, taught):
        self.row, self.told = loaded.row, loaded.told
        self._taught, self._choices = taught, set()
        # When it was written as well: another lesson may have been kept in the same file before.
        self._kept = loaded.row.id, taught.path, Path(taught.path).stat().st_mtime_ns

    def compiled(self, function, exact=False):
        """Return `function(model, *arrays)` of the taught model."""

        def run(*arrays):
            found, choices = _apart(self.row, _run, self._kept, function, exact, arrays)
            self._choices |= choices
            return found

        return run

    def run(self, began, seed):
        """Return the Run of a result whose work began at `began` (time.perf_counter())."""
        engine = " and ".join(sorted({engine for engine, _ in self._choices}))
        precision = " and ".join(sorted({precision for _, precision in self._choices}))
        elapsed, device = time.perf_counter() - began, self._taught.run.device
        return Run(self.row.id, elapsed, device, engine, precision, seed)


# What follows runs in the process that has Keras.
_lessons = {}  # name to _Pupil


class _Pupil:
    """A model in its lesson: it learns velocities, as in the recipe, of the pictures' latents."""

    def __init__(self, row, prompt, pictures, steps, seed):
        import keras
        from keras import ops

        self.model = loader.unshelved(row).model
        context, mask = self.model.context(self.model.tokenizer([prompt]))
        self._told = {
            "context": np.repeat(ops.convert_to_numpy(context), BATCH, axis=0),
            "mask": np.repeat(ops.convert_to_numpy(mask), BATCH, axis=0),
        }
        seen = np.concatenate([pictures, pictures[:, :, ::-1]]).astype("float32") / 127.5 - 1
        self._clean = np.concatenate(
            [ops.convert_to_numpy(self.model.encode(seen[at : at + 1])) for at in range(len(seen))]
        )
        self._rng = np.random.default_rng(seed)
        self.done = 0
        rate = keras.optimizers.schedules.CosineDecay(
            RATE / WARM_UP, steps, alpha=0.1, warmup_target=RATE, warmup_steps=WARM_UP
        )
        optimizer = keras.optimizers.Adam(rate, beta_2=0.99, global_clipnorm=1.0)
        # XLA would take longer to compile it than the lesson lasts.
        self.model.unet.compile(optimizer, "mse", jit_compile=False)

    def go_on(self, until):
        """Learn until so many steps are done; gives the mean loss of these steps."""
        losses = [self.model.unet.train_on_batch(*self._batch()) for _ in range(self.done, until)]
        self.done = until
        return float(np.mean(losses))

    def _batch(self):
        clean = self._clean[self._rng.integers(0, len(self._clean), BATCH)]
        noise = self._rng.standard_normal(clean.shape, np.float32)
        times = 1 / (1 + np.exp(-NOISE - self._rng.standard_normal(BATCH))).astype(np.float32)
        along = times[:, None, None, None]
        noisy = (1 - along) * clean + along * noise
        return {"latents": noisy, "times": times, **self._told}, noise - clean


def _begin(lesson, model, prompt, pictures, steps, seed):
    _lessons[lesson] = _Pupil(catalog.get(model), prompt, pictures, steps, seed)


def _go_on(lesson, until):
    """Go on with a lesson; gives engine, precision and the mean loss since the last time."""
    pupil = _lessons[lesson]
    loss = pupil.go_on(until)
    choice = runtime.plainly(pupil.model)
    return choice.engine, choice.precision, loss


def _learned(lesson):
    """The U-Net's weights, a list of arrays in half precision."""
    return [weight.astype("float16") for weight in _lessons[lesson].model.unet.get_weights()]


def _end(lesson):
    _lessons.pop(lesson, None)


def _run(kept, function, exact, arrays):
    """What a function of a taught model gives, and the (engine, precision) pairs of its Choices."""
    compiled = _relearned(*kept).compiled(function, exact)
    found = compiled(*arrays)
    return found, {(each.engine, each.precision) for each in compiled.choices.values()}


@functools.lru_cache(maxsize=2)
def _relearned(model, path, _written):
    """A Loaded of a model with the U-Net's weights that a file keeps, which is not converted."""
    row = catalog.get(model)

    def build():
        built = loader.unshelved(row).model
        with np.load(path) as kept:
            built.unet.set_weights([kept[name].astype("float32") for name in kept.files])
        return built

    return loader.Loaded(row, build)
