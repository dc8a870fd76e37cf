"""How good the images are while they train: a distance, the best checkpoint, alarms.

Everything happens at positions that depend on images alone, on copies, with latents of its own: it changes no weight,
unless the guard goes back for what is seen.
The best checkpoint is chosen by the average's images: the newest, unless its kernel distance lies above the whole
interval of the least one, and its Fréchet distance above that one's too. A distance of few samples cannot tell late
checkpoints from one another; more training makes better images more often than not, and the luckiest draw would win
for no reason.
"""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dcgan.commands.live.clock import crossed
from dcgan.data.dataset import Dataset
from dcgan.data.pixels import to_images
from dcgan.evaluation.detectors.by_name import Detector, detector, protocol
from dcgan.evaluation.feature_stats import FeatureStats
from dcgan.evaluation.measurement import name_of
from dcgan.evaluation.measures.contrast import Strengths, contrast, strengths
from dcgan.evaluation.measures.distances import Estimate, frechet_distance, kernel_distance, kernel_sums
from dcgan.evaluation.measures.diversity import class_diversity, diversity
from dcgan.evaluation.reals import features_of
from dcgan.runs.generator import TrainedGenerator
from dcgan.settings.config import Config
from dcgan.settings.knobs import TrainingConfig
from dcgan.tensors import Features, Labels, Pixels
from dcgan.training.health import Alarm, Distance, Vitals, diagnose, overfitting_of
from dcgan.training.schedules import total_at
from dcgan.training.state import TrainingState

LEAST_IMAGES = 16_384
"""Between two looks: a look costs about as much as 500 images of training, so that this keeps it under a twentieth."""
FEWEST = 100
MOST_REFERENCE = 5000
MOST_SEEN = 1000
"""For contrast: enough of them, and soon read."""
FIRST_SEED = 2**41
NUM_SCORED = 500


@dataclass(frozen=True)
class Look:
    """What was seen at one position."""

    name: str
    """Of the distance, with its protocol in it."""
    distance: Estimate
    frechet: float
    """Of so few samples it is too large, by as much at each look of a run."""
    diversity: float
    """Of the samples over that of real images; within classes where that is less."""
    contrast: float
    """The same of the strength of their brightness, or of their colours where that is less."""
    overfitting: float | None

    def facts(self) -> dict[str, Any]:
        """For the journal."""
        return {
            "name": self.name,
            "distance": self.distance.value,
            "low": self.distance.low,
            "high": self.distance.high,
            "frechet": self.frechet,
            "diversity": self.diversity,
            "contrast": self.contrast,
            "overfitting": self.overfitting,
        }


class Watch:
    """Looks at a run from time to time."""

    def __init__(self, config: Config, dataset: Dataset) -> None:
        self._config, self._dataset = config, dataset

    def is_due(self, training: TrainingConfig, before: int, seen: int) -> bool:
        """Whether a position at which to look lies in (before, seen]: the end is one, unless it comes very soon.

        ``training``: as it is now, its end may have been corrected.
        """
        images, looks = training.images or 0, self._config.runs.evaluations
        enough = min(len(self._rows), self._config.runs.evaluation_samples) >= FEWEST
        if looks == 0 or not enough:
            return False
        ends = images >= LEAST_IMAGES and before < images <= seen
        return ends or crossed(before, seen, max(math.ceil(total_at(training, before) / looks), LEAST_IMAGES))

    def look(self, state: TrainingState) -> Look:
        """Measure the average, or a copy of the generator where there is none."""
        generator = TrainedGenerator(
            state.average if state.average is not None else copy.deepcopy(state.generator), self._config
        ).as_configured()
        seeds = range(FIRST_SEED, FIRST_SEED + self._config.runs.evaluation_samples)
        pixels = generator.sample(seeds)
        samples = self._eyes(pixels)
        return Look(
            name=name_of("kid", self._eyes.name, len(samples)),
            distance=kernel_distance(samples, self._reals, self._real_sums),
            frechet=frechet_distance(FeatureStats.of(samples), self._real_stats),
            diversity=self._diversity(samples, generator.labels(seeds)),
            contrast=contrast(strengths(pixels), self._strengths),
            overfitting=self._overfitting(state, pixels),
        )

    def is_best(self, events: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a checkpoint of this moment should be the best one; ``events``: the journal, this look its last."""
        looks = [event for event in events if event["event"] == "evaluation"]
        same = [look for look in looks if look["name"] == looks[-1]["name"]]
        least, newest = min(same, key=lambda look: float(look["distance"])), looks[-1]
        near = newest["distance"] <= least["high"] or newest["frechet"] <= least.get("frechet", 0.0)  # new in journals
        return bool(near) and self._config.training.averaged

    @cached_property
    def _eyes(self) -> Detector:
        channels, dtype = self._dataset.pixels.shape[-1], torch.from_numpy(self._dataset.pixels[:1].copy()).dtype
        return detector(protocol("tiny", channels, dtype))

    @cached_property
    def _reals(self) -> Features:
        return features_of(self._rows, self._dataset, self._eyes)

    @cached_property
    def _real_sums(self) -> Tensor:
        return kernel_sums(self._reals)

    @cached_property
    def _real_stats(self) -> FeatureStats:
        return FeatureStats.of(self._reals)

    @cached_property
    def _strengths(self) -> Strengths:
        return strengths(self._of_rows(self._rows[:MOST_SEEN]))

    @property
    def _rows(self) -> np.ndarray:
        """Of the images to compare with."""
        return (self._dataset.held_out if len(self._dataset.held_out) else self._dataset.train)[:MOST_REFERENCE]

    def _diversity(self, samples: Features, asked: Labels | None) -> float:
        few = min(len(samples), len(self._reals))
        ours, theirs, labels = samples[:few], self._reals[:few], self._dataset.labels
        whole = diversity(ours, theirs)
        if asked is None or labels is None:
            return whole
        within = class_diversity(ours, asked[:few], theirs, torch.from_numpy(labels[self._rows[:few]]))
        return whole if within is None else min(whole, within)

    def _overfitting(self, state: TrainingState, fakes: Pixels) -> float | None:
        """Where held-out images stand between training images and fakes; None when nothing is held out."""
        if not len(self._dataset.held_out):
            return None
        seeds = torch.arange(FIRST_SEED, FIRST_SEED + NUM_SCORED)
        classes = max(self._config.model.num_classes or 0, 1)
        train, held_out = (self._score_of_rows(state, rows) for rows in (self._dataset.train, self._dataset.held_out))
        return overfitting_of(train, held_out, _mean_score(state, fakes[:NUM_SCORED], seeds % classes))

    def _of_rows(self, rows: np.ndarray) -> Pixels:
        return torch.from_numpy(self._dataset.pixels[rows]).permute(0, 3, 1, 2)

    def _score_of_rows(self, state: TrainingState, rows: np.ndarray) -> float:
        chosen, labels = rows[:NUM_SCORED], self._dataset.labels
        return _mean_score(state, self._of_rows(chosen), None if labels is None else torch.from_numpy(labels[chosen]))


def new_alarms(events: Sequence[Mapping[str, Any]]) -> list[Alarm]:
    """What is wrong and was not said before; a journal's events, oldest first."""
    said = {event.get("kind") for event in events if event["event"] == "warning"}
    return [alarm for alarm in diagnose(vitals_of(events)) if alarm.kind not in said]


def vitals_of(events: Sequence[Mapping[str, Any]]) -> Vitals:
    """What a journal says about the health of its run. Scores and losses before a roll-back were another game's."""
    last = max((place for place, event in enumerate(events) if event["event"] == "rollback"), default=0)
    steps = [event for event in events[last:] if event["event"] == "step"]
    looks = [event for event in events if event["event"] == "evaluation"]
    return Vitals(
        margins=[step["real_score"] - step["fake_score"] for step in steps],
        generator_losses=[step["generator_loss"] for step in steps],
        distances=[Distance(look["distance"], look["low"], look["high"]) for look in looks],
        diversities=[look["diversity"] for look in looks],
        contrasts=[look["contrast"] for look in looks if "contrast" in look],  # older runs did not look at it
        overfitting=looks[-1]["overfitting"] if looks else None,
    )


@torch.no_grad()
def _mean_score(state: TrainingState, pixels: Pixels, labels: Labels | None) -> float:
    """By the discriminator as it judges single images: a copy, which is not compiled for this either."""
    network, device = copy.deepcopy(state.discriminator).eval(), state.journal_sums.device
    asked = None if labels is None or network.class_features is None else labels.to(device)
    return float(network(to_images(pixels.to(device)), asked).mean())
