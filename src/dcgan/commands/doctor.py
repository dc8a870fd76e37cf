"""Is this machine ready? Every check answers with a finding, and with the command that mends what is wrong."""

import importlib
import os
import platform
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from dcgan.errors import UserError
from dcgan.files import cache_root, nearest_existing
from dcgan.limits import affinity, asked_threads, available_threads, cgroup_values, processor_quota

PYTHON = (3, 11)
LITTLE_MEMORY, TOO_LITTLE_MEMORY = 2e9, 0.7e9
LITTLE_DISK, TOO_LITTLE_DISK = 3e9, 0.3e9
EXTRAS = {"tifffile": ("science", "reads TIFF files")}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: Literal["good", "warn", "bad"]
    text: str
    """What was found, in a sentence."""
    mend: str | None = None
    """The command that puts it right, None when there is nothing to do or no one command for it."""


def examine() -> list[Finding]:
    """Look at everything that a training run needs. Imports torch; changes nothing; a failing check is a finding."""
    checks: dict[str, Callable[[], list[Finding]]] = {
        "python": _python,
        "torch": _torch,
        "packages": _packages,
        "threads": _threads,
        "memory": _memory,
        "disk": _disk,
        "extras": _extras,
    }
    findings = []
    for name, check in checks.items():
        try:
            findings += check()
        except Exception as error:  # whatever is broken here is what the person wants to know
            findings.append(Finding(name, "warn", f"Could not be examined: {type(error).__name__}: {error}."))
    return findings


def _python() -> list[Finding]:
    version = platform.python_version()
    if sys.version_info[:2] < PYTHON:
        return [Finding("python", "bad", f"{version}; 3.11 or newer is needed.", "python3.11 -m venv .venv")]
    return [Finding("python", "good", f"{version} ({sys.executable}).")]


def _torch() -> list[Finding]:
    try:
        torch = importlib.import_module("torch")
    except Exception as error:  # a broken installation raises many kinds, such as OSError for a missing library
        text = f"Cannot be imported: {error}."
        return [Finding("torch", "bad", text, _pip("--force-reinstall torch"))]
    build = "CPU build"
    if torch.version.cuda:
        build = f"CUDA {torch.version.cuda} build"
    elif torch.version.hip:
        build = f"ROCm {torch.version.hip} build"
    wanted = _minimum("torch")
    if _older(str(torch.__version__), wanted):
        text = f"{torch.__version__}, {build}; {wanted} or newer is needed."
        first = Finding("torch", "bad", text, _pip(f"--upgrade 'torch>={wanted}'"))
    else:
        first = Finding("torch", "good", f"{torch.__version__}, {build}.")
    return [first, _device(torch), _bfloat16(), *_torchvision()]


def _device(torch: Any) -> Finding:
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        return Finding("device", "good", f"{', '.join(names)}: training runs there.")
    if torch.backends.mps.is_available():
        return Finding("device", "good", "Apple GPU (mps): training runs there.")
    if not _nvidia():
        return Finding("device", "good", "Processor only; no GPU was found.")
    if torch.version.cuda is None:
        # Without the removal pip is content with the CPU build, whose version is the same.
        command = f"{_pip('torch', 'uninstall -y')} && {_pip('--no-cache-dir torch')}"
        return Finding("device", "bad", "There is an NVIDIA GPU, but this torch is a CPU build.", command)
    text = "There is an NVIDIA GPU, but torch cannot use it: its driver is missing, or too old for this torch."
    return Finding("device", "bad", text, "nvidia-smi")


def _nvidia() -> bool:
    """Whether the system shows an NVIDIA GPU, whatever torch says."""
    places = (Path("/dev/nvidia0"), Path("/proc/driver/nvidia/version"))
    return any(place.exists() for place in places) or shutil.which("nvidia-smi") is not None


def _bfloat16() -> Finding:
    flags = _processor_flags()
    if flags is None:
        return Finding("bf16", "good", "Not known here; training measures which precision is faster.")
    units = [name for name in ("amx_bf16", "avx512_bf16", "bf16") if name in flags]
    if units:
        return Finding("bf16", "good", f"The processor calculates in bf16 ({', '.join(units)}).")
    return Finding("bf16", "good", "The processor has no bf16 units: training on it uses fp32.")


def _processor_flags(path: Path = Path("/proc/cpuinfo")) -> set[str] | None:
    """What the processor can do, None when the system does not tell."""
    try:
        found = re.search(r"^(?:flags|Features)\s*:(.*)$", path.read_text(errors="replace"), re.MULTILINE)
    except OSError:
        return None
    return set(found[1].split()) if found else None


def _torchvision() -> list[Finding]:
    """torchvision is not used; one that does not fit this torch is often taken for the cause of other trouble."""
    try:
        requirements = metadata.requires("torchvision") or []
        version = metadata.version("torchvision")
    except metadata.PackageNotFoundError:
        return []
    pinned = next((match[1] for item in requirements if (match := re.match(r"torch\s*==\s*([\d.]+)", item))), None)
    have = metadata.version("torch").partition("+")[0]
    fits = pinned in (None, have)
    text = f"{version}, made for another torch ({pinned}); harmless" if not fits else f"{version}"
    return [Finding("torchvision", "good", f"{text}. It is not used here.")]


def _packages() -> list[Finding]:
    findings = []
    for name in ("numpy", "pillow", "safetensors"):
        wanted = _minimum(name)
        command = _pip(f"--upgrade '{name}>={wanted}'") if wanted else _pip(f"--upgrade {name}")
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            findings.append(Finding(name, "bad", "Not installed.", command))
            continue
        if _older(version, wanted):
            findings.append(Finding(name, "bad", f"{version}; {wanted} or newer is needed.", command))
        else:
            findings.append(Finding(name, "good", f"{version}."))
    return findings


def _minimum(name: str) -> str:
    """The oldest version that the package's own metadata allows; empty when it says nothing."""
    try:
        requirements = metadata.requires("dcgan") or []
    except metadata.PackageNotFoundError:
        return ""
    return next((match[1] for item in requirements if (match := re.match(rf"{name}\s*>=\s*([\d.]+)", item))), "")


def _older(version: str, wanted: str) -> bool:
    def parts(text: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", text.partition("+")[0])[:3]]

    return bool(wanted) and parts(version) < parts(wanted)


def _extras() -> list[Finding]:
    findings = []
    for name, (extra, purpose) in EXTRAS.items():
        try:
            findings.append(Finding(name, "good", f"{metadata.version(name)}; {purpose}."))
        except metadata.PackageNotFoundError:
            text = f"Not installed; it is optional and {purpose}."
            findings.append(Finding(name, "good", text, _pip(f"'dcgan[{extra}]'")))
    return findings


def _threads() -> list[Finding]:
    there = os.cpu_count() or 1
    allowed, quota, usable = affinity(), processor_quota(), available_threads()
    limits = [f"affinity {allowed}"] if allowed < there else []
    limits += [f"container quota {quota:g}"] if quota and quota < there else []
    limits += [f"OMP_NUM_THREADS {asked}"] if (asked := asked_threads()) and asked < there else []
    why = f" ({', '.join(limits)})" if limits else ""
    text = f"{usable} of {there} processor threads may be used{why}."
    if asked and asked > usable:
        return [Finding("threads", "warn", f"{text} OMP_NUM_THREADS asks for {asked}.", "unset OMP_NUM_THREADS")]
    return [Finding("threads", "good", text)]


def _memory() -> list[Finding]:
    facts = dict(re.findall(r"^(\w+):\s+(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE))
    total, free = int(facts["MemTotal"]) * 1024, int(facts["MemAvailable"]) * 1024
    limits = cgroup_values("memory", "memory.max") + cgroup_values("memory", "memory.limit_in_bytes")
    limit = min((int(value) for value in limits if value.isdecimal()), default=total)
    used = [*cgroup_values("memory", "memory.current"), *cgroup_values("memory", "memory.usage_in_bytes"), "0"]
    where = ""
    if limit < total:
        where = f" (limit of this container; the machine has {total / 1e9:.1f} GB)"
        total, free = limit, min(free, limit - int(used[0]))
    text = f"{max(0, free) / 1e9:.1f} of {total / 1e9:.1f} GB are free{where}."
    return [_enough("memory", free, LITTLE_MEMORY, TOO_LITTLE_MEMORY, text)]


def _disk() -> list[Finding]:
    findings = []
    places: list[tuple[str, Path]] = [("disk for runs", Path.cwd())]
    try:
        places.append(("disk for prepared data", cache_root()))
    except UserError as error:
        findings.append(Finding("disk for prepared data", "bad", str(error), "export DCGAN_CACHE=FOLDER"))
    for name, folder in places:
        existing = nearest_existing(folder)
        free = shutil.disk_usage(existing).free
        if os.access(existing, os.W_OK | os.X_OK):
            findings.append(_enough(name, free, LITTLE_DISK, TOO_LITTLE_DISK, f"{free / 1e9:.1f} GB free at {folder}."))
        else:
            mend = "cd ~" if folder == Path.cwd() else "export DCGAN_CACHE=FOLDER"
            findings.append(Finding(name, "bad", f"{existing} may not be written.", mend))
    return findings


def _enough(name: str, free: float, little: float, too_little: float, text: str) -> Finding:
    if free < too_little:
        return Finding(name, "bad", f"{text} That is too little.")
    return Finding(name, "warn", f"{text} That may become tight.") if free < little else Finding(name, "good", text)


def _pip(what: str, verb: str = "install") -> str:
    """A pip command for the very Python that is running."""
    return f"{shlex.quote(sys.executable)} -m pip {verb} {what}"
