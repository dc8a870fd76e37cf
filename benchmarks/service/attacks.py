"""Requests that no honest client sends, each with the answers that are allowed."""

import asyncio
import json
import random
from contextlib import suppress

REFUSED = frozenset({400, 401, 403, 404, 405, 406, 408, 411, 413, 414, 415, 422, 429, 431, 503, 505})
CLOSED = 0
HOST = b"Host: 127.0.0.1\r\n"


def post(path: bytes, body: bytes) -> bytes:
    """A request with a body of JSON."""
    head = b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def get(path: bytes, headers: bytes = HOST) -> bytes:
    """A request without one."""
    return b"GET " + path + b" HTTP/1.1\r\n" + headers + b"\r\n"


def attack(number: int) -> tuple[str, bytes]:
    """The name and the bytes of one of them; the same number is the same attack."""
    draw = random.Random(number)
    names = list(_KINDS)
    name = names[number % len(names)]
    return name, _KINDS[name](draw)


def _mutated(draw: random.Random) -> bytes:
    """A good request with some bytes changed."""
    whole = bytearray(post(b"/images", b'{"seeds": [1, 2], "answer": "zip", "format": "png"}'))
    for _ in range(draw.randint(1, 8)):
        whole[draw.randrange(len(whole))] = draw.randrange(256)
    return bytes(whole)


def _fields(draw: random.Random) -> bytes:
    """Fields of the right names and wrong values."""
    values = [
        None,
        True,
        -1,
        10**400,
        1e308,
        "1",
        [],
        {},
        [[]],
        "x" * 5_000,
        2**53,
        [1] * 65,
        [[0.0] * 7],
        float("nan"),
    ]
    names = ["seeds", "n", "latents", "label", "format", "answer", "prompt", "unknown"]
    body = {name: draw.choice(values) for name in draw.sample(names, draw.randint(1, 3))}
    return post(
        draw.choice([b"/images", b"/v1/images/generations", b"/v2/models/run/infer"]), json.dumps(body).encode()
    )


_PATHS = [
    b"/images/../../etc/passwd", b"/images/..%2f..%2fetc%2fpasswd.png", b"//etc/passwd", b"/images/%00.png",
    b"/images/-1.png", b"/images/99999999999999999999999.png", b"/images/1e9.png", b"/images/1.exe",
    b"/images/1.png%0d%0aX:1",
    b"/?run=../..", b"/images/1.png?run=%2e%2e%2fcheckpoints", b"/images/1.png?label=" + b"a" * 3_000, b"/.git/config",
    b"/walk.gif?from=0&to=1&frames=1000000000", b"/walk.gif?from=nan&to=inf", b"/v2/models/..%2f../infer",
    b"*", b"/%ff%fe",
]  # fmt: skip
_HOSTS = [
    b"evil.example",
    b"127.0.0.1.evil.example",
    b"localhost.evil.example",
    b"[::1",
    b"",
    b"127.0.0.1\r\nHost: evil",
]
_KINDS = {
    "noise": lambda draw: draw.randbytes(draw.randint(1, 2_000)),
    "mutated": _mutated,
    "fields": _fields,
    "path": lambda draw: get(draw.choice(_PATHS)),
    "host": lambda draw: get(b"/images/1.png", b"Host: " + draw.choice(_HOSTS) + b"\r\n"),
    "long head": lambda draw: get(b"/", HOST + b"X: " + b"x" * draw.choice([20_000, 200_000]) + b"\r\n"),
    "many headers": lambda draw: get(b"/", HOST + b"".join(b"X%d: y\r\n" % index for index in range(3_000))),
    "slow body": lambda draw: post(b"/images", b'{"n": 2}')[: -draw.randint(1, 7)],
    "slow head": lambda draw: b"GET / HTTP/1.1\r\n" + HOST[: draw.randint(1, 10)],
    "lying length": lambda draw: b"POST /images HTTP/1.1\r\n" + HOST + draw.choice(
        [b"Content-Length: 99999999999999999999", b"Content-Length: -5", b"Content-Length: 5\r\nContent-Length: 50"]
    ) + b"\r\n\r\n{}",
    "chunks": lambda draw: b"POST /images HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + draw.choice(
        [b"ffffffffffffffffff\r\n", b"-1\r\n{}\r\n", b"2\r\n{}\r\n0\r\n\r\n", b"zz\r\n"]
    ),
    "deep": lambda draw: post(b"/images", b"[" * draw.choice([1_000, 100_000]) + b"]"),
    "large body": lambda draw: post(b"/images", b" " * 1_200_000),
    "method": lambda draw: draw.choice([b"CONNECT", b"TRACE", b"DELETE", b"PRI"]) + b" / HTTP/1.1\r\n" + HOST + b"\r\n",
}  # fmt: skip


async def send(number: int, port: int) -> str | None:
    """One attack; what was wrong with its answer, None for nothing. Slow ones are left open for a moment."""
    name, content = attack(number)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        return f"{name}: no connection ({error})"
    try:
        writer.write(content)
        with suppress(ConnectionError):
            await writer.drain()
        if number % 3 == 0 and writer.can_write_eof():
            writer.write_eof()  # half closed
        if number % 7 == 0:
            return None  # gone before the answer
        first = await asyncio.wait_for(reader.read(64), 60)
    except ConnectionError:
        return None
    except TimeoutError:
        return f"{name}: neither an answer nor an end within 60 s"
    finally:
        writer.close()
    status = int(first.split(b" ")[1]) if first.startswith(b"HTTP/1.") and first.count(b" ") > 1 else CLOSED
    allowed = {CLOSED, *REFUSED} | (
        {200} if name in ("mutated", "fields", "path", "chunks", "noise", "method") else set()
    )
    return None if status in allowed else f"{name}: {status}, attack {number}"
