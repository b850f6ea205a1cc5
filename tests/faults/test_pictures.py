"""Files that are no pictures, or odd ones, sent in each way that a client has."""

import io
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.faults.conftest import CLASSIFY, data_url
from tests.forged_pictures import forged

pytestmark = [pytest.mark.slow, pytest.mark.fault]


def encoded(picture, kind="PNG", **options):
    """A picture's bytes in a format."""
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def uploaded(raw, content, name="picture.png"):
    """Upload bytes; gives what stands for the file in a request."""
    (path,) = raw.http.post("/gradio_api/upload", files={"files": (name, content)}).json()
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


WAYS = {"upload": uploaded, "data": lambda raw, content: data_url(content)}
PHOTO = Image.effect_noise((160, 120), 60).convert("RGB")


@pytest.mark.parametrize("way", WAYS)
def test_05_a_bomb_is_refused_undecoded(raw, way):
    bomb = encoded(Image.new("1", (13000, 13000)))
    assert len(bomb) < 25_000
    given = WAYS[way](raw, bomb)
    before, began = raw.process.memory_info().rss, time.monotonic()
    told = raw.refused("classify", [given, *CLASSIFY[1:]])
    assert time.monotonic() - began < 0.5
    assert raw.process.memory_info().rss - before < 50e6
    assert "40 million" in told


BROKEN = {
    "truncated JPEG": encoded(PHOTO, "JPEG")[:600],
    "text": b"just words",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "empty": b"",
    "polyglot": b"GIF89a" + b"<script>alert(1)</script>" * 9,
    "header only": b"\x89PNG\r\n\x1a\n",
    "compressed text": zlib.compress(b"words" * 99),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_06_what_is_no_picture_is_said_to_be_none(raw, content, way):
    told = raw.refused("classify", [WAYS[way](raw, content), *CLASSIFY[1:]])
    assert "Send" in told or "Upload" in told or "Save it again" in told


@pytest.mark.parametrize("content", forged(PHOTO).values(), ids=forged(PHOTO))
def test_06_metadata_without_end_is_no_burden(raw, content):
    """The picture is named or refused, and the app does not notice."""
    given = uploaded(raw, content)
    before, began = raw.process.memory_info().rss, time.monotonic()
    event, told = raw.call("classify", [given, *CLASSIFY[1:]])
    assert event == "complete" or "Save it again" in str(told)
    assert time.monotonic() - began < 2
    assert raw.process.memory_info().rss - before < 50e6


def _turned():
    """A picture that says it has to be turned, and that picture upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(PHOTO.rotate(90, expand=True), "PNG", exif=exif.tobytes())


DEEP = Image.fromarray(np.asarray(PHOTO.convert("L"), np.uint16) * 257)
ODD = {
    "RGBA": encoded(PHOTO.convert("RGBA")),
    "CMYK": encoded(PHOTO.convert("CMYK"), "JPEG"),
    "16 bits": encoded(DEEP),
    "palette": encoded(PHOTO.convert("P")),
    "turned": _turned(),
    "animated": encoded(PHOTO, "GIF", save_all=True, append_images=[PHOTO.rotate(180)]),
    "one pixel": encoded(Image.new("RGB", (1, 1))),
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_07_odd_pictures_are_named(raw, content):
    event, told = raw.call("classify", [uploaded(raw, content), *CLASSIFY[1:]])
    assert event == "complete" and len(told[0]["confidences"]) == 3


def test_07_a_turned_picture_is_the_picture_upright(raw):
    named = [
        raw.call("classify", [uploaded(raw, content), *CLASSIFY[1:]])[1][0]["confidences"]
        for content in (_turned(), encoded(PHOTO))
    ]
    assert named[0] == named[1]


def test_07_a_line_is_refused(raw):
    line = encoded(Image.new("RGB", (1, 10000)))
    assert "too narrow" in raw.refused("classify", [uploaded(raw, line), *CLASSIFY[1:]])
