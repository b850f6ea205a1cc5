"""Small pictures in files of megabytes, whose metadata would keep Pillow busy for an hour."""

import io
import struct

HEAD = b"Exif\x00\x00"


def encoded(picture, kind, **options):
    """A PIL image's bytes in a format."""
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def directory(tags, order="<"):
    """EXIF data of (tag, kind, count, value)."""
    mark = {"<": b"II*\x00", ">": b"MM\x00*"}[order]
    entries = b"".join(struct.pack(order + "HHIH2x", *each) for each in tags)
    return mark + struct.pack(order + "IH", 8, len(tags)) + entries + bytes(4)


def segments(picture, *bodies, kind=1):
    """A JPEG with APP1 segments, or those of another kind."""
    content, mark = encoded(picture, "JPEG"), bytes([0xFF, 0xE0 + kind])
    packed = (mark + struct.pack(">H", len(each) + 2) + each for each in bodies)
    return content[:2] + b"".join(packed) + content[2:]


def commented(picture, piece, count):
    """A GIF with a comment in so many pieces."""
    content = encoded(picture, "GIF")
    start = 13 + (3 << (content[10] & 7) + 1)  # behind its palette
    comment = b"\x21\xfe" + (bytes([len(piece)]) + piece) * count + b"\x00"
    return content[:start] + comment + content[start:]


def forged(picture):
    """Files of some megabytes with a small picture, by what is wrong with them."""
    tags = directory([(at, 7, 60_000, 8) for at in range(4000)]).ljust(65_000, b"\x00")
    return {
        "heads in a PNG": encoded(picture, "PNG", exif=HEAD * 2_000_000),
        "heads in a WebP": encoded(picture, "WEBP", exif=HEAD * 2_000_000),
        "heads in a JPEG": segments(picture, *[HEAD * 10_000] * 200),
        "many segments": segments(picture, *[HEAD + b"Exif"] * 500_000),
        "long tags": segments(picture, HEAD + tags),
        "long tags of frames": segments(picture, b"MPF\x00" + tags, kind=2),
        "a long comment": commented(picture, b"A", 5_000_000),
    }
