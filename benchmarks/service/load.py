"""A server of the command line, and clients that ask it as fast as they can over connections that stay open."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil


@dataclass
class Answer:
    """What came back."""

    status: int
    body: bytes


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    port: int
    stderr: Path

    def processes(self) -> list[psutil.Process]:
        """The server's process and those that it started."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """Processor time so far, of all its processes."""
        return sum(sum(one.cpu_times()[:2]) for one in self.processes())

    def megabytes(self) -> float:
        """Memory that all its processes hold, what they share counted once each."""
        return sum(one.memory_info().rss for one in self.processes()) / 1e6


@contextmanager
def serving(command: Sequence[str], stderr: Path) -> Iterator[Server]:
    """Run a command that prints ``…http://127.0.0.1:PORT`` when it listens; it is ended afterwards."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with stderr.open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
    try:
        assert process.stdout is not None
        line = ""
        while "http://127.0.0.1:" not in line:
            line = process.stdout.readline()
            assert line, f"{command} ended: {stderr.read_text()}"
        port = int(line.split("http://127.0.0.1:")[1].split("/")[0].split()[0])
        asyncio.run(_ready(port))
        yield Server(process, port, stderr)
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def dcgan_serve(run: Path, *options: str) -> list[str]:
    """The command that serves a run on a free port."""
    return [sys.executable, "-m", "dcgan", "serve", str(run), "--port", "0", *options]


class Connection:
    """One connection that stays open; it is made anew when the server closed it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, path: str, body: bytes | None = None) -> Answer:
        """One request, whole; raises ConnectionError or EOFError when there is no whole answer."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        assert self._reader is not None
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        try:
            self._writer.write(head.encode() + b"\r\n" + (body or b""))
            first = await self._reader.readuntil(b"\r\n\r\n")
            length, closing = 0, False
            for line in first.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                elif name.lower() == b"connection" and value.strip() == b"close":
                    closing = True
            content = await self._reader.readexactly(length)
        except BaseException:
            self.close()
            raise
        if closing:
            self.close()
        return Answer(int(first.split(b" ", 2)[1]), content)

    def close(self) -> None:
        """The next request opens another."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def _ready(port: int) -> None:
    for _ in range(600):
        connection = Connection(port)
        try:
            if (await connection.ask("/healthz")).status in (200, 404):
                return
        except (OSError, EOFError):
            await asyncio.sleep(0.1)
        finally:
            connection.close()
    raise AssertionError("the server does not answer")


@dataclass
class Load:
    """What clients saw."""

    seconds: float
    latencies: list[float] = field(repr=False)
    wrong: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Requests a second, over all clients."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def clients(
    count: int, port: int, requests: int, ask: Callable[[Connection, int], Awaitable[str | None]]
) -> Load:
    """So many clients share numbered requests; ``ask`` returns what was wrong with an answer, None for nothing."""
    numbers, latencies, wrong = iter(range(requests)), list[float](), list[str]()

    async def one() -> None:
        connection = Connection(port)
        for number in numbers:
            started = time.perf_counter()
            fault = await ask(connection, number)
            latencies.append(time.perf_counter() - started)
            if fault:
                wrong.append(fault)
        connection.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    return Load(time.perf_counter() - started, latencies, wrong)
