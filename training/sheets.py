"""Puts pictures on one sheet, each over its caption, for model cards and for looking at.

Knows no models.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PAPER, INK = (250, 249, 247), (28, 25, 23)
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


def _fitting(words, font, width):
    """The words, cut where they would be wider than `width` pixels."""
    if font.getlength(words) <= width:
        return words
    while words and font.getlength(words + "…") > width:
        words = words[:-1]
    return words + "…"
