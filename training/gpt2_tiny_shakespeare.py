"""Train `gpt2_tiny_shakespeare`: a small GPT-2 on plays by Shakespeare.

Knows no other text. The last tenth of the text is held out. A text of a megabyte is soon learnt by
heart, so each window is cut into tokens anew and parts of the network are left out at random.

    python -m training.gpt2_tiny_shakespeare --data FOLDER
"""

import math
import re

import keras
import keras_hub
import numpy as np

from training import recipe
from training.text_generation import language_models

URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHAPE = {"layers": 6, "width": 256, "heads": 4, "context": 192, "dropout": 0.2}
SMOKE = {"layers": 1, "width": 16, "heads": 2, "context": 32, "dropout": 0.0}
TOKENS = 768
STEPS = 11_000
CUT = 0.05  # of the places between characters in training, besides where tokens end
WHOLE = 0.8  # of the steps over, texts are cut no more, so that words are spelt as they are
REACH = 6  # characters for each token of a window, more than it can need
OPENING = 0.7  # of the windows start with a speech, the others at any word


def main(argv=None):
    """Train and save the preset, then measure it on the held-out tenth; gives the record."""
    args = recipe.arguments(__spec__, argv)
    text = _tiny_play() if args.smoke else read(args.data)
    text, held_out = split(text)
    if not args.measure:
        train(args, text)
    return measure(args, held_out)


def train(args, text):
    """Train on a text and save the preset."""
    keras.utils.set_random_seed(args.seed)
    shape = SMOKE if args.smoke else SHAPE
    tokenizer, model = language_models.start(args, [text], 280 if args.smoke else TOKENS, shape)
    windows = Windows(tokenizer, text, shape["context"], args.drawn)

    def save(out):
        recipe.save(language_models.taking_text(model, tokenizer), out)

    done = language_models.fit(
        model,
        batch=lambda step: windows.batch(step, count=2 if args.smoke else 12),
        steps=3 if args.smoke else STEPS,
        peak=1.5e-3,
        floor=0.01,
        minutes=120,
        work=args.work,
        checkpoint=lambda: save(args.work / "preset"),
    )
    save(args.out)
    language_models.record(args, model, done)


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
    """Random pieces of the text, each after the end token, as a prompt is."""

    def __init__(self, tokenizer, text, context, seed):
        self.tokenizer, self.text, self.context, self.seed = tokenizer, text, context, seed
        self.reach = REACH * context
        starts = [at for at in re.finditer(r"\n\n|\s", text) if at.end() + self.reach < len(text)]
        self.speeches = [at.end() for at in starts if at[0] == "\n\n"]
        self.words = [at.start() for at in starts]

    def batch(self, step, count):
        """The ids of step `step`, (count, context + 1) int32."""
        rng = np.random.default_rng([self.seed, step])
        chance = CUT if step < WHOLE * STEPS else 0.0
        pieces = [self._piece(rng, chance) for _ in range(count)]
        return np.insert(np.array(pieces), 0, self.tokenizer.end_token_id, axis=1)

    def _piece(self, rng, chance):
        starts = self.speeches if rng.random() < OPENING else self.words
        start = starts[rng.integers(len(starts))]
        text = self.text[start : start + self.reach]
        return language_models.cut_at_random(self.tokenizer, text, chance, rng)[: self.context]


def measure(args, held_out):
    """Score the saved preset on a text; gives the record."""
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
    )


def _tiny_play():
    return "".join(f"FIRST:\nGood morrow, {n}.\n\nSECOND:\nAnd {n} to you.\n\n" for n in range(90))


if __name__ == "__main__":
    main()
