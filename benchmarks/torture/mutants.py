"""Good bytes and good values made worse, each change a draw from a random generator."""

import random
from typing import Any

NUMBERS = (
    0,
    1,
    2,
    3,
    7,
    8,
    16,
    127,
    128,
    255,
    256,
    32_767,
    32_768,
    65_535,
    65_536,
    99_999,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
)
NAMES = (
    "../../escaped.png",
    "/tmp/absolute.png",
    "..\\..\\escaped.png",
    "C:\\windows\\x.png",
    "\\\\server\\share\\x.png",
    "nul\0byte.png",
    "CON.png",
    "aux/x.png",
    "a" * 5_000 + ".png",
    "/".join(["deep"] * 2_000) + "/x.png",
    "x.png/",
    "\x1b]0;title\x07.png",
    "\x1b[2Jclear.png",
    "\u202egnp.exe.png",
    "<img src=x onerror=alert(1)>.png",
    "line\nbreak.png",
    "é.png",
    "e\u0301.png",
    "\udcff.png",
    ".hidden.png",
    "~root/x.png",
    "$(reboot).png",
    "%2e%2e%2fx.png",
    "",
    ".",
    "..",
    "/",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    2**64,
    10**30,
    10**400,
    0.5,
    -0.0,
    1e308,
    float("inf"),
    float("nan"),
    "",
    "x",
    "0",
    "1e999",
    "NaN",
    "-1",
    "9" * 5_000,
    "\0",
    "\x1b[31m",
    "../..",
    "none",
    "auto",
    [],
    [1],
    ["a"] * 1_000,
    {},
    {"a": {}},
    [[[[[[]]]]]],
    "a" * 100_000,
)


def mutate(rng: random.Random, content: bytes, changes: int = 3) -> bytes:
    """One to ``changes`` random changes anywhere."""
    data = bytearray(content)
    for _ in range(rng.randint(1, changes)):
        place = rng.randrange(len(data) + 1)
        kind = rng.randrange(8)
        if kind == 0 and data:
            data[min(place, len(data) - 1)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[place : place + 1] = bytes([rng.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))])
        elif kind in (2, 3):
            number = rng.choice((*NUMBERS, len(data)))
            data[place : place + 4] = number.to_bytes(4, rng.choice(("little", "big")))
        elif kind == 4:
            del data[place : place + rng.choice((1, 2, 4, 64, 4096))]
        elif kind == 5:
            data[place:place] = data[place : place + rng.choice((1, 4, 64, 4096))]
        elif kind == 6:
            data[place:place] = rng.choice((rng.randbytes(16), bytes(1024), b"\xff" * 64))
        else:
            del data[place:]
    return bytes(data)


def twist(rng: random.Random, value: Any) -> Any:
    """A tree of dictionaries, lists and leaves with one of its nodes replaced, dropped, doubled or renamed."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        kind = rng.random()
        if kind < 0.1:
            return {name: leaf for name, leaf in value.items() if name != key}
        if kind < 0.2:
            return value | {f"{key}{rng.choice(('x', ' ', '.', ''))}_": value[key]}
        return value | {key: twist(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.7:
        place = rng.randrange(len(value))
        return [*value[:place], twist(rng, value[place]), *value[place + rng.choice((0, 1)) :]]
    if type(value) is int and rng.random() < 0.6:
        return value + rng.choice((-1, 1, 4, -4, 2**32, -(2**32)))
    return rng.choice(VALUES)
