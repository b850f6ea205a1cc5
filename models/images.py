"""Decode and check an image, letterbox it, encode it.

Knows no model and no page. The header is read and judged before a pixel is decoded.
"""

import contextlib
import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from models import orientation
from models.checks import BadInput

PIXELS = 40_000_000  # as much as a large phone photo has; 120 MB once decoded to RGB
BYTES = 20_000_000
SIDES_RATIO = 100  # beyond this a letterboxed picture is a line one pixel wide
# No TIFF: Pillow before 13, which Gradio does not take yet, reads beyond the tiles of a forged one
# (CVE-2026-112395). Of a file with several frames only the first is looked at (CVE-2026-96639).
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
READS = 4000  # of a file until it is open; a photo with much to say about itself takes hundreds


def read(image):
    """Return an image as upright RGB.

    Args:
        image: a path, a PIL image, or an array (height, width, 3) of uint8.

    Returns:
        Array (height, width, 3) of uint8. The first frame of an animation; transparency on white.

    Raises:
        BadInput: no image, not an image, broken, too large, or of a shape that no model can read.
    """
    if image is None:
        raise BadInput("There is no image yet. Upload one, paste one, or click an example.")
    if isinstance(image, np.ndarray):
        return _checked_array(image)
    if isinstance(image, Image.Image):
        return _decode(image)
    if isinstance(image, (str, Path)):
        return _read_file(Path(image))
    raise BadInput(f"An image was expected, but a value of type {type(image).__name__} came.")


def letterbox(image, size):
    """Fit an image into a square without changing its proportions, on mid grey.

    Args:
        image: array (height, width, 3) of uint8.
        size: int, side of the square in pixels.

    Returns:
        The square, array (size, size, 3) of uint8, and the Frame that leads back.
    """
    height, width = image.shape[:2]
    scale = size / max(height, width)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (size - inner[0]) // 2, (size - inner[1]) // 2
    square = Image.new("RGB", (size, size), (114, 114, 114))
    square.paste(Image.fromarray(image).resize(inner, Image.Resampling.BILINEAR), (left, top))
    return np.asarray(square), Frame(left, top, inner[0] / width, inner[1] / height, width, height)


@dataclass(frozen=True)
class Frame:
    """Where a letterboxed image sits in its square, in pixels of the square."""

    left: int
    top: int
    scale_x: float  # square pixels per source pixel
    scale_y: float
    width: int  # of the source, pixels
    height: int

    def to_source(self, boxes):
        """Map boxes from the square to the source image, clipped to it.

        Args:
            boxes: array (n, 4): left, top, right, bottom in pixels of the square.

        Returns:
            Array (n, 4) of float32 in pixels of the source.
        """
        offset = np.array([self.left, self.top] * 2)
        scale = np.array([self.scale_x, self.scale_y] * 2)
        limit = np.array([self.width, self.height] * 2)
        return np.clip((np.reshape(boxes, (-1, 4)) - offset) / scale, 0, limit).astype("float32")


def _checked_array(array):
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or not array.size:
        raise BadInput(
            "An image array has to be (height, width, 3) of uint8, "
            f"but {array.shape} of {array.dtype} came."
        )
    _check_size(array.shape[1], array.shape[0])
    return array


def _read_file(path):
    if not os.path.isfile(path):
        raise BadInput("The image file is gone. Upload it once more.")
    if path.stat().st_size > BYTES:
        raise BadInput(
            f"The image file is {path.stat().st_size / 1e6:.0f} MB; at most {BYTES / 1e6:.0f} MB "
            "are read. Save it smaller."
        )
    with _explained(), warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        content = _Content(orientation.hidden(path.read_bytes()))
        with Image.open(content, formats=FORMATS) as opened:
            content.left = float("inf")
            return _decode(opened)


class _Content(io.BytesIO):
    """A file's bytes, which can be read so many times: each piece of a comment is, say.

    Pillow copies what it has of a comment for each piece that it adds, so that millions of them
    would take an hour.
    """

    left = READS

    def read(self, size=-1):
        self.left -= 1
        if self.left < 0:
            raise BadInput(
                "The image file says more about itself than any picture does. Save it again "
                "without comments, or send another."
            )
        return super().read(size)


@contextlib.contextmanager
def _explained():
    """Turn what Pillow makes of bytes that are no image, or a damaged one, into BadInput."""
    try:
        yield
    except (BadInput, MemoryError):
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise BadInput(
            "This file is not an image that can be read here. Send a JPEG, PNG, WebP, GIF or BMP."
        ) from error
    except Exception as error:  # its decoders raise whatever damaged bytes lead them to
        raise BadInput(
            "The image file is broken or was cut off. Save it again, or send another."
        ) from error


def _decode(opened):
    _check_size(*opened.size)
    with _explained():
        opened.load()  # a PNG may say only then which way up it is
        return np.array(_to_rgb(orientation.upright(opened)))


def _to_rgb(picture):
    if picture.mode.startswith("I") or picture.mode == "F":
        return _from_deep(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(ground, picture)
    return picture.convert("RGB")


def _from_deep(picture):
    """Scale 16-bit or floating grey to 8 bits; Pillow's own conversion clips it to white."""
    values = np.asarray(picture, dtype=np.float64)
    top = 65535.0 if values.max() > 255 else 255.0
    return Image.fromarray(np.clip(values / top * 255, 0, 255).astype(np.uint8)).convert("RGB")


def _check_size(width, height):
    if width * height > PIXELS:
        raise BadInput(
            f"The image has {width:,} x {height:,} pixels; at most {PIXELS // 1_000_000} million "
            "are read. Send a smaller one."
        )
    if not min(width, height):
        raise BadInput(f"The image is {width:,} x {height:,} pixels, so there is nothing to see.")
    if max(width, height) > SIDES_RATIO * min(width, height):
        raise BadInput(
            f"The image is {width:,} x {height:,} pixels, too narrow to show anything. "
            f"One side may be at most {SIDES_RATIO} times the other. Crop it."
        )
