"""Measures what a few pictures teach: `python -m training.few_shot --data FOLDER`.

Classes are drawn at random from data that the default classifier was not trained on: CIFAR-10's
photos of 32 pixels, and drawings of the picture-book world. Prints the share of new pictures that
are named right, a mean over rounds, beside the share that the check by cross-validation told.
"""

import argparse
from pathlib import Path

import numpy as np

from models import fine_tuning
from training import picture_book
from training.classification import photos

ROUNDS = 20
NEW = 20  # pictures of a class to be named
SIZES = ((2, 5), (2, 10), (5, 5), (5, 10))  # classes, pictures of each


def main(argv=None):
    """Measure both kinds of pictures and print the table; gives its rows."""
    parser = argparse.ArgumentParser(prog="python -m training.few_shot", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with copies of the data sets")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args(argv)
    kinds = {"CIFAR-10 photos": of_photos(photos.cifar10(args.data)), "drawings": drawn}
    rows = [
        (kind, classes, count, *measured(pictures, classes, count, args.rounds))
        for kind, pictures in kinds.items()
        for classes, count in SIZES
    ]
    print(table(rows))
    return rows


def of_photos(given):
    """A function of a generator, classes and a count that draws as many photos of each class.

    Args:
        given: photos.Photos.
    """

    def draw(rng, classes, count):
        kinds = rng.choice(len(given.classes), classes, replace=False)
        return [
            list(given.images[rng.choice(np.flatnonzero(given.labels == kind), count, False)])
            for kind in kinds
        ]

    return draw


def drawn(rng, classes, count):
    """Drawings, as many of each class, in any setting; a list of lists of arrays."""
    kinds = rng.choice(picture_book.CLASSES, classes, replace=False)
    return [
        [
            picture_book.scene(
                picture_book.HELD_OUT + int(rng.integers(10**6)),
                (256, 256),
                classes=(str(kind),),
                smallest=0.5,
                largest=0.75,
                inside=1,
            ).image
            for _ in range(count)
        ]
        for kind in kinds
    ]


def measured(pictures, classes, count, rounds):
    """The share of new pictures named right, and what cross-validation told, means over rounds."""
    shares = []
    for seed in range(rounds):
        groups = pictures(np.random.default_rng(seed), classes, count + NEW)
        given = {str(at): group[:count] for at, group in enumerate(groups)}
        tuned = fine_tuning.fit(given)
        right = [
            fine_tuning.classify(picture, tuned).predictions[0].label == str(at)
            for at, group in enumerate(groups)
            for picture in group[count:]
        ]
        shares.append((np.mean(right), tuned.right / len(tuned.guessed)))
    return np.mean(shares, axis=0)


def table(rows):
    """The rows as a Markdown table."""
    lines = [
        "| pictures | classes | of each | named right | told by the check |",
        "|" + " --- |" * 5,
    ]
    for kind, classes, count, right, told in rows:
        lines.append(f"| {kind} | {classes} | {count} | {right:.0%} | {told:.0%} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
