"""The smallest GAN there is: a linear generator learns a Gaussian in the plane from 1,000 of its points.

    python examples/basic_gan.py                         (a few seconds: both settings, seed 0, basic_gan.png)
    python examples/basic_gan.py --settings chapter --out chapter.png
    python examples/basic_gan.py --seeds 20              (a table: how often does it work?)

The real points are x = z A + b with z from N(0, I), so their distribution is known: mean b, covariance A^T A. A linear
generator can copy it exactly, and since it is linear, the distribution of its points is known as well: the errors below
are exact, nothing is sampled for them.

``chapter`` has the numbers of the section "Generative Adversarial Networks" of d2l.ai. ``ours`` changes two of them:
Adam's momentum is 0.5 instead of 0.9, as in that book one section later, and the first weights are drawn from N(0, 0.5)
instead of N(0, 0.02). The real points form a long, narrow cloud: a generator whose points lie on a line has nearly the
right covariance (the difference is within a tenth of its norm), and is wrong all the same. So what is compared are the
standard deviations along the cloud and across it, the square roots of the covariance's eigenvalues.
Over seeds 0 to 19 the mean ends 0.22 from its target with the chapter's numbers and 0.09 with ours (medians); the worse
of the two deviations is off by a factor of 1.21 and 1.18 in the median, 1.93 and 2.59 at worst. Mean within 0.3 and
deviations within a factor of 1.5: 11 and 16 seeds of 20.
"""

import argparse
import statistics
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import torch
from torch import Tensor, nn
from torch.nn import functional as F

mpl.use("Agg")  # pictures go to files, whether or not there is a screen; must come before pyplot
from matplotlib import pyplot as plt

MIXING = torch.tensor([[1.0, 2.0], [-0.1, 0.5]])
TARGET_MEAN = torch.tensor([1.0, 2.0])
TARGET_COVARIANCE = MIXING.T @ MIXING
NUM_POINTS, LATENT_SIZE = 1000, 2


@dataclass(frozen=True)
class Settings:
    """What can be chosen about the training. The defaults are the chapter's."""

    num_epochs: int = 20
    batch_size: int = 8
    discriminator_rate: float = 0.05
    generator_rate: float = 0.005
    momentum: float = 0.9
    first_weights: float = 0.02
    """Standard deviation of every parameter before the first step."""


SETTINGS = {"chapter": Settings(), "ours": Settings(momentum=0.5, first_weights=0.5)}


@dataclass(frozen=True)
class Outcome:
    """What a training left: points, each n 2, the mean losses of every epoch, and what the generator has learned."""

    real: Tensor
    fake: Tensor
    discriminator_losses: list[float]
    generator_losses: list[float]
    mean: Tensor
    covariance: Tensor

    @property
    def mean_error(self) -> float:
        """Distance from the target."""
        return (self.mean - TARGET_MEAN).norm().item()

    @property
    def spreads(self) -> Tensor:
        """Standard deviations across the cloud and along it."""
        return spreads_of(self.covariance)

    @property
    def spread_error(self) -> float:
        """By what factor the worse one of the two is too large or too small: 1 is right."""
        return (self.spreads / spreads_of(TARGET_COVARIANCE)).log().abs().max().exp().item()

    @property
    def is_good(self) -> bool:
        """Whether the mean is within 0.3 of its target, and each standard deviation within a factor of 1.5."""
        return self.mean_error < 0.3 and self.spread_error < 1.5


def spreads_of(covariance: Tensor) -> Tensor:
    """Standard deviations along the axes of a cloud of points, the smaller one first."""
    return torch.linalg.eigvalsh(covariance.double()).clamp_min(1e-12).sqrt().float()


def build_networks(random: torch.Generator, first_weights: float) -> tuple[nn.Linear, nn.Sequential]:
    """A linear generator and a discriminator with two bends, every parameter from N(0, ``first_weights``)."""
    generator = nn.Linear(LATENT_SIZE, 2)
    discriminator = nn.Sequential(
        nn.Linear(2, 5),
        nn.Tanh(),
        nn.Linear(5, 3),
        nn.Tanh(),
        nn.Linear(3, 1),
    )
    for parameter in (*generator.parameters(), *discriminator.parameters()):
        nn.init.normal_(parameter, 0, first_weights, generator=random)
    return generator, discriminator


def train(settings: Settings, seed: int) -> Outcome:
    """Play the game to its end: the same seed, the same outcome, on one machine."""
    random = torch.Generator().manual_seed(seed)
    real_points = torch.randn(NUM_POINTS, 2, generator=random) @ MIXING + TARGET_MEAN
    generator, discriminator = build_networks(random, settings.first_weights)
    betas = (settings.momentum, 0.999)
    generator_adam = torch.optim.Adam(generator.parameters(), settings.generator_rate, betas, fused=True)
    discriminator_adam = torch.optim.Adam(discriminator.parameters(), settings.discriminator_rate, betas, fused=True)

    losses = torch.zeros(settings.num_epochs, 2)
    for epoch in range(settings.num_epochs):
        for real in real_points[torch.randperm(NUM_POINTS, generator=random)].split(settings.batch_size):
            fake = generator(torch.randn(len(real), LATENT_SIZE, generator=random))

            # softplus(-s) is the cross-entropy of calling a score s real, softplus(s) of calling it fake.
            fooled = F.softplus(-discriminator(real)).sum() + F.softplus(discriminator(fake.detach())).sum()
            discriminator_loss = fooled / 2
            discriminator_adam.zero_grad()
            discriminator_loss.backward()
            discriminator_adam.step()

            generator_loss = F.softplus(-discriminator(fake)).sum()
            generator_adam.zero_grad()
            generator_loss.backward()
            generator_adam.step()

            losses[epoch] += torch.stack([discriminator_loss.detach(), generator_loss.detach()]) / NUM_POINTS

    with torch.no_grad():
        return Outcome(
            real=real_points,
            fake=generator(torch.randn(NUM_POINTS, LATENT_SIZE, generator=random)),
            discriminator_losses=losses[:, 0].tolist(),
            generator_losses=losses[:, 1].tolist(),
            mean=generator.bias.clone(),
            covariance=generator.weight @ generator.weight.T,  # of W z + c, when z has covariance I
        )


def describe(name: str, outcome: Outcome) -> str:
    """One outcome beside the target, in four lines."""
    return (
        f"{name}: loss_D {outcome.discriminator_losses[-1]:.3f}, loss_G {outcome.generator_losses[-1]:.3f}\n"
        f"  mean        {rounded(outcome.mean)}   target {rounded(TARGET_MEAN)}   off by {outcome.mean_error:.2f}\n"
        f"  spreads     {rounded(outcome.spreads)}   target {rounded(spreads_of(TARGET_COVARIANCE))}"
        f"   off by a factor of {outcome.spread_error:.2f}\n"
    )


def rounded(values: Tensor) -> str:
    """Two decimals, in as many brackets as there are dimensions."""
    return f"[{', '.join(map(rounded, values))}]" if values.dim() else f"{values.item():.2f}"


def table(outcomes: dict[str, list[Outcome]]) -> str:
    """How far each seed ends from the target, and the medians."""
    lines = ["settings  seed  mean off by  spread off by a factor of"]
    for name, several in outcomes.items():
        for seed, outcome in enumerate(several):
            lines.append(f"{name:8}  {seed:4}  {outcome.mean_error:11.2f}  {outcome.spread_error:24.2f}")
        mean_error = statistics.median(outcome.mean_error for outcome in several)
        spread_error = statistics.median(outcome.spread_error for outcome in several)
        good = sum(outcome.is_good for outcome in several)
        lines.append(f"{name:8}  med.  {mean_error:11.2f}  {spread_error:24.2f}")
        lines.append(f"{name:8}        {good} of {len(several)} within 0.3 and a factor of 1.5\n")
    return "\n".join(lines)


def plot(outcomes: dict[str, list[Outcome]], path: Path, *, num_points: int = 200) -> None:
    """Scatter real and generated points of the first seed, one panel for each of the settings."""
    size = (4.5 * len(outcomes), 4.5)
    figure, panels = plt.subplots(1, len(outcomes), figsize=size, sharex=True, sharey=True, squeeze=False)
    for panel, (name, several) in zip(panels.flat, outcomes.items(), strict=True):
        panel.scatter(*several[0].real[:num_points].T.tolist(), s=12, alpha=0.6, label="real")
        panel.scatter(*several[0].fake[:num_points].T.tolist(), s=12, alpha=0.6, label="generated")
        panel.set(title=name, xlabel="x", ylabel="y")
        panel.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    """Read the command line, train, print, plot."""
    parser = argparse.ArgumentParser(description="Teach a linear generator a Gaussian in the plane.")
    parser.add_argument("--settings", choices=[*SETTINGS, "both"], default="both")
    parser.add_argument("--seeds", type=int, default=1, help="how many: 0, 1, 2 ... (more than one: prints a table)")
    parser.add_argument("--out", type=Path, default=Path("basic_gan.png"), help="the scatter plot (%(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(1)  # the work of one step is too small to share
    names = list(SETTINGS) if options.settings == "both" else [options.settings]
    outcomes = {name: [train(SETTINGS[name], seed) for seed in range(options.seeds)] for name in names}
    print(f"spreads of the real points: {rounded(spreads_of(TARGET_COVARIANCE))}\n")
    for name in names:
        print(describe(name, outcomes[name][0]))
    if options.seeds > 1:
        print(table(outcomes))
    plot(outcomes, options.out)


if __name__ == "__main__":
    main()
