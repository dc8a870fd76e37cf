"""Critters: the built-in data set. Thousands of small friendly creatures of eight kinds, drawn by code.

A critter is a pure function of its seed and its index: the index gives the kind, (seed, index) the genome, and the
genome the picture, at any size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from dcgan.data.sources.critter_shapes import (
    WHITE,
    Brush,
    Face,
    Palette,
    Pose,
    antenna,
    belly,
    bend,
    crest,
    dome,
    egg,
    mirror,
    mix,
    oval,
    petal,
    ribbon,
    stripe,
)

NUM_CRITTERS = 8_000

T = TypeVar("T")


def _palette(skin: str, accent: str, pale: str, ink: str) -> Palette:
    return Palette(*((code[0], code[1], code[2]) for code in map(bytes.fromhex, (skin, accent, pale, ink))))


_PALETTES = (
    _palette("63d2ac", "ffb35c", "eafbef", "1d4a4e"),  # mint
    _palette("ff7f6e", "ffd166", "ffe9d9", "6b2238"),  # coral
    _palette("66b6f7", "ffdf6b", "e8f6ff", "1e3a6e"),  # sky
    _palette("b497f2", "ff9ec7", "f4ecff", "3f2a6b"),  # lilac
    _palette("ffc93f", "ff7f50", "fff5d1", "6b3a1a"),  # sun
    _palette("98d458", "ff7a90", "f3fbdc", "2b4f25"),  # leaf
    _palette("ff97b5", "7fd0f5", "ffecf2", "6b2350"),  # rose
    _palette("39b6b9", "ffa088", "def8f3", "143f54"),  # lagoon
    _palette("e59a5f", "77c8a6", "ffeed8", "5a2b1d"),  # clay
    _palette("8378e3", "7fe3cb", "e8e5ff", "2a2264"),  # grape
)

_CAP_SPOTS = (  # of a mushroom: place and size
    ((-0.58 - 0.3j, 0.14), (-0.55j, 0.2), (0.58 - 0.3j, 0.14)),
    ((-0.72 - 0.1j, 0.1), (-0.32 - 0.5j, 0.15), (0.02 - 0.1j, 0.12), (0.32 - 0.58j, 0.13), (0.66 - 0.16j, 0.13)),
)


@dataclass(frozen=True)
class Genome:
    """What a critter is made of. Every kind reads the same genes in its own way."""

    palette: Palette
    pose: Pose
    face: Face
    plump: float  # −1 … 1, thin to fat
    tall: float  # −1 … 1
    wave: float  # −1 … 1, how high arms, wings and tails are held
    crest: int  # 0 … 3, what grows on the head
    marking: int  # 0 … 3, what is on the belly


def _genome(index: int, seed: int) -> Genome:
    """The genome of a critter: raw Philox words, so that it is the same in every version of numpy.

    Genes are drawn in the order of the lines below: a new one goes to the end, or all critters change.
    """
    words = np.random.Philox(key=np.array([seed, index], dtype=np.uint64)).random_raw(16)
    shares = iter((words >> np.uint64(11)) * 2.0**-53)

    def between(low: float, high: float) -> float:
        return float(low + (high - low) * next(shares))

    def one_of(options: Sequence[T]) -> T:
        return options[int(next(shares) * len(options))]

    return Genome(
        palette=one_of(_PALETTES),
        pose=Pose(tilt=between(-0.08, 0.08), squash=between(-0.05, 0.05), flip=one_of((False, True))),
        face=Face(
            eyes=one_of(("bead", "bead", "round", "round", "happy")),
            size=between(0.105, 0.14),
            gaze=complex(between(-1, 1), between(-0.5, 1)),
            mouth=one_of(("smile", "laugh", "oh", "kitten")),
        ),
        plump=between(-1, 1),
        tall=between(-1, 1),
        wave=between(-1, 1),
        crest=one_of(range(4)),
        marking=one_of(range(4)),
    )


def _blob(brush: Brush, genome: Genome) -> None:
    skin = brush.palette.skin
    width, height = 0.62 + 0.08 * genome.plump, 0.6 + 0.07 * genome.tall
    brush.pair(brush.shade(skin), oval(0.28 + 0.85j, 0.17, 0.1))
    arm = complex(width, 0.2)
    brush.pair(skin, petal(arm - 0.18, arm + 0.18 - 0.22j * genome.wave, 0.13))
    crest(brush, genome.crest, complex(0, 0.8 - 2 * height), 0.06 * genome.wave)
    brush.solid(skin, egg(complex(0, 0.8 - height), width, height, taper=0.16, box=0.2))
    belly(brush, genome.marking, 0.46j, 0.55 * width, 0.27)
    genome.face.draw(brush, -0.14j, 0.26, skin)


def _bird(brush: Brush, genome: Genome) -> None:
    palette = brush.palette
    width, height = 0.58 + 0.07 * genome.plump, 0.6 + 0.05 * genome.tall
    brush.pair(palette.accent, oval(0.24 + 0.78j, 0.14, 0.09))
    top = complex(0, 0.12 - height)
    tuft = (petal(top + 0.08j, top + lean + 1j * (abs(lean) - 0.28), 0.09) for lean in (-0.15, 0.15, 0))
    brush.part(palette.accent, *tuft)
    brush.solid(palette.skin, egg(0.12j, width, height, taper=0.12))
    brush.fill(oval(0.36j, 0.66 * width, 0.5 * height), palette.pale)
    shoulder = complex(width - 0.06, 0.1)
    brush.pair(brush.shade(palette.skin), petal(shoulder, shoulder + 0.3 + 0.1j - 0.36j * genome.wave, 0.2))
    for side in (-1, 1):
        genome.face.eye(brush, complex(side * 0.25, -0.12), 1.1)
    brush.part(palette.accent, petal(0.04j, 0.3j, 0.14))


def _fish(brush: Brush, genome: Genome) -> None:
    palette = brush.palette
    width, height = 0.6 + 0.05 * genome.tall, 0.48 + 0.08 * genome.plump
    root, swing = complex(width - 0.26, 0), 0.1 * genome.wave
    brush.part(
        palette.accent,
        petal(root, complex(0.88, swing - 0.42), 0.19),
        petal(root, complex(0.88, swing + 0.42), 0.19),
        petal(complex(-0.15, 0.2 - height), complex(0.36, -0.26 - height), 0.24),
        petal(complex(-0.05, height - 0.2), complex(0.26, height + 0.2), 0.16),
    )
    body = egg(-0.16, width, height)
    brush.solid(palette.skin, body)
    if genome.marking in (0, 1):
        for level in (0.02, 0.22):
            brush.fill(-1j * stripe(1j * body, level - 0.05, level + 0.05, 0.06), palette.pale)
    elif genome.marking == 2:
        belly(brush, 2, 0.1 - 0.05j, 0.28, 0.2)
    fin = complex(-0.12, 0.16)
    brush.part(palette.accent, petal(fin, fin + 0.3 + 0.12j - 0.1j * genome.wave, 0.11))
    genome.face.eye(brush, -0.44 - 0.1j, 1.25)
    genome.face.lips(brush, -0.52 + 0.17j, 0.09)


def _crab(brush: Brush, genome: Genome) -> None:
    skin = brush.palette.skin
    width, height = 0.6 + 0.06 * genome.plump, 0.43 + 0.05 * genome.tall
    hip = complex(width - 0.2, 0.4)
    brush.pair(skin, ribbon(bend(hip, complex(width + 0.2, 0.6), -0.1), 0.05))
    brush.pair(skin, ribbon(bend(hip, complex(width + 0.02, 0.82), -0.1), 0.05))
    hand = complex(width + 0.1, -0.24 - 0.12 * genome.wave)
    arm = ribbon(bend(complex(width - 0.1, 0.2), hand, 0.1), 0.055)
    claw = petal(hand + 0.14j, hand + 0.14 - 0.38j, 0.18), petal(hand + 0.14j, hand - 0.22 - 0.3j, 0.15)
    brush.part(skin, arm, *claw)
    brush.part(skin, *(mirror(curve) for curve in (arm, *claw)))
    brush.pair(skin, ribbon(bend(0.21 + 0j, 0.21 - 0.3j, 0), 0.07))
    brush.solid(skin, egg(0.28j, width, height, taper=-0.1, box=0.15))
    belly(brush, genome.marking, 0.5j, 0.5 * width, 0.14)
    face = replace(genome.face, eyes="round")
    for side in (-1, 1):
        face.eye(brush, complex(0.21 * side, -0.36), 1.25)
    face.lips(brush, 0.14j, 0.15)


def _cat(brush: Brush, genome: Genome) -> None:
    palette = brush.palette
    width, height = 0.6 + 0.06 * genome.plump, 0.44 + 0.03 * genome.tall
    brush.part(palette.skin, ribbon(bend(0.3 + 0.78j, complex(0.7, 0.32 - 0.14 * genome.wave), 0.2), 0.08))
    brush.solid(palette.skin, egg(0.56j, 0.42, 0.36, taper=0.15))
    brush.fill(oval(0.62j, 0.22, 0.22), palette.pale)
    brush.pair(palette.skin, oval(0.2 + 0.88j, 0.15, 0.08))
    ear, tip = complex(0.55 * width, -0.3), complex(width - 0.02, -0.86 + 0.06 * genome.wave)
    brush.pair(palette.skin, petal(ear, tip, 0.28))
    inner = petal(ear, ear + 0.85 * (tip - ear), 0.16)
    brush.fill(inner, palette.accent)
    brush.fill(mirror(inner), palette.accent)
    brush.solid(palette.skin, egg(-0.14j, width, height, taper=0.1))
    if genome.marking != 3:
        brow = complex(0, -0.08 - height)
        for side, length in ((-0.15, 0.16), (0.0, 0.22), (0.15, 0.16)):
            brush.fill(petal(brow + side, brow + 0.8 * side + 1j * length, 0.06), palette.accent)
    for lift in (0.02, 0.12):
        whisker = ribbon(bend(complex(width - 0.1, lift), complex(width + 0.14, 1.6 * lift - 0.06), 0.02), 0.016)
        brush.fill(whisker, palette.ink)
        brush.fill(mirror(whisker), palette.ink)
    genome.face.draw(brush, -0.14j, 0.27, palette.skin)


def _ghost(brush: Brush, genome: Genome) -> None:
    palette = brush.palette
    width, height = 0.54 + 0.06 * genome.plump, 0.66 + 0.05 * genome.tall
    hem = [oval(complex(side * 0.7 * width, 0.66), 0.34 * width, 0.2) for side in (-1, 0, 1)]
    top = complex(0, 0.66 - 2 * height)
    if genome.crest == 0:
        brush.part(palette.accent, petal(top + 0.15j, top - 0.22j, 0.2))
    brush.solid(palette.pale, egg(complex(0, 0.66 - height), width, height, taper=0.08, box=0.2), *hem)
    arm = complex(width - 0.02, 0.16)
    brush.pair(palette.pale, petal(arm - 0.1, arm + 0.24 - 0.24j * genome.wave, 0.12))
    if genome.crest in (1, 2):
        knot = top + 0.26 + 0.14j
        brush.part(palette.accent, petal(knot - 0.24 - 0.06j, knot, 0.16), petal(knot + 0.22 + 0.1j, knot, 0.16))
        brush.part(palette.accent, oval(knot, 0.06, 0.06))
    genome.face.draw(brush, -0.16j, 0.23, palette.pale)


def _mushroom(brush: Brush, genome: Genome) -> None:
    palette = brush.palette
    width, height = 0.78 + 0.07 * genome.plump, 0.68 + 0.07 * genome.tall
    brush.pair(palette.pale, oval(0.22 + 0.84j, 0.15, 0.08))
    brush.solid(palette.pale, egg(0.36j, 0.48, 0.48, taper=0.1, box=0.3))
    rim = -0.16j
    brush.solid(palette.skin, dome(rim, width, height))
    for spot, size in _CAP_SPOTS[genome.marking % 2]:
        brush.fill(oval(rim + complex(spot.real * width, spot.imag * height), size, 0.85 * size), palette.pale)
    genome.face.draw(brush, 0.34j, 0.23, palette.pale, 0.9)


def _bug(brush: Brush, genome: Genome) -> None:
    palette = brush.palette
    width, height = 0.46 + 0.06 * genome.plump, 0.58 + 0.04 * genome.tall
    wing = mix(palette.accent, WHITE, 0.6)
    brush.pair(wing, petal(complex(0.86, 0.5 + 0.1 * genome.wave), 0.1 + 0.2j, 0.2))
    brush.pair(wing, petal(complex(0.9, -0.2 - 0.2 * genome.wave), 0.1 + 0.2j, 0.3))
    for side in (-1, 1):
        antenna(brush, complex(0.15 * side, -0.3), complex(0.3 * side, -0.72))
    body = egg(0.24j, width, height, taper=-0.06)
    brush.solid(palette.skin, body)
    for level in (0.4, 0.64):
        brush.fill(stripe(body, level - 0.07, level + 0.07, 0.05), palette.ink)
    genome.face.draw(brush, -0.06j, 0.21, palette.skin, 0.95)


_KINDS: dict[str, Callable[[Brush, Genome], None]] = {
    "blob": _blob,
    "bird": _bird,
    "fish": _fish,
    "crab": _crab,
    "cat": _cat,
    "ghost": _ghost,
    "mushroom": _mushroom,
    "bug": _bug,
}

CLASS_NAMES: tuple[str, ...] = tuple(_KINDS)


def label(index: int) -> int:
    """The class of a critter, an index into ``CLASS_NAMES``; the classes take turns."""
    return index % len(CLASS_NAMES)


def draw(index: int, height: int, width: int, *, seed: int = 0) -> np.ndarray:
    """Critter number ``index`` of a seed: uint8, h x w x 4, RGBA with straight alpha on a transparent background.

    The size only changes the sampling: the critter stays the same, in the middle, as large as the shorter side allows.
    """
    assert index >= 0 and 0 <= seed < 2**64 and min(height, width) > 0, (index, seed, height, width)
    genome = _genome(index, seed)
    brush = Brush(height, width, genome.palette, genome.pose)
    _KINDS[CLASS_NAMES[label(index)]](brush, genome)
    return brush.picture()
