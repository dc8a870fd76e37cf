"""What a Python program hands over becomes what the options hold: text, numbers, or a sentence on the mistake."""

import difflib
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from dcgan.commands.options import Tracking
from dcgan.errors import UserError
from dcgan.interfaces.arguments import unwrapped
from dcgan.settings.config import Config, flatten

Options = TypeVar("Options")
COMMAND_LINE_ONLY = {
    "dry_run": "it prints what a run would cost: dcgan train --dry-run",
    "profile": "it is for the command line: dcgan train --profile",
    "processes": "a program is one process: dcgan train --processes N",
    "verbose": "the reasons of all settings are in the report of the run",
}


def options(function: str, kind: type[Options], asked: Mapping[str, Any]) -> Options:
    """The options of a command from the arguments of the function of its name.

    Raises:
        UserError: A name that the function does not have, or a value that cannot be meant.
    """
    refuse_unknown(function, asked["unknown"], kind)
    hints = get_type_hints(kind, include_extras=True)
    return kind(**{name: _converted(name, asked[name], hints[name]) for name in hints.keys() & asked.keys()})


def _converted(name: str, value: Any, hint: Any) -> Any:
    """The value as the options hold it: by its name, else by its type."""
    if name in _CONVERSIONS:
        return _CONVERSIONS[name](name, value)
    bare, _ = unwrapped(hint)
    if get_origin(bare) is Literal:
        return choice(name, value, get_args(bare))
    if bare is bool:
        return flag(name, value)
    return whole(name, value) if bare is int else text(name, value)


def refuse_unknown(function: str, unknown: Iterable[str], options: type) -> None:
    """Refuse names that the function does not have.

    Raises:
        UserError: The first of them, and what was meant.
    """
    known = sorted({item.name for item in fields(options)} - COMMAND_LINE_ONLY.keys())
    for name in unknown:
        if name in COMMAND_LINE_ONLY:
            raise UserError(f"{name}: not an option of {function}; {COMMAND_LINE_ONLY[name]}.")
        settings = [key for key, _ in flatten(Config()) if key.rpartition(".")[2] == name]
        nearest = difflib.get_close_matches(name, known, n=1)
        if settings:
            hint = f'It is a setting: settings={{"{settings[0]}": …}}.'
        else:
            hint = f"Did you mean {nearest[0]}?" if nearest else f"Known: {', '.join(known)}."
        raise UserError(f"{name}: {function} has no such option. {hint}")


def source_of(name: str, value: object) -> str | None:
    """A source of images, as text.

    Raises:
        UserError: An array, or whatever else is no path.
    """
    shape = getattr(value, "shape", None)
    if shape is not None:
        size = " x ".join(map(str, shape))
        hint = 'Save it, and give the file: numpy.save("images.npy", array)'
        raise UserError(f"{name}: an array of {size} is not a folder, a file or a name. {hint}.")
    return text(name, value)


def text(name: str, value: object) -> str | None:
    """A word or a path, as text.

    Raises:
        UserError: Neither.
    """
    if value is not None and not isinstance(value, str | Path):
        raise UserError(f"{name} = {value!r:.60}: must be text or a path, not {type(value).__name__}.")
    return None if value is None else str(value)


def whole(name: str, value: object) -> int | None:
    """A whole number of any library.

    Raises:
        UserError: Something else.
    """
    try:
        if isinstance(value, bool):
            raise TypeError(value)
        return None if value is None else operator.index(value)  # type: ignore[arg-type]  # it refuses what is none
    except TypeError as error:
        raise UserError(f"{name} = {value!r:.60}: must be a whole number.") from error


def flag(name: str, value: object) -> bool:
    """True or False.

    Raises:
        UserError: Something else, such as the classes themselves.
    """
    if not isinstance(value, bool):
        raise UserError(f"{name} = {value!r:.60}: must be True or False.")
    return value


def size(value: object) -> str | None:
    """``64``, ``"48x80"`` or ``(48, 80)``, height first.

    Raises:
        UserError: Something else.
    """
    if isinstance(value, tuple | list):
        return "x".join(str(whole("size", part)) for part in value)
    return value if isinstance(value, str) or value is None else str(whole("size", value))


def budget(value: object) -> str | None:
    """Text such as ``"10min"``; a number is a number of images.

    Raises:
        UserError: Something else.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) or value is None else str(whole("budget", value))


def choice(name: str, value: Any, words: tuple[str, ...]) -> Any:
    """One of the words that this option may be; a number is taken for its digits.

    Raises:
        UserError: Another one.
    """
    word = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if word is not None and word not in words:
        raise UserError(f"{name} = {value!r:.60}: must be one of {', '.join(words)}.")
    return word


def varied(value: object) -> str | None:
    """What differs between runs: text as it is, ``{"model.negative_slope": [0, 0.2]}`` as ``--vary`` takes it.

    Raises:
        UserError: Something else.
    """
    if isinstance(value, Mapping):
        return "|".join(f"{key}={_word(values)}" for key, values in value.items())
    return text("vary", value)


def listed(name: str, value: object) -> str | None:
    """Several words: ``"a,b"`` or ``["a", "b"]``.

    Raises:
        UserError: Something else.
    """
    if isinstance(value, tuple | list):
        return ",".join(str(text(name, part)) for part in value)
    return text(name, value)


def settings(changes: Mapping[str, Any] | None) -> tuple[str, ...]:
    """``{"training.batch_size": 64}`` as ``--set`` takes it.

    Raises:
        UserError: No mapping.
    """
    if changes is not None and not isinstance(changes, Mapping):
        raise UserError('settings: must be a dictionary, such as {"training.batch_size": 64}.')
    return tuple(f"{key}={_word(value)}" for key, value in (changes or {}).items())


def _word(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


_CONVERSIONS: dict[str, Callable[[str, Any], Any]] = {
    "source": source_of,
    "target": source_of,
    "reference": source_of,
    "data": source_of,
    "size": lambda _, value: size(value),
    "budget": lambda _, value: budget(value),
    "settings": lambda _, value: settings(value),
    "vary": lambda _, value: varied(value),
    "classes": listed,
    "detectors": lambda _, value: (value,) if isinstance(value, str) else tuple(value),
    "device": lambda _, value: None if value is None else str(value),
    "track": lambda name, value: tuple(
        choice(name, one, get_args(Tracking)) for one in ((value,) if isinstance(value, str) else value)
    ),
    "runs": lambda name, value: tuple(text(name, one) for one in value),
}
