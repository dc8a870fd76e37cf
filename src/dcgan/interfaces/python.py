"""The commands as Python has them: no signal handlers, no change to the process, and a display only where one watches.

Every function takes what the command of its name takes; what cannot be meant is answered by a ``UserError``.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal, Never, get_args

import torch

from dcgan.commands import compare as comparing
from dcgan.commands import evaluate as evaluating
from dcgan.commands.data import Inspection, inspect_data
from dcgan.commands.measuring_options import CompareOptions, EvaluateOptions
from dcgan.commands.options import DataOptions, Tracking, TrainOptions
from dcgan.commands.plan import request
from dcgan.files import user_path
from dcgan.interfaces import given
from dcgan.interfaces.run import Shown, Silence, TrainingRun, begin, display_of
from dcgan.runs.generator import TrainedGenerator, Which, load_generator

Place = str | Path
Size = int | str | tuple[int, int]
Fit = Literal["crop", "pad", "stretch"]
Channels = Literal["auto", "grey", "rgb", "rgba"]
Bits = Literal["auto", "8", "16", 8, 16]


def train(
    source: Place | None = None,
    *,
    size: Size | None = None,
    budget: str | int | None = None,
    recipe: Literal["modern", "radford2015", "d2l", "d2l-gluon"] | None = None,
    out: Place | None = None,
    seed: int | None = None,
    labels: bool = False,
    classes: str | Sequence[str] | None = None,
    channels: Channels | None = None,
    bits: Bits | None = None,
    fit: Fit | None = None,
    background: str | None = None,
    limit: int | None = None,
    width: int | None = None,
    prior: Literal["normal", "uniform"] | None = None,
    device: str | torch.device | None = None,
    threads: int | None = None,
    shards: int | None = None,
    precision: Literal["auto", "fp32", "bf16"] | None = None,
    config: Place | None = None,
    settings: Mapping[str, Any] | None = None,
    track: Tracking | Sequence[Tracking] = (),
    display: Shown = "auto",
    **unknown: Never,
) -> TrainingRun:
    """Train on the images of ``source``: iterate over the run for one ``StepReport`` a step; closing it saves.

    A run that is in ``out`` goes on; an earlier call that has it open is closed first.

    Args:
        source: A folder, a zip or array file, or a name such as ``"critters"``.
        size: ``64``, ``"48x80"`` or ``(48, 80)``: height, then width.
        budget: ``"10min"``, ``"20epochs"``, ``"200k"``; a number is a number of images.
        recipe: ``"modern"`` decides by rules; ``"radford2015"`` is the paper; ``"d2l"`` the textbook chapter.
        out: The folder of the run. None: ``runs/SOURCE-SIZE-RECIPE-SEED``.
        seed: Another seed, another run.
        labels: Learn the classes, so that one can be asked for.
        classes: Use these classes only.
        channels: What an image has. ``"auto"``: grey if all images are, else rgb.
        bits: Of a channel. ``"auto"``: 16 when most images have 16 bits, else 8.
        fit: How images of another shape are made to fit.
        background: What shows through transparency: ``"white"``, ``"#rrggbb"``.
        limit: Use as many images only, chosen by their content.
        width: Channels of both networks' outermost hidden layer.
        prior: How latents are drawn.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``.
        threads: Processor threads.
        shards: Divide each batch into as many equal parts, each normalised by itself.
        precision: ``"auto"`` measures which is faster here.
        config: Start from a config.toml, such as another run's.
        settings: Any other setting: ``{"training.batch_size": 64}``.
        track: ``"tensorboard"``, ``"wandb"``, ``"mlflow"``, ``"trackio"``: who is told of the run, on this machine.
        display: ``"auto"`` shows a live picture in a notebook and a bar on a terminal; None shows nothing.

    Raises:
        UserError: At the call, for bad options and unusable data; while training, for a full disk or divergence.
    """
    return begin(given.options("dcgan.train", TrainOptions, locals()), display)


def load(run: Place, checkpoint: Which | None = None) -> TrainedGenerator:
    """The generator of a run folder (``best``, ``last``; None: the best one if one was kept), or of a checkpoint file.

    An exported folder will do too, and ``hub:user/name`` (or ``hub:user/name@revision``), which is fetched.

    Raises:
        UserError: There is none, or it is damaged.
    """
    given.choice("checkpoint", checkpoint, get_args(Which))
    return load_generator(user_path(given.text("run", run) or "."), checkpoint)
    return load_generator(user_path(given.text("run", run) or "."), checkpoint)


def evaluate(
    target: Place,
    *,
    reference: Place | None = None,
    detectors: Sequence[str] = (),
    samples: int = 10_000,
    reference_images: int | None = None,
    data: Place | None = None,
    checkpoint: Which | None = None,
    size: Size | None = None,
    out: Place | None = None,
    display: Shown = "auto",
    **unknown: Never,
) -> evaluating.Evaluation:
    """Measure how good the images of a run, or of a folder that any other tool has filled, are.

    Args:
        target: A run, one of its checkpoints, or images.
        reference: Real images to compare with. None: those of the run.
        detectors: What looks at the images. None given: ``"tiny"`` and ``"second"``.
        samples: Images to draw from a run. Only results of equal counts can be compared.
        reference_images: Real images to compare with. None: as many as samples, but at least 5,000.
        data: Where the images that the run was trained on are now, if they have moved.
        checkpoint: Which one of a run. None: the best one if one was kept, else the last.
        size: What the images of a folder are brought to.
        out: Where evaluation.json and the pictures go. None: into the run; of a folder, nowhere.
        display: Whether to say what is being done, as in ``train``.

    Raises:
        UserError: No such target or reference, or too few images.
    """
    options = given.options("dcgan.evaluate", EvaluateOptions, locals())
    with display_of(display) or nullcontext() as shown:
        return evaluating.evaluate(options, shown)


def inspect(
    source: Place,
    *,
    size: Size | None = None,
    fit: Fit | None = None,
    channels: Channels | None = None,
    bits: Bits | None = None,
    background: str | None = None,
    limit: int | None = None,
    classes: str | Sequence[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    out: Place | None = None,
    display: Shown = "auto",
    **unknown: Never,
) -> Inspection:
    """Tell what is in a source, what is wrong with it, and what training would make of it.

    Args:
        source: A folder, a zip or array file, or a name such as ``"critters"``.
        size: ``64``, ``"48x80"`` or ``(48, 80)``: height, then width.
        fit: How images of another shape are made to fit.
        channels: What an image has. ``"auto"``: grey if all images are, else rgb.
        bits: Of a channel. ``"auto"``: 16 when most images have 16 bits, else 8.
        background: What shows through transparency.
        limit: Use as many images only, chosen by their content.
        classes: Use these classes only.
        settings: Any other setting of the data: ``{"data.resample": "bicubic"}``.
        out: A PNG of 20 images as training sees them. None: none is drawn.
        display: Whether to show progress, as in ``train``.

    Raises:
        UserError: There is no such source, over half of it is unusable, or something cannot be written.
    """
    options, sheet = given.options("dcgan.inspect", DataOptions, locals()), given.text("out", out)
    with display_of(display) or nullcontext() as shown:
        picture = None if sheet is None else user_path(sheet)
        return inspect_data(request(options).data, picture, shown.prepare if shown else None)


def compare(
    *runs: Place,
    data: Place | None = None,
    vary: str | Mapping[str, Sequence[Any]] | None = None,
    repeats: int = 3,
    budget: str | int = "3min",
    size: Size | None = None,
    recipe: Literal["modern", "radford2015", "d2l", "d2l-gluon"] | None = None,
    samples: int = 10_000,
    detectors: Sequence[str] = (),
    reference: Place | None = None,
    labels: bool = False,
    jobs: int = 1,
    threads: int | None = None,
    device: str | torch.device | None = None,
    settings: Mapping[str, Any] | None = None,
    out: Place = "comparison",
    display: Shown = "auto",
    **unknown: Never,
) -> comparing.Comparison:
    """Compare runs that are there, or train and measure what ``vary`` asks for, and write comparison.html.

    Args:
        runs: Folders that training made.
        data: Train on these images what is missing; of runs that are there, where their images are now.
        vary: What differs: ``{"model.negative_slope": [0, 0.2]}``, or text as ``--vary`` takes it.
        repeats: Runs of each, with the seeds 0 … repeats - 1.
        budget: Of each run, as in ``train``.
        size: Of the images, as in ``train``.
        recipe: From which all start.
        samples: Images that each run is measured with; 0 measures nothing.
        detectors: What looks at the images. None given: ``"tiny"`` and ``"second"``.
        reference: Real images to measure against. None: each run's own.
        labels: Learn the classes.
        jobs: Runs side by side.
        threads: Processor threads of each.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``.
        settings: Any other setting, the same for all.
        out: Where comparison.html, results.json and all runs go; what is there already is not done again.
        display: Whether to say what is being done, as in ``train``.

    Raises:
        UserError: Options that contradict each other, no such run, setting or data.
    """
    options = given.options("dcgan.compare", CompareOptions, {**locals(), "source": data})
    with display_of(display) or nullcontext() as shown:
        comparison = comparing.compare(options, shown or Silence())
        for _ in comparison.outcomes(options.jobs):
            pass
        return comparison
