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
