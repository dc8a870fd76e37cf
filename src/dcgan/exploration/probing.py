"""Probing: how well a linear classifier of few labels tells classes apart by given features.

Radford, Metz, Chintala 2015 (arXiv 1511.06434), section 5.2, as in the code published with it: a linear support vector
machine of squared hinge loss, one class against the rest, on 1,000 labels, equally many a class; its C is that of seven
values which is best on validation images in ten draws of the labels; accuracy is the mean over 100 further draws, its
spread 1.96 standard deviations of them. This implementation differs in that
 * all features are multiplied by one number, so that their mean square is 1: C has a meaning only relative to their
   size, which normalisation gives the paper's network but not every other one;
 * features are rotated into the space that the drawn images span, which changes no distance, no result and no step of
   the solver, but has a seventh of the numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dcgan.errors import UserError
from dcgan.randomness import permutation

COSTS = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2)
CHOOSING = 10  # draws that choose C
DRAWS = 100
LABELS = 1000
JITTER = 1e-9  # of the mean square length: keeps the spanned space defined where two images are equal


@dataclass(frozen=True)
class Part:
    """Some images as features, with their classes."""

    features: np.ndarray
    """n d, float32."""
    labels: np.ndarray
    """n, 0 … classes - 1."""


@dataclass(frozen=True)
class Accuracy:
    """How often the classifier is right."""

    shares: tuple[float, ...]
    """Of test images, for each draw of the labels."""
    cost: float
    """The chosen C."""

    @property
    def mean(self) -> float:
        """Over all draws."""
        return float(np.mean(self.shares))

    @property
    def spread(self) -> float:
        """1.96 standard deviations over the draws."""
        return 1.96 * float(np.std(self.shares))


def probe(pool: Part, validation: Part, test: Part, *, labels: int = LABELS, draws: int = DRAWS) -> Accuracy:
    """Fit on ``labels`` images of the pool, ``draws`` times."""
    size = float(np.sqrt(np.mean(np.square(pool.features, dtype=np.float64)))) or 1.0
    rights = np.zeros(len(COSTS))
    for rows in drawn(pool.labels, labels, "choose", CHOOSING):
        spanned = _spanned(pool.features[rows] / size)
        rights += [_share(_fitted(spanned, pool.labels[rows], cost), validation, size) for cost in COSTS]
    cost = COSTS[int(rights.argmax())]
    shares = []
    for rows in drawn(pool.labels, labels, "labels", draws):
        spanned = _spanned(pool.features[rows] / size)
        shares.append(_share(_fitted(spanned, pool.labels[rows], cost), test, size))
    return Accuracy(tuple(shares), cost)


def drawn(labels: np.ndarray, count: int, stream: str, draws: int) -> Iterator[np.ndarray]:
    """Rows, ``count`` of them as evenly over the classes as it can be, once a draw."""
    classes = np.unique(labels)
    each = count // len(classes)
    for number in range(draws):
        order = permutation(len(labels), f"probe/{stream}", seed=0, attempt=number)
        yield np.concatenate([order[labels[order] == label][:each] for label in classes])


@dataclass(frozen=True)
class _Spanned:
    """Drawn features in coordinates of the space that they span."""

    coordinates: np.ndarray
    """n n, or the features themselves where these are fewer."""
    features: np.ndarray
    """n d, float64."""

    def weights(self, of_coordinates: np.ndarray) -> np.ndarray:
        """Weights of the features, k d, from those of the coordinates."""
        if self.coordinates is self.features:
            return of_coordinates
        of_images: np.ndarray = np.linalg.solve(self.coordinates.T, of_coordinates.T)  # n k
        of_features: np.ndarray = of_images.T @ self.features
        return of_features


def _spanned(features: np.ndarray) -> _Spanned:
    """Coordinates of the same products: the rows of the Cholesky factor of these."""
    wide = features.astype(np.float64)
    if wide.shape[1] <= len(wide):
        return _Spanned(wide, wide)
    products = wide @ wide.T
    factor = np.linalg.cholesky(products + JITTER * np.trace(products) / len(wide) * np.eye(len(wide)))
    return _Spanned(factor, wide)


def _fitted(spanned: _Spanned, labels: np.ndarray, cost: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, offsets and the class of each."""
    machine = linear_svc()(C=cost, dual=True, random_state=0, max_iter=2000).fit(spanned.coordinates, labels)
    return spanned.weights(machine.coef_), machine.intercept_, machine.classes_


def _share(fitted: tuple[np.ndarray, np.ndarray, np.ndarray], part: Part, size: float) -> float:
    """Of the images, those whose class is found."""
    weights, offsets, classes = fitted
    scores = part.features @ (weights / size).T.astype(np.float32) + offsets.astype(np.float32)
    found = scores[:, 0] > 0 if len(classes) == 2 else scores.argmax(axis=1)
    return float(np.mean(classes[found.astype(np.int64)] == part.labels))


def linear_svc() -> Any:
    """The class of scikit-learn.

    Raises:
        UserError: It is not installed.
    """
    try:
        from sklearn.svm import LinearSVC  # noqa: PLC0415  # only who probes has it
    except ImportError as error:
        raise UserError(f"explore probe: needs scikit-learn ({error}): pip install 'dcgan[probe]'") from error
    return LinearSVC
