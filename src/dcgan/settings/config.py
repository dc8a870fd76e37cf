"""A run's settings, complete: five sections of knobs, turned by text, tables and TOML; standard library only.

Preset < file < command line. What none of them speaks of and a preset leaves open is decided before step 0.
"""

import difflib
import re
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, Union

from dcgan.errors import UserError
from dcgan.foreign import read_bytes
from dcgan.settings.knobs import DataConfig, HardwareConfig, ModelConfig, RunsConfig, TrainingConfig, require

MAX_TOML_BYTES = 1_000_000
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'')
_DEEP_KEY = re.compile(r'(?<![\w"-])(?:[\w"-]+[ \t]*\.[ \t]*){12}')  # tomllib's time and memory grow with its square


@dataclass(frozen=True, kw_only=True)
class Config:
    """A run, complete."""

    recipe: str = "modern"
    """The named config that this one started from."""
    seed: int = 0
    """Every draw depends on it."""
    open: tuple[str, ...] = ()
    """Settings that nobody has asked for: the rules of ``modern`` (settings/rules.py) decide them before step 0."""
    reasons: tuple[str, ...] = ()
    """``setting: why`` of each that they decided. Nothing depends on it."""
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    runs: RunsConfig = field(default_factory=RunsConfig)
    hardware: HardwareConfig = field(default_factory=HardwareConfig)

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other, and ``open`` ones that are none."""
        # As long as it is open, the rules have the choice, and are told then; a bias leaves them none.
        if "model.discriminator_norm" not in self.open or self.model.discriminator_bias:
            self._check_normalisation()
        unknown = sorted(set(self.open) - {key for key, _ in flatten(self)})
        require(not unknown, "open", ", ".join(unknown), "no such setting")

    def _check_normalisation(self) -> None:
        """Refuse the discriminator's normalisation beside what it would spoil, and none where it is counted on."""
        model, key = self.model, "model.discriminator_norm"
        norm, residual = model.discriminator_norm, model.family == "residual"
        require(not (norm and residual), key, True, "must be false: residual has none")
        require(not (norm and model.spectral_norm), key, True, "must be false: it would undo the spectral norm")
        mixed = norm and self.training.penalised
        require(not mixed, key, True, "must be false: a gradient penalty is about single images")
        told = "must be false: it is for a first layer that is not normalised, before others that are"
        blind = norm and not model.norm_first
        require(blind or not model.discriminator_bias, "model.discriminator_bias", True, told)

    def override(self, changes: Mapping[str, Any]) -> "Config":
        """The same config with some knobs turned: ``{"training.batch_size": 64}``. Text is read as TOML would be.

        Whatever is turned is no longer open, and loses its reason.

        Raises:
            UserError: An unknown key (names the nearest), or a value of the wrong kind.
        """
        known = dict(flatten(self))
        sections: dict[str, dict[str, Any]] = {}
        for key, value in changes.items():
            if key not in known:
                nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
                hint = f" Did you mean {nearest[0]}?" if nearest else f" Known: {', '.join(known)}."
                raise UserError(f"{key:.100}: no such setting.{hint}")
            section, _, name = key.rpartition(".")
            owner = getattr(self, section) if section else self
            sections.setdefault(section, {})[name] = _coerce(key, typing.get_type_hints(type(owner))[name], value)
        kept = {
            "open": tuple(key for key in self.open if key not in changes),
            "reasons": tuple(line for line in self.reasons if line.partition(":")[0] not in changes),
        }
        top = kept | sections.pop("", {})
        return replace(self, **top, **{name: replace(getattr(self, name), **new) for name, new in sections.items()})


def flatten(config: Any) -> Iterator[tuple[str, Any]]:
    """``("seed", 0)``, ``("data.height", 64)``, …: every leaf with its dotted name, in the order of the page."""
    for item in fields(config):
        value = getattr(config, item.name)
        if is_dataclass(value):
            yield from ((f"{item.name}.{key}", leaf) for key, leaf in flatten(value))
        else:
            yield item.name, value


def to_tables(config: Config) -> dict[str, Any]:
    """Nested tables for TOML, which has no null: ``None`` is written as the word."""
    tables: dict[str, Any] = {}
    for key, value in flatten(config):
        section, _, name = key.rpartition(".")
        place = tables.setdefault(section, {}) if section else tables
        place[name] = "none" if value is None else list(value) if isinstance(value, tuple) else value
    return tables


def from_tables(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of a config file → changes for ``Config.override``."""
    changes: dict[str, Any] = {}
    for name, value in tables.items():
        changes |= {f"{name}.{key}": leaf for key, leaf in value.items()} if isinstance(value, dict) else {name: value}
    return changes


def read_toml(path: Path) -> dict[str, Any]:
    """A config file → changes for ``Config.override``.

    Raises:
        UserError: The file cannot be read, or is no TOML.
    """
    try:
        text = read_bytes(path, MAX_TOML_BYTES).decode("utf-8")
        if _DEEP_KEY.search(_STRING.sub('""', text)):
            raise ValueError("a key of over a dozen parts")
        return from_tables(tomllib.loads(text))
    except (OSError, ValueError, RecursionError) as error:  # tomllib lets Python's own limits through
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"--config {path}: not a config file that can be read ({reason}).") from error


def _coerce(key: str, kind: Any, value: Any) -> Any:
    """``value``, which may be text from a command line, as the type that the field declares."""
    origin, options = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            return None
        return _coerce(key, next(option for option in options if option is not type(None)), value)
    if origin is tuple:
        listed = [part for part in value.split(",") if part] if isinstance(value, str) else value
        require(isinstance(listed, list | tuple), key, value, "must be a list")
        return tuple(_coerce(key, options[0], part) for part in listed)
    if origin is Literal:
        require(isinstance(value, str) and value in options, key, value, f"must be one of {', '.join(options)}")
    elif kind is bool:
        value = {"true": True, "false": False}.get(str(value).lower())
        require(value is not None, key, value, "must be true or false")
    elif kind in (int, float):
        value = _number(key, kind, value)
    else:
        require(isinstance(value, str), key, value, "must be text")
    return value


def _number(key: str, kind: type, value: Any) -> int | float:
    """A whole number for int fields (``2e5`` is one), any finite number for float fields."""
    what = "a whole number" if kind is int else "a number"
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    good = abs(number) < float("inf") and not isinstance(value, bool) and (kind is float or number.is_integer())
    require(good, key, value, f"must be {what}")
    return int(value) if kind is int and not isinstance(value, str | float) else kind(number)
