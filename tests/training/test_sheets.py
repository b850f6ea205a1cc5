"""Sheets of pictures over their captions."""

import numpy as np
from PIL import Image

from training import sheets


def test_every_picture_has_its_place(tmp_path):
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    pictures = [np.full((20, 40, 3), colour, np.uint8) for colour in colours]
    path = tmp_path / "sheet.jpg"
    sheets.sheet(pictures, ["one", "two\nlines", "three"], path, columns=2, side=40)
    with Image.open(path) as sheet:
        assert sheet.size == (2 * 48 + 8, 2 * (40 + 2 * sheets.LINE + 10) + 8)
        corners = [(18, 18), (66, 18), (18, 18 + 40 + 2 * sheets.LINE + 10)]
        seen = [np.argmax(sheet.getpixel(corner)) for corner in corners]
    assert seen == [0, 1, 2]


def test_long_captions_are_cut(tmp_path):
    from PIL import ImageFont

    font = ImageFont.load_default(14)
    cut = sheets._fitting("a very long caption indeed", font, 60)
    assert cut.endswith("…") and font.getlength(cut) <= 60
    assert sheets._fitting("short", font, 60) == "short"


def test_a_matrix_darkens_what_is_often_mistaken(tmp_path):
    path = tmp_path / "matrix.jpg"
    sheets.matrix(np.array([[90, 10, 0], [0, 50, 50], [0, 0, 100]]), ["a", "b", "c"], path, cell=40)
    with Image.open(path) as drawn:
        left, top = drawn.width - 8 - 3 * 40, drawn.height - 8 - sheets.LINE - 3 * 20
        shades = [
            [drawn.getpixel((left + 40 * column + 4, top + 20 * row + 4)) for column in range(3)]
            for row in range(3)
        ]
    greenness = [[int(green) - int(red) for red, green, _ in row] for row in shades]
    assert all(greenness[at][at] > 30 for at in range(3)), "right answers"
    assert greenness[1][2] < greenness[0][1] < -10, "the more often, the redder"
    assert abs(greenness[2][0]) < 10, "what never happens has no colour"
