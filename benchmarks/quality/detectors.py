"""Do both detectors see five kinds of known damage, the more of it the more? How fast are they, and what do they know?

DCGAN_TEST_DATA=FOLDER python -m benchmarks.quality.detectors       about ten minutes on one core

Fréchet distances between two disjoint sets of 2,500 real images, one of them damaged in steps, for sprites (64x64) and
clothes (28x28, three equal channels). What a detector knows is measured by a linear classifier on its features:
least squares on 5,000 training images, measured on the official test split.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import RESULTS, facts, sources, write_results
from benchmarks.quality.damage import DAMAGES, SHARES, kept_modes
from dcgan.data.prepare import prepare
from dcgan.data.sources.critters import draw
from dcgan.evaluation.detectors.by_name import Detector, detector
from dcgan.evaluation.feature_stats import FeatureStats
from dcgan.evaluation.measures.distances import frechet_distance
from dcgan.settings.knobs import DataConfig
from detectors import sets

DETECTORS = ("tiny", "second")
NUM_IMAGES, NUM_PROBED, NUM_TIMED = 2_500, 5_000, 2_048

Rows = tuple[np.ndarray, np.ndarray]
"""Images n h w 3, and what class each is of."""


def clothes(folder: Path) -> tuple[Rows, Rows]:
    """The test images, and those training images that ``tiny`` was not trained on."""
    test = sets.load(folder, "fashion-mnist", "test")
    unseen = sets.half(sets.load(folder, "fashion-mnist", "train"), parity=1)
    return (test.pixels.repeat(3, axis=3), test.labels), (unseen.pixels.repeat(3, axis=3), unseen.labels)


def sprites(folder: Path) -> tuple[Rows, Rows]:
    """Two disjoint halves; ``tiny`` has seen none. Classes: the folders."""
    source = folder / "pokemon-sprites" / "pokemon.zip"
    data = prepare(DataConfig(source=str(source), height=64, width=64, channels="rgb"))
    assert data.labels is not None
    order = np.random.default_rng(5).permutation(len(data.pixels))
    first, second = np.sort(order[::2]), np.sort(order[1::2])
    return (data.pixels[first], data.labels[first]), (data.pixels[second], data.labels[second])


def damaged(rows: Rows, count: int, shares: Sequence[float]) -> Iterator[tuple[str, float, np.ndarray]]:
    """(kind, strength, images) of every damage; first of all none."""
    images, labels = rows
    order = np.random.default_rng(3).permutation(len(images))
    images, labels = images[order], labels[order]
    yield "none", 0.0, images[:count]
    for strength in shares:
        for kind, damage in DAMAGES.items():
            yield kind, strength, damage(images[:count], strength)
        kept = images[kept_modes(labels, strength)]
        assert len(kept) >= count, (len(kept), count)
        yield "mode drop", strength, kept[:count]


def ranking(
    reference: Rows, samples: Rows, *, count: int = NUM_IMAGES, shares: Sequence[float] = SHARES
) -> dict[str, Any]:
    """Detector → kind → the Fréchet distances from no damage to full strength, and whether each is the larger one."""
    detectors = {name: detector(name) for name in DETECTORS}
    chosen = np.random.default_rng(4).permutation(len(reference[0]))[:count]
    real = {name: statistics_of(one, reference[0][chosen]) for name, one in detectors.items()}
    distances: dict[str, dict[str, list[float]]] = {name: {} for name in DETECTORS}
    for kind, _, images in damaged(samples, count, shares):
        for name, one in detectors.items():
            distance = frechet_distance(statistics_of(one, images), real[name])
            distances[name].setdefault(kind, []).append(round(distance, 4))
    found: dict[str, Any] = {}
    for name, by_kind in distances.items():
        none = by_kind.pop("none")
        rows = {kind: none + row for kind, row in by_kind.items()}
        found[name] = {"distances": rows, "in_order": {kind: row == sorted(set(row)) for kind, row in rows.items()}}
    return found


def statistics_of(one: Detector, images: np.ndarray) -> FeatureStats:
    """Mean and covariance of the features of images n h w c."""
    return FeatureStats.of(one(torch.from_numpy(images).permute(0, 3, 1, 2)))


def probe(one: Detector, folder: Path) -> dict[str, float]:
    """Share of test images whose class a linear classifier on the features finds, for each set."""
    found = {}
    for train, test in zip(sets.unseen_sets(folder, num_critters=NUM_PROBED), sets.test_sets(folder), strict=True):
        chosen = np.random.default_rng(6).permutation(len(train.pixels))[:NUM_PROBED]
        features = _with_ones(one, train.pixels[chosen])
        wanted = torch.nn.functional.one_hot(torch.tensor(train.labels[chosen]), train.num_classes).double()
        ridge = torch.eye(features.shape[1], dtype=torch.float64)
        weights = torch.linalg.solve(features.T @ features + ridge, features.T @ wanted)
        hits = (_with_ones(one, test.pixels) @ weights).argmax(1) == torch.tensor(test.labels)
        found[test.name] = round(hits.double().mean().item(), 4)
    return found


def _with_ones(one: Detector, images: np.ndarray) -> torch.Tensor:
    features = one(torch.tensor(images).permute(0, 3, 1, 2)).double()
    return torch.cat([features, torch.ones(len(features), 1, dtype=torch.float64)], dim=1)


def speed(one: Detector, rounds: int = 5) -> float:
    """Images/s at 64x64, the median of rounds."""
    creatures = np.stack([draw(index, 64, 64)[..., :3] for index in range(256)])
    pixels = torch.from_numpy(creatures).permute(0, 3, 1, 2).repeat(NUM_TIMED // 256, 1, 1, 1)
    one(pixels[:256])
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        one(pixels)
        seconds.append(time.perf_counter() - started)
    return round(len(pixels) / statistics.median(seconds))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was found and write it beside the results of the other benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("speed", "ranking", "probe"), help="only this part; keeps the others")
    parser.add_argument("--out", type=Path, default=RESULTS / "detectors.json")
    options = parser.parse_args(arguments)
    folder = Path(os.environ["DCGAN_TEST_DATA"])
    parts = {
        "speed": lambda: {name: speed(detector(name)) for name in DETECTORS},
        "ranking": lambda: {"clothes": ranking(*clothes(folder)), "sprites": ranking(*sprites(folder))},
        "probe": lambda: {name: probe(detector(name), folder) for name in DETECTORS},
    }
    results: dict[str, Any] = json.loads(options.out.read_text()) if options.part and options.out.exists() else {}
    for part in [options.part] if options.part else parts:
        found = parts[part]()
        measured = {"machine": facts(torch.get_num_threads()), "sources": sources()}
        results[part] = {**measured, "digests": {name: detector(name).digest for name in DETECTORS}, "found": found}
        print(part, json.dumps(found, indent=1))
    write_results(options.out, results)


if __name__ == "__main__":
    main()
