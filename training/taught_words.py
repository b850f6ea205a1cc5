"""Teaches the small Stable Diffusion four words, as a visitor would, and draws what came of it.

Its sheet is in the model's folder: `python -m training.taught_words`. The things are ones that no
recipe has drawn, five pictures of each; none of the drawings is picked by hand.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from models import new_word
from models.rows import BUNDLED
from training import examples, sheets

THINGS = {"robot": "1F916", "pumpkin": "1F383", "giraffe": "1F992", "flamingo": "1F9A9"}
PLACES = ("", " in the snow", " at night", " in space", " in the desert", " at sea")
FILE = BUNDLED / "stable_diffusion_picture_book" / "taught.jpg"
SEED = 67  # of the pictures to learn from


def main(argv=None):
    """Teach each word, draw it in six places, and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--steps", type=int, default=new_word.STEPS)
    args = parser.parse_args(argv)
    shown = [each for word in THINGS for each in drawn(word, args.steps)]
    sheets.sheet(*zip(*shown, strict=True), args.out, columns=1 + len(PLACES))


def drawn(word, steps):
    """One of the pictures that teach a word, then drawings of it: (picture, caption) pairs."""
    given = [examples.draw(each).image for each in examples.unknown(word, THINGS[word], SEED)]
    with tempfile.TemporaryDirectory() as folder:
        *_, lesson = new_word.learn(word, given, Path(folder, "word.npz"), steps=steps)
        prompts = [f"a {word}{place}" for place in PLACES]
        images = [_last(lesson.taught, prompt, seed) for seed, prompt in enumerate(prompts)]
    print(f"{word}: taught in {lesson.run.seconds:.0f} s, loss {lesson.loss:.2f}")
    return [(given[0], "one of five"), *zip(images, prompts, strict=True)]


def _last(taught, prompt, seed):
    *_, step = new_word.draw(taught, prompt, seed=seed)
    return np.asarray(step.images[0])


if __name__ == "__main__":
    main()
