"""Draws the things of the picture-book world: one glyph of Noto Color Emoji a class.

Knows no scenes: it gives a glyph at a size, turned and flipped, with its transparency.
The font is Debian's fonts-noto-color-emoji; it is needed only to train.
"""

import contextlib
import csv
import functools
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
STRIKE = 109  # pixels: the one size that the font's bitmaps have
SHRINK = 2**-0.5  # from one level of a glyph's pyramid to the next
SMALLEST_LEVEL = 12  # pixels

with (Path(__file__).parent / "classes.csv").open(encoding="utf-8") as table:
    ROWS = tuple(csv.DictReader(table))

CLASSES = tuple(row["name_en"] for row in ROWS)
GROUPS = tuple(row["group"] for row in ROWS)


class NoFont(FileNotFoundError):
    """The emoji font is not installed."""


@functools.cache
def _font():
    if not FONT.exists():
        raise NoFont(f"{FONT} is missing: install the Debian package fonts-noto-color-emoji")
    return ImageFont.truetype(str(FONT), STRIKE)


@functools.cache
def glyph(label):
    """The drawing of class number `label`: RGBA, cropped to what is visible.

    Pillow pastes a colour glyph onto transparent black, so what it leaves is premultiplied.
    """
    sheet = Image.new("RGBA", (2 * STRIKE, 2 * STRIKE))
    character = chr(int(ROWS[label]["codepoint"], 16))
    ImageDraw.Draw(sheet).text((20, 20), character, font=_font(), embedded_color=True)
    sheet = Image.frombytes("RGBa", sheet.size, sheet.tobytes()).convert("RGBA")
    return sheet.crop(sheet.getchannel("A").point(lambda a: 255 * (a > 24)).getbbox())


@contextlib.contextmanager
def standing_in(name, codepoint):
    """Draw another character of the font in a class's place: a thing that no model knows.

    Args:
        name: str, the class. codepoint: str, the character's number in hex.
    """
    row = ROWS[CLASSES.index(name)]
    own = row["codepoint"]

    def take(codepoint):
        row["codepoint"] = codepoint
        glyph.cache_clear()
        _pyramid.cache_clear()

    take(codepoint)
    try:
        yield
    finally:
        take(own)


@functools.cache
def _pyramid(label, flipped):
    """The glyph with premultiplied alpha at its own size and smaller, largest first."""
    picture = glyph(label)
    if flipped:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    levels = [picture.convert("RGBa")]
    side = max(picture.size)
    while side * SHRINK >= SMALLEST_LEVEL:
        side *= SHRINK
        scale = side / max(picture.size)
        size = [max(1, round(length * scale)) for length in picture.size]
        levels.append(picture.resize(size, Image.Resampling.LANCZOS).convert("RGBa"))
    return levels


def turned(label, side, degrees=0.0, flipped=False):
    """Glyph whose longer side is `side` pixels, turned clockwise.

    Gives (height, width, 4) float32: red, green, blue times alpha in 0..255, alpha in 0..1.
    """
    levels = _pyramid(label, bool(flipped))
    level = next((at for at in reversed(levels) if max(at.size) >= side), levels[0])
    width, height = level.size
    scale = max(width, height) / side
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    out_w = math.ceil((abs(cos) * width + abs(sin) * height) / scale) + 2
    out_h = math.ceil((abs(sin) * width + abs(cos) * height) / scale) + 2
    a, b, d, e = cos * scale, sin * scale, -sin * scale, cos * scale
    c = width / 2 - a * out_w / 2 - b * out_h / 2
    f = height / 2 - d * out_w / 2 - e * out_h / 2
    out = level.transform(
        (out_w, out_h), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BICUBIC
    )
    pixels = np.asarray(out, np.float32).copy()
    pixels[..., 3] /= 255
    return pixels
