"""A run's settings, complete: five sections of knobs, turned by text, tables and TOML; standard library only.

A value is touched in two ways: ``Config.asked`` is what a person wants, ``Config.decided`` what follows from it. In
which order that happens is in commands/plan.py.
"""

import difflib
import re
import tomllib
import types
import typing
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union

from dcgan.errors import UserError
from dcgan.foreign import read_bytes
from dcgan.settings.knobs import DataConfig, HardwareConfig, ModelConfig, RunsConfig, TrainingConfig, require

FORMER_NAMES = {"open": "undecided"}
"""What settings were called in the files of earlier versions."""
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
    undecided: tuple[str, ...] = ()
    """Settings that nobody has asked for: the rules of ``modern`` (settings/rules.py) decide them before step 0."""
    reasons: tuple[str, ...] = ()
    """``setting: why`` of each that they decided. Nothing depends on it."""
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    runs: RunsConfig = field(default_factory=RunsConfig)
    hardware: HardwareConfig = field(default_factory=HardwareConfig)

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other, and ``undecided`` ones that are none."""
        _require_compatible(self.model, self.training, self.undecided)
        unknown = sorted(set(self.undecided) - _kinds().keys())
        require(not unknown, "undecided", ", ".join(unknown), "no such setting")

    @classmethod
    def of(cls, recipe: str, settings: Mapping[str, Any]) -> "Config":
        """The defaults but for the settings of a recipe, which are of the right types."""
        sections, kinds = _by_section(settings), typing.get_type_hints(cls)
        top = sections.pop("")
        return cls(recipe=recipe, **top, **{name: kinds[name](**values) for name, values in sections.items()})

    def asked(self, changes: Mapping[str, Any]) -> "Config":
        """The config with what a person wants: ``{"training.batch_size": 64}``. Text is read as TOML would be.

        What is asked for is no longer undecided, and has no reason but that.

        Raises:
            UserError: An unknown key (names the nearest), or a value of the wrong kind.
        """
        return self._turned({key: _coerce(key, _kind(key), value) for key, value in changes.items()})

    def decided(self, changes: Mapping[str, Any], reasons: Mapping[str, str] | None = None) -> "Config":
        """The config with what follows from rules, data and machine, and why, setting by setting.

        Raises:
            UserError: It contradicts what was asked for.
        """
        return self._turned({key: _coerce(key, _kind(key), value) for key, value in changes.items()}, reasons or {})

    def allows(self, changes: Mapping[str, Any]) -> bool:
        """Whether these settings contradict neither each other nor the rest."""
        sections = {name: getattr(self, name) for name in ("model", "training")}
        try:
            sections |= self._sections(changes)
            undecided = [key for key in self.undecided if key not in changes]
            _require_compatible(sections["model"], sections["training"], undecided)
        except UserError:
            return False
        return True

    def _turned(self, changes: Mapping[str, Any], reasons: Mapping[str, str] = types.MappingProxyType({})) -> "Config":
        kept = {
            "undecided": tuple(key for key in self.undecided if key not in changes),
            "reasons": tuple(line for line in self.reasons if line.partition(":")[0] not in changes)
            + tuple(f"{key}: {reason}" for key, reason in reasons.items()),
        }
        turned = kept | _by_section(changes)[""] | self._sections(changes)
        differs = any(getattr(self, name) != value for name, value in turned.items())
        return replace(self, **turned) if differs else self

    def _sections(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The sections that the changes are in, with them."""
        return {name: replace(getattr(self, name), **values) for name, values in _by_section(changes).items() if name}


def _by_section(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """``{"model.prior": 1, "seed": 2}`` → ``{"model": {"prior": 1}, "": {"seed": 2}}``."""
    sections: dict[str, dict[str, Any]] = {"": {}}
    for key, value in settings.items():
        section, _, name = key.rpartition(".")
        sections.setdefault(section, {})[name] = value
    return sections


def _require_compatible(model: ModelConfig, training: TrainingConfig, undecided: Collection[str]) -> None:
    """Refuse the discriminator's normalisation beside what it would spoil, and none where it is counted on."""
    key, norm = "model.discriminator_norm", model.discriminator_norm
    if key in undecided and not model.discriminator_bias:  # the rules have the choice; a bias leaves them none
        return
    require(not (norm and model.family == "residual"), key, True, "must be false: residual has none")
    require(not (norm and model.spectral_norm), key, True, "must be false: it would undo the spectral norm")
    mixed = norm and training.penalised
    require(not mixed, key, True, "must be false: a gradient penalty is about single images")
    told = "must be false: it is for a first layer that is not normalised, before others that are"
    blind = norm and not model.norm_first
    require(blind or not model.discriminator_bias, "model.discriminator_bias", True, told)


@cache
def _kinds() -> Mapping[str, Any]:
    """The type of each setting by its dotted name."""
    kinds = dict[str, Any]()
    for name, kind in typing.get_type_hints(Config).items():
        if is_dataclass(kind):
            kinds |= {f"{name}.{key}": leaf for key, leaf in typing.get_type_hints(kind).items()}
        else:
            kinds[name] = kind
    return kinds


def _kind(key: str) -> Any:
    """The type of one setting.

    Raises:
        UserError: There is none of that name; names the nearest.
    """
    kinds = _kinds()
    if key not in kinds:
        nearest = difflib.get_close_matches(key, kinds, n=1, cutoff=0.5)
        hint = f" Did you mean {nearest[0]}?" if nearest else f" Known: {', '.join(kinds)}."
        raise UserError(f"{key:.100}: no such setting.{hint}")
    return kinds[key]


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
    """The tables of a config file → changes for ``Config.asked``."""
    changes: dict[str, Any] = {}
    for name, value in tables.items():
        if isinstance(value, dict):
            changes |= {f"{name}.{key}": leaf for key, leaf in value.items()}
        else:
            changes[FORMER_NAMES.get(name, name)] = value
    return changes


def read_toml(path: Path) -> dict[str, Any]:
    """A config file → changes for ``Config.asked``.

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
