"""Forget: the feature maps that draw a thing, found and left out."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from dcgan.commands.exploring.asked import label_of, require_number, seeds_of
from dcgan.commands.exploring.options import Checkpoint, Label, Out, Run, Seeds, shown
from dcgan.commands.exploring.results import Result, destination, keep, opened
from dcgan.errors import UserError
from dcgan.notation import colour_of

if TYPE_CHECKING:
    from torch import Tensor

    from dcgan.exploration.forgetting import Box, Fit
    from dcgan.exploration.points import Points
    from dcgan.runs.generator import TrainedGenerator
    from dcgan.tensors import Pixels

FIRST_SEED = 2**44 + 2**20
ON_ROW = 10


def forget(
    run: Run,
    *,
    colour: Annotated[str | None, shown("#RRGGBB")] = None,
    tolerance: Annotated[int, shown("N")] = 48,
    box: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, shown("SEED:LEFT,TOP,RIGHT,BOTTOM")] = (),
    maps: Annotated[int | None, shown("N")] = None,
    layer: Annotated[int | None, shown("N")] = None,
    samples: Annotated[int, shown("N")] = 150,
    seeds: Seeds = "0-9",
    label: Label = None,
    checkpoint: Checkpoint = None,
    out: Out = None,
) -> Result:
    """The same images without a thing: the feature maps that draw it are left out.

    Show the thing by its colour, or by boxes around it on a few samples.

    Args:
        run: The folder that dcgan train made, or one of its checkpoints.
        colour: The thing is what has this colour, such as '#e04040', in 150 samples.
        tolerance: How far each channel may be from the colour, of 255 (default: 48).
        box: The thing is inside this box, in pixels, on the image of this seed, such as 3:10,4,20,12 (left, top, right,
            bottom); may be repeated. A good many are needed: the paper drew 52.
        maps: Leave out at most this many feature maps, those that tell most of the thing (default: all that tell of
            it, as in the paper).
        layer: Hidden layer whose maps are left out; 1 is next to the latent (default: the last but one, as in the
            paper).
        samples: Images to find the colour in (default: 150).
        seeds: Images to show with and without the thing (default: 0-9).
        label: Draw this class only (runs trained with --labels).
        checkpoint: Of the run (default: the best one if one was kept, else the last).
        out: FILE.png (default: RUN/explore/forget.png).
    """
    thing = _thing(colour, tolerance, box)
    require_number("samples", samples, 16, 10_000)
    require_number("maps", 1 if maps is None else maps, 1, 100_000)
    numbers = seeds_of(seeds, most=100)
    path = destination(run, out, "forget")
    from dcgan.exploration.points import points_of_seeds
    from dcgan.exploration.units import layers_of

    generator = opened(run, checkpoint)
    number = max(1, len(layers_of(generator)) - 1) if layer is None else layer
    require_number("layer", number, 1, len(layers_of(generator)))
    wanted = label_of(label, generator.class_names)
    learned_at = points_of_seeds(generator, list(thing.boxes) or range(FIRST_SEED, FIRST_SEED + samples), wanted)
    fit, found = _sought(generator, thing, learned_at, number, maps)
    points = points_of_seeds(generator, numbers, wanted)
    picture, change = _compared(generator, points, fit, number, found["maps"])
    found |= {"change": change}
    words = _words(found, colour)
    return keep(path, picture, generator, method="forget", words=words, points=points, found=found)


@dataclass(frozen=True)
class _Thing:
    """What to forget."""

    boxes: "dict[int, list[Box]]"
    """Of each seed."""
    colour: tuple[int, int, int] | None
    tolerance: int

    def __str__(self) -> str:
        return "--box" if self.colour is None else f"--colour #{bytes(self.colour).hex()}"

    def mask(self, pixels: "Pixels") -> "Tensor":
        """Where it is on these images: n h w."""
        from dcgan.exploration.forgetting import mask_of_boxes, mask_of_colour

        if self.colour is None:
            return mask_of_boxes(list(self.boxes.values()), *pixels.shape[2:])
        if pixels.shape[1] not in (1, 3, 4):
            raise UserError(f"{self}: images of {pixels.shape[1]} channels have no colour. Show the thing by --box.")
        return mask_of_colour(pixels, self.colour, self.tolerance)


def _thing(colour: str | None, tolerance: int, boxes: tuple[str, ...]) -> _Thing:
    if (colour is None) == (not boxes):
        raise UserError("explore forget: say what to forget, by --colour or by --box, one of them.")
    require_number("tolerance", tolerance, 0, 255)
    found: dict[int, list[Box]] = {}
    for text in boxes:
        match = re.fullmatch(r"\s*(\d{1,18}):(\d{1,5}),(\d{1,5}),(\d{1,5}),(\d{1,5})\s*", text)
        seed, left, top, right, bottom = (int(part) for part in match.groups()) if match else (0, 0, 0, 0, 0)
        if not (left < right and top < bottom):
            raise UserError(f"--box {text}: must be SEED:LEFT,TOP,RIGHT,BOTTOM in pixels, such as 3:10,4,20,12.")
        found.setdefault(seed, []).append((left, top, right, bottom))
    return _Thing(found, None if colour is None else colour_of("--colour", colour), tolerance)


def _sought(
    generator: "TrainedGenerator", thing: _Thing, points: "Points", number: int, maps: int | None
) -> "tuple[Fit, dict[str, Any]]":
    """How a layer's feature maps tell of the thing on these samples, and which of them to leave out."""
    from dcgan.exploration.forgetting import activations_of, fitted
    from dcgan.exploration.points import draw
    from dcgan.exploration.units import drawn_without, layers_of

    mask = thing.mask(draw(generator, points))
    fit = fitted(activations_of(generator, points, number), mask)
    if fit is None:
        raise UserError(f"{thing}: in none of the samples, or everywhere. Expected something in some places.")
    left_out = fit.drawing(maps)
    found = {
        "layer": number,
        "maps": left_out.tolist(),
        "maps_of_the_layer": len(fit.weights),
        "accuracy": fit.accuracy,
        "covered": float(mask.float().mean()),
    }
    if thing.colour is not None:
        after = thing.mask(drawn_without(generator, points, layers_of(generator)[number - 1], left_out))
        found["covered_without"] = float(after.float().mean())
    return fit, found


def _compared(
    generator: "TrainedGenerator", points: "Points", fit: "Fit", number: int, maps: list[int]
) -> tuple[bytes, dict[str, float]]:
    """The picture of these points with and without the maps, and how much pixels change."""
    import torch

    from dcgan.exploration.forgetting import activations_of
    from dcgan.exploration.points import draw
    from dcgan.exploration.units import drawn_without, layers_of

    pixels = draw(generator, points)
    without = drawn_without(generator, points, layers_of(generator)[number - 1], torch.tensor(maps))
    chance = fit.chance(activations_of(generator, points, number))
    chance = torch.nn.functional.interpolate(chance[:, None], pixels.shape[2:])[:, 0]  # as large as the images
    return _drawn(pixels, without, chance), _change(pixels, without, chance)


def _change(pixels: "Pixels", without: "Pixels", chance: "Tensor") -> dict[str, float]:
    """Mean change in grey levels of 255 where the thing is, and elsewhere."""
    from dcgan.data.pixels import to_images

    moved = (to_images(pixels) - to_images(without)).abs().mean(dim=1) * 127.5
    parts = {"on_the_thing": moved[chance > 0.5], "elsewhere": moved[chance <= 0.5]}
    return {name: float(part.mean()) if len(part) else 0.0 for name, part in parts.items()}


def _words(found: "dict[str, Any]", colour: str | None) -> list[str]:
    maps, change = found["maps"], found["change"]
    words = [
        f"Left out: {len(maps)} of the {found['maps_of_the_layer']} feature maps of layer {found['layer']}, which tell "
        "of the thing.",
        f"By all maps of this layer {found['accuracy']:.0%} of places are told right: on the thing, or elsewhere.",
        f"Without them pixels change by {change['on_the_thing']:.1f} grey levels where the thing was, and by "
        f"{change['elsewhere']:.1f} elsewhere.",
    ]
    if colour:
        before, after = found["covered"], found["covered_without"]
        words.append(f"{colour} covers {before:.1%} of the images with them, and {after:.1%} without.")
    words.append("The pictures: the same latents with and without these maps; dark, where the thing was seen.")
    return words


def _drawn(pixels: "Pixels", without: "Pixels", chance: "Tensor") -> bytes:
    """Rows of images with the thing, without it, and where it was seen."""
    import numpy as np

    from dcgan.exploration.sheets import Row, pictures_of, shades, sheet

    rows = []
    for start in range(0, len(pixels), ON_ROW):
        some = slice(start, start + ON_ROW)
        rows.append(Row(pictures_of(pixels[some]), "with"))
        rows.append(Row(pictures_of(without[some]), "without"))
        rows.append(Row(np.concatenate([shades(each) for each in chance[some]]), "where it was seen"))
    return sheet(rows)
