"""Mutated image files: each is read as a picture or refused with a message, and soon.

FUZZ_SECONDS lengthens it: `FUZZ_SECONDS=600 python -m pytest tests/faults/test_fuzz.py -s`.
"""

import io
import os
import random
import time

import numpy as np
import pytest
from PIL import Image

from models import images
from models.checks import BadInput

pytestmark = pytest.mark.fault
SECONDS = float(os.environ.get("FUZZ_SECONDS", 3))
SLOWEST = 2.0  # seconds of a processor for a picture of 60 x 40 pixels, however it is damaged


def originals():
    """Small pictures in every format and mode that is read, as bytes."""
    picture = Image.effect_noise((60, 40), 60).convert("RGB")
    kinds = [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("GIF", {"save_all": True, "append_images": [picture.rotate(90)]}),
        ("WEBP", {}),
        ("BMP", {}),
    ]
    for kind, options in kinds:
        yield _encoded(picture, kind, **options)
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield _encoded(picture.convert(mode), "PNG")
    yield _encoded(picture.convert("CMYK"), "JPEG")


def _encoded(picture, kind, **options):
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def mutated(content, rng):
    """A copy with bytes changed, put in, taken out or cut off; the header more often."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        place = rng.randrange(min(len(content), rng.choice((64, 400, len(content)))))
        match rng.choice("ccccccidx"):
            case "c":
                content[place] = rng.choice((0, 255, rng.randrange(256)))
            case "i":
                content[place:place] = rng.randbytes(rng.randrange(1, 9))
            case "d":
                del content[place : place + rng.randrange(1, 9)]
            case "x":
                del content[place + 1 :]
        content = content or bytearray(1)
    return bytes(content)


def test_damaged_pictures_are_read_or_refused(tmp_path):
    seed = random.randrange(2**32)
    rng, seeds, path = random.Random(seed), list(originals()), tmp_path / "picture"
    read, refused, slowest, until = 0, 0, 0.0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        content = mutated(rng.choice(seeds), rng)
        path.write_bytes(content)
        began = time.thread_time()
        try:
            found = images.read(path)
            assert found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3
            read += 1
        except BadInput as told:
            assert str(told)
            refused += 1
        slowest = max(slowest, time.thread_time() - began)
    print(f"{read:,} read, {refused:,} refused, the slowest in {slowest:.2f} s, seed {seed}")
    assert read and refused and slowest < SLOWEST
