"""What a method was asked for, checked; no torch here."""

from collections.abc import Sequence

from dcgan.commands.sample import class_number, parse_seeds
from dcgan.errors import UserError


def seeds_of(seeds: str | Sequence[int], *, least: int = 1, most: int = 10_000) -> list[int]:
    """The seeds that were asked for.

    Raises:
        UserError: None of them, or fewer or more than the method can use.
    """
    if isinstance(seeds, str):
        found = parse_seeds(seeds)
    else:
        found = [int(seed) for seed in seeds]
        if any(not 0 <= seed < 10**18 for seed in found):
            raise UserError(f"seeds {list(seeds)!s:.100}: must be numbers from 0.")
    if not least <= len(found) <= most:
        expected = f"at least {least}" if len(found) < least else f"at most {most:,}"
        raise UserError(f"--seeds {seeds!s:.100}: {len(found):,} seeds. Expected {expected}.")
    return found


def label_of(label: str | None, class_names: Sequence[str]) -> int | None:
    """The number of the class that was asked for."""
    return None if label is None else class_number(label, class_names)


def require_number(option: str, value: int, least: int, most: int) -> None:
    """Refuse a number that is out of bounds.

    Raises:
        UserError: Says the bounds.
    """
    if not least <= value <= most:
        raise UserError(f"--{option} {value}: must be {least} … {most:,}.")
