"""Does a generator reach every mode? Eight Gaussians on a ring and twenty-five on a grid, where it can be counted.

    python examples/ring_of_gaussians.py                          (both mixtures, both settings, seed 0, with a plot)
    python examples/ring_of_gaussians.py --settings ours --seeds 5         (a table)

A generator that makes one good image forever deceives its discriminator for a while, and the losses do not tell. Here
the modes are known: one is reached when 20 of 2,500 points lie within three standard deviations of its centre, and the
share of all points that do is their quality (Srivastava et al. 2017, "VEEGAN", arXiv 1705.07761, section 4.1). Points
of the mixture itself have a quality of 98.9 %.

``chapter`` takes the numbers of "Deep Convolutional Generative Adversarial Networks" of d2l.ai. ``ours`` has the same
loss, gradient penalties on real and fake points (``training.real_penalty`` and ``training.fake_penalty`` of this
project), a lower learning rate and a moving average of the generator. With seed 0 ``chapter`` reaches 8 of 8 modes
(quality 93 %) and 20 of 25 (68 %); ``ours`` reaches all of both with seeds 0, 1 and 2 (96, 95, 96 and 85, 77, 87 %), in
half a minute each on one thread.
"""

import argparse
import copy
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import torch
from torch import Tensor, nn

from dcgan.evaluation.measures.modes import GaussianModes, gaussian_modes, grid, ring
from dcgan.training.objectives import discriminator_loss, generator_loss

mpl.use("Agg")  # pictures go to files, whether or not there is a screen; must come before pyplot
from matplotlib import pyplot as plt

LATENT_SIZE, WIDTH, NUM_POINTS = 4, 128, 2500


@dataclass(frozen=True)
class Mixture:
    """Equally likely Gaussians in the plane."""

    centres: Tensor
    deviation: float

    def draw(self, count: int, random: torch.Generator) -> Tensor:
        """Points, ``count`` 2."""
        chosen = torch.randint(len(self.centres), (count,), generator=random)
        return self.centres[chosen] + self.deviation * torch.randn(count, 2, generator=random)


MIXTURES = {"ring": Mixture(ring(8, radius=2.0), 0.02), "grid": Mixture(grid(5, spacing=1.0), 0.05)}


@dataclass(frozen=True)
class Settings:
    """What can be chosen about the training."""

    learning_rate: float
    beta2: float
    gamma: float
    """Weight of the gradient penalties; 0: none."""
    kept: float
    """Share of the average generator that a step keeps; 0: the last weights count."""
    num_steps: int = 4000
    batch_size: int = 512


SETTINGS = {
    "chapter": Settings(learning_rate=0.005, beta2=0.999, gamma=0.0, kept=0.0),
    "ours": Settings(learning_rate=0.002, beta2=0.99, gamma=0.02, kept=0.99),
}


@dataclass(frozen=True)
class Outcome:
    """What a training left."""

    points: Tensor
    """n 2, generated."""
    modes: GaussianModes
    seconds: float


def network(inputs: int, outputs: int, activation: nn.Module) -> nn.Sequential:
    """Two hidden layers."""
    hidden = [nn.Linear(inputs, WIDTH), activation, nn.Linear(WIDTH, WIDTH), activation]
    return nn.Sequential(*hidden, nn.Linear(WIDTH, outputs))


def penalised_scores(discriminator: nn.Module, points: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    """Scores, n, and gamma / 2 times the mean squared gradient by the points: R1 of real ones, R2 of fakes."""
    points = points.detach().requires_grad_(gamma > 0)
    scores: Tensor = discriminator(points)[:, 0]
    if gamma == 0:
        return scores, scores.new_zeros(())
    (gradient,) = torch.autograd.grad(scores.sum(), points, create_graph=True)
    return scores, gamma / 2 * gradient.square().sum(dim=1).mean()


def train(mixture: Mixture, settings: Settings, seed: int) -> Outcome:
    """Play the game to its end: the same seed, the same outcome, on one machine."""
    start = time.perf_counter()
    random = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator, discriminator = network(LATENT_SIZE, 2, nn.ReLU()), network(2, 1, nn.LeakyReLU(0.2))
    average = copy.deepcopy(generator)
    adams = [
        torch.optim.Adam(each.parameters(), settings.learning_rate, (0.5, settings.beta2), fused=True)
        for each in (discriminator, generator)
    ]
    half = settings.batch_size
    for _ in range(settings.num_steps):
        fake = generator(torch.randn(half, LATENT_SIZE, generator=random))
        both = torch.cat([mixture.draw(half, random), fake.detach()])
        scores, penalty = penalised_scores(discriminator, both, 2 * settings.gamma)  # a mean over twice the points
        adams[0].zero_grad()
        (discriminator_loss(scores[:half], scores[half:]) + penalty).backward()
        adams[0].step()

        adams[1].zero_grad()
        generator_loss(discriminator(fake)[:, 0]).backward()
        adams[1].step()

        for old, new in zip(average.parameters(), generator.parameters(), strict=True):
            old.detach().lerp_(new.detach(), 1 - settings.kept)

    with torch.no_grad():
        points = average(torch.randn(NUM_POINTS, LATENT_SIZE, generator=random))
    modes = gaussian_modes(points, mixture.centres, mixture.deviation)
    return Outcome(points, modes, time.perf_counter() - start)


def table(outcomes: dict[tuple[str, str], list[Outcome]]) -> str:
    """Modes and quality of every seed."""
    lines = ["mixture  settings  seed  modes  quality  seconds"]
    for (mixture, settings), several in outcomes.items():
        total = len(MIXTURES[mixture].centres)
        for seed, outcome in enumerate(several):
            modes, quality = outcome.modes
            lines.append(
                f"{mixture:7}  {settings:8}  {seed:4}  {modes:2}/{total:<2}  {quality:7.1%}  {outcome.seconds:7.1f}"
            )
        if len(several) > 1:
            middle = statistics.median(outcome.modes.num_hit for outcome in several)
            lines.append(f"{mixture:7}  {settings:8}  med.  {middle:2.0f}/{total:<2}")
    return "\n".join(lines)


def plot(outcomes: dict[tuple[str, str], list[Outcome]], path: Path) -> None:
    """Scatter the generated points of the first seed over the centres, one panel each."""
    figure, panels = plt.subplots(1, len(outcomes), figsize=(4 * len(outcomes), 4), squeeze=False)
    for panel, ((mixture, settings), several) in zip(panels.flat, outcomes.items(), strict=True):
        panel.scatter(*several[0].points.T.tolist(), s=2, alpha=0.4)
        panel.scatter(*MIXTURES[mixture].centres.T.tolist(), marker="+", color="black")
        modes, quality = several[0].modes
        panel.set(title=f"{settings}: {modes} of {len(MIXTURES[mixture].centres)}, {quality:.0%}", aspect="equal")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    """Read the command line, train, print, plot."""
    parser = argparse.ArgumentParser(description="Count the modes that a generator reaches.")
    parser.add_argument("--settings", choices=[*SETTINGS, "both"], default="both")
    parser.add_argument("--mixture", choices=[*MIXTURES, "both"], default="both")
    parser.add_argument("--seeds", type=int, default=1, help="how many: 0, 1, 2 ...")
    parser.add_argument("--out", type=Path, default=Path("ring_of_gaussians.png"), help="the plot (%(default)s)")
    options = parser.parse_args()
    outcomes = {
        (mixture, settings): [
            train(MIXTURES[mixture], SETTINGS[settings], seed) for seed in range(max(1, options.seeds))
        ]
        for mixture in (MIXTURES if options.mixture == "both" else [options.mixture])
        for settings in (SETTINGS if options.settings == "both" else [options.settings])
    }
    print(table(outcomes))
    plot(outcomes, options.out)
    print(f"Points: {options.out}")


if __name__ == "__main__":
    main()
