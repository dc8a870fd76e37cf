"""The chapter's first exercise, answered by training: what happens with ReLU in place of leaky ReLU?

Both are trained from the same seeds on the same images, measured against held-out ones, and asked what gradient
arrives at the generator. The answer is a sentence made from these numbers.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from dcgan.commands.chapter_options import ExerciseOptions
from dcgan.commands.compare import Comparison, compare
from dcgan.commands.comparing.tally import measures_of, values_of
from dcgan.commands.live.listener import Listener
from dcgan.commands.measuring_options import CompareOptions
from dcgan.errors import ExitCode, UserError
from dcgan.randomness import latents
from dcgan.runs.checkpoint import config_of, newest
from dcgan.runs.folder import RunFolder
from dcgan.training.setup import new_state
from dcgan.wording import number

IMAGES = 64  # whose gradients are looked at


@dataclass(frozen=True)
class Arriving:
    """What of the discriminator's judgement reaches the generator at the end of a run."""

    gradient: float
    """Length of the gradient of the generator's loss by an image, mean over images."""
    below: float
    """Share of the discriminator's units that are below zero: a ReLU lets nothing through them."""


def planned(options: ExerciseOptions, listener: Listener) -> Comparison:
    """Both variants with all seeds, ready to be trained.

    Raises:
        UserError: Images or settings that cannot be.
    """
    settings = ["data.held_out=true"]
    if options.width:
        settings += [f"model.generator_width={options.width}", f"model.discriminator_width={options.width}"]
    wanted = CompareOptions(
        source=options.source, size=options.size, recipe=options.recipe, settings=tuple(settings),
        vary="model.negative_slope=0.2,0", repeats=options.repeats, budget=options.budget, jobs=options.jobs,
        threads=options.threads, samples=options.samples, detectors=("tiny",), out=options.folder,
    )  # fmt: skip
    return compare(wanted, listener)


def answer(comparison: Comparison) -> list[str]:
    """The answer in sentences, of what is trained by now.

    Raises:
        UserError: A variant has no finished run.
    """
    leaky, relu = comparison.columns
    measure = _measure(comparison)
    there = [values_of(column, comparison.results, measure) for column in (leaky, relu)]
    shared = sorted(there[0].keys() & there[1].keys())
    if not shared:
        raise UserError("exercise 1: no seed has finished with both slopes, so there is no answer.", ExitCode.DIVERGED)
    arrived = [
        [arriving(trial.run) for trial in column.trials if trial.config.seed in shared] for column in (leaky, relu)
    ]
    distances = [[values[seed] for seed in shared] for values in there]
    return [*_on_gradients(*arrived), *_on_images(measure, *distances)]


def _measure(comparison: Comparison) -> str:
    """The distance to look at: to images that were held out if there are any."""
    found = [name for name in measures_of(comparison.columns, comparison.results) if name.startswith("fd_tiny")]
    return min(found, key=lambda name: name.endswith("(train)"), default="")


def _on_gradients(leaky: Sequence[Arriving], relu: Sequence[Arriving]) -> list[str]:
    ratios = [one.gradient / other.gradient for one, other in zip(relu, leaky, strict=True) if other.gradient]
    below = statistics.median(each.below for each in relu)
    lines = [f"With ReLU {below:.0%} of the discriminator's units are below zero at the end: no gradient passes them."]
    if ratios:
        spread = f" ({number(min(ratios))} … {number(max(ratios))})" if len(ratios) > 1 else ""
        middle = number(statistics.median(ratios))
        lines.append(f"The gradient that arrives at an image is {middle} times that of leaky ReLU{spread}.")
    return lines


def _on_images(measure: str, leaky: Sequence[float], relu: Sequence[float]) -> list[str]:
    """Who is nearer to the real images, and whether the seeds agree."""
    worse = sum(one > other for one, other in zip(relu, leaky, strict=True))
    middle = f"{number(statistics.median(relu))} with ReLU, {number(statistics.median(leaky))} with leaky ReLU"
    lines = [f"Distance to real images ({measure}, lower is better, median of {len(relu)}): {middle}."]
    if len(relu) < 3:
        lines.append("That is too few seeds for an answer: --repeats 3 or more.")
    elif worse in (0, len(relu)):
        lines.append(f"ReLU is {'worse' if worse else 'better'} with every seed.")
    else:
        lines.append(f"ReLU is worse with {worse} of {len(relu)} seeds: on these images it decides nothing.")
    return lines


def arriving(run: RunFolder) -> Arriving:
    """What arrives at the generator at the end of a run, with both networks as in training.

    Raises:
        UserError: The run has no checkpoint.
    """
    found = newest(run)
    if found is None:
        raise UserError(f"{run.root}: no checkpoint in it.", ExitCode.CHECKPOINT)
    config = config_of(found)
    state = new_state(config, torch.device("cpu"), blank=True)
    state.restore(found.tensors, found.facts)
    noise = latents(0, IMAGES, config.model.latent_size, seed=0, stream="exercise", prior=config.model.prior)
    with torch.no_grad():
        fake = state.generator(noise)
    return _arriving(state.discriminator, fake)


def _arriving(discriminator: nn.Module, fake: Tensor) -> Arriving:
    counts = [0, 0]

    units = [module for module in discriminator.modules() if isinstance(module, nn.LeakyReLU)]
    hooks = [unit.register_forward_pre_hook(partial(_seen, counted=counts)) for unit in units]
    seen = fake.clone().requires_grad_()
    softplus(-discriminator(seen)).sum().backward()  # type: ignore[no-untyped-call]
    for hook in hooks:
        hook.remove()
    assert seen.grad is not None
    return Arriving(float(seen.grad.flatten(1).norm(dim=1).mean()), counts[0] / max(1, counts[1]))


def _seen(module: nn.Module, inputs: tuple[Tensor], *, counted: list[int]) -> None:
    """Count what goes into an activation, and how much of it is below zero."""
    counted[0] += int((inputs[0] < 0).sum())
    counted[1] += inputs[0].numel()
