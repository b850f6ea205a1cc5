"""Draws the example pictures that the page offers: `python -m training.examples`.

Knows no models. Their seeds are among those that no recipe trains on.
"""

import argparse
import contextlib
import dataclasses
from pathlib import Path

from PIL import Image

from training import picture_book

FOLDER = Path(__file__).parent.parent / "assets" / "examples"


@dataclasses.dataclass(frozen=True)
class Example:
    """One picture: what is in it and how it is drawn."""

    name: str
    setting: str
    classes: tuple[str, ...]
    seed: int  # after HELD_OUT
    size: tuple[int, int] = (640, 480)  # width, height in pixels
    smallest: float = 0.22  # of the picture's shorter side
    largest: float = 0.45
    inside: float = 0.75  # of each thing's pixels, at least
    codepoint: str = ""  # of another character in the thing's place, in hex


def _portraits(name, seed):
    """Pictures of one thing in other settings each, to learn it from, and the last to try."""
    settings = ("meadow", "room", "beach", "snow", "city", "night", "forest", "desert")
    return tuple(
        Example(f"{name}-{place}", setting, (name,), seed + 10 * place, (256, 256), 0.5, 0.75, 1)
        for place, setting in enumerate(settings, 1)
    )


def unknown(name, codepoint, seed):
    """Pictures of one thing that is no class, in the light and at the height of a gift's."""
    settings = ("meadow", "beach", "city", "room", "forest")
    size = (256, 256)
    return tuple(
        Example(f"{name}-{at}", place, ("gift",), seed + 10 * at, size, 0.5, 0.7, 1, codepoint)
        for at, place in enumerate(settings, 1)
    )


EXAMPLES = (
    Example("meadow", "meadow", ("tree", "cow", "horse", "sun", "butterfly"), 254, largest=0.5),
    Example("beach", "beach", ("umbrella", "dog", "ball", "ice cream"), 231),
    Example("sea", "sea", ("sailboat", "whale", "cloud"), 7, smallest=0.28, largest=0.6),
    Example("forest", "forest", ("fox", "mushroom", "owl", "bear"), 243, (512, 512), 0.22, 0.42),
    Example(
        "desert", "desert", ("cactus", "snake", "tractor", "sun"), 130, smallest=0.25, largest=0.5
    ),
    Example(
        "snow",
        "snow",
        ("snowman", "penguin", "penguin", "gift", "house"),
        176,
        smallest=0.2,
        largest=0.5,
    ),
    Example("night", "night", ("owl", "castle", "moon", "star"), 142, (512, 512), 0.2, 0.55),
    Example("city", "city", ("bus", "car", "bicycle", "balloon", "airplane"), 131, largest=0.42),
    Example(
        "room", "room", ("cat", "guitar", "cake", "book", "clock"), 237, smallest=0.2, largest=0.4
    ),
    Example("space", "space", ("rocket", "monkey", "star"), 2, (512, 512), 0.25, 0.5),
    Example("sunflower", "meadow", ("sunflower",), 7, (512, 512), 0.6, 0.75),
    Example("elephant", "desert", ("elephant",), 27, (512, 512), 0.6, 0.75, inside=1),
    Example("pizza", "room", ("pizza",), 29, (512, 512), 0.5, 0.6, inside=1),
    Example("butterfly", "forest", ("butterfly",), 25, (512, 512), 0.5, 0.65, inside=1),
    Example("castle", "snow", ("castle",), 27, (512, 512), 0.6, 0.75, inside=1),
    Example("turtle", "beach", ("turtle",), 23, (512, 512), 0.5, 0.65, inside=1),
    *_portraits("cat", 400),
    *_portraits("dog", 401),
    *unknown("robot", "1F916", 67),
)


def draw(example):
    """The example's scene."""
    other = contextlib.nullcontext()
    if example.codepoint:
        other = picture_book.standing_in(example.classes[0], example.codepoint)
    with other:
        return picture_book.scene(
            picture_book.HELD_OUT + example.seed,
            example.size,
            setting=example.setting,
            classes=example.classes,
            smallest=example.smallest,
            largest=example.largest,
            inside=example.inside,
        )


def main(argv=None):
    """Draw every example into a folder; gives the files written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=FOLDER)
    out = parser.parse_args(argv).out
    out.mkdir(parents=True, exist_ok=True)
    files = [out / f"{example.name}.jpg" for example in EXAMPLES]
    for file, example in zip(files, EXAMPLES, strict=True):
        Image.fromarray(draw(example).image).save(file, quality=90, subsampling=0)
    return files


if __name__ == "__main__":
    print(*main(), sep="\n")
