"""Draws detections on a picture: a frame, a name and a score for each, legible from afar.

Knows no model and no page.
"""

from PIL import Image, ImageDraw, ImageFont

SIDE = 1200  # pixels of the longer side that a picture is drawn at, so that names stay sharp
LETTERS, LINE = 38, 6  # pixels: height of the names, width of the frames
COLOURS = (  # dark enough for white letters: a contrast of 4.5 or more
    "#c1121f", "#0065a8", "#00796b", "#b45309", "#8e2a7a", "#4338ca", "#1b7837", "#7c4a1e",
)  # fmt: skip


def draw(picture, detections):
    """Draw boxes with names and scores, the best on top.

    Args:
        picture: array (height, width, 3) of uint8.
        detections: Detections in pixels of `picture`, best first.

    Returns:
        PIL image, its longer side SIDE pixels.
    """
    canvas = Image.fromarray(picture)
    scale = SIDE / max(canvas.size)
    size = [max(1, round(side * scale)) for side in canvas.size]
    canvas = canvas.resize(size, Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(canvas)
    rows = list(zip(detections.labels, detections.scores, detections.boxes, strict=True))
    shades = colours(detections.labels)
    for label, _, box in reversed(rows):
        pen.rectangle((box * scale).tolist(), outline=shades[label], width=LINE)
    for label, score, box in reversed(rows):
        _name(pen, canvas.size, f"{label} {score:.0%}", shades[label], box * scale)
    return canvas


def colours(labels):
    """Return the colour of each class name of one picture.

    It is the name's own, the same in every picture, or the next one where another name has that.
    """
    found = {}
    for label in sorted(set(labels)):
        own = sum(label.encode()) % len(COLOURS)
        turns = COLOURS[own:] + COLOURS[:own]
        found[label] = next((each for each in turns if each not in found.values()), turns[0])
    return found


def _name(pen, size, text, fill, box):
    """Write a name on a plate above a box, or inside it where there is no room above."""
    font = ImageFont.load_default(LETTERS)
    _, _, right, bottom = pen.textbbox((0, 0), text, font)
    wide, tall = right + 16, bottom + 12
    x = min(max(0, box[0]), max(0, size[0] - wide))
    y = box[1] - tall if box[1] >= tall else box[1]
    pen.rectangle((x, y, x + wide, y + tall), fill=fill)
    pen.text((x + 8, y + 5), text, font=font, fill="white")
