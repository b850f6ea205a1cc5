"""Puts an image into words: several captions drawn at random, the likeliest one, or a beam's.

Knows no page. The encoder runs once; each step of the decoder gives the next word of all captions
at once, with the GRU's state going in and coming out.
"""

import time
from types import SimpleNamespace

import numpy as np

from models import catalog, checks, images, loader, runtime, vision_language, vocabulary
from models.results import Captions
from models.vocabulary import END, PADDING, START, UNKNOWN

METHODS = ("sample", "greedy", "beam")
MOST = 10  # captions of one image
ROWS = 20  # captions drawn, or beams kept, side by side, so that MOST of them can differ


@runtime.on_gpu
def caption(image, model=None, count=5, seed=None, method="sample", temperature=0.8, top_p=0.9):
    """Put an image into words.

    Args:
        image: a path, a PIL image, or an array (height, width, 3) of uint8.
        model: id of a captioning model, or None for the default.
        count: int, 1 to MOST, captions wanted; `greedy` has only one to give.
        seed: int for `sample`, or None for a new one.
        method: "sample" draws each word at random from the likely ones, "greedy" takes the
            likeliest, "beam" keeps the ROWS best beginnings and gives the best whole captions.
        temperature: 0.1 to 2; below 1 `sample` keeps closer to the likeliest words.
        top_p: 0.05 to 1; the likely words are the fewest that share this much probability
            (Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration").

    Returns:
        Captions: all different, so fewer than `count` where the model has fewer to say; the same
        for the same seed. `probabilities` are the geometric means over each caption's words; a
        published model's are not known.

    Raises:
        BadInput: an argument is none of these.
    """
    picture, row = images.read(image), catalog.pick(model, "captioning")
    count = checks.number(count, "The number of captions", 1, MOST, integer=True)
    method, seed = checks.choice(method, "The method", METHODS), checks.seed(seed)
    temperature = checks.number(temperature, "The temperature", 0.1, 2)
    top_p = checks.number(top_p, "top_p", 0.05, 1)
    with loader.use(row.id) as loaded:
        began, voice = time.perf_counter(), loaded.told(speech)
        if voice is None:
            with loaded.lock:
                texts = vision_language.tell(
                    loaded.model, picture, count, method, seed, temperature, top_p
                )
            return Captions(texts, loaded.run(began, seed if method == "sample" else None))
        square, _ = images.letterbox(picture, voice["size"])
        voice = SimpleNamespace(**voice)
        speaker = Speaker(voice, _locked(loaded, look), _locked(loaded, say), square)
        if method == "sample":
            told = speaker.sample(seed, temperature, top_p)
        else:
            told = speaker.greedy() if method == "greedy" else speaker.beam()
        texts, sure = zip(*different(told, count), strict=True)
        return Captions(texts, loaded.run(began, seed if method == "sample" else None), sure)


def speech(model):
    """What a Speaker reads of a Captioner, a dict of JSON values; None for a model that is asked.

    `vocabulary`, `once` (ids of the tokens that no caption says twice), `length` (words of a
    caption at most), `width` (of the GRU's state) and `size` (pixels a side that it looks at).
    """
    if vision_language.speaks(model):
        return None
    return {
        "vocabulary": list(model.vocabulary),
        "once": list(model.once),
        "length": model.length,
        "width": model.width,
        "size": model.size,
    }


def _locked(loaded, function):
    """The compiled function, taking the model's lock for each call."""
    run = loaded.compiled(function, exact=True)

    def call(*arrays):
        with loaded.lock:
            return run(*arrays)

    return call


def look(model, pixels):
    """Run a captioner's encoder: (batch, size, size, 3), 0 to 255, to (batch, cells, width)."""
    return model.placed(model.features(pixels))


def say(model, said, state, places):
    """Run one step of a captioner's decoder for captions of one image.

    Args:
        model: a Captioner.
        said: (captions,) int32, the last token of each.
        state: (captions, width) float32 of the GRU.
        places: (1, cells, width) of the image.

    Returns:
        Log-probabilities (captions, vocabulary) and the new state, both float32.
    """
    from keras import ops

    places = ops.repeat(places, said.shape[0], axis=0)
    state = ops.cast(state, model.compute_dtype)
    logits, state, _ = model.tell(said[:, None], places, state)
    likely = ops.log_softmax(ops.cast(logits[:, -1], "float32"))
    return likely, ops.cast(state, "float32")


def different(told, count):
    """The first `count` of pairs (text, probability) whose texts differ.

    One that only puts another's words in another order comes after all that do not.
    """
    unlike, seen, fresh, again = {}, set(), [], []
    for text, sure in told:
        unlike.setdefault(text, sure)
    for text, sure in unlike.items():
        words = tuple(sorted(text.replace(",", "").split()))
        (again if words in seen else fresh).append((text, sure))
        seen.add(words)
    return (fresh + again)[:count]


class Speaker:
    """Says captions of one image with a captioner.

    Args:
        captioner: a Captioner, or what `speech` tells of one as attributes.
        look, say: the functions of this module, compiled, without their model.
        square: array (size, size, 3) of uint8.
    """

    def __init__(self, captioner, look, say, square):
        self.captioner, self.say = captioner, say
        self.places = look(square[None].astype("float32"))
        self.once = np.zeros(len(captioner.vocabulary), bool)
        self.once[list(captioner.once)] = True

    def greedy(self):
        """Return the caption of the likeliest words and its probability, in a list."""
        [(ids, scores)] = self._told(1, lambda likely: likely.argmax(axis=1))
        return [(self._text(ids), sureness(scores))]

    def sample(self, seed, temperature, top_p):
        """Return ROWS captions drawn word by word, the surest first.

        Those that name a thing twice come last: what was drawn is thinned out, not bent.
        """
        dice = [np.random.default_rng([seed, row]) for row in range(ROWS)]

        def choose(likely):
            rows = zip(dice, likely / temperature, strict=True)
            return np.array([drawn(rng, row, top_p) for rng, row in rows])

        told = self._told(ROWS, choose)
        told.sort(key=lambda each: (self._repeats(each[0]), -sureness(each[1])))
        return [(self._text(ids), sureness(scores)) for ids, scores in told]

    def beam(self):
        """Return the captions found by keeping the ROWS best beginnings, best first.

        A beginning that names a thing twice is not kept.
        """
        ids = np.zeros((ROWS, 0), np.int32)
        scores = np.where(np.arange(ROWS) == 0, 0.0, -np.inf)  # all begin alike: only one counts
        state, found = self._silence(ROWS), []
        for _ in range(self.captioner.length):
            likely, state = self._next(ids, state)
            for row, words in enumerate(ids):
                likely[row, words[self.once[words]]] = -np.inf
            totals = scores[:, None] + likely
            best = np.argsort(-totals, axis=None, kind="stable")[:ROWS]
            rows, words = np.unravel_index(best, totals.shape)
            ids, scores, state = np.c_[ids[rows], words], totals[rows, words], state[rows]
            whole = (words == END) & np.isfinite(scores)
            found += [(ids[at], scores[at] / ids.shape[1]) for at in np.flatnonzero(whole)]
            scores = np.where(whole, -np.inf, scores)
            if len(found) >= ROWS or not np.isfinite(scores).any():
                break
        found = found or [(ids[scores.argmax()], scores.max() / ids.shape[1])]
        found.sort(key=lambda each: -each[1])
        return [(self._text(words), sureness(mean)) for words, mean in found]

    def _text(self, ids):
        return vocabulary.sentence(self.captioner.vocabulary, ids)

    def _silence(self, rows):
        return np.zeros((rows, self.captioner.width), np.float32)

    def _next(self, ids, state):
        """Log-probabilities (rows, vocabulary) of the words after `ids`, and the state."""
        last = ids[:, -1] if ids.shape[1] else np.full(len(ids), START)
        likely, state = self.say(last.astype("int32"), state, self.places)
        likely[:, [PADDING, START, UNKNOWN]] = -np.inf
        if not ids.shape[1]:
            likely[:, END] = -np.inf
        return likely, state

    def _told(self, rows, choose):
        """Pairs (token ids, their log-probabilities), each word by `choose(log-probabilities)`."""
        ids, state = np.zeros((rows, 0), np.int32), self._silence(rows)
        scores = np.zeros((rows, 0))
        while ids.shape[1] < self.captioner.length and not (ids == END).any(axis=1).all():
            likely, state = self._next(ids, state)
            words = choose(likely)
            ids, scores = np.c_[ids, words], np.c_[scores, likely[np.arange(rows), words]]
        lengths = [np.append(np.flatnonzero(row == END), len(row) - 1)[0] + 1 for row in ids]
        return [(ids[at, :end], scores[at, :end]) for at, end in enumerate(lengths)]

    def _repeats(self, ids):
        """Whether a caption names a thing twice."""
        names = ids[self.once[ids]]
        return len(set(names.tolist())) < len(names)


def sureness(scores):
    """Return the geometric mean of probabilities whose logarithms are `scores`."""
    return float(np.exp(np.mean(scores)))


def drawn(rng, likely, top_p):
    """Draw a word from the fewest likeliest that share `top_p` of the probability.

    Args:
        rng: numpy Generator.
        likely: (vocabulary,) log-probabilities, not necessarily normalised.
        top_p: 0 to 1.
    """
    order = np.argsort(-likely, kind="stable")
    shares = np.exp(likely[order] - likely[order[0]])
    shares /= shares.sum()
    within = np.cumsum(shares) - shares < top_p
    shares = shares * within
    return int(order[rng.choice(len(order), p=shares / shares.sum())])
