"""Prepared data as a detector sees it; computed once and kept in the cache."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from dcgan.data.dataset import Dataset
from dcgan.data.split import outlines, twins
from dcgan.evaluation import feature_cache
from dcgan.evaluation.detectors.by_name import Detector
from dcgan.evaluation.feature_cache import Key
from dcgan.evaluation.verdict import RealImages, Reals
from dcgan.tensors import Features, Pixels

CHUNK = 1024
"""Images in memory at a time."""


def reals_of(dataset: Dataset, name: str, detector: Detector) -> Reals:
    """Both parts of a data set."""
    groups = groups_of(dataset)
    official = "test" if "official" in dataset.report.split_reason else "held out"
    train = _part(dataset, dataset.train, "train", detector, groups)
    held_out = _part(dataset, dataset.held_out, official, detector, groups) if len(dataset.held_out) else None
    return Reals(name, dataset.fingerprint, train, held_out, dataset.class_names if dataset.labels is not None else ())


def against(trained: Reals, reference: Reals, trained_on: Dataset, other: Dataset) -> Reals:
    """The images trained on, and others to measure against: what was held out of ``reference``, or all of it.

    Images that were trained on are left out of it, to the last pixel; classes are given up, as they may be others.
    """
    part = reference.reference
    rows = other.held_out if reference.held_out is not None else other.train
    known = {row.tobytes() for row in trained_on.pixels[trained_on.train]}
    new = torch.tensor([row.tobytes() not in known for row in other.pixels[rows]])
    kept = replace(part, features=part.features[new], groups=part.groups[new] + int(trained.train.groups.max()) + 1)
    return Reals(reference.name, reference.fingerprint, trained.train, replace(kept, labels=None))


def features_of(rows: np.ndarray, dataset: Dataset, split: str, detector: Detector) -> Features:
    """Of these rows; from the cache if they were ever seen."""
    key = Key(dataset.fingerprint, detector.digest, split, len(rows))
    kept = feature_cache.load(key)
    if kept is not None and kept.keys() == {"features"} and len(kept["features"]) == len(rows):
        return kept["features"]
    features = torch.cat([detector(pixels) for pixels in pixels_of(dataset, rows)])
    feature_cache.save(key, {"features": features})
    return features


def pixels_of(dataset: Dataset, rows: np.ndarray) -> Iterator[Pixels]:
    """n c h w, some at a time."""
    for start in range(0, len(rows), CHUNK):
        yield torch.from_numpy(dataset.pixels[rows[start : start + CHUNK]]).permute(0, 3, 1, 2)


def groups_of(dataset: Dataset) -> np.ndarray:
    """The group of near-duplicates that each row is in."""
    key = Key(dataset.fingerprint, "outlines", "all", len(dataset.pixels))
    kept = feature_cache.load(key)
    if kept is not None and kept.keys() == {"groups"} and len(kept["groups"]) == len(dataset.pixels):
        found: np.ndarray = kept["groups"].numpy()
        return found
    groups = twins(outlines(dataset.pixels))
    feature_cache.save(key, {"groups": torch.from_numpy(groups)})
    return groups


def _part(dataset: Dataset, rows: np.ndarray, split: str, detector: Detector, groups: np.ndarray) -> RealImages:
    labels = None if dataset.labels is None else torch.from_numpy(dataset.labels[rows])
    return RealImages(split, features_of(rows, dataset, split, detector), torch.from_numpy(groups[rows]), labels)
