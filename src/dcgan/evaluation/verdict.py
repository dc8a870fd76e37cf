"""Samples and real images, as one detector sees them, become measurements."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from torch import Tensor

from dcgan.evaluation.feature_cache import numbers_of
from dcgan.evaluation.feature_stats import FeatureStats
from dcgan.evaluation.ledger import Ledger
from dcgan.evaluation.measurement import Measurement
from dcgan.evaluation.measures.classes import (
    Agreement,
    ClassDistance,
    agreement,
    class_distances,
    class_shares,
    fit_probe,
)
from dcgan.evaluation.measures.copies import Copies, find_copies
from dcgan.evaluation.measures.distances import (
    FEWEST_BLOCKS,
    Estimate,
    frechet_distance,
    kernel_distance,
    kernel_distance_in_blocks,
    kernel_sums,
)
from dcgan.evaluation.measures.diversity import class_diversity, diversity
from dcgan.evaluation.measures.floors import draws, floor
from dcgan.evaluation.measures.neighbours import fidelity, radii
from dcgan.evaluation.real_images import RealImages, Reals
from dcgan.tensors import Features, Labels

KID_BLOCK = 1000
"""Images a block of the kernel distance, where there are at least ``FEWEST_BLOCKS``; else all pairs count."""
MOST_PAIRED = 1000  # for diversity
MOST_NEIGHBOURS = 5000
"""Images a side for precision, recall, density and coverage, whose time grows with the square."""
MOST_COPIES = 2000
"""Samples that are compared with all training images."""


_MOST_BY_CHANCE = 0.5
"""Share of new images that may look like copies by chance: above it the alarm would say nothing."""
_FIDELITY = ("precision", "recall", "density", "coverage")
_BALL = 5
"""The neighbour to which the ball of an image reaches."""


@dataclass(frozen=True)
class Verdict:
    """What one detector makes of the samples."""

    measurements: list[Measurement]
    remarks: list[str]
    """One sentence for each measure that these images do not allow, or only in part."""
    copies: Copies | None
    sample_density: Tensor | None
    """Of the first ``MOST_NEIGHBOURS`` samples: the highest are the most usual, those of 0 are like nothing real."""
    by_class: list[ClassDistance] = field(default_factory=list)


def judge(samples: Features, reals: Reals, *, detector: str, resize: str, asked: Labels | None = None) -> Verdict:
    """All measures that so many images allow; ``asked``: the class that each sample was asked to be."""
    ledger = Ledger(reals, detector, resize)
    _distances(ledger, samples, reals)
    density = _fidelity(ledger, samples, reals)
    _diversity(ledger, samples, reals.reference)
    copies = _copies(ledger, samples, reals)
    by_class = _classes(ledger, samples, reals, asked) if reals.class_names else []
    return Verdict(ledger.measurements, ledger.remarks, copies, density, by_class)


def _distances(ledger: Ledger, samples: Features, reals: Reals) -> None:
    """Fréchet and kernel distance to what was held out, then to what was trained on."""
    both = ((reals.held_out, reals.train), (reals.train, reals.held_out))
    for reference, others in both:
        for measure, fewest, distance_to in (("fd", 2, _frechet_to), ("kid", 3, _kernel_to)):
            if reference is None or not ledger.allows(f"{measure} ({reference.split})", reference, fewest):
                continue
            distance = distance_to(reference.features)
            lowest = None if others is None else _floor(measure, distance, reference, others, len(samples))
            ledger.add(measure, distance(samples), len(samples), reference, floor_=lowest)


Distance = Callable[[Features], float | Estimate]


def _floor(
    measure: str, distance: Distance, reference: RealImages, others: RealImages, num_samples: int
) -> float | None:
    """What other real images measure in the place of the samples; None where they are too few."""

    def measured() -> list[float]:
        found = floor(
            lambda real, _: _value(distance(real)),
            others.features,
            reference.features,
            num_samples=num_samples,
            groups=others.groups,
        )
        return [] if found is None else [found]

    way = f"floor 1: {measure}, {num_samples} samples, blocks of {KID_BLOCK}"
    return next(iter(numbers_of(way, (reference.features, others.features, others.groups), measured)), None)


def _frechet_to(reference: Features) -> Distance:
    """What depends on the reference alone is computed once, for the samples and for each draw of their floor."""
    stats = FeatureStats.of(reference)
    return lambda samples: frechet_distance(FeatureStats.of(samples), stats)


def _kernel_to(reference: Features) -> Distance:
    """The same; of 60,000 images it is nearly all the work there is."""
    sums = cache(lambda: kernel_sums(reference))

    def distance(samples: Features) -> Estimate:
        small = min(len(samples), len(reference)) < FEWEST_BLOCKS * KID_BLOCK
        if small:
            return kernel_distance(samples, reference, sums())
        return kernel_distance_in_blocks(samples, reference, block_size=KID_BLOCK)

    return distance


def _value(number: float | Estimate) -> float:
    return number.value if isinstance(number, Estimate) else number


def _fidelity(ledger: Ledger, samples: Features, reals: Reals) -> Tensor | None:
    """Precision, recall, density and coverage; returns the density of each sample."""
    reference, train = reals.reference, reals.train
    if not ledger.allows(", ".join(_FIDELITY), reference, _BALL + 1):
        return None
    ours, theirs = samples[:MOST_NEIGHBOURS], reference.features[:MOST_NEIGHBOURS]
    reach = radii(theirs, _BALL)
    found = fidelity(ours, theirs, _BALL, real_radii=reach)
    drawn = [] if reals.held_out is None or train is None else _fidelity_floors(train, theirs, reach, len(ours))
    lowest: list[float | None] = [*drawn] or [None] * 4
    for measure, value, floor_ in zip(_FIDELITY, found[:4], lowest, strict=True):
        ledger.add(measure, value, len(ours), reference, num_reference=len(theirs), floor_=floor_)
    return found.sample_density


def _fidelity_floors(train: RealImages, theirs: Features, reach: Tensor, num_samples: int) -> list[float]:
    """The four of training images in the place of samples; empty where they are too few."""

    def measured() -> list[float]:
        drawn = draws(train.features, theirs, num_samples=num_samples, groups=train.groups)
        floors = [fidelity(*sets, _BALL, real_radii=reach)[:4] for sets in drawn]
        return [sum(values) / len(floors) for values in zip(*floors, strict=True)]

    way = f"floor 1: {', '.join(_FIDELITY)}, {num_samples} samples, balls to neighbour {_BALL}"
    return numbers_of(way, (theirs, train.features, train.groups), measured)


def _diversity(ledger: Ledger, samples: Features, reference: RealImages) -> None:
    """How much samples differ from each other, beside real images."""
    if not ledger.allows("diversity", reference, 2):
        return
    few = min(MOST_PAIRED, len(samples), len(reference))
    theirs = reference.features[:few]
    if bool((theirs == theirs[0]).all()):
        ledger.leave_out("diversity", "The real images do not differ from each other.")
        return
    ledger.add("diversity", diversity(samples[:few], theirs), few, reference, num_reference=few, floor_=1.0)


def _copies(ledger: Ledger, samples: Features, reals: Reals) -> Copies | None:
    """Whether samples are training images."""
    train, held_out, ours = reals.train, reals.held_out, samples[:MOST_COPIES]
    if train is None:
        ledger.leave_out("copies", "The images that the run was trained on are not here.")
        return None
    if not ledger.allows("copies", train, 2):
        return None
    copies = find_copies(
        ours,
        train.features,
        None if held_out is None else held_out.features[:MOST_COPIES],
        train_groups=train.groups,
        held_out_groups=None if held_out is None else held_out.groups[:MOST_COPIES],
    )
    if copies is None:
        alike = "All training images are near-duplicates of each other, so that there is nothing to compare with."
        ledger.leave_out("copies", alike)
        return None
    if copies.threshold > _MOST_BY_CHANCE:
        ledger.leave_out("copies", f"{len(train)} training images are too few to tell a copy from chance.")
        return None
    if train.is_sample:
        looked = f"copies: looked for among {len(train):,} of {train.total:,} training images only"
        ledger.remarks.append(f"{looked} (--reference-images {train.total} looks at all).")
    for measure, value in (("copies_ratio", copies.ratio), ("copies_suspects", copies.suspects)):
        ledger.add(measure, value, len(ours), train)
    return copies


def _classes(ledger: Ledger, samples: Features, reals: Reals, asked: Labels | None) -> list[ClassDistance]:
    """A distance for each class; and whether the classes that were asked for, or all of them, are there."""
    train, reference, names = reals.train, reals.reference, reals.class_names
    assert train is not None and train.labels is not None and reference.labels is not None, names
    probe = fit_probe(train.features, train.labels, len(names))
    found: Agreement | None = None
    if asked is None:
        shares = class_shares(probe, samples, reference.features, len(names))
        ledger.add("class_divergence", shares.divergence, len(samples), reference)
        labels, real_labels = probe(samples), probe(reference.features)
    else:
        found = agreement(
            probe, samples, asked, reference.features, reference.labels, num_classes=len(names)
        )  # fmt: skip
        ledger.add("class_agreement", found.samples, len(samples), reference, floor_=found.reals)
        labels, real_labels = asked, reference.labels
        few = min(MOST_PAIRED, len(samples), len(reference))
        spread = class_diversity(samples[:few], labels[:few], reference.features[:few], real_labels[:few])
        if spread is not None:
            ledger.add("class_diversity", spread, few, reference, num_reference=few, floor_=1.0)
    by_class = class_distances(samples, labels, reference.features, real_labels)
    for one in by_class:
        _class(ledger, one, reference, found, of=(names[one.label], len(samples)))
    return by_class


def _class(
    ledger: Ledger, one: ClassDistance, reference: RealImages, found: Agreement | None, of: tuple[str, int]
) -> None:
    """What is known of one class; its agreement where it was asked for."""
    values: dict[str, tuple[float | Estimate, float | None]] = {"kid": (one.kernel, None)}
    if one.share is not None:
        values["share"] = (one.share, 0.0)
    if found is not None:
        values["agreement"] = (found.by_class[one.label], found.reals_by_class[one.label])
    for measure, (value, lowest) in values.items():
        ledger.add(
            measure,
            value,
            one.num_samples,
            reference,
            num_reference=one.num_reference,
            floor_=lowest,
            of=of,
        )
