"""Draws smooth shapes on an array: gradients, ridges, discs, blocks, speckles, haze.

Knows nothing of settings or things. Positions are fractions of width and height, edges are
antialiased by distance, so a picture looks alike at every size.
"""

import numpy as np
from PIL import Image


class Canvas:
    """Pixels (height, width, 3) float32 in 0..255, with shapes to lay over them."""

    def __init__(self, width, height, rng):
        self.width, self.height, self.rng = width, height, rng
        self.pixels = np.zeros((height, width, 3), np.float32)
        self.x = (np.arange(width, dtype=np.float32) + 0.5) / width
        self.y = (np.arange(height, dtype=np.float32) + 0.5) / height

    def gradient(self, colours, top=0.0, bottom=1.0):
        """Fill from `top` to `bottom` with colours that follow one another downwards."""
        rows = slice(round(top * self.height), round(bottom * self.height))
        stops = np.linspace(top, bottom, len(colours))
        colours = np.asarray(colours, np.float32)
        column = [np.interp(self.y[rows], stops, colours[:, channel]) for channel in range(3)]
        self.pixels[rows] = np.stack(column, -1)[:, None].astype(np.float32)

    def _window(self, left, top, right, bottom):
        rows = slice(max(0, int(top * self.height) - 1), int(bottom * self.height) + 2)
        columns = slice(max(0, int(left * self.width) - 1), int(right * self.width) + 2)
        return rows, columns

    def blend(self, window, mask, colour):
        """Lay `colour`, one or one a pixel, over a window as far as `mask` (0..1) covers it."""
        area = self.pixels[window]
        area += mask[..., None] * (np.asarray(colour, np.float32) - area)

    def line(self, level, swing, waves=3, slope=0.0):
        """Heights (width,) of a wandering line around `level`."""
        rng, line = self.rng, np.full(self.width, level, np.float32)
        for wave in range(1, waves + 1):
            turns = wave * rng.uniform(0.6, 1.3)
            line += swing / wave * np.sin(2 * np.pi * (turns * self.x + rng.random()))
        return line + slope * (self.x - 0.5)

    def below(self, line, colours, alpha=1.0):
        """Fill all under a line (width,), shaded from the first colour down to the last."""
        first = max(0, int(line.min() * self.height) - 1)
        rows = slice(first, self.height)
        depth = (self.y[rows, None] - line[None]) * self.height
        mask = np.clip(depth + 0.5, 0, 1) * alpha
        stops = np.linspace(0, max(1.0, (1 - line.min()) * self.height), len(colours))
        colours = np.asarray(colours, np.float32)
        shade = np.stack([np.interp(depth, stops, colours[:, c]) for c in range(3)], -1)
        self.blend((rows, slice(None)), mask, shade)

    def band(self, line, thickness, colour, alpha=1.0):
        """A stripe `thickness` of the height along a line (width,)."""
        rows = slice(
            max(0, int((line.min() - thickness) * self.height) - 1),
            int((line.max() + thickness) * self.height) + 2,
        )
        distance = np.abs(self.y[rows, None] - line[None]) - thickness / 2
        mask = np.clip(0.5 - distance * self.height, 0, 1) * alpha
        self.blend((rows, slice(None)), mask, colour)

    def disc(self, x, y, radius, colour, alpha=1.0, flat=1.0, soft=0.0):
        """An ellipse: `radius` of the height, `flat` its height over its width, soft to 1."""
        wide = radius * self.height / self.width
        window = self._window(x - wide, y - radius * flat, x + wide, y + radius * flat)
        across = (self.x[window[1]] - x) * self.width
        down = (self.y[window[0], None] - y) * self.height / flat
        reach = radius * self.height
        edge = max(1.0, soft * reach)
        mask = np.clip((reach - np.sqrt(across**2 + down**2)) / edge + 0.5 * (edge <= 1), 0, 1)
        self.blend(window, mask * alpha, colour)

    def block(self, left, top, right, bottom, colour, alpha=1.0):
        """A rectangle with smooth edges."""
        window = self._window(left, top, right, bottom)
        across, down = self.x[window[1]], self.y[window[0]]
        wide = np.clip((across - left) * self.width + 0.5, 0, 1)
        wide *= np.clip((right - across) * self.width + 0.5, 0, 1)
        high = np.clip((down - top) * self.height + 0.5, 0, 1)
        high *= np.clip((bottom - down) * self.height + 0.5, 0, 1)
        self.blend(window, high[:, None] * wide[None] * alpha, colour)

    def spire(self, x, base, half, tall, colour, alpha=1.0):
        """A triangle on its base: `half` its half width, `tall` its height."""
        window = self._window(x - half, base - tall, x + half, base)
        share = np.clip((self.y[window[0], None] - base + tall) / tall, 0, 1)
        inside = (half * share - np.abs(self.x[window[1]] - x)) * self.width
        mask = np.clip(inside + 0.5, 0, 1) * (self.y[window[0], None] <= base)
        self.blend(window, mask * alpha, colour)

    def specks(self, count, colours, top=0.0, bottom=1.0, radius=0.004, alpha=0.9):
        """Small dots, strewn."""
        for _ in range(count):
            self.disc(
                self.rng.random(),
                self.rng.uniform(top, bottom),
                radius * self.rng.uniform(0.5, 1.5),
                colours[self.rng.integers(len(colours))],
                alpha,
            )

    def dots(self, count, colour, top=0.0, bottom=1.0):
        """Single pixels brightened at random: stars, grains. Their size follows the picture's."""
        rng, side = self.rng, max(1, round(self.height / 160))
        rows = rng.uniform(top, bottom - side / self.height, count) * self.height
        columns = rng.uniform(0, 1 - side / self.width, count) * self.width
        strength = rng.uniform(0.15, 1, (count, 1)).astype(np.float32)
        for down in range(side):
            for right in range(side):
                at = rows.astype(int) + down, columns.astype(int) + right
                old = self.pixels[at]
                self.pixels[at] = old + strength * (np.asarray(colour, np.float32) - old)

    def haze(self, cells, strength, top=0.0, bottom=1.0, tint=(1, 1, 1)):
        """Brighten and darken by smooth noise of `cells` across, `strength` in levels of 255."""
        rows = slice(round(top * self.height), round(bottom * self.height))
        shape = self.pixels[rows].shape
        small = self.rng.normal(0, 1, (max(2, round(cells * shape[0] / shape[1])), cells))
        noise = Image.fromarray(small.astype(np.float32)).resize(
            (shape[1], shape[0]), Image.Resampling.BICUBIC
        )
        self.pixels[rows] += strength * np.asarray(noise)[..., None] * np.asarray(tint, np.float32)
