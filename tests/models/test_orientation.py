"""Which way up an image is, and files that say so without end."""

import io
import struct
import time
import tracemalloc

import numpy as np
import pytest
from PIL import Image, ImageOps

from models import images
from models.checks import BadInput
from tests.forged_pictures import HEAD, directory, encoded, forged

SLOWEST = 2.0  # seconds of a processor for a small picture, whatever else its file holds


@pytest.fixture(scope="module")
def picture():
    """A picture of which every corner is another colour."""
    corners = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)
    return Image.fromarray(corners.repeat(20, axis=0).repeat(30, axis=1))


@pytest.fixture
def read(tmp_path):
    """`images.read` of a file with these bytes."""

    def read(content):
        (tmp_path / "file").write_bytes(content)
        return images.read(tmp_path / "file")

    return read


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turn", range(10))
def test_a_picture_is_turned_as_pillow_turns_it(read, picture, turn, kind, order):
    exif = HEAD + directory([(0x010F, 2, 1, 0), (0x0112, 3, 1, turn)], order)
    content = encoded(picture, kind, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    np.testing.assert_array_equal(read(content), np.asarray(expected))


def test_a_png_may_say_it_after_its_pixels(read, picture):
    content = encoded(picture, "PNG", exif=directory([(0x0112, 3, 1, 6)]))
    start = content.index(b"eXIf") - 4
    end = start + 12 + struct.unpack_from(">I", content, start)[0]
    chunk, without = content[start:end], content[:start] + content[end:]
    last = without.index(b"IEND") - 4
    assert read(without[:last] + chunk + without[last:]).shape == (60, 40, 3)


@pytest.mark.parametrize("exif", [b"", b"II", b"II*\x00\xff\xff\xff\xff", b"nonsense" * 9])
def test_what_is_broken_turns_nothing(read, picture, exif):
    assert read(encoded(picture, "PNG", exif=HEAD + exif)).shape == (40, 60, 3)


@pytest.mark.parametrize("name", forged(Image.new("RGB", (4, 4))))
def test_a_forged_file_takes_neither_an_hour_nor_gigabytes(read, picture, name):
    content = forged(picture)[name]
    tracemalloc.start()
    began = time.process_time()
    try:
        assert read(content).shape == (40, 60, 3)
    except BadInput as refused:
        assert "Save it again" in str(refused)
    finally:
        spent, most = time.process_time() - began, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert spent < SLOWEST and most < 60e6
