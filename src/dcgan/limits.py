"""What the system lets this process use: its affinity mask and the limits of its container."""

import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def available_threads() -> int:
    """Processors to use: as the affinity mask, the container's quota and ``OMP_NUM_THREADS`` allow; at least one."""
    limits = (affinity(), processor_quota(), asked_threads())
    return max(1, int(min(limit for limit in limits if limit is not None)))


def asked_threads() -> int | None:
    """What ``OMP_NUM_THREADS`` asks for, None if nothing."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) > 0 else None


def affinity() -> int:
    """Processors in this process's affinity mask."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor_quota() -> float | None:
    """Processors that the container may use on average, None without a limit."""
    limits = [limit for words in cgroup_values("cpu", "cpu.max") if (limit := _ratio(words.split())) is not None]
    older = zip(cgroup_values("cpu", "cpu.cfs_quota_us"), cgroup_values("cpu", "cpu.cfs_period_us"), strict=False)
    limits += [limit for pair in older if (limit := _ratio(list(pair))) is not None]
    return min(limits, default=None)


def available_memory() -> int | None:
    """Bytes that could be had without harm to others, as the kernel estimates; None where it does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    kilobytes = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return None if kilobytes is None else 1024 * int(kilobytes)


def usable_memory() -> int | None:
    """Bytes that this process may take: what is free, within the limits of its container and of ``ulimit``."""
    limits = [int(value) for name in ("memory.max", "memory.limit_in_bytes") for value in _whole("memory", name)]
    free = available_memory()
    return min([*limits, *_asked_memory(), *([] if free is None else [free])], default=None)


def _whole(controller: str, name: str) -> list[str]:
    return [value for value in cgroup_values(controller, name) if value.isdecimal()]


def _asked_memory() -> list[int]:
    """Limits that were set for this process (``ulimit -d``, ``ulimit -v``)."""
    try:
        import resource  # noqa: PLC0415  # not on every system
    except ImportError:
        return []
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS)]
    return [limit for limit in limits if limit != resource.RLIM_INFINITY]


def _ratio(words: list[str]) -> float | None:
    """``["150000", "100000"]`` → 1.5; None for ``max`` or a negative quota, which mean no limit."""
    if len(words) != 2 or not all(word.isdecimal() for word in words) or int(words[1]) == 0:
        return None
    return int(words[0]) / int(words[1])


def cgroup_values(controller: str, name: str) -> list[str]:
    """What the files of this name say in the process's own control group and in those above it (versions 1 and 2)."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    values = []
    for line in lines:
        number, controllers, group = line.split(":", 2)
        if number != "0" and controller not in controllers.split(","):
            continue
        top = CGROUPS if number == "0" else CGROUPS / controller
        inside = top / group.lstrip("/")
        for folder in (inside, *inside.parents):
            if folder.is_relative_to(top) and (folder / name).is_file():
                values.append((folder / name).read_text().strip())
    return values
