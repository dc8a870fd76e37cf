"""What is measured, and the arithmetic of it: networks as lists of convolutions, operations and bytes of a step."""

from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dcgan.data.sources.critters import draw
from dcgan.models.dcgan import channels_at
from dcgan.notation import stages
from dcgan.settings.recipes import recipe

# A step runs through the generator forward and backward (by its input, by its weights), and through the discriminator
# forward for real, for fake and for the generator's turn, backward twice over for the first two, and backward by the
# input alone for the third.
GENERATOR_PASSES, DISCRIMINATOR_PASSES = 3, 8
# The chapter draws the fakes again for the generator's turn, and computes the discriminator's gradients to drop them.
CHAPTER_PASSES = 4, 9
NUM_PICTURES = 2048  # a whole number of batches


@dataclass(frozen=True, kw_only=True)
class Case:
    """Networks, a batch, and the files that the images come from."""

    title: str
    recipe: str
    size: int
    channels: int
    batch: int
    width: int
    norm_first: bool
    picture_size: int
    """Of the PNG files, which every loader has to resize."""
    learning_rate: float

    def settings(self) -> dict[str, Any]:
        """The product's knobs for these networks, beyond its recipe."""
        return {
            "training.batch_size": self.batch,
            "model.generator_width": self.width,
            "model.discriminator_width": self.width,
            "model.norm_first": self.norm_first,
        }


def _case(title: str, name: str, *, size: int, channels: int, picture_size: int, **differences: Any) -> Case:
    config = recipe(name)
    usual = {
        "batch": config.training.batch_size,
        "width": config.model.generator_width,
        "norm_first": config.model.norm_first,
        "learning_rate": config.training.generator_learning_rate,
    }
    shape: dict[str, Any] = {"size": size, "channels": channels, "picture_size": picture_size}
    return Case(title=title, recipe=name, **shape, **(usual | differences))


CASES = {
    "chapter": _case(
        "64x64 colour batch 256 (the chapter's networks)", "d2l", size=64, channels=3, picture_size=96
    ),
    "small": _case("32x32 grey batch 32 (the small default)", "modern", size=32, channels=1, picture_size=28),
    "narrow": _case("32x32 grey batch 32 width 32", "modern", size=32, channels=1, picture_size=28, width=32),
}  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """One convolution of a network, transposed or not."""

    in_channels: int
    out_channels: int
    kernel: int
    stride: int
    padding: int
    in_side: int
    out_side: int
    transposed: bool
    normed: bool

    @property
    def operations(self) -> int:
        """Multiplications and additions of one pass for one image: a kernel is laid on every small-side position."""
        side = self.in_side if self.transposed else self.out_side
        return 2 * self.in_channels * self.out_channels * self.kernel**2 * side**2

    @property
    def in_numbers(self) -> int:
        """Numbers that go in, for one image."""
        return self.in_channels * self.in_side**2

    @property
    def out_numbers(self) -> int:
        """Numbers that come out, for one image."""
        return self.out_channels * self.out_side**2

    @property
    def weights(self) -> int:
        """Numbers in the kernels, and in the normalisation behind them."""
        return self.in_channels * self.out_channels * self.kernel**2 + 2 * self.out_channels * self.normed


def layers(case: Case, latent_size: int = 100) -> tuple[list[Layer], list[Layer]]:
    """The convolutions of the generator and of the discriminator, in the order of an image's way through them."""
    doublings = stages(case.size, case.size)
    base = case.size >> doublings
    sides = [case.size >> stage for stage in range(doublings + 1)]
    widths = [channels_at(stage, case.width) for stage in range(doublings)]
    down = list(zip(pairwise([case.channels, *widths]), pairwise(sides), strict=True))
    discriminator = [
        Layer(before, after, 4, 2, 1, large, small, transposed=False, normed=case.norm_first or index > 0)
        for index, ((before, after), (large, small)) in enumerate(down)
    ]
    generator = [
        Layer(after, before, 4, 2, 1, small, large, transposed=True, normed=index > 0)
        for index, ((before, after), (large, small)) in enumerate(down)
    ]
    first = Layer(latent_size, widths[-1], base, 1, 0, 1, base, transposed=True, normed=True)
    last = Layer(widths[-1], 1, base, 1, 0, base, 1, transposed=False, normed=False)
    return [first, *reversed(generator)], [*discriminator, last]


def operations_per_image(case: Case, passes: tuple[int, int] = (GENERATOR_PASSES, DISCRIMINATOR_PASSES)) -> int:
    """Operations of the convolutions of one training step, for one of its images."""
    generator, discriminator = (sum(layer.operations for layer in network) for network in layers(case))
    return passes[0] * generator + passes[1] * discriminator


def step_bytes(case: Case, bytes_per_number: int) -> int:
    """Bytes that a step of one batch must move even if every elementwise chain is fused into one kernel.

    Forward, a layer reads its input and writes its output; a normalisation reads that twice (statistics, then
    values) and writes the result. Backward by the input: the gradient is read, the input's written; by the
    weights: gradient and input are read; through a normalisation: gradient and saved output are read twice, one is
    written. Adam reads weight, gradient and two moments and writes three of them, in 4 bytes each.
    """
    generator, discriminator = layers(case)

    def traffic(network: list[Layer], forward: int, by_input: int, by_weights: int) -> int:
        total = 0
        for layer in network:
            both = layer.in_numbers + layer.out_numbers
            total += (forward + by_input + by_weights) * both
            total += (3 * forward + 5 * by_input) * layer.out_numbers * layer.normed
        return total

    numbers = traffic(generator, 1, 1, 1) + traffic(discriminator, 3, 3, 2)
    weights = sum(layer.weights for layer in (*generator, *discriminator))
    return case.batch * numbers * bytes_per_number + weights * 7 * 4


def write_pictures(case: Case, folder: Path, count: int = NUM_PICTURES) -> Path:
    """Critters as PNG files in one folder (of one class, as the chapter's data set has many): RGBA, or grey."""
    place = folder / "critters"
    place.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        picture = Image.fromarray(draw(index, case.picture_size, case.picture_size))
        if case.channels == 1:
            white = Image.new("RGBA", picture.size, "white")
            picture = Image.alpha_composite(white, picture).convert("L")
        picture.save(place / f"{index:05}.png")
    return folder


def drawn_pixels(size: int, channels: int, count: int) -> np.ndarray:
    """Critters of the very size, n h w c, uint8."""
    pixels = np.stack([draw(index, size, size)[..., :3] for index in range(count)])
    return pixels if channels == 3 else pixels[..., 1:2].copy()


def tiny(case: Case) -> Case:
    """The same kind of networks, as small as they get: for tests and smoke runs."""
    return replace(case, size=16, width=4, batch=8, picture_size=20)


def to_words(case: Case) -> dict[str, Any]:
    """For JSON; ``Case(**words)`` brings it back."""
    return asdict(case)
