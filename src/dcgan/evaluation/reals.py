"""Prepared data as a detector sees it; computed once and kept in the cache, whichever run asks."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch

from dcgan.data.dataset import Dataset
from dcgan.data.split import outlines, twins
from dcgan.evaluation import feature_cache
from dcgan.evaluation.detectors.by_name import Detector
from dcgan.evaluation.feature_cache import Key
from dcgan.evaluation.real_images import RealImages, Reals
from dcgan.tensors import Features, Pixels

CHUNK = 1024
"""Images in memory at a time."""
FEWEST_LEFT = 6
"""Images of another reference that must be left when those trained on are taken out of it: fewer have no neighbours."""

Seen = Callable[[int], object]
"""Called with how many more images a detector has seen."""


def reals_of(dataset: Dataset, name: str, detector: Detector, *, most: int | None = None, seen: Seen = int) -> Reals:
    """Both parts of a data set; of each the first ``most`` images, whose order comes from their content."""
    parts = [rows[:most] for rows in (dataset.train, dataset.held_out)]
    groups = groups_of(dataset, np.concatenate(parts))
    labels = dataset.labels
    found = [
        RealImages(
            split,
            features_of(rows, dataset, detector, seen=seen),
            torch.from_numpy(own_groups),
            None if labels is None else torch.from_numpy(labels[rows]),
            total,
        )
        for split, rows, own_groups, total in zip(
            ("train", "test" if "official" in dataset.report.split_reason else "held out"),
            parts,
            np.split(groups, [len(parts[0])]),
            (len(dataset.train), len(dataset.held_out)),
            strict=True,
        )
        if len(rows)
    ]
    names = dataset.class_names if labels is not None else ()
    return Reals(name, dataset.fingerprint, found[0], found[1] if len(found) > 1 else None, names)


def against(trained: Reals | None, reference: Reals, trained_on: Dataset | None, other: Dataset) -> Reals | None:
    """The images trained on, and others to measure against: what was held out of ``reference``, or all of it.

    Images that were trained on are left out of it, to the last pixel; classes are given up, as they may be others.

    Returns:
        None where next to nothing is left: the reference is what was trained on.
    """
    part = reference.reference
    if trained is None or trained.train is None or trained_on is None:
        return Reals(reference.name, reference.fingerprint, None, replace(part, labels=None))
    rows = (other.held_out if reference.held_out is not None else other.train)[: len(part)]
    known = {row.tobytes() for row in trained_on.pixels[trained_on.train]}
    new = torch.tensor([row.tobytes() not in known for row in other.pixels[rows]])
    if not new.all() and int(new.sum()) < FEWEST_LEFT:
        return None
    groups = part.groups[new] + int(trained.train.groups.max()) + 1
    kept = replace(part, features=part.features[new], groups=groups, labels=None)
    return Reals(reference.name, reference.fingerprint, trained.train, kept)


def features_of(rows: np.ndarray, dataset: Dataset, detector: Detector, *, seen: Seen = int) -> Features:
    """Of these rows; from the cache if they were ever seen."""
    key = Key(dataset.labelled_fingerprint, detector.digest, _hash(rows), len(rows))
    kept = feature_cache.load(key)
    if kept is not None and kept.keys() == {"features"} and len(kept["features"]) == len(rows):
        seen(len(rows))
        return kept["features"]
    parts = []
    for pixels in pixels_of(dataset, rows):
        parts.append(detector(pixels))
        seen(len(pixels))
    features = torch.cat(parts)
    feature_cache.save(key, {"features": features})
    return features


def pixels_of(dataset: Dataset, rows: np.ndarray) -> Iterator[Pixels]:
    """n c h w, some at a time."""
    for start in range(0, len(rows), CHUNK):
        yield torch.from_numpy(dataset.pixels[rows[start : start + CHUNK]]).permute(0, 3, 1, 2)


def groups_of(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """The group of near-duplicates that each of these rows is in."""
    key = Key(dataset.labelled_fingerprint, "outlines", _hash(rows), len(rows))
    kept = feature_cache.load(key)
    if kept is not None and kept.keys() == {"groups"} and len(kept["groups"]) == len(rows):
        found: np.ndarray = kept["groups"].numpy()
        return found
    groups = twins(outlines(dataset.pixels[rows]))
    feature_cache.save(key, {"groups": torch.from_numpy(groups)})
    return groups


def _hash(rows: np.ndarray) -> str:
    """Which rows: two runs may divide the same images otherwise."""
    return hashlib.sha256(np.ascontiguousarray(rows, dtype=np.int64).tobytes()).hexdigest()
