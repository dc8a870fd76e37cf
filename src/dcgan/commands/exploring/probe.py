"""Probe: how well the discriminator's features tell classes apart that nobody told it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from dcgan.commands.exploring.asked import require_number
from dcgan.commands.exploring.options import Checkpoint, Out, Run, shown
from dcgan.commands.exploring.results import Result, destination, keep, opened
from dcgan.errors import ExitCode, UserError

if TYPE_CHECKING:
    import numpy as np

    from dcgan.data.dataset import Dataset
    from dcgan.exploration.probing import Accuracy
    from dcgan.models.build import AnyDiscriminator
    from dcgan.runs.generator import TrainedGenerator
    from dcgan.tensors import Features, Pixels

    Look = Callable[[Pixels], Features]

BESIDE = ("random", "pixels", "tiny")
TITLES = {
    "discriminator": "this discriminator",
    "random": "the same with random weights",
    "pixels": "pixels",
    "tiny": "the detector tiny",
}


def probe(
    run: Run,
    *,
    data: Annotated[str | Path | None, shown("SOURCE", reads=str)] = None,
    labels: Annotated[int, shown("N")] = 1000,
    draws: Annotated[int, shown("N")] = 100,
    samples: Annotated[int, shown("N")] = 10_000,
    beside: Annotated[str, shown("A,B,…")] = ",".join(BESIDE),
    checkpoint: Checkpoint = None,
    out: Out = None,
) -> Result:
    """What the discriminator knows: a linear classifier of few labels on its features.

    As the authors of the DCGAN paper coded it; it takes minutes.

    Needs pip install 'dcgan[probe]'.

    Args:
        run: The folder that dcgan train made, or one of its checkpoints.
        data: Images in classes, as dcgan train takes them (default: those of the run).
        labels: Labelled images that the classifier is fitted on, equally many a class (default: 1000).
        draws: How many times they are drawn (default: 100).
        samples: Images at most to draw labels from, to choose by and to test with, each (default: 10000).
        beside: What to compare with (default: random,pixels,tiny): random: the same network with random weights;
            pixels; tiny: the detector, which was trained with labels.
        checkpoint: Of the run (default: the best one if one was kept, else the last).
        out: FILE.png (default: RUN/explore/probe.png).
    """
    require_number("labels", labels, 2, 1_000_000)
    require_number("draws", draws, 1, 10_000)
    require_number("samples", samples, 100, 1_000_000)
    others = _others(beside)
    path = destination(run, out, "probe")
    from dcgan.exploration.probing import linear_svc

    linear_svc()  # refuses at once where scikit-learn is not installed
    generator = opened(run, checkpoint)
    discriminator = _discriminator(generator, run)
    dataset = _labelled(generator, data)
    rows = _parts(dataset, labels, samples)
    looks = _looks(others, discriminator, generator, dataset, rows)
    found = {name: _probed(look(), dataset, rows, labels, draws) for name, look in looks.items()}
    asked = f"{labels:,} labels, {len(rows[2]):,} test images, mean and 1.96 standard deviations over {draws:,} draws"
    accuracy = {name: {"mean": each.mean, "spread": each.spread, "cost": each.cost} for name, each in found.items()}
    return keep(
        path,
        _drawn(found),
        generator,
        method="probe",
        words=_words(found, generator, dataset, asked),
        found={
            "accuracy": accuracy,
            "draws": {name: list(each.shares) for name, each in found.items()},
            "labels": labels,
            "images": dict(zip(("pool", "validation", "test"), map(len, rows), strict=True)),
            "classes": list(dataset.class_names),
            "trained_with_labels": bool(generator.generator.num_classes),
        },
    )


def _others(beside: str) -> list[str]:
    chosen = [part.strip() for part in beside.split(",") if part.strip()]
    if unknown := [name for name in chosen if name not in BESIDE]:
        raise UserError(f"--beside {beside}: no such comparison {unknown[0]}. Known: {', '.join(BESIDE)}.")
    return chosen


def _discriminator(generator: "TrainedGenerator", run: str | Path) -> "AnyDiscriminator":
    from dcgan.export.judge import load_discriminator

    try:
        return load_discriminator(generator)
    except UserError as error:
        raise UserError(f"{run}: holds no discriminator. Give the folder that dcgan train made.") from error


def _labelled(generator: "TrainedGenerator", data: str | Path | None) -> "Dataset":
    from dcgan.commands.exploring.images import in_the_form_of

    dataset = in_the_form_of(generator, data)
    if dataset.labels is None or len(dataset.class_names) < 2:
        name = data or generator.config.data.source
        raise UserError(f"--data {name}: has no classes. Expected images in a folder for each class.", ExitCode.DATA)
    return dataset


def _parts(dataset: "Dataset", labels: int, samples: int) -> "list[np.ndarray]":
    """Rows to draw labels from, to choose by and to test with: the last ones held out, if any are."""
    import numpy as np

    assert dataset.labels is not None
    test = dataset.held_out if len(dataset.held_out) else dataset.train[::3]
    others = dataset.train if len(dataset.held_out) else np.setdiff1d(dataset.train, test)
    chosen = min(samples, len(others) // 3)
    parts = [others[chosen : chosen + samples], others[:chosen], test[:samples]]  # rows are in a random order
    each = labels // len(dataset.class_names)
    fewest = min(np.bincount(dataset.labels[parts[0]], minlength=len(dataset.class_names)))
    if not 1 <= each <= fewest:
        raise UserError(
            f"--labels {labels}: {each} of each of {len(dataset.class_names)} classes, and of one class there are "
            f"{fewest} images to draw from. Give fewer labels, or more images.",
            ExitCode.DATA,
        )
    return parts


def _looks(
    others: list[str],
    discriminator: "AnyDiscriminator",
    generator: "TrainedGenerator",
    dataset: "Dataset",
    rows: "list[np.ndarray]",
) -> "dict[str, Callable[[], Look]]":
    """The discriminator and what is compared with: each made when its turn comes."""
    from dcgan.commands.exploring.looking import eyes
    from dcgan.data.pixels import to_images
    from dcgan.models.build import build

    def random() -> "Look":
        config = generator.config
        network = build(config.model, config.data.height, config.data.width, seed=config.seed + 1)[1]
        return _look_of(network.eval(), dataset, rows)

    known: dict[str, Callable[[], Look]] = {
        "discriminator": lambda: _look_of(discriminator, dataset, rows),
        "random": random,
        "pixels": lambda: lambda pixels: to_images(pixels).flatten(1),
        "tiny": lambda: eyes("tiny", generator),
    }
    return {name: known[name] for name in ("discriminator", *others)}


def _look_of(discriminator: "AnyDiscriminator", dataset: "Dataset", rows: "list[np.ndarray]") -> "Look":
    """Its features, normalised by statistics of the images that labels are drawn from."""
    from dcgan.commands.exploring.images import pixels_of_rows
    from dcgan.exploration.features import features_of, frozen

    maps = frozen(discriminator, pixels_of_rows(dataset, rows[0]))
    return lambda pixels: features_of(maps, pixels)


def _probed(look: "Look", dataset: "Dataset", rows: "list[np.ndarray]", labels: int, draws: int) -> "Accuracy":
    from dcgan.commands.exploring.images import pixels_of_rows
    from dcgan.exploration.probing import Part, probe

    assert dataset.labels is not None
    parts = [Part(look(pixels_of_rows(dataset, part)).numpy(), dataset.labels[part]) for part in rows]
    return probe(*parts, labels=labels, draws=draws)


def _words(found: "dict[str, Accuracy]", generator: "TrainedGenerator", dataset: "Dataset", asked: str) -> list[str]:
    """``asked``: the protocol, after the number."""

    def said(name: str) -> str:
        return f"{found[name].mean:.1%} ± {found[name].spread:.1%}"

    words = [
        f"A linear classifier on its features puts {said('discriminator')} of the test images into the "
        f"right one of {len(dataset.class_names)} classes ({asked})."
    ]
    if len(found) > 1:
        words.append(f"By others: {', '.join(f'{TITLES[name]} {said(name)}' for name in list(found)[1:])}.")
    words.append(
        "It says how well classes can be told apart by what the discriminator learned in order to tell real images "
        "from generated ones. It says nothing about how good the generated images are."
    )
    if "random" in found:
        words.append("What random weights reach is due to the form of the network, not to what it learned.")
    if generator.generator.num_classes:
        words.append("This discriminator was trained with classes, so this is not what it learned without them.")
    return words


def _drawn(found: "dict[str, Accuracy]") -> bytes:
    from dcgan.exploration.sheets import Bar, bars

    rows = [
        Bar(TITLES[name], each.mean, f"{each.mean:.1%} ± {each.spread:.1%}", each.spread)
        for name, each in found.items()
    ]
    return bars(rows, head="Share of test images that a linear classifier puts into the right class")
