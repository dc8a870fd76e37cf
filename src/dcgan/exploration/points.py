"""Points: places in the space that a generator draws from, as arrays and as the JSON file that keeps them.

The file is what ``dcgan sample RUN --latents FILE`` reads. It is one JSON object with at least
``latent_size`` (a number), ``latents`` (a list of lists of so many numbers) and, for a generator of classes,
``class_shares`` (for each latent a list of one number a class). Whatever else it holds is passed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dcgan.errors import ExitCode, UserError
from dcgan.foreign import read_bytes, strict_json
from dcgan.runs.generator import TrainedGenerator
from dcgan.tensors import Latents, Pixels

MOST_BYTES = 200_000_000
MOST_POINTS = 100_000


@dataclass(frozen=True)
class Points:
    """Places in the space that a generator draws from, one a row."""

    latents: Latents
    """n z."""
    classes: Tensor | None = None
    """How much of each class: n k, float, a row sums to 1 for a real class; None for a generator without classes."""

    def __len__(self) -> int:
        return len(self.latents)

    def __getitem__(self, rows: Any) -> "Points":
        return Points(self.latents[rows], None if self.classes is None else self.classes[rows])

    def moved(self, steps: Tensor) -> "Points":
        """The same classes, the latents moved: n z, or z for all alike."""
        return Points(self.latents + steps, self.classes)

    def combined(self, weights: Tensor) -> "Points":
        """Weighted sums of these points: weights m n → m points."""
        return Points(weights @ self.latents, None if self.classes is None else weights @ self.classes)

    def to_json(self) -> dict[str, Any]:
        """The entries of the file."""
        known = {"latent_size": self.latents.shape[1], "latents": _rows(self.latents)}
        return known if self.classes is None else known | {"class_shares": _rows(self.classes)}


def together(parts: Sequence[Points]) -> Points:
    """All points of all parts, in order."""
    classes = [part.classes for part in parts if part.classes is not None]
    return Points(torch.cat([part.latents for part in parts]), torch.cat(classes) if classes else None)


def points_of_seeds(generator: TrainedGenerator, seeds: Sequence[int], label: int | None = None) -> Points:
    """Where the images of these seeds lie; ``label``: all of this class, instead of each seed's own."""
    labels = generator.labels(seeds)
    if labels is not None and label is not None:
        labels = torch.full_like(labels, label)
    num_classes = generator.generator.num_classes
    classes = None if labels is None else torch.nn.functional.one_hot(labels, num_classes).float()
    return Points(generator.latents(seeds), classes)


def draw(generator: TrainedGenerator, points: Points) -> Pixels:
    """The image at each point: n c h w."""
    return generator.decode(points.latents, points.classes)


def read_points(path: Path, generator: TrainedGenerator) -> Points:
    """The points that a file keeps.

    Raises:
        UserError: No such file, not of this form, or of a generator with other latents or classes.
    """
    try:
        content = strict_json(read_bytes(path, MOST_BYTES).decode("utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).", ExitCode.DATA) from error
    except ValueError as error:
        raise UserError(f"{path}: is not JSON ({error}).", ExitCode.DATA) from error
    return parse_points(content, generator, str(path))


def parse_points(content: Any, generator: TrainedGenerator, name: str) -> Points:
    """The points in the content of such a file; ``name`` is for messages.

    Raises:
        UserError: As ``read_points``.
    """
    if not isinstance(content, Mapping) or "latents" not in content:
        raise UserError(f'{name}: has no "latents". Expected a file that dcgan explore wrote.', ExitCode.DATA)
    size, num_classes = generator.config.model.latent_size, generator.generator.num_classes
    latents = _table(content["latents"], size, f"{name}: latents")
    if not num_classes:
        return Points(latents)
    if "class_shares" not in content:
        message = f'{name}: has no "class_shares", and this generator has {num_classes} classes.'
        raise UserError(f"{message} It is of another run.", ExitCode.DATA)
    shares = _table(content["class_shares"], num_classes, f"{name}: class_shares")
    if len(shares) != len(latents):
        raise UserError(f"{name}: {len(latents)} latents, but {len(shares)} class_shares.", ExitCode.DATA)
    return Points(latents, shares)


def _table(rows: Any, width: int, what: str) -> Tensor:
    """Rows of ``width`` numbers each as float32."""
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_POINTS:
        raise UserError(f"{what}: must be a list of 1 to {MOST_POINTS:,} lists of numbers.", ExitCode.DATA)
    for number, row in enumerate(rows):
        if not isinstance(row, list) or not all(type(value) in (int, float) for value in row):
            raise UserError(f"{what}, row {number}: must be a list of numbers.", ExitCode.DATA)
        if len(row) != width:
            message = f"{what}, row {number}: {len(row)} numbers, this run has {width}"
            raise UserError(f"{message}. It is of another run.", ExitCode.DATA)
        if not all(abs(value) <= 1e6 for value in row):
            raise UserError(f"{what}, row {number}: holds numbers beyond a million.", ExitCode.DATA)
    return torch.tensor(rows, dtype=torch.float32)


def _rows(table: Tensor) -> list[list[float]]:
    """Numbers with nine digits, which is what it takes to get the same float32 back."""
    return [[float(f"{value:.9g}") for value in row] for row in table.tolist()]
