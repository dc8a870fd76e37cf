"""Figures 2 to 8 of the DCGAN paper, made from any run, on one page.

    python examples/paper.py RUN [--out paper.html]

Radford, Metz, Chintala 2015, "Unsupervised representation learning with deep convolutional generative adversarial
networks" (arXiv 1511.06434). Where the authors looked for exemplars by eye (smiling women, faces that look to the
left, windows), the samples themselves are measured here, so that nothing has to be labelled: two attributes of an image
take the place of the concepts in figure 7, and a colour that of the windows in figure 6.
"""

import argparse
import base64
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import dcgan
from dcgan.commands.exploring.images import pixels_of_rows, spread_rows, trained_on
from dcgan.data.pixels import to_images
from dcgan.errors import UserError
from dcgan.exploration.attributes import attributes_of, measure
from dcgan.exploration.points import draw, points_of_seeds, together
from dcgan.exploration.sheets import Row, pictures_of, sheet
from dcgan.exploration.walks import along
from dcgan.export.judge import load_discriminator
from dcgan.files import write_atomically
from dcgan.models.build import AnyDiscriminator, build
from dcgan.models.dcgan import Discriminator
from dcgan.reporting.html import document, text
from dcgan.runs.folder import RunFolder
from dcgan.runs.generator import TrainedGenerator
from dcgan.tensors import Pixels

MEASURED = 512  # samples that exemplars are chosen from
STEPS = 10  # images from one point to the next, in figures 4 and 8
NEGATIVE_SLOPE = 0.2


@dataclass(frozen=True)
class Figure:
    """One figure of the page."""

    number: int
    title: str
    words: str
    picture: bytes
    """PNG."""


class Samples:
    """The first samples of a run, measured."""

    def __init__(self, generator: TrainedGenerator) -> None:
        self.generator = generator
        self.points = points_of_seeds(generator, range(MEASURED))
        self.pixels = draw(generator, self.points)
        measured = measure(self.pixels)
        self.scores = (measured - measured.mean(dim=0)) / measured.std(dim=0).clamp(min=1e-6)
        self.attributes = attributes_of(self.pixels.shape[1])

    def score(self, name: str) -> Tensor:
        """How much of an attribute each sample has, in standard deviations."""
        return self.scores[:, [attribute.name for attribute in self.attributes].index(name)]

    def ends(self, name: str) -> tuple[str, str]:
        """What an image with little and with much of it is."""
        attribute = next(attribute for attribute in self.attributes if attribute.name == name)
        return attribute.little, attribute.much


def early_samples(run: RunFolder) -> Iterator[Figure]:
    """Figure 2: what the generator drew at first. Nothing where the run keeps no grids."""
    grids = sorted(run.samples.glob("*.png"))
    if grids:
        early = grids[min(1, len(grids) - 1)]  # the first one was drawn before the first step
        words = f"The grid {early.name}, named by the images seen. The paper shows bedrooms after one epoch."
        yield Figure(2, "Early samples", words, early.read_bytes())


def samples_now(samples: Samples) -> Figure:
    """Figure 3: what it draws now."""
    rows = [Row(pictures_of(samples.pixels[start : start + 12])) for start in range(0, 96, 12)]
    return Figure(3, "Samples", "Seeds 0 to 95, none chosen. The paper shows bedrooms after five epochs.", sheet(rows))


def walk(generator: TrainedGenerator) -> Figure:
    """Figure 4: a series of nine random points in Z, and what lies between them."""
    stops = points_of_seeds(generator, range(1000, 1009))
    course = along(stops, torch.linspace(0, 1, 8 * STEPS), generator.config.model.prior)
    rows = [Row(pictures_of(draw(generator, course[start : start + STEPS]))) for start in range(0, len(course), STEPS)]
    words = "From random point to random point, line by line. A sudden change would be a sign of memorised images."
    return Figure(4, "A walk in the latent space", words, sheet(rows))


class _Guided(torch.autograd.Function):
    """Leaky ReLU whose gradient passes only where both it and the input are positive (arXiv 1412.6806)."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        ctx.save_for_backward(features)
        return torch.nn.functional.leaky_relu(features, NEGATIVE_SLOPE)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.clamp(min=0) * (ctx.saved_tensors[0] > 0)


def responses(discriminator: Discriminator, pixels: Pixels, number: int) -> tuple[Tensor, Tensor]:
    """The strongest response of a feature of the last convolution to each image, and its guided gradient."""
    images = to_images(pixels).requires_grad_()
    features: Tensor = images
    for block in discriminator.blocks.children():
        features = _Guided.apply(block.get_submodule("norm")(block.get_submodule("convolution")(features)))
    strongest = features[:, number].amax(dim=(1, 2))
    return strongest.detach(), torch.autograd.grad(strongest.sum(), images)[0]


def discriminator_features(generator: TrainedGenerator, pixels: Pixels, whose: str) -> Iterator[Figure]:
    """Figure 5: what excites the first six features of the discriminator's last convolution, and of a random one."""
    config = generator.config
    learned = load_discriminator(generator)
    rows: list[Row] = []
    networks: dict[str, AnyDiscriminator] = {
        "random weights": build(config.model, config.data.height, config.data.width, seed=1)[1].eval(),
        "learned": learned,
    }
    for name, network in networks.items():
        if not isinstance(network, Discriminator):
            return
        for number in range(6):
            strongest, gradients = responses(network, pixels, number)
            best = strongest.topk(6).indices
            shown = gradients[best].abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)
            seen = (127.5 * (gradients[best] / shown) + 127.5).round().to(torch.uint8)
            pictures = np.concatenate([pictures_of(seen), pictures_of(pixels[best])])
            rows.append(Row(pictures, f"{name}, {number + 1}", breaks=(6,)))
    words = (
        "Six features of the last convolution: at the left, what in the images excites each most (guided "
        f"backpropagation); at the right, these images. {whose}"
    )
    yield Figure(5, "What the discriminator looks at", words, sheet(rows))


def common_colour(pixels: Pixels) -> str:
    """The commonest strong colour, as #rrggbb; of grey images the commonest level but one, which is the background."""
    levels = (to_images(pixels[:, :3]) + 1) * 127.5
    coarse = (levels / 32).floor().clamp(max=7).permute(0, 2, 3, 1).flatten(0, 2).long()
    strong = coarse[coarse.amax(dim=1) - coarse.amin(dim=1) >= 3]
    values, counts = (strong if len(strong) else coarse).unique(dim=0, return_counts=True)
    order = counts.argsort(descending=True)
    chosen = values[order[0 if len(strong) or len(order) == 1 else 1]] * 32 + 16
    red, green, blue = (chosen.tolist() * 3)[:3]
    return f"#{red:02x}{green:02x}{blue:02x}"


def forgetting(run: Path, colour: str, folder: Path) -> Iterator[Figure]:
    """Figure 6: the same samples without the feature maps that draw a colour."""
    try:
        result = dcgan.explore.forget(run, colour=colour, out=folder / "forget.png")
    except UserError:  # images of other channels, or a colour that is everywhere
        return
    yield Figure(6, f"Forgetting {colour}", " ".join(result.words), result.picture.read_bytes())


def exemplars(scores: Tensor, count: int = 3) -> list[int]:
    """The seeds of the highest scores."""
    return sorted(scores.topk(count).indices.tolist())


def arithmetic(run: Path, samples: Samples, folder: Path) -> Figure:
    """Figure 7: much p and much q, minus little p and much q, plus little p and little q, is much p and little q."""
    pairs = ("warmth", "proportions") if samples.pixels.shape[1] in (3, 4) else ("sideways place", "proportions")
    (p, q), (p_ends, q_ends) = map(samples.score, pairs), map(samples.ends, pairs)
    terms = [exemplars(scores) for scores in (p + q, q - p, -p - q)]
    signs = ("", " - ", " + ")
    expression = "".join(f"{sign}{','.join(map(str, seeds))}" for sign, seeds in zip(signs, terms, strict=True))
    result = dcgan.explore.arithmetic(run, expression, out=folder / "arithmetic.png")
    words = (
        f"({p_ends[1]}, {q_ends[1]}) − ({p_ends[0]}, {q_ends[1]}) + ({p_ends[0]}, {q_ends[0]}) = "
        f"({p_ends[1]}, {q_ends[0]}), each the mean of the three of {MEASURED} samples that have most of both."
    )
    return Figure(7, "Vector arithmetic", words, result.picture.read_bytes())


def turn(samples: Samples) -> Figure:
    """Figure 8: from the mean of four samples at one end to the mean of four at the other, added to random samples."""
    name = "sideways place"
    score = samples.score(name)
    ends = [samples.points[exemplars(sign * score, 4)].latents.mean(dim=0) for sign in (-1, 1)]
    vector = ends[1] - ends[0]
    places = torch.linspace(-1, 1, STEPS)[:, None]
    rows = []
    for seed in range(2000, 2006):
        start = points_of_seeds(samples.generator, [seed])
        rows.append(Row(pictures_of(draw(samples.generator, together([start] * STEPS).moved(places * vector)))))
    words = f"From {' to '.join(samples.ends(name))}: a vector made of four samples of each, added to six random ones."
    return Figure(8, "A turn", words, sheet(rows))


def figures(run: Path) -> Iterator[Figure]:
    """All that apply to the run, in order."""
    generator = dcgan.load(run)
    samples = Samples(generator)
    yield from early_samples(RunFolder(run))
    yield samples_now(samples)
    yield walk(generator)
    dataset = trained_on(generator)
    reals = None if dataset is None else pixels_of_rows(dataset, spread_rows(dataset.train, MEASURED))
    whose = "They are samples: the training images are gone." if reals is None else "They are training images."
    yield from discriminator_features(generator, samples.pixels if reals is None else reals, whose)
    with tempfile.TemporaryDirectory() as folder:
        yield from forgetting(run, common_colour(samples.pixels), Path(folder))
        yield arithmetic(run, samples, Path(folder))
    yield turn(samples)


def page(name: str, shown: Sequence[Figure]) -> str:
    """One file that loads nothing."""
    parts = [f"<h1>The figures of the DCGAN paper, from {text(name)}</h1>"]
    for figure in shown:
        address = "data:image/png;base64," + base64.b64encode(figure.picture).decode()
        parts.append(
            f'<section><h2>Figure {figure.number}. {text(figure.title)}</h2><div class="prose"><p>{text(figure.words)}'
            f'</p></div><img src="{address}" alt="{text(figure.title)}"></section>'
        )
    return document(f"The figures of the DCGAN paper, from {name}", f"<main>{''.join(parts)}</main>", state="finished")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, default=Path("paper.html"))
    options = parser.parse_args(arguments)
    try:
        shown = list(figures(options.run))
    except UserError as error:
        raise SystemExit(str(error)) from error
    write_atomically(options.out, page(options.run.name, shown).encode())
    print(f"Figures {', '.join(str(figure.number) for figure in shown)}: {options.out}")


if __name__ == "__main__":
    main()
