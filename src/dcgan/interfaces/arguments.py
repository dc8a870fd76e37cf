"""What was typed after a command, checked word by word before it is parsed: each mistake gets a sentence.

The library that parses and prints help answers mistakes in terms of Python; here they are answered in the user's.
"""

import difflib
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, TypeVar, Union

import tyro

from dcgan.errors import UserError

Options = TypeVar("Options")
FEWEST_IMAGES = 64
"""A budget below this that has no unit is taken for a slip."""
_NUMBER = re.compile(r"-\d|-\.\d")


@dataclass(frozen=True)
class Argument:
    """One thing that may be typed."""

    name: str
    """``--seed``, or what help calls a word without a name: ``RUN``."""
    kind: Any
    """int, float, str, bool, or a ``Literal``."""
    metavar: str
    positional: bool
    many: bool
    required: bool


def parse(kind: Callable[..., Options], words: list[str], program: str) -> Options:
    """The options of ``words``; ``--help`` prints help and exits.

    Raises:
        UserError: A word that is not understood; says what would be.
    """
    if not {"-h", "--help"} & set(words) and not any(word.startswith("--tyro-") for word in words):
        check(list(arguments(kind)), words, program)
    return tyro.cli(kind, args=words, prog=program)


def check(arguments: list[Argument], words: list[str], program: str) -> None:
    """Refuse what the parser would refuse.

    Raises:
        UserError: The first mistake.
    """
    named = {argument.name: argument for argument in arguments if not argument.positional}
    loose, given, rest = list[str](), set[str](), list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-" or _NUMBER.match(word):
            loose.append(word)
            continue
        name, equals, value = word.partition("=")
        name = name.replace("_", "-")
        if name not in named:
            raise UserError(_unknown(name, named, program))
        given.add(name)
        argument = named[name]
        if argument.kind is bool:
            if equals:
                raise UserError(f"{name}: takes no value. Give {name} alone, or leave it out.")
            continue
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise UserError(f"{name}: its value is missing. Write {name} {argument.metavar}.")
            value = rest.pop(0)
        _check_value(argument, value)
    _check_loose([argument for argument in arguments if argument.positional], loose, program)
    for argument in arguments:
        if argument.required and not argument.positional and argument.name not in given:
            raise UserError(f"{argument.name} {argument.metavar} is missing. {program} --help tells what it may be.")


def _check_value(argument: Argument, value: str) -> None:
    """Refuse a value that is of another kind."""
    if typing.get_origin(argument.kind) is Literal:
        choices = [str(choice) for choice in typing.get_args(argument.kind)]
        if value not in choices:
            nearest = difflib.get_close_matches(value, choices, n=1)
            hint = f" Did you mean {nearest[0]}?" if nearest else ""
            raise UserError(f"{argument.name} {value}: must be one of {', '.join(choices)}.{hint}")
    elif argument.kind is int and not re.fullmatch(r"[+-]?\d[\d_]*", value.strip()):
        raise UserError(f"{argument.name} {value}: must be a whole number, such as 7.")
    elif argument.kind is float:
        try:
            float(value)
        except ValueError as error:
            raise UserError(f"{argument.name} {value}: must be a number, such as 0.5.") from error


def _check_loose(expected: list[Argument], loose: list[str], program: str) -> None:
    """Refuse words without a name that are too many or too few."""
    missing = [argument for argument in expected if argument.required][len(loose) :]
    if missing:
        name = missing[0].name
        raise UserError(f"{name} is missing. Write {program} {name}; {program} --help tells the rest.")
    if any(argument.many for argument in expected):
        return
    if len(loose) > len(expected):
        surplus = " ".join(loose[len(expected) :])
        raise UserError(
            f"{surplus}: one word too many, or more. Put quotes around a name with spaces; {program} --help tells "
            "which options there are."
        )
    for argument, value in zip(expected, loose, strict=False):
        _check_value(argument, value)


def _unknown(name: str, named: dict[str, Argument], program: str) -> str:
    """What to say of an option that is none."""
    nearest = difflib.get_close_matches(name, named, n=1, cutoff=0.5)
    hint = f"Did you mean {nearest[0]}?" if nearest else f"{program} --help lists them."
    return f"{name}: {program} has no such option. {hint}"


def arguments(kind: Any) -> Iterator[Argument]:
    """What may be typed for a dataclass of options, or for a function."""
    hints = typing.get_type_hints(kind, include_extras=True)
    if is_dataclass(kind):
        without_default = {item.name for item in fields(kind) if item.default is item.default_factory}
        names = [item.name for item in fields(kind)]
    else:
        parameters = inspect.signature(kind).parameters.values()
        without_default = {item.name for item in parameters if item.default is inspect.Parameter.empty}
        names = [item.name for item in parameters]
    for name in names:
        yield from _argument(name, hints[name], required=name in without_default)


def _argument(field: str, hint: Any, *, required: bool) -> Iterator[Argument]:
    """The arguments of one field: one, none, or those of the options inside it."""
    bare, notes = unwrapped(hint)
    if any(note is tyro.conf.Suppress for note in notes):
        return
    if is_dataclass(bare):
        yield from arguments(bare)
        return
    keys = ("name", "metavar", "constructor")
    look = {key: value for note in notes for key in keys if (value := getattr(note, key, None))}
    positional = any(note is tyro.conf.Positional for note in notes)
    many = typing.get_origin(bare) is tuple
    kind = look.get("constructor") or (typing.get_args(bare)[0] if many else bare)
    metavar = str(look.get("metavar", field.upper()))
    name = metavar.strip("[]") if positional else "--" + str(look.get("name", field)).replace("_", "-")
    yield Argument(name, kind, metavar, positional, many, required)


def unwrapped(hint: Any) -> tuple[Any, list[Any]]:
    """The type without notes and without ``None``, and the notes."""
    notes: list[Any] = []
    while True:
        if typing.get_origin(hint) is Annotated:
            hint, *more = typing.get_args(hint)
            notes += more
        elif typing.get_origin(hint) in (Union, types.UnionType):
            options = [option for option in typing.get_args(hint) if option is not type(None)]
            hint = options[0]
        else:
            return hint, notes


def require_unit(budget: str | None) -> None:
    """Refuse a bare number of less than a usual batch: minutes are meant, or epochs."""
    if budget is not None and re.fullmatch(r"\s*\d+\s*", budget) and 0 < int(budget) < FEWEST_IMAGES:
        number = int(budget)
        raise UserError(
            f"--budget {number}: {number} images are less than one usual step. Write {number}min for minutes, "
            f"{number}epochs for epochs, or {number}images if images are meant."
        )
