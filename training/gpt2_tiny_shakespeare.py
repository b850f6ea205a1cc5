"""Train `gpt2_tiny_shakespeare`: a small GPT-2 on plays by Shakespeare.

Knows no other text. The last tenth of the text is held out. A text of a megabyte is soon learnt by
heart, so it is read in many ways of cutting it into tokens, parts of the network are left out at
random, and networks of the same shape that were trained before teach the last one.

    python -m training.gpt2_tiny_shakespeare --data FOLDER
"""

import functools
import math
import re

import keras
import keras_hub
import numpy as np

from training import recipe
from training.text_generation import language_models

URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHAPE = {"layers": 6, "width": 256, "heads": 4, "context": 192, "dropout": 0.3}
SMOKE = {"layers": 1, "width": 16, "heads": 2, "context": 32, "dropout": 0.0}
TOKENS = 768
BATCH = 24  # windows
TEACHERS = 3
TEACHER_STEPS = 5_000
STEPS = 8_000
CUTTINGS = 32  # ways of cutting the text into tokens
CUT = 0.05  # of the places between characters are cut, besides where tokens end
WHOLE = 0.9  # of the steps over, the text is cut no more, so that words are spelt as they are
SAMPLED = 40  # passages of its own in which made-up words are counted
STRIDE = 10  # of the held-out speeches whose speakers they begin with
SHOWN = 12  # made-up words on the model's card
OPENING = 0.7  # of the windows start with a speech, the others at any word


def main(argv=None):
    """Train and save the preset, then measure it on the held-out tenth; gives the record."""
    args = recipe.arguments(__spec__, argv)
    text = _tiny_play() if args.smoke else read(args.data)
    known, (text, held_out) = words(text), split(text)
    if not args.measure:
        train(args, text)
    return None if args.unmeasured else measure(args, held_out, known)


def train(args, text):
    """Train teachers and, with them, the model on a text, and save the preset.

    A further round goes on from the preset, without teachers.
    """
    keras.utils.set_random_seed(args.seed)
    shape = SMOKE if args.smoke else SHAPE
    tokenizer, model = language_models.start(args, [text], 280 if args.smoke else TOKENS, shape)
    windows = Windows(tokenizer, text, shape["context"], args.drawn, 2 if args.smoke else CUTTINGS)
    teachers, seconds = [], 0.0
    for number in range(0 if args.further else TEACHERS):
        teachers.append(language_models.causal_lm(tokenizer, **shape))
        done = fit(teachers[-1], windows, TEACHER_STEPS, args, f"teacher {number + 1}")
        seconds += done["seconds"]
    done = fit(model, windows, STEPS, args, "model", teachers)
    recipe.save(language_models.taking_text(model, tokenizer), args.out)
    done["seconds"] += seconds
    language_models.record(args, model, done, teachers=len(teachers))


def fit(model, windows, steps, args, folder, teachers=()):
    """Train one network, which keeps its checkpoints in a folder of its own."""
    steps = 3 if args.smoke else steps
    batch = functools.partial(windows.batch, count=2 if args.smoke else BATCH, steps=steps)
    return language_models.fit(
        model, batch, steps, 1.5e-3, args.work / folder, floor=0.01, teachers=teachers
    )


def read(data=None):
    """The text: 1.1 million characters of plays, from `data` (Path) or the public address."""
    if data is not None:
        return (data / "tinyshakespeare.txt").read_text()
    with open(keras.utils.get_file("tinyshakespeare.txt", URL)) as file:
        return file.read()


def split(text):
    """The text up to the speech that begins after nine tenths of it, and the rest."""
    cut = text.index("\n\n", math.floor(len(text) * 0.9)) + 2
    return text[:cut], text[cut:]


class Windows:
    """Random pieces of the text, each after the end token, as a prompt is.

    Args:
        tokenizer: a `GPT2Tokenizer`.
        text: str, ASCII.
        context: int, tokens of a piece.
        seed: int.
        cuttings: int, ways of cutting the text at random, beside the tokenizer's own.
    """

    def __init__(self, tokenizer, text, context, seed, cuttings=CUTTINGS):
        self.end, self.context, self.seed = tokenizer.end_token_id, context, seed
        rng = np.random.default_rng(seed)
        sizes = np.array([len(tokenizer.id_to_token(at)) for at in range(self.end)])
        speeches = [at.end() for at in re.finditer(r"\n\n", text)]
        words = [at.start() for at in re.finditer(r"\s", text)]

        def cutting(chance):
            ids = language_models.cut_at_random(tokenizer, text, chance, rng)
            begins = np.cumsum(sizes[ids]) - sizes[ids]  # of each token, in characters
            begins[-context:] = -1  # too late for a whole piece
            return ids, *(np.flatnonzero(np.isin(begins, each)) for each in (speeches, words))

        self.whole, self.cut = cutting(0.0), [cutting(CUT) for _ in range(cuttings)]

    def batch(self, step, count, steps):
        """The ids of step `step` of a run of `steps`, (count, context + 1) int32."""
        rng = np.random.default_rng([self.seed, step])
        pieces = [self._piece(rng, step < WHOLE * steps) for _ in range(count)]
        return np.insert(np.array(pieces), 0, self.end, axis=1)

    def _piece(self, rng, cut):
        ids, speeches, words = self.cut[rng.integers(len(self.cut))] if cut else self.whole
        starts = speeches if rng.random() < OPENING else words
        start = starts[rng.integers(len(starts))]
        return ids[start : start + self.context]


def measure(args, held_out, known):
    """Score the saved preset on a text, and by the `known` words on its own; gives the record."""
    model = keras_hub.models.GPT2CausalLM.from_preset(str(args.out), dtype="float32")
    tokenizer = model.preprocessor.tokenizer
    ids = np.append(tokenizer.end_token_id, tokenizer(held_out)).astype("int32")
    cost = language_models.nats(model, ids, recipe.key(args))
    return recipe.report(
        args,
        measure="loss in nats per character",
        value=cost / len(held_out),
        held_out=f"the last tenth of the text, {len(held_out):,} characters",
        perplexity_per_token=round(math.exp(cost / (len(ids) - 1)), 2),
        characters_per_token=round(len(held_out) / (len(ids) - 1), 2),
        **made_up(_sampled(model, held_out, args), known),
    )


def words(text):
    """The words of a text in lower case, with their apostrophes."""
    return re.findall(r"[a-z]+(?:'[a-z]+)*", text.lower())


def made_up(sampled, known):
    """How often passages have words that no play here has, and the first of these.

    Args:
        sampled: list of str.
        known: list of str, the words of the plays.

    Returns:
        dict of `words_made_up`, a share in [0, 1], and `failures`, a list of at most one str that
        names some of them.
    """
    said, known = [word for text in sampled for word in words(text)], {*known}
    new = [word for word in said if word not in known]
    told = ", ".join(dict.fromkeys(new[:SHOWN]))
    return {
        "words_made_up": round(len(new) / max(1, len(said)), 4),
        "failures": [f"Words that the plays do not have: {told}."] if new else [],
    }


def _sampled(model, held_out, args):
    """Passages that the model writes after held-out speakers' names."""
    speakers = re.findall(r"^.+:$", held_out, flags=re.M)[:: 1 if args.smoke else STRIDE]
    prompts = [f"{speaker}\n" for speaker in speakers][: 2 if args.smoke else SAMPLED]
    model.compile(sampler=language_models.sampler(args.seed))
    texts = model.generate(prompts, max_length=model.backbone.max_sequence_length // 2)
    # The last word may be cut in two, and the prompt is not the model's own.
    return [
        text[len(prompt) :].rpartition(" ")[0] for text, prompt in zip(texts, prompts, strict=True)
    ]


def _tiny_play():
    return "".join(f"FIRST:\nGood morrow, {n}.\n\nSECOND:\nAnd {n} to you.\n\n" for n in range(90))


if __name__ == "__main__":
    main()
