"""What this machine is, and what of it a run may use."""

import ctypes
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import torch

from dcgan.errors import UserError
from dcgan.limits import available_threads

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def choose_device(name: str) -> torch.device:
    """``"auto"`` or a name of torch's → a device that is here.

    Raises:
        UserError: No such device; says what there is.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        found = choose_device("auto")
        raise UserError(
            f"--device {name}: not available on this machine, which has: {found} (see dcgan doctor)."
        ) from error
    return device


def numbered(name: str) -> str:
    """A device's name with its number, as torch prints it: ``cuda:0``; a processor has none."""
    return f"{name}:0" if name in ("cuda", "mps") else name


def upload(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """The tensor on the device, which nobody waits for: what comes next there comes after it."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def keep_big_blocks() -> bool:
    """Tell glibc to keep freed memory instead of returning it page by page: half the time of a CPU step is saved.

    Changes the whole process, so only the command line calls it. Returns whether it took effect.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_M_MMAP_MAX, 0)) and bool(libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))


def describe() -> dict[str, str | int]:
    """The machine and the versions that a result depends on."""
    device = choose_device("auto")
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "processor": _processor(),
        "threads": available_threads(),
        "accelerator": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def bit_borders() -> dict[str, str]:
    """What two runs must have in common, besides their config, to be equal to the bit."""
    facts = describe()
    named = {name: str(facts[name]) for name in ("machine", "processor", "accelerator", "torch")}
    return named | {"instructions": torch.backends.cpu.get_cpu_capability(), "dcgan": version("dcgan")}


def machine_name() -> str:
    """What a speed belongs to: the processor, and the accelerator where there is one."""
    facts = describe()
    names = (facts["processor"], facts["accelerator"])
    return " with ".join(str(name) for name in names if name != "cpu")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    found = dict(reversed([(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in lines)]))
    name = found.get("model name", "")
    # Clouds hide the generation: two processors called "AMD EPYC" may differ twofold in bfloat16.
    return f"{name} (family {found['cpu family']}, model {found['model']})" if "cpu family" in found else name
