"""Samples and real images, as one detector sees them, become measurements."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from torch import Tensor

from dcgan.evaluation.feature_stats import FeatureStats
from dcgan.evaluation.measurement import Measurement, Protocol, name_of
from dcgan.evaluation.measures.classes import ClassDistance, agreement, class_distances, class_shares, fit_probe
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
from dcgan.evaluation.measures.neighbours import fidelity
from dcgan.tensors import Features, Labels

KID_BLOCK = 1000
"""Images a block of the kernel distance, where there are at least ``FEWEST_BLOCKS``; else all pairs count."""
MOST_PAIRED = 1000  # for diversity
MOST_NEIGHBOURS = 5000
"""Images a side for precision, recall, density and coverage, whose time grows with the square."""
MOST_COPIES = 2000
"""Samples that are compared with all training images."""


@dataclass(frozen=True)
class RealImages:
    """One part of the real images, as a detector sees it."""

    split: str
    """``train``, ``held out``, ``test``."""
    features: Features
    """n d, in an order that says nothing about them."""
    groups: Tensor
    """n, int64: near-duplicates share a number, across parts too."""
    labels: Labels | None = None

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Reals:
    """What samples are compared with."""

    name: str
    fingerprint: str
    train: RealImages
    """What was trained on, or would have been."""
    held_out: RealImages | None = None
    """None: nothing is held out, and the training images are all there is to compare with."""
    class_names: Sequence[str] = ()

    @property
    def reference(self) -> RealImages:
        """The part that says most: images that the generator has never seen, if there are any."""
        return self.held_out or self.train


@dataclass(frozen=True)
class Verdict:
    """What one detector makes of the samples."""

    measurements: list[Measurement]
    copies: Copies
    sample_density: Tensor
    """Of the first ``MOST_NEIGHBOURS`` samples: the highest are the most usual, those of 0 are like nothing real."""
    by_class: list[ClassDistance] = field(default_factory=list)


def judge(samples: Features, reals: Reals, *, detector: str, resize: str, asked: Labels | None = None) -> Verdict:
    """All measures; ``asked``: the class that each sample was asked to be."""
    table = _Table(reals, detector, resize)
    _distances(table, samples, reals)
    density = _fidelity(table, samples, reals)
    copies = _copies(table, samples, reals)
    by_class = _classes(table, samples, reals, asked) if reals.class_names else []
    return Verdict(table.measurements, copies, density, by_class)


class _Table:
    """Measurements so far, and what all protocols have in common."""

    def __init__(self, reals: Reals, detector: str, resize: str) -> None:
        self.measurements: list[Measurement] = []
        self._reals, self._detector, self._resize = reals, detector, resize
        self._start = time.perf_counter()

    def add(
        self,
        measure: str,
        value: float | Estimate,
        num_samples: int,
        reference: RealImages,
        *,
        num_reference: int | None = None,
        floor_: float | None = None,
        of: tuple[str, int] | None = None,
    ) -> None:
        """One more number; ``of``: the class it is about, and how many samples there are of all classes."""
        now = time.perf_counter()
        protocol = Protocol(
            detector=self._detector,
            num_samples=num_samples,
            reference=self._reals.name,
            fingerprint=self._reals.fingerprint,
            split=reference.split,
            num_reference=num_reference or len(reference),
            resize=self._resize,
            seconds=round(now - self._start, 3),
        )
        self._start = now
        if of is None:
            name = name_of(measure, self._detector, num_samples)
        else:  # the same name in every run, however many samples a class gets there
            name = f"{name_of(measure, self._detector, of[1])}[{of[0]}]"
        interval = (value.low, value.high) if isinstance(value, Estimate) else None
        number = value.value if isinstance(value, Estimate) else value
        self.measurements.append(Measurement(name, number, protocol, interval, floor_))


def _distances(table: _Table, samples: Features, reals: Reals) -> None:
    """Fréchet and kernel distance to what was held out, then to what was trained on."""
    parts = [(reals.train, None)] if reals.held_out is None else [
        (reals.held_out, reals.train), (reals.train, reals.held_out)
    ]  # fmt: skip
    for reference, others in parts:
        for measure, distance_to in (("fd", _frechet_to), ("kid", _kernel_to)):
            distance = distance_to(reference.features)
            lowest = None
            if others is not None:
                lowest = floor(
                    lambda real, _, distance=distance: _value(distance(real)),  # type: ignore[misc]
                    others.features,
                    reference.features,
                    num_samples=len(samples),
                    groups=others.groups,
                )
            table.add(measure, distance(samples), len(samples), reference, floor_=lowest)


def _frechet_to(reference: Features) -> Callable[[Features], float]:
    """What depends on the reference alone is computed once, for the samples and for each draw of their floor."""
    stats = FeatureStats.of(reference)
    return lambda samples: frechet_distance(FeatureStats.of(samples), stats)


def _kernel_to(reference: Features) -> Callable[[Features], Estimate]:
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


def _fidelity(table: _Table, samples: Features, reals: Reals) -> Tensor:
    """Precision, recall, density, coverage and diversity; the density of each sample."""
    reference = reals.reference
    ours, theirs = samples[:MOST_NEIGHBOURS], reference.features[:MOST_NEIGHBOURS]
    found = fidelity(ours, theirs)
    drawn = [] if reals.held_out is None else draws(
        reals.train.features, theirs, num_samples=len(ours), groups=reals.train.groups
    )  # fmt: skip
    floors = [fidelity(*sets)[:4] for sets in drawn]
    lowest = [sum(values) / len(floors) for values in zip(*floors, strict=True)] if floors else [None] * 4
    for measure, value, floor_ in zip(found._fields[:4], found[:4], lowest, strict=True):
        table.add(measure, value, len(ours), reference, num_reference=len(theirs), floor_=floor_)
    few = min(MOST_PAIRED, len(samples), len(reference))
    spread = diversity(samples[:few], reference.features[:few])
    table.add("diversity", spread, few, reference, num_reference=few, floor_=1.0)
    return found.sample_density


def _copies(table: _Table, samples: Features, reals: Reals) -> Copies:
    """Whether samples are training images."""
    ours, held_out = samples[:MOST_COPIES], reals.held_out
    copies = find_copies(
        ours,
        reals.train.features,
        None if held_out is None else held_out.features[:MOST_COPIES],
        train_groups=reals.train.groups,
        held_out_groups=None if held_out is None else held_out.groups[:MOST_COPIES],
    )
    for measure, value in (("copies_ratio", copies.ratio), ("copies_suspects", copies.suspects)):
        table.add(measure, value, len(ours), reals.train)
    return copies


def _classes(table: _Table, samples: Features, reals: Reals, asked: Labels | None) -> list[ClassDistance]:
    """A distance for each class; and whether the classes that were asked for, or all of them, are there."""
    train, reference, names = reals.train, reals.reference, reals.class_names
    assert train.labels is not None and reference.labels is not None
    probe = fit_probe(train.features, train.labels, len(names))
    if asked is None:
        shares = class_shares(probe, samples, reference.features, len(names))
        table.add("class_divergence", shares.divergence, len(samples), reference)
        labels, real_labels = probe(samples), probe(reference.features)
    else:
        found = agreement(
            probe, samples, asked, reference.features, reference.labels, num_classes=len(names)
        )  # fmt: skip
        table.add("class_agreement", found.samples, len(samples), reference, floor_=found.reals)
        labels, real_labels = asked, reference.labels
        few = min(MOST_PAIRED, len(samples), len(reference))
        spread = class_diversity(samples[:few], labels[:few], reference.features[:few], real_labels[:few])
        if spread is not None:
            table.add("class_diversity", spread, few, reference, num_reference=few, floor_=1.0)
    by_class = class_distances(samples, labels, reference.features, real_labels)
    for one in by_class:
        of = (names[one.label], len(samples))
        table.add("kid", one.kernel, one.num_samples, reference, num_reference=one.num_reference, of=of)
    return by_class
