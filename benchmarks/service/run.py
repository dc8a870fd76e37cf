"""Attack the service while good requests come, and stop it under load: python -m benchmarks.service.run RUN.

The results go to benchmarks/results/service.json after each part; the same command goes on with what is missing.
"""

import argparse
import asyncio
import json
import random
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS
from benchmarks.service.attacks import send
from benchmarks.service.load import Connection, Load, clients, dcgan_serve, serving
from dcgan.commands.looks import encoded
from dcgan.hardware import describe
from dcgan.runs.generator import load_generator

SEEDS = 40
MARGIN_SECONDS = 1.0  # what was sent so long before SIGTERM had been read


def expected(run: Path) -> list[bytes]:
    """The files that dcgan sample writes."""
    pixels = load_generator(run).sample(range(SEEDS))
    return [encoded(picture.permute(1, 2, 0).numpy())[".png"] for picture in pixels]


def hostile(run: Path, folder: Path, attacks: int, good: int) -> dict[str, Any]:
    """Attacks by 16 clients beside good requests by 4, and the good ones alone before."""
    wanted = expected(run)

    async def ask(connection: Connection, number: int) -> str | None:
        for _ in range(200):  # a full queue says so
            answer = await connection.ask(f"/images/{number % SEEDS}.png")
            if answer.status not in (429, 503):
                break
            await asyncio.sleep(0.05)
        return None if (answer.status, answer.body) == (200, wanted[number % SEEDS]) else f"good: {answer.status}"

    async def both(port: int) -> tuple[Load, list[str]]:
        numbers, wrong = iter(range(attacks)), list[str]()

        async def attacker() -> None:
            for number in numbers:
                if fault := await send(number, port):
                    wrong.append(fault)

        load, *_ = await asyncio.gather(clients(4, port, good, ask), *(attacker() for _ in range(16)))
        return load, wrong

    with serving(dcgan_serve(run), folder / "stderr") as server:
        asyncio.run(clients(4, server.port, 100, ask))
        idle = asyncio.run(clients(4, server.port, good, ask))
        before = server.megabytes()
        attacked, wrong = asyncio.run(both(server.port))
        after = asyncio.run(clients(4, server.port, 100, ask))
        memory = server.megabytes()
    said = (folder / "stderr").read_text()
    return {
        "attacks": attacks,
        "good": good,
        "wrong": [*idle.wrong, *attacked.wrong, *after.wrong, *wrong][:50],
        "exit_code": server.process.returncode,
        "stderr_bytes": len(said),
        "tracebacks": said.count("Traceback"),
        "megabytes_before": round(before),
        "megabytes_after": round(memory),
        "p99_ms_idle": round(idle.percentile(0.99), 1),
        "p99_ms_attacked": round(attacked.percentile(0.99), 1),
    }


def stopped(run: Path, folder: Path, seed: int, *, kill: bool) -> dict[str, Any]:
    """One signal under load: SIGTERM to the service, or SIGKILL to one of its two workers."""
    wanted, sent = expected(run), list[tuple[float, float, str]]()
    over = False

    async def client(port: int, number: int) -> None:
        connection = Connection(port)
        while not over:
            number = (number + 7) % SEEDS
            started = time.monotonic()
            try:
                answer = await connection.ask(f"/images/{number}.png")
                right = answer.status in (429, 503) or (answer.status == 200 and answer.body == wanted[number])
                sent.append((started, time.monotonic(), "right" if right else f"wrong: {answer.status}"))
            except (OSError, EOFError):
                sent.append((started, time.monotonic(), "none"))
                await asyncio.sleep(0.05)
        connection.close()

    async def trial(server: Any) -> float:
        nonlocal over
        everybody = [asyncio.create_task(client(server.port, number)) for number in range(16)]
        await asyncio.sleep(random.Random(seed).uniform(2, 4))
        when = time.monotonic()
        if kill:
            server.processes()[1].kill()
            await asyncio.sleep(4)
        else:
            server.process.send_signal(signal.SIGTERM)
            while server.process.poll() is None:
                await asyncio.sleep(0.02)
        over = True
        await asyncio.gather(*everybody)
        return when

    with serving(dcgan_serve(run, *(["--workers", "2"] if kill else [])), folder / "stderr") as server:
        when = asyncio.run(trial(server))
        if kill:
            asyncio.run(_again(server.port, wanted[3]))
    lost = [one for one in sent if one[2] == "none" and one[0] < when - MARGIN_SECONDS]
    return {
        "requests": len(sent),
        "wrong": [one[2] for one in sent if one[2].startswith("wrong")][:10],
        "unanswered_of_those_accepted": 0 if kill else len(lost),
        "unanswered": sum(one[2] == "none" for one in sent),
        "exit_code": server.process.returncode,
        "tracebacks": (folder / "stderr").read_text().count("Traceback"),
    }


async def _again(port: int, wanted: bytes) -> None:
    """After a worker died the same image comes."""
    assert (await Connection(port).ask("/images/3.png")).body == wanted


def main() -> None:
    """Do what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--attacks", type=int, default=10_000)
    parser.add_argument("--good", type=int, default=1_000)
    parser.add_argument("--terms", type=int, default=100)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--out", type=Path, default=RESULTS / "service.json")
    asked = parser.parse_args()
    found: dict[str, Any] = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    found.setdefault("measured", describe())

    def keep() -> None:
        asked.out.write_text(json.dumps(found, indent=1) + "\n")

    with tempfile.TemporaryDirectory() as name:
        if found.get("hostile", {}).get("attacks", 0) < asked.attacks:
            found["hostile"] = hostile(asked.run, Path(name), asked.attacks, asked.good)
            keep()
        for kind, count in (("sigterm", asked.terms), ("sigkill of a worker", asked.kills)):
            done = found.setdefault(kind, [])
            while len(done) < count:
                done.append(stopped(asked.run, Path(name), len(done), kill=kind != "sigterm"))
                keep()


if __name__ == "__main__":
    main()
