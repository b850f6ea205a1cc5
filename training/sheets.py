"""Draws sheets for model cards and for looking at: pictures over captions, confusion matrices.

Knows no models.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PAPER, INK = (250, 249, 247), (28, 25, 23)
RIGHT, WRONG = (134, 188, 150), (222, 84, 60)  # cells of a matrix
LINE = 18  # pixels, height of a line of a caption


def sheet(pictures, captions, path, columns=6, side=160):
    """Write a sheet of pictures.

    Args:
        pictures: sequence of (height, width, 3) uint8 arrays.
        captions: as many str, of one or more lines; long lines are cut.
        path: Path of the .jpg file.
        columns: int, pictures in a row.
        side: int, pixels that a picture's longer side gets.
    """
    font = ImageFont.load_default(14)
    tall = side + LINE * max(caption.count("\n") + 1 for caption in captions) + 10
    rows = -(-len(pictures) // columns)
    paper = Image.new("RGB", (columns * (side + 8) + 8, rows * tall + 8), PAPER)
    pen = ImageDraw.Draw(paper)
    for at, (pixels, caption) in enumerate(zip(pictures, captions, strict=True)):
        left, top = 8 + at % columns * (side + 8), 8 + at // columns * tall
        picture = Image.fromarray(np.asarray(pixels))
        scale = side / max(picture.size)
        picture = picture.resize([max(1, round(length * scale)) for length in picture.size])
        paper.paste(picture, (left, top))
        for line, words in enumerate(caption.split("\n")):
            shown = _fitting(words, font, side)
            pen.text((left, top + side + 3 + line * LINE), shown, INK, font)
    paper.save(path, quality=85)


def matrix(counts, names, path, cell=76):
    """Draw a confusion matrix: a row for each class, a column for what it was taken for.

    Args:
        counts: (classes, classes) of int; a cell is the darker the larger its share of the row.
        names: list of str.
        path: Path of the .jpg file.
        cell: int, pixels that a cell is wide; it is half as high.
    """
    font, high = ImageFont.load_default(14), cell // 2
    edge, top = 16 + round(max(font.getlength(name) for name in names)), 28
    bottom = top + high * len(names)
    paper = Image.new("RGB", (edge + cell * len(names) + 8, bottom + LINE + 8), PAPER)
    pen = ImageDraw.Draw(paper)
    pen.text((edge, bottom + 4), "Rows: what is shown. Columns: what it was taken for.", INK, font)
    for at, name in enumerate(names):
        pen.text((edge - 8, top + high * at + high // 2), name, INK, font, "rm")
        shown = _fitting(name, font, cell - 4)
        pen.text((edge + cell * at + cell // 2, top - 9), shown, INK, font, "ms")
    for (row, column), count in np.ndenumerate(counts):
        share = (count / max(1, counts[row].sum())) ** 0.5  # a root, so that a few are seen
        full = RIGHT if row == column else WRONG
        shade = tuple(round(p + share * (to - p)) for p, to in zip(PAPER, full, strict=True))
        x, y = edge + cell * column, top + high * row
        pen.rectangle((x, y, x + cell - 2, y + high - 2), shade)
        pen.text((x + cell // 2, y + high // 2), f"{count}" if count else "", INK, font, "mm")
    paper.save(path, quality=85)


def _fitting(words, font, width):
    """The words, cut where they would be wider than `width` pixels."""
    if font.getlength(words) <= width:
        return words
    while words and font.getlength(words + "…") > width:
        words = words[:-1]
    return words + "…"
