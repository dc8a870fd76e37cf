"""Seeds and classes as people ask for them: numbers, ranges, arrays, tensors and names become lists of numbers."""

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from dcgan.errors import UserError

Numbers = int | Iterable[int] | np.ndarray | Tensor
"""One number, or many, of any library."""


def numbers_of(name: str, values: Any) -> list[int]:
    """Whole numbers from 0 on.

    Raises:
        UserError: Something else.
    """
    many = _listed(values)
    try:
        if any(isinstance(value, bool | np.bool_) for value in many):
            raise TypeError(values)
        numbers = [operator.index(value) for value in many]
    except TypeError as error:
        raise UserError(f"{name} = {values!r:.60}: must be whole numbers, such as 7 or range(64).") from error
    if bad := [number for number in numbers if not 0 <= number < 2**63]:
        raise UserError(f"{name}: {bad[0]} is not possible; numbers start at 0.")
    return numbers


def classes_of(labels: Any, classes: Sequence[str] | range, count: int) -> list[int]:
    """The number of the class of each of ``count`` images; ``classes``: their names, or their numbers.

    Raises:
        UserError: No classes, an unknown one, or another count.
    """
    if not classes:
        raise UserError("labels: this generator knows no classes. Train one with labels=True.")
    names = [str(name) for name in classes]
    numbers = [_class_number(label, names) for label in _listed(labels)]
    if len(numbers) == 1:
        return numbers * count
    if len(numbers) != count:
        raise UserError(f"labels: {len(numbers)} for {count} seeds. Give one for each seed, or one for all.")
    return numbers


def _class_number(label: Any, names: list[str]) -> int:
    if isinstance(label, str):
        if label in names:
            return names.index(label)
    else:
        (number,) = numbers_of("labels", label)
        if number < len(names):
            return number
    known = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    raise UserError(f"labels: no class {label!r:.40}. Known: {known} (or 0 … {len(names) - 1}).")


def _listed(values: Any) -> list[Any]:
    """What is in there, one after the other; of a single one, that one."""
    if isinstance(values, Tensor | np.ndarray):
        return list(values.reshape(-1).tolist())
    if isinstance(values, str) or not isinstance(values, Iterable):
        return [values]
    return [value.item() if isinstance(value, Tensor) else value for value in values]
