"""Draws the ten settings of the picture-book world, and plain backgrounds, varied at random.

Knows no things: a setting gives pixels, where its ground begins, and its light.
"""

import dataclasses
import functools

import numpy as np

from training.picture_book.canvas import Canvas

SETTINGS = ("meadow", "beach", "sea", "forest", "desert", "snow", "night", "city", "room", "space")
PLAIN = "plain"
VARIANTS = 160  # drawings of each setting that scenes choose from
BANK_BYTES = 300e6  # of drawn backdrops that one process keeps

DAY = [
    ((86, 168, 236), (196, 230, 250)),
    ((120, 190, 240), (232, 244, 250)),
    ((60, 140, 220), (170, 214, 246)),
    ((140, 200, 232), (250, 240, 214)),
]
DUSK = [
    ((96, 96, 170), (250, 170, 120), (254, 220, 150)),
    ((244, 140, 110), (252, 200, 140)),
    ((130, 110, 180), (244, 180, 180)),
]
WOODS = [(186, 132, 84), (146, 98, 64), (214, 180, 134), (150, 150, 154)]
RUGS = [(190, 70, 70), (70, 100, 160), (220, 190, 120), (90, 140, 120)]
PLANETS = [(200, 120, 80), (90, 140, 190), (180, 170, 140), (150, 100, 160)]
FLOWERS = [(255, 255, 255), (250, 220, 80), (240, 120, 160), (190, 130, 230), (250, 150, 90)]


@dataclasses.dataclass(frozen=True)
class Backdrop:
    """A drawn setting."""

    pixels: np.ndarray  # (height, width, 3) uint8
    horizon: float  # where the ground begins, as a fraction of the height; 1 where there is none
    light: tuple[float, float, float]  # what the light does to red, green and blue of things
    floating: bool = False  # things hang in it instead of standing


def _shade(colour, amount):
    """A colour darker (below 1) or lighter (above 1) by a factor."""
    return tuple(min(255.0, channel * amount) for channel in colour)


def _vary(rng, colour, spread=14):
    return tuple(np.clip(np.asarray(colour) + rng.normal(0, spread, 3), 0, 255))


def _sky(canvas, horizon):
    """Day, or dusk one time in four; gives the light."""
    rng = canvas.rng
    dusk = rng.random() < 0.25
    skies = DUSK if dusk else DAY
    colours = skies[rng.integers(len(skies))]
    canvas.gradient([_vary(rng, c, 7) for c in colours], 0, min(1, horizon + 0.1))
    return (1.0, 0.93, 0.86) if dusk else (1.0, 1.0, 1.0)


def _firs(canvas, line, count, size, colour, snowy=False):
    """Fir trees of three tiers each, standing along a line."""
    rng = canvas.rng
    for x in np.sort(rng.uniform(-0.03, 1.03, count)):
        tall = size * rng.uniform(0.7, 1.3)
        base = float(line[int(np.clip(x, 0, 0.999) * canvas.width)]) + 0.02
        tone = _vary(rng, colour, 4)
        for tier in (0, 1, 2):
            foot, half = base - tier * tall * 0.26, tall * (0.26 - tier * 0.06)
            canvas.spire(x, foot, half, tall * 0.48, _shade(tone, 1 + 0.1 * tier))
            if snowy:
                canvas.spire(x, foot - tall * 0.3, half * 0.36, tall * 0.18, (246, 250, 255))


def _meadow(canvas):
    rng, horizon = canvas.rng, canvas.rng.uniform(0.38, 0.6)
    light = _sky(canvas, horizon)
    green = _vary(rng, (110, 180, 70))
    for back in range(rng.integers(1, 4), 0, -1):
        hill = canvas.line(horizon - 0.05 * back, 0.05, 2)
        far = np.asarray(green) * (1 - 0.2 * back) + np.asarray((140, 190, 200)) * 0.2 * back
        canvas.below(hill, [_shade(far, 1.05), _shade(far, 0.9)])
    canvas.below(canvas.line(horizon, 0.02, 2), [_shade(green, 1.12), green, _shade(green, 0.72)])
    for _ in range(rng.integers(10, 36)):
        y = rng.uniform(horizon + 0.04, 1)
        canvas.spire(rng.random(), y, 0.006, 0.03 + 0.05 * (y - horizon), _shade(green, 0.7), 0.7)
    canvas.specks(rng.integers(0, 26), FLOWERS, horizon + 0.06, 1, 0.008)
    return horizon, light


def _beach(canvas):
    rng, horizon = canvas.rng, canvas.rng.uniform(0.25, 0.42)
    light = _sky(canvas, horizon)
    water = _vary(rng, (40, 140, 190))
    shore = canvas.line(rng.uniform(0.52, 0.68), 0.02, 2, rng.uniform(-0.2, 0.2))
    canvas.gradient([_shade(water, 0.9), _shade(water, 1.35)], horizon, 1)
    for _ in range(rng.integers(2, 6)):
        level = rng.uniform(horizon + 0.02, 0.55)
        canvas.band(canvas.line(level, 0.006, 3), 0.008, (235, 248, 252), 0.5)
    sand = _vary(rng, (238, 212, 152))
    canvas.below(shore - 0.02, [(250, 253, 253)], 0.9)
    canvas.below(shore, [_shade(sand, 0.82), _shade(sand, 0.9), sand, _shade(sand, 1.04)])
    canvas.specks(rng.integers(5, 30), [_shade(sand, 0.78), (252, 244, 226)], 0.7, 1, 0.004, 0.7)
    return float(min(0.8, shore.mean() + 0.03)), light


def _sea(canvas):
    rng, horizon = canvas.rng, canvas.rng.uniform(0.25, 0.5)
    light = _sky(canvas, horizon)
    water = _vary(rng, (46, 128, 186), 18)
    canvas.gradient([_shade(water, 1.25), water], horizon, 1)
    rows = rng.integers(4, 8)
    for row in range(rows):
        depth = (row + 0.3) / rows
        level = horizon + (1 - horizon) * depth
        crest = canvas.line(level, 0.006 + 0.012 * depth, 4)
        crest = crest + (0.012 * depth) * np.sin(2 * np.pi * canvas.x * rng.uniform(4, 8))
        canvas.below(crest, [_shade(water, 1.2 - 0.35 * depth), _shade(water, 1.0 - 0.35 * depth)])
        canvas.band(crest, 0.004 + 0.008 * depth, (225, 242, 250), 0.55)
    return horizon, light


def _forest(canvas):
    rng, horizon = canvas.rng, canvas.rng.uniform(0.5, 0.68)
    mist = _vary(rng, (196, 224, 206), 16)
    canvas.gradient([_shade(mist, 0.8), mist, _shade(mist, 1.08)], 0, 1)
    dark = np.asarray(_vary(rng, (26, 84, 56), 12))
    for back in (3, 2, 1):
        share = back / 4
        tone = dark * (1 - share) + np.asarray(mist) * share * 0.85
        line = canvas.line(horizon - 0.05 * back + 0.06, 0.02, 2)
        _firs(canvas, line, int(rng.integers(7, 12)) + 2 * back, 0.62 - 0.09 * back, tone)
        canvas.below(line, [tone])
    ground = _vary(rng, (72, 104, 52))
    canvas.below(canvas.line(horizon + 0.03, 0.02, 2), [ground, _shade(ground, 0.66)])
    for _ in range(rng.integers(0, 3)):
        x, wide = rng.choice([rng.uniform(0, 0.16), rng.uniform(0.84, 1)]), rng.uniform(0.02, 0.05)
        bark = _vary(rng, (88, 64, 48), 8)
        canvas.block(x - wide, 0, x + wide, rng.uniform(0.8, 0.95), bark)
        canvas.block(x - wide, 0, x - wide / 3, 0.8, _shade(bark, 1.25), 0.5)
    canvas.specks(
        rng.integers(5, 40),
        [_shade(ground, 1.4), _shade(ground, 0.5)],
        horizon + 0.08,
        1,
        0.006,
        0.7,
    )
    return horizon + 0.05, (0.92, 0.97, 0.9)


def _desert(canvas):
    rng, horizon = canvas.rng, canvas.rng.uniform(0.4, 0.58)
    light = _sky(canvas, horizon)
    sand = _vary(rng, (228, 172, 100))
    for _ in range(rng.integers(0, 4)):
        x, wide, tall = rng.random(), rng.uniform(0.04, 0.12), rng.uniform(0.06, 0.2)
        rock = _vary(rng, (186, 104, 72), 10)
        canvas.block(x - wide, horizon - tall, x + wide, horizon + 0.06, rock)
        canvas.block(x + wide * 0.3, horizon - tall, x + wide, horizon + 0.06, _shade(rock, 0.8))
        canvas.block(x - wide * 1.5, horizon - tall * 0.4, x + wide * 1.5, horizon + 0.06, rock)
    dunes = rng.integers(3, 6)
    for dune in range(dunes):
        level = horizon + (1 - horizon) * dune / dunes
        line = canvas.line(level, 0.04, 2, rng.uniform(-0.1, 0.1))
        tone = _shade(sand, 1.08 - 0.06 * dune)
        canvas.below(line, [_shade(tone, 1.14), tone, _shade(tone, 0.76)])
    return horizon, (light[0], light[1] * 0.98, light[2] * 0.92)


def _snow(canvas):
    rng, horizon = canvas.rng, canvas.rng.uniform(0.4, 0.6)
    skies = [
        ((150, 180, 214), (226, 236, 246)),
        ((188, 200, 220), (240, 240, 246)),
        ((110, 160, 220), (214, 232, 248)),
        ((170, 160, 200), (246, 214, 214)),
    ]
    canvas.gradient(skies[rng.integers(len(skies))], 0, horizon + 0.1)
    for back in range(int(rng.integers(1, 3)), 0, -1):
        line = canvas.line(horizon - 0.05 * back, 0.04, 2)
        canvas.below(line, [(222 - 12 * back, 232 - 8 * back, 246), (198, 214, 234)])
        if rng.random() < 0.7:
            _firs(canvas, line, int(rng.integers(3, 10)), 0.2, (70, 110, 104), snowy=True)
    canvas.below(canvas.line(horizon + 0.02, 0.03, 2), [(250, 252, 255), (206, 220, 238)])
    if rng.random() < 0.7:
        canvas.specks(rng.integers(20, 70), [(255, 255, 255)], 0, 1, 0.008, 0.9)
    return horizon, (0.97, 0.99, 1.03)


def _night(canvas):
    rng, horizon = canvas.rng, canvas.rng.uniform(0.55, 0.75)
    skies = [
        ((10, 14, 44), (46, 58, 112)),
        ((16, 10, 50), (80, 60, 120)),
        ((6, 20, 40), (30, 80, 110)),
    ]
    canvas.gradient(skies[rng.integers(len(skies))], 0, 1)
    canvas.dots(int(rng.integers(60, 160)), (240, 240, 255), 0, horizon)
    hill = np.asarray(_vary(rng, (30, 44, 74), 8))
    for back in (2, 1, 0):
        line = canvas.line(horizon - 0.06 * back, 0.04, 2)
        canvas.below(line, [hill * (0.9 + 0.25 * back), hill * (0.5 + 0.25 * back)])
        if back == 1 and rng.random() < 0.5:
            _firs(canvas, line, 8, 0.14, hill * 0.6)
    return horizon, (0.74, 0.78, 0.95)


def _tower(canvas, left, wide, top, base, colour, window):
    """A tower block with rows of windows."""
    canvas.block(left, top, left + wide, base, colour)
    canvas.block(left + wide * 0.82, top, left + wide, base, _shade(colour, 0.84))
    columns, step = max(1, int(wide / 0.035)), 0.055
    for row in range(1, int((base - top) / step)):
        lit = canvas.rng.random(columns) < 0.75
        for column in np.flatnonzero(lit):
            x = left + wide * (column + 0.28) / columns
            y = top + row * step - 0.025
            canvas.block(x, y, x + wide * 0.42 / columns, y + 0.03, window, 0.85)


def _city(canvas):
    rng, horizon = canvas.rng, canvas.rng.uniform(0.62, 0.74)
    light = _sky(canvas, horizon)
    far = _vary(rng, (150, 170, 196), 10)
    left = -0.05
    while left < 1:
        wide = rng.uniform(0.06, 0.16)
        canvas.block(left, rng.uniform(0.15, 0.45), left + wide, horizon, _vary(rng, far, 5))
        left += wide * rng.uniform(0.8, 1.3)
    left = rng.uniform(-0.1, 0)
    while left < 1:
        wide = rng.uniform(0.12, 0.24)
        tone = _vary(
            rng,
            [(190, 120, 96), (120, 130, 150), (206, 190, 160), (96, 120, 130), (170, 140, 150)][
                rng.integers(5)
            ],
            10,
        )
        glass = [(250, 236, 170), (196, 224, 240), (70, 90, 112)][rng.integers(3)]
        _tower(canvas, left, wide, rng.uniform(0.22, 0.52), horizon, tone, glass)
        left += wide + rng.choice([0, rng.uniform(0.02, 0.12)])
    canvas.block(-0.01, horizon, 1.01, horizon + 0.06, (188, 186, 180))
    canvas.gradient([(104, 108, 114), (76, 80, 88)], horizon + 0.05, 1)
    dash, line = rng.uniform(0.1, 0.2), (horizon + 1.05) / 2
    for x in np.arange(rng.uniform(-0.2, 0), 1, 2 * dash):
        canvas.block(x, line, x + dash, line + 0.018, (240, 236, 214))
    return horizon + 0.03, light


def _wall(canvas, floor):
    """A painted wall: bare, striped or dotted."""
    rng = canvas.rng
    paint = _vary(
        rng,
        [
            (236, 214, 190),
            (190, 214, 220),
            (212, 222, 190),
            (230, 200, 204),
            (204, 196, 224),
            (244, 232, 200),
            (120, 150, 160),
        ][rng.integers(7)],
        8,
    )
    canvas.gradient([paint, _shade(paint, 0.9)], 0, floor + 0.02)
    pattern, other = rng.integers(3), _shade(paint, rng.choice([0.92, 1.07]))
    step = rng.uniform(0.07, 0.14)
    for x in np.arange(0, 1, step):
        if pattern == 1:
            canvas.block(x, 0, x + step / 2, floor, other, 0.8)
        elif pattern == 2:
            for y in np.arange(step / 2, floor, step):
                canvas.disc(x + step / 2, y, step / 7, other)


def _pane(canvas, x, y, wide, tall):
    """A window with a cross, or a picture on the wall."""
    rng, frame = canvas.rng, [(250, 250, 246), (120, 84, 60), (60, 62, 70)][canvas.rng.integers(3)]
    canvas.block(x - 0.02, y - 0.02, x + wide + 0.02, y + tall + 0.02, frame)
    view = DAY[rng.integers(len(DAY))]
    canvas.block(x, y, x + wide, y + tall, view[1])
    canvas.block(x, y, x + wide, y + tall * 0.5, view[0], 0.6)
    canvas.block(x, y + tall * 0.75, x + wide, y + tall, _vary(rng, (120, 176, 100)))
    if rng.random() < 0.7:
        canvas.block(x + wide / 2 - 0.008, y, x + wide / 2 + 0.008, y + tall, frame)
        canvas.block(x, y + tall / 2 - 0.008, x + wide, y + tall / 2 + 0.008, frame)


def _room(canvas):
    rng, floor = canvas.rng, canvas.rng.uniform(0.56, 0.72)
    _wall(canvas, floor)
    for third in rng.permutation(3)[: rng.integers(0, 3)]:
        wide, tall = rng.uniform(0.14, 0.26), rng.uniform(0.18, 0.3)
        left = third / 3 + rng.uniform(0.03, 0.3 - wide)
        _pane(canvas, left, rng.uniform(0.06, floor - tall - 0.1), wide, tall)
    wood = _vary(rng, WOODS[rng.integers(len(WOODS))], 8)
    canvas.gradient([_shade(wood, 0.86), _shade(wood, 1.1)], floor, 1)
    for row in np.linspace(0.12, 0.85, rng.integers(3, 6)) ** 1.4:
        y = floor + (1 - floor) * row
        canvas.block(-0.01, y, 1.01, y + 0.006, _shade(wood, 0.74), 0.8)
    if rng.random() < 0.45:
        rug = _vary(rng, RUGS[rng.integers(len(RUGS))])
        x, y, radius = rng.uniform(0.3, 0.7), (floor + 1.08) / 2, rng.uniform(0.26, 0.42)
        canvas.disc(x, y, radius, rug, flat=0.3)
        canvas.disc(x, y, radius * 0.8, _shade(rug, 1.25), flat=0.3)
    canvas.block(-0.01, floor - 0.03, 1.01, floor + 0.008, (246, 242, 234))
    return floor + 0.03, (1.0, 0.98, 0.95)


def _space(canvas):
    rng = canvas.rng
    deep = [((8, 8, 24), (24, 16, 52)), ((4, 10, 28), (10, 40, 60)), ((20, 6, 36), (50, 18, 60))]
    canvas.gradient(deep[rng.integers(3)], 0, 1)
    canvas.haze(int(rng.integers(3, 7)), rng.uniform(6, 20), tint=rng.uniform(0.1, 1, 3))
    canvas.dots(int(rng.integers(120, 320)), (250, 250, 255))
    for _ in range(rng.integers(0, 3)):
        x, y, radius = rng.random(), rng.random(), rng.uniform(0.06, 0.3)
        planet = _vary(rng, PLANETS[rng.integers(len(PLANETS))])
        canvas.disc(x, y, radius, _shade(planet, 0.6))
        canvas.disc(x - radius * 0.12, y - radius * 0.12, radius * 0.86, planet, 0.9, soft=0.4)
        for _ in range(rng.integers(0, 5)):
            dx, dy = rng.uniform(-0.5, 0.5, 2) * radius
            canvas.disc(x + dx, y + dy, radius * rng.uniform(0.06, 0.16), _shade(planet, 0.75), 0.7)
    return 1.0, (0.92, 0.94, 1.0)


def _plain(canvas):
    """One colour, a gradient across, or coloured noise, coarse or fine."""
    rng = canvas.rng
    first, second = rng.uniform(20 if rng.random() < 0.7 else 190, 255, (2, 3))
    kind = rng.integers(4)
    canvas.gradient([first, first if kind in (0, 3) else second])
    if kind == 2:
        canvas.pixels = canvas.pixels[:, ::-1] * 0.6 + 0.4 * second.astype(np.float32)
        canvas.pixels *= (0.8 + 0.3 * canvas.x)[None, :, None]
    if kind == 3:
        for cells in rng.integers(3, 40, 3):
            canvas.haze(int(cells), rng.uniform(5, 40), tint=rng.uniform(-0.2, 1, 3))
    if rng.random() < 0.2:
        canvas.pixels += rng.normal(0, rng.uniform(3, 22), canvas.pixels.shape).astype(np.float32)
    return 1.0, (1.0, 1.0, 1.0)


_DRAW = dict(
    zip(
        SETTINGS,
        (_meadow, _beach, _sea, _forest, _desert, _snow, _night, _city, _room, _space),
        strict=True,
    )
) | {PLAIN: _plain}


@functools.lru_cache(maxsize=1)
def _bank(width, height):
    """Backdrops already drawn at a size, by setting and number."""
    return {}


def backdrop(setting, width, height, number):
    """Draw a setting, or `plain`, of width x height pixels; the same for the same number."""
    if setting not in _DRAW:
        raise ValueError(f"unknown setting {setting!r}: choose one of {', '.join(_DRAW)}")
    bank = _bank(width, height)
    if (setting, number) not in bank:
        canvas = Canvas(width, height, np.random.default_rng([number, list(_DRAW).index(setting)]))
        horizon, light = _DRAW[setting](canvas)
        pixels = np.clip(canvas.pixels, 0, 255).astype(np.uint8)
        if len(bank) * pixels.nbytes > BANK_BYTES:
            bank.clear()
        bank[setting, number] = Backdrop(pixels, horizon, light, setting in ("space", PLAIN))
    return bank[setting, number]
