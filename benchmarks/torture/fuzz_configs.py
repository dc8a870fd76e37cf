"""Config files made to lie: any value of any kind, tables in tables, text that is nearly TOML."""

import random
from pathlib import Path
from typing import Any

import tomli_w

from benchmarks.torture.forge import small_config
from benchmarks.torture.judge import judged
from benchmarks.torture.mutants import mutate, twist
from dcgan.errors import UserError
from dcgan.runs.config_file import as_toml
from dcgan.settings.config import Config, read_toml, to_tables
from dcgan.settings.recipes import complete

TEXTS = (
    b"a=" + b"[" * 100_000,
    b"a=" + b"{x=" * 50_000,
    b"a." * 50_000 + b"b=1",
    b"a=1" + b"0" * 10_000,
    b"\xff\xfe",
    b"\0",
    b"seed = 1e400",
    b"seed = nan",
    b"seed = -inf",
    b"[data]\nclasses = 5",
    b"[data]\nclasses = [[1], {}]",
    b"[[data]]\nwidth = 1",
    b"data = 1",
    b"[data.width]\nx = 1",
    b"seed = 1979-05-27T07:32:00Z",
    b"[training]\nbudget = 7",
    b"x = " + b'"' + b"a" * 2_000_000 + b'"',
    b"recipe = []",
    b"[model]\nnum_classes = 0x7fffffffffffffffffffffffffffffff",
    b'"data.width" = 64',
    b"[data]\nsource = '\x1b[31m'",
)


def run(count: int, seed: int, already: dict[str, Any]) -> dict[str, Any]:
    """Judge ``count`` config files in all."""
    return judged(case, count, seed, already)


def case(rng: random.Random, folder: Path) -> str:
    """One file: read, completed, written and read again."""
    path = folder / "config.toml"
    path.write_bytes(text(rng))
    try:
        config = complete(read_toml(path))
    except UserError as error:
        assert len(str(error)) < 20_000
        return "refused"
    path.write_text(as_toml(config), encoding="utf-8")
    assert complete(read_toml(path)) == config
    return "accepted"


def text(rng: random.Random) -> bytes:
    """The bytes of a config file that is worse than it was."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(TEXTS)
    tables: Any = to_tables(rng.choice((Config(), small_config())))
    if kind == 1:
        return mutate(rng, tomli_w.dumps(tables).encode(), 5)
    for _ in range(rng.randint(1, 2)):
        tables = twist(rng, tables)
    try:
        return tomli_w.dumps(tables).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, AttributeError):  # what TOML cannot say
        return repr(tables).encode()
