"""How the parts of a critter are drawn: closed curves, a brush that outlines and shades them, faces and markings.

Curves are arrays of complex numbers: x to the right, y down, the canvas is −1 … 1 in both directions. So moving,
scaling and turning a curve are an addition and a multiplication. Every closed curve runs clockwise on the screen.
A width or a height is half of the whole one, like a radius.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Curve = NDArray[np.complex128]
Colour = tuple[int, int, int]

OUTLINE = 0.05  # width of a contour; 1.5 pixels at 64 x 64
MARGIN = 0.1  # share of the canvas left free around the curves
WHITE: Colour = (255, 255, 255)
BLUSH: Colour = (255, 120, 140)

_ANGLES = np.linspace(0, 2 * np.pi, 48, endpoint=False)
_CIRCLE: Curve = np.exp(1j * _ANGLES)
_SMALL_CIRCLE = _CIRCLE[::3]
_TEARDROP = np.cos(_ANGLES) + 1j * np.sin(_ANGLES) * np.abs(np.sin(_ANGLES / 2))
_SHARES = np.linspace(0, 1, 9)
_CAP = np.exp(1j * np.pi * _SHARES)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The colour at ``share`` (0 … 1) of the way from the first to the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def oval(centre: complex, width: float, height: float) -> Curve:
    """An ellipse from its two radii."""
    circle = _CIRCLE if width > 0.2 else _SMALL_CIRCLE
    return centre + width * circle.real + 1j * height * circle.imag


def egg(centre: complex, width: float, height: float, *, taper: float = 0.0, box: float = 0.0) -> Curve:
    """An oval that is wider below (``taper`` > 0) or above (< 0), and the squarer the nearer ``box`` is to 1."""
    x, y = (np.sign(part) * np.abs(part) ** (1 - box) for part in (_CIRCLE.real, _CIRCLE.imag))
    return centre + width * x * (1 + taper * y) + 1j * height * y


def petal(base: complex, tip: complex, width: float) -> Curve:
    """A teardrop with its round end at ``base`` and its point at ``tip``: ears, horns, fins, wings, beaks."""
    axis = (tip - base) / 2
    return base + axis + axis * _TEARDROP.real + 1j * axis / abs(axis) * _TEARDROP.imag * width


def ribbon(path: Curve, radius: float) -> Curve:
    """The outline of a thick line with round ends: legs, arms, tails, smiles."""
    along = np.gradient(path)
    side = -1j * radius * along / np.abs(along)
    return np.concatenate([path + side, path[-1] + side[-1] * _CAP, (path - side)[::-1], path[0] - side[0] * _CAP])


def bend(start: complex, end: complex, sag: float) -> Curve:
    """An open path between two points that bows to its right-hand side by ``sag`` (right of travel, on the screen)."""
    way = end - start
    return start + way * _SHARES + 4j * sag * way / abs(way) * _SHARES * (1 - _SHARES)


def mirror(curve: Curve) -> Curve:
    """The same curve on the other side of the vertical axis."""
    return -np.conj(curve)[::-1]


def grow(curve: Curve, distance: float) -> Curve:
    """The curve moved outwards by ``distance``."""
    ring = np.concatenate([curve[-1:], curve, curve[:1]])
    along: Curve = ring[2:] - ring[:-2]
    return curve - 1j * distance * along / np.maximum(np.abs(along), 1e-9)


def dome(centre: complex, width: float, height: float) -> Curve:
    """The upper half of an oval on a flat, slightly rounded base."""
    y = _CIRCLE.imag
    return centre + width * _CIRCLE.real + 1j * height * np.where(y > 0, 0.35 * y, y)


def stripe(curve: Curve, top: float, bottom: float, sag: float = 0.0) -> Curve:
    """What lies of a closed convex curve between two heights, its two long edges sagging in the middle."""
    corners = np.arange(len(curve) + 1)
    dense = np.interp(np.arange(0, len(curve), 1 / 8), corners, np.append(curve, curve[0]))
    inside = dense[(dense.imag > top) & (dense.imag < bottom)]
    inside = inside[np.argsort(inside.imag, kind="stable")]
    is_right = inside.real > inside.real.mean()
    right, left = inside[is_right], inside[~is_right][::-1]
    return np.concatenate([right, bend(right[-1], left[0], -sag), left, bend(left[-1], right[0], sag)])


@dataclass(frozen=True)
class Palette:
    """Four colours that go together; ``ink`` is the dark one of outlines, eyes and shade."""

    skin: Colour
    accent: Colour
    pale: Colour
    ink: Colour


@dataclass(frozen=True)
class Pose:
    """How the whole critter stands: turned by ``tilt`` (radians), widened by ``squash``, looking the other way."""

    tilt: float
    squash: float
    flip: bool


class Brush:
    """Paints curves on a canvas larger than the picture; ``picture`` makes it small, which makes its edges soft."""

    def __init__(self, height: int, width: int, palette: Palette, pose: Pose) -> None:
        self.palette = palette
        side = min(height, width)
        self._oversampling = max(3, -(-256 // side))
        self._image = Image.new("RGBA", (width * self._oversampling, height * self._oversampling))
        self._draw = ImageDraw.Draw(self._image)
        self._middle = complex(*self._image.size) / 2
        self._turn = complex(np.exp(1j * pose.tilt)) * (1 - MARGIN) * side * self._oversampling / 2
        self._stretch = (1 + pose.squash) * (-1 if pose.flip else 1), 1 - pose.squash

    def fill(self, curve: Curve, colour: Colour) -> None:
        """A flat shape without an outline."""
        across, down = self._stretch
        points = self._middle + self._turn * (across * curve.real + 1j * down * curve.imag)
        self._draw.polygon(points.view(np.float64).tolist(), fill=(*colour, 255))

    def part(self, colour: Colour, *curves: Curve) -> None:
        """A flat shape with one outline around it; several curves melt into one shape."""
        for curve in curves:
            self.fill(grow(curve, OUTLINE), self.palette.ink)
        for curve in curves:
            self.fill(curve, colour)

    def pair(self, colour: Colour, curve: Curve) -> None:
        """An outlined shape on the right and its mirror image on the left."""
        self.part(colour, curve)
        self.part(colour, mirror(curve))

    def solid(self, colour: Colour, curve: Curve, *melted: Curve) -> None:
        """An outlined convex shape lit from above: a crescent of shade below, a gloss at the upper left.

        Other curves may melt into it; they lie in its shade.
        """
        left, right = curve.real.min(), curve.real.max()
        top, bottom = curve.imag.min(), curve.imag.max()
        middle, size = complex(left + right, top + bottom) / 2, complex(right - left, bottom - top) / 2
        self.part(self.shade(colour), curve, *melted)
        light = complex(middle.real - 0.15 * size.real, top + 0.35 * size.imag)
        self.fill(light + 0.88 * (curve - light), colour)
        shine = middle - complex(0.5 * size.real, 0.58 * size.imag)
        gloss = np.exp(-0.5j) * oval(0, 0.2 * size.real, 0.1 * size.imag)
        self.fill(shine + gloss, mix(colour, WHITE, 0.6))

    def shade(self, colour: Colour) -> Colour:
        """A colour in the shade."""
        return mix(colour, self.palette.ink, 0.22)

    def picture(self) -> np.ndarray:
        """The finished picture: uint8, h x w x 4, straight alpha; what is transparent is black."""
        return np.array(self._image.reduce(self._oversampling))


@dataclass(frozen=True)
class Face:
    """What a critter looks like between its ears."""

    eyes: Literal["bead", "round", "happy"]  # dark ones, white ones with a pupil, closed ones
    size: float  # of an eye
    gaze: complex  # where round eyes look
    mouth: Literal["smile", "laugh", "oh", "kitten"]

    def eye(self, brush: Brush, centre: complex, scale: float = 1.0) -> None:
        """Draw one eye."""
        size, ink = self.size * scale, brush.palette.ink
        if self.eyes == "happy":
            brush.fill(ribbon(bend(centre - size, centre + size, -0.9 * size), 0.035), ink)
            return
        if self.eyes == "round":
            brush.part(WHITE, oval(centre, 1.1 * size, 1.2 * size))
            centre, size = centre + 0.25 * size * self.gaze, 0.68 * size
        brush.fill(oval(centre, size, 1.2 * size), ink)
        brush.fill(oval(centre - size * (0.3 + 0.45j), 0.4 * size, 0.4 * size), WHITE)
        brush.fill(oval(centre + size * (0.35 + 0.5j), 0.2 * size, 0.2 * size), WHITE)

    def lips(self, brush: Brush, centre: complex, size: float) -> None:
        """Draw the mouth."""
        ink = brush.palette.ink
        if self.mouth == "laugh":
            brush.fill(oval(centre + 0.3j * size, 0.8 * size, 0.75 * size), ink)
            brush.fill(oval(centre + 0.6j * size, 0.5 * size, 0.35 * size), BLUSH)
        elif self.mouth == "oh":
            brush.fill(oval(centre + 0.2j * size, 0.4 * size, 0.5 * size), ink)
        elif self.mouth == "kitten":
            for side in (-0.5, 0.5):
                half = centre + side * size
                brush.fill(ribbon(bend(half + 0.5 * size, half - 0.5 * size, -0.5 * size), 0.028), ink)
        else:
            brush.fill(ribbon(bend(centre + size, centre - size, -0.6 * size), 0.03), ink)

    def draw(self, brush: Brush, centre: complex, gap: float, skin: Colour, scale: float = 1.0) -> None:
        """Draw two eyes ``gap`` from the middle, blushing cheeks, and a mouth below."""
        size = self.size * scale
        for side in (-1, 1):
            cheek = centre + side * (gap + 0.9 * size) + 1.6j * size
            brush.fill(oval(cheek, 0.6 * size, 0.4 * size), mix(skin, BLUSH, 0.65))
            self.eye(brush, centre + side * gap, scale)
        self.lips(brush, centre + 0.2j * scale, 0.13 * scale)


def antenna(brush: Brush, base: complex, tip: complex) -> None:
    """A thin stalk with a ball at its end."""
    outwards = 0.04 if tip.real > base.real else -0.04
    brush.fill(ribbon(bend(base, tip, outwards), 0.035), brush.palette.ink)
    brush.part(brush.palette.accent, oval(tip, 0.07, 0.07))


def crest(brush: Brush, kind: int, top: complex, lean: float) -> None:
    """What grows on a head: an antenna (0), horns (1), leaves (2) or a tuft (3)."""
    accent = brush.palette.accent
    if kind == 0:
        antenna(brush, top + 0.1j, top + lean - 0.24j)
    elif kind == 1:
        brush.pair(accent, petal(top + 0.27 + 0.12j, top + 0.42 - 0.2j + lean, 0.13))
    elif kind == 2:
        brush.part(accent, petal(top + 0.12j, top + 0.32 - 0.18j + lean, 0.15))
        brush.part(accent, petal(top + 0.12j, top - 0.32 - 0.18j + lean, 0.15))
    else:
        locks = (petal(top + 0.1j + 0.4 * side, top + side + lean - 0.22j, 0.1) for side in (-0.22, 0.22, 0.0))
        brush.part(brush.palette.skin, *locks)


def belly(brush: Brush, kind: int, centre: complex, width: float, height: float) -> None:
    """On a body, inside an oval: a pale patch (0), a striped one (1), spots (2) or nothing (3)."""
    palette, patch = brush.palette, oval(centre, width, height)
    if kind in (0, 1):
        brush.fill(patch, palette.pale)
    if kind == 1:
        for middle in (-0.35, 0.35):
            level = centre.imag + middle * height
            brush.fill(stripe(patch, level - 0.17 * height, level + 0.17 * height, 0.03), palette.accent)
    if kind == 2:
        for spot, size in ((-0.6 - 0.1j, 0.26), (0.55 + 0.1j, 0.32), (-0.1 + 0.6j, 0.22)):
            at = centre + complex(spot.real * width, spot.imag * height)
            brush.fill(oval(at, size * width, size * width), palette.accent)
