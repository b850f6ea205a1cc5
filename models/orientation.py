"""Which way up an image is, as its EXIF data says (CIPA DC-008-2024, 4.6.5.1.6).

Knows one tag. Pillow 12 reads all of them, as often and as long as a forged file says: a PNG of
0.6 MB took 1.8 GB, and one of 20 MB would keep it busy for an hour (in part CVE-2026-96643).
"""

import contextlib
import re
import struct

from PIL import Image

HEAD, HIDDEN = b"Exif\x00\x00", b"exif\x00\x00"
# Segments of a JPEG that Pillow reads directories of tags from: EXIF's, and that of further frames.
DIRECTORIES = re.compile(rb"\xff[\xe1\xe2]..(Exif\x00\x00|MPF\x00)", re.DOTALL)
ORIENTATION, SHORT = 0x0112, 3  # a tag, and the kind of number that it has
ORDERS = {b"II": "<", b"MM": ">"}  # of the bytes in a number
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def hidden(content):
    """The bytes of an image file, in which Pillow finds no directory of tags if it is a JPEG.

    It would read them while it opens the file; EXIF data of other formats it only keeps.
    """
    if not content.startswith(b"\xff\xd8"):
        return content
    changed = bytearray(content)
    for found in DIRECTORIES.finditer(content):
        changed[found.start(1)] |= 0x20  # its first letter is a small one then
    return bytes(changed)


def upright(picture):
    """A PIL image, turned as its EXIF data says; it may come from what `hidden` gave."""
    turn = TURNS.get(_orientation(_exif(picture)))
    return picture if turn is None else picture.transpose(turn)


def _exif(picture):
    segments = getattr(picture, "applist", [])  # of a JPEG
    found = (body for name, body in segments if name == "APP1" and body.startswith(HIDDEN))
    return next(found, picture.info.get("exif") or b"")


def _orientation(exif):
    """The number from 1 to 8 in the first directory of EXIF data; 0 if it is not there."""
    body = exif[len(HEAD) :] if exif.startswith((HEAD, HIDDEN)) else exif
    order = ORDERS.get(body[:2])
    if order is None:
        return 0
    with contextlib.suppress(struct.error):
        (start,) = struct.unpack_from(order + "I", body, 4)
        (count,) = struct.unpack_from(order + "H", body, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", body, at)
            if (tag, kind) == (ORIENTATION, SHORT):
                return value
    return 0
