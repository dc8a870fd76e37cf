"""Kill a run again and again, let it come to its end, and compare it with one that nobody killed."""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.torture.fork_server import ForkServer
from benchmarks.torture.tiny_runs import SETTINGS, differences

INTERVAL = SETTINGS["runs.save_every_images"]
STEP = 16
KILLED = -9
MOST_KILLS = 3  # of one run


@dataclass(frozen=True)
class Whole:
    """The run that nobody killed."""

    fingerprint: dict[str, Any]
    seconds: float
    calls: int


def never_killed(server: ForkServer, folder: Path) -> Whole:
    """Train it."""
    done = server.ask("run", folder / "whole")
    assert done["exit_code"] == 0, done
    found = server.ask("fingerprint", folder / "whole", whole=True)
    return Whole(found["fingerprint"], done["seconds"], done["calls"])


def killed(server: ForkServer, folder: Path, whole: Whole, *, seed: int, call: int | None = None) -> dict[str, Any]:
    """One run, killed one to ``MOST_KILLS`` times; at a random time, or first of all at the given ``call``.

    The answer counts the kills and lists what was wrong: nothing, if the product keeps its promises.
    """
    random_ = random.Random(seed)
    out = folder / f"killed-{seed}"
    wanted, kills, wrong = random_.randint(1, MOST_KILLS), 0, []
    while True:
        blow = _blow(random_, whole, call) if kills < wanted else {}
        done = server.ask("run", out, **blow)
        found = server.ask("fingerprint", out, whole=done["exit_code"] == 0)
        wrong += [f"damaged: {name}" for name in found["damaged"]]
        if done["exit_code"] != KILLED:
            break
        kills, call = kills + 1, None if call is None else random_.randint(1, whole.calls)
        lost = done["images_seen"] - max(found["saved"], default=0)
        if lost > INTERVAL:
            wrong.append(f"lost {lost} images after {done['images_seen']}")
    if done["exit_code"] != 0:
        wrong.append(f"exit code {done['exit_code']}")
    else:
        wrong += differences(whole.fingerprint, found["fingerprint"])
    if not wrong:
        shutil.rmtree(out)
    return {"seed": seed, "kills": kills, "wrong": wrong}


def _blow(random_: random.Random, whole: Whole, call: int | None) -> dict[str, Any]:
    if call is None:
        return {"kill_after": random_.uniform(0, whole.seconds)}
    return {"kill_call": call, "half": random_.random() < 0.5}


def stopped(server: ForkServer, folder: Path, whole: Whole, *, step: int) -> dict[str, Any]:
    """One run, stopped after so many steps and continued; what was wrong."""
    out = folder / f"stopped-{step}"
    codes = [server.ask("run", out, stop_after=step)["exit_code"], server.ask("run", out)["exit_code"]]
    found = server.ask("fingerprint", out, whole=True)
    wrong = [f"exit codes {codes}"] if any(codes) else differences(whole.fingerprint, found["fingerprint"])
    if not wrong:
        shutil.rmtree(out)
    return {"seed": step, "wrong": wrong}
