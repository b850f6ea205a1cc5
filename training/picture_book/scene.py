"""Composes one scene of the picture-book world: things over a setting, with boxes and relations.

Knows no files and no models. A scene is decided by its seed and options, down to the pixel.
"""

import dataclasses
import io

import numpy as np
from PIL import Image

from training.picture_book import captions as wording
from training.picture_book.glyphs import CLASSES, turned
from training.picture_book.settings import PLAIN, SETTINGS, VARIANTS, backdrop

MOST = 6  # things in one scene
COUNTS = (0.24, 0.22, 0.2, 0.16, 0.1, 0.08)  # how often a scene has 1, 2, ... MOST things
PLAIN_SHARE = 0.15  # of scenes have no setting but a plain, graded or noisy background
TRIES = 10  # places tried before a thing is left out
VISIBLE = 0.5  # of a thing's own pixels stay uncovered, at least
INSIDE = 0.75  # of a thing's pixels lie inside the picture, at least, unless asked otherwise
FLYING = frozenset(
    ("airplane", "rocket", "balloon", "butterfly", "bee", "sun", "moon", "star", "rainbow", "cloud")
)
SHINING = frozenset(("sun", "moon", "star", "rainbow"))  # their own light, by night as by day


@dataclasses.dataclass(frozen=True)
class Scene:
    """A drawn scene and what is true of it. Things are in the order drawn, back to front."""

    image: np.ndarray  # (height, width, 3) uint8
    boxes: np.ndarray  # (things, 4) float32: x1, y1, x2, y2 in pixels, around what is visible
    labels: np.ndarray  # (things,) int64: indexes into CLASSES
    setting: str  # one of SETTINGS, or "plain"
    covers: tuple[tuple[int, int], ...]  # (front, back): pairs of things of which one hides some

    @property
    def names(self):
        """The things' class names."""
        return [CLASSES[label] for label in self.labels]

    @property
    def sizes(self):
        """Each thing's longer side as a fraction of the picture's shorter side."""
        sides = (self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1, initial=0)
        return (sides / min(self.image.shape[:2])).tolist()

    @property
    def relations(self):
        """True relations (name, relation, name): `left of`, `above`, `in front of`."""
        names, found = self.names, []
        for first, second in np.ndindex(len(names), len(names)):
            if names[first] != names[second]:
                relation = self._relation(first, second)
                if relation:
                    found.append((names[first], relation, names[second]))
        return found

    def _relation(self, first, second):
        if (first, second) in self.covers:
            return "in front of"
        if (second, first) in self.covers:
            return None
        a, b = self.boxes[first], self.boxes[second]
        right, down = ((b[:2] + b[2:]) - (a[:2] + a[2:])) / 2
        if right > 1.3 * abs(down) and a[2] < (b[0] + b[2]) / 2 and a[0] < b[0]:
            return "left of"
        if down > 1.3 * abs(right) and a[3] < (b[1] + b[3]) / 2 and a[1] < b[1]:
            return "above"
        return None

    def captions(self, rng, count=5, complete=False):
        """True captions, at random; `complete` ones name every class that is there."""
        return wording.captions(self, rng, count, complete)


def _chosen(rng, classes, objects):
    """Labels of the things to draw."""
    if classes is not None:
        return [CLASSES.index(c) if isinstance(c, str) else int(c) for c in classes]
    if objects is None:
        objects = 1 + rng.choice(MOST, p=COUNTS)
    elif not isinstance(objects, int | np.integer):
        objects = rng.integers(objects[0], objects[1] + 1)
    labels = [int(label) for label in rng.integers(0, len(CLASSES), objects)]
    if len(labels) > 1 and rng.random() < 0.3:  # several of a kind
        labels[1 : 1 + rng.integers(1, len(labels))] = [labels[0]] * rng.integers(1, len(labels))
    return labels[:objects]


def _sides(rng, count, smallest, largest):
    """Sizes of the things: log-uniform, the more of them the smaller the largest."""
    most = max(smallest, min(largest, 1.15 / count**0.6))
    return np.exp(rng.uniform(np.log(smallest), np.log(most), count))


def _placing(rng, label, place, loose):
    """Where a thing's foot may be, as fractions of the height, and whether it stands."""
    if place.floating or loose:
        return (0.1, 1.05), False
    if CLASSES[label] in FLYING:
        return (0.12, place.horizon + 0.05), False
    return (place.horizon + 0.02, 1.0), True


def _coloured(rng, pixels, label, light):
    """A thing's pixels under the light: tint, brightness, and at times a side in shade."""
    light = (1, 1, 1) if CLASSES[label] in SHINING else light
    factors = np.asarray(light) * rng.uniform(0.88, 1.08) * rng.normal(1, 0.03, 3)
    pixels[..., :3] *= factors.astype(np.float32)
    if rng.random() < 0.3:
        shade = np.linspace(*rng.permutation([0.8, 1.06]), pixels.shape[1], dtype=np.float32)
        pixels[..., :3] *= shade[None, :, None]
    np.minimum(pixels[..., :3], 255 * pixels[..., 3:], out=pixels[..., :3])
    return pixels


class _Stage:
    """A picture being composed: pixels and, for each pixel, which thing is seen there."""

    def __init__(self, pixels, inside):
        self.pixels, self.inside = pixels, inside
        self.owner = np.full(pixels.shape[:2], -1, np.int16)
        self.drawn = []  # pixels that each thing had when it was drawn
        self.labels = []
        self.covers = []

    def window(self, shape, left, top):
        """Slices of the picture and of a thing of `shape` put at left, top."""
        height, width = self.owner.shape
        x1, y1 = max(0, left), max(0, top)
        x2, y2 = min(width, left + shape[1]), min(height, top + shape[0])
        inner = slice(y1 - top, max(y1, y2) - top), slice(x1 - left, max(x1, x2) - left)
        return (slice(y1, max(y1, y2)), slice(x1, max(x1, x2))), inner

    def hidden(self, solid, left, top):
        """How many pixels of each thing one put here would hide; None if it may not lie here."""
        outer, inner = self.window(solid.shape, left, top)
        mask = solid[inner]
        if mask.sum() < self.inside * solid.sum():
            return None
        count = len(self.drawn)
        hidden = np.bincount(self.owner[outer][mask] + 1, minlength=count + 1)[1:]
        seen = np.bincount(self.owner[self.owner >= 0], minlength=count)
        allowed = seen - hidden >= VISIBLE * np.asarray(self.drawn)
        return hidden if allowed.all() else None

    def shadow(self, x, y, wide, strength):
        """A soft flat ellipse of shade."""
        height, width = self.owner.shape
        tall = 0.2 * wide
        rows = slice(max(0, int(y - tall)), max(0, min(height, int(y + tall) + 1)))
        columns = slice(max(0, int(x - wide)), max(0, min(width, int(x + wide) + 1)))
        down = (np.arange(height, dtype=np.float32)[rows, None] - y) / tall
        across = (np.arange(width, dtype=np.float32)[columns] - x) / wide
        shade = np.clip(1.2 - down**2 - across**2, 0, 1) * strength
        self.pixels[rows, columns] *= 1 - shade[..., None]

    def lay(self, pixels, solid, label, left, top):
        """Draw a thing."""
        outer, inner = self.window(solid.shape, left, top)
        area, thing = self.pixels[outer], pixels[inner]
        area *= 1 - thing[..., 3:]
        area += thing[..., :3]
        self.owner[outer][solid[inner]] = len(self.drawn)
        self.drawn.append(int(solid[inner].sum()))
        self.labels.append(label)

    def boxes(self):
        """(things, 4) float32: the corners of what is seen of each thing."""
        boxes = np.zeros((len(self.drawn), 4), np.float32)
        for thing in range(len(self.drawn)):
            seen = self.owner == thing
            rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
            boxes[thing] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        return boxes


def _add(stage, rng, label, side, foot, stands, light, shade):
    """Draw one thing where there is room for it, else leave it out; the first goes in anyway."""
    spread = 7 if stands else 14
    degrees = rng.uniform(-40, 40) if rng.random() < 0.08 else rng.normal(0, spread)
    pixels = turned(label, side, float(np.clip(degrees, -45, 45)), rng.random() < 0.5)
    solid = pixels[..., 3] > 0.4
    height, width = stage.owner.shape
    for _ in range(TRIES):
        middle = rng.uniform(0.02, 0.98) * width
        left, top = round(middle - solid.shape[1] / 2), round(foot - solid.shape[0])
        hidden = stage.hidden(solid, left, top)
        if hidden is not None:
            break
        foot = np.clip(foot + rng.normal(0, 0.08) * height, 0.6 * side, height)
    else:
        if stage.drawn:
            return
        left, top = (
            (whole - part) // 2
            for whole, part in ((width, solid.shape[1]), (height, solid.shape[0]))
        )
        middle, foot, hidden = width / 2, top + solid.shape[0], np.zeros(0, int)
    stage.covers += [(len(stage.drawn), at) for at in np.flatnonzero(hidden > 0.03 * solid.sum())]
    if stands:
        stage.shadow(middle, foot - 0.03 * side, 0.46 * side, shade)
    stage.lay(_coloured(rng, pixels, label, light), solid, label, left, top)


def _lit(rng, pixels):
    """The whole picture brighter on one side than the other, warmer or colder."""
    height, width = pixels.shape[:2]
    across = np.linspace(-1, 1, width, dtype=np.float32) * rng.normal(0, 0.05)
    down = np.linspace(-1, 1, height, dtype=np.float32) * rng.normal(0, 0.05)
    pixels *= 1 + across[None, :, None] + down[:, None, None]
    pixels *= rng.normal(1, 0.02, 3).astype(np.float32)
    return pixels


def _degraded(rng, image):
    """The picture as a worse camera would give it: blur, noise, JPEG, other colours, grey."""
    picture, (height, width) = Image.fromarray(image), image.shape[:2]
    if rng.random() < 0.4:
        share = rng.uniform(0.4, 0.9)
        small = picture.resize((max(1, int(width * share)), max(1, int(height * share))), 2)
        picture = small.resize((width, height), int(rng.choice([2, 3])))
    if rng.random() < 0.4:
        hue, saturation, value = picture.convert("HSV").split()
        turn, gain = int(rng.normal(0, 6)), rng.uniform(0.3, 1.3)
        hue = hue.point(lambda level: (level + turn) % 256)
        saturation = saturation.point(lambda level: int(level * gain))
        picture = Image.merge("HSV", (hue, saturation, value)).convert("RGB")
    if rng.random() < 0.4:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=int(rng.integers(20, 85)))
        picture = Image.open(buffer).convert("RGB")
    pixels = np.asarray(picture, np.float32)
    if rng.random() < 0.5:
        pixels = pixels + rng.normal(0, rng.uniform(2, 16), pixels.shape)
    if rng.random() < 0.5:
        pixels = (pixels - 128) * rng.uniform(0.6, 1.3) + 128 + rng.uniform(-25, 25)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def scene(
    seed,
    size=128,
    objects=None,
    setting=None,
    classes=None,
    plain=None,
    smallest=0.12,
    largest=0.9,
    inside=INSIDE,
    degraded=0.0,
):
    """Draw one scene.

    size: pixels, or (width, height). objects: how many, or (fewest, most), by default 1 to 6.
    setting: one of SETTINGS. classes: the things to draw, names or labels, one each.
    plain: True for a plain background, False for never; by default at times.
    smallest, largest: the things' longer side as a fraction of the picture's shorter side.
    inside: the share of a thing's pixels that lies inside the picture, at least.
    degraded: the chance that the picture is blurred, noisy or recoloured.
    A thing that finds no room is left out; the first one drawn never is.
    """
    rng = np.random.default_rng(seed)
    width, height = size if isinstance(size, tuple) else (size, size)
    if plain is None:
        plain = setting is None and rng.random() < PLAIN_SHARE
    setting = PLAIN if plain else setting or SETTINGS[rng.integers(len(SETTINGS))]
    place = backdrop(setting, width, height, int(rng.integers(VARIANTS)))
    pixels = place.pixels[:, ::-1] if rng.random() < 0.5 else place.pixels
    stage = _Stage(pixels.astype(np.float32), inside)
    loose, shade = rng.random() < 0.3, rng.uniform(0.1, 0.4)
    labels = _chosen(rng, classes, objects)
    plan = []
    for label, share in zip(labels, _sides(rng, len(labels), smallest, largest), strict=True):
        (low, high), stands = _placing(rng, label, place, loose)
        side = share * min(width, height)
        foot = min(max(rng.uniform(low, high) * height, 0.9 * side), 1.02 * height)
        plan.append((stands, foot, label, side))
    for stands, foot, label, side in sorted(plan):
        _add(stage, rng, label, side, foot, stands, place.light, shade)
    image = np.clip(_lit(rng, stage.pixels), 0, 255).astype(np.uint8)
    if rng.random() < degraded:
        image = _degraded(rng, image)
    return Scene(
        image,
        stage.boxes(),
        np.asarray(stage.labels, np.int64),
        setting,
        tuple((front, int(back)) for front, back in stage.covers),
    )
