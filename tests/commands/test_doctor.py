"""A doctor who finds what is wrong, and never falls ill himself."""

import importlib
import os
import types
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from dcgan import limits
from dcgan.commands import doctor
from dcgan.commands.doctor import Finding, examine


def found(name: str) -> Finding:
    return next(finding for finding in examine() if finding.name == name)


def torch_like(*, cuda: str | None, available: bool) -> types.SimpleNamespace:
    return types.SimpleNamespace(
        __version__="2.13.0",
        version=types.SimpleNamespace(cuda=cuda, hip=None),
        cuda=types.SimpleNamespace(
            is_available=lambda: available, device_count=lambda: 1, get_device_name=lambda index: f"GPU {index}"
        ),
        backends=types.SimpleNamespace(mps=types.SimpleNamespace(is_available=lambda: False)),
    )


@pytest.fixture
def fake_torch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def install(*, cuda: str | None, available: bool) -> None:
        module = torch_like(cuda=cuda, available=available)
        monkeypatch.setattr(importlib, "import_module", lambda name: module)

    return install


def test_this_machine_passes() -> None:
    findings = examine()
    assert {"python", "torch", "device", "numpy", "pillow", "safetensors", "threads", "memory"} <= {
        finding.name for finding in findings
    }
    assert not [finding for finding in findings if finding.state == "bad" and not finding.name.startswith("disk")]
    assert not [finding for finding in findings if "Could not be examined" in finding.text]
    assert all(finding.mend is None for finding in findings if finding.name in ("python", "torch", "numpy"))


def test_a_gpu_with_a_processor_torch_is_found_and_mended(
    monkeypatch: pytest.MonkeyPatch, fake_torch: Callable[..., None]
) -> None:
    fake_torch(cuda=None, available=False)
    monkeypatch.setattr(doctor, "_nvidia", lambda: True)
    finding = found("device")
    assert finding.state == "bad" and "CPU build" in finding.text
    assert (
        finding.mend is not None
        and "pip uninstall -y torch" in finding.mend
        and "pip install --no-cache-dir torch" in finding.mend
    )


def test_a_gpu_without_its_driver_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, fake_torch: Callable[..., None]
) -> None:
    fake_torch(cuda="12.9", available=False)
    monkeypatch.setattr(doctor, "_nvidia", lambda: True)
    assert "driver" in found("device").text and found("device").mend == "nvidia-smi"


def test_a_gpu_that_works_is_named(fake_torch: Callable[..., None]) -> None:
    fake_torch(cuda="12.9", available=True)
    assert found("device") == Finding("device", "good", "GPU 0: training runs there.")


def test_a_broken_torch_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise OSError("libtorch.so: no such file")

    monkeypatch.setattr(importlib, "import_module", fail)
    finding = found("torch")
    assert finding.state == "bad" and "libtorch.so" in finding.text and "pip install" in (finding.mend or "")


def test_an_old_package_is_named_with_the_version_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "9.5.0" if name == "pillow" else version(name))
    finding = found("pillow")
    assert finding.state == "bad" and "9.5.0" in finding.text
    assert finding.mend is not None and finding.mend.endswith("'pillow>=12.3'")


def test_a_torchvision_for_another_torch_is_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    version, requires = metadata.version, metadata.requires
    monkeypatch.setattr(metadata, "version", lambda name: "0.20.1" if name == "torchvision" else version(name))
    monkeypatch.setattr(
        metadata, "requires", lambda name: ["torch==2.5.1"] if name == "torchvision" else requires(name)
    )
    finding = found("torchvision")
    assert finding.state == "good" and "harmless" in finding.text


def test_versions_compare_as_numbers() -> None:
    assert doctor._older("2.9.1", "2.10") and not doctor._older("2.10.0+cpu", "2.10")
    assert not doctor._older("13.0.0", "12.3") and not doctor._older("1", "")


def test_a_container_that_lends_one_and_a_half_processors_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(limits, "CGROUPS", tmp_path)
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    text = found("threads").text
    assert text.startswith("1 of 64") and "container quota 1.5" in text


def test_a_container_with_little_memory_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(limits, "CGROUPS", tmp_path)
    (tmp_path / "memory.max").write_text("1000000000\n")
    (tmp_path / "memory.current").write_text("600000000\n")
    finding = found("memory")
    assert finding.state == "bad" and finding.text.startswith("0.4 of 1.0 GB are free (limit of this container")


def test_an_unlimited_container_has_no_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(limits, "CGROUPS", tmp_path)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert limits.processor_quota() is None
    assert "container" not in found("memory").text


def test_a_full_disk_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: types.SimpleNamespace(free=100e6))
    assert found("disk for runs").state == "bad"


def test_too_many_threads_asked_for_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "999")
    assert found("threads").state == "warn" and found("threads").mend == "unset OMP_NUM_THREADS"


def test_a_check_that_fails_is_a_finding_not_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "cwd", lambda: (_ for _ in ()).throw(FileNotFoundError("gone")))
    assert any(finding.state == "warn" and "Could not be examined" in finding.text for finding in examine())


def test_processor_flags_are_read_on_both_families(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor : 0\nFeatures\t: fp asimd bf16\n")
    assert doctor._processor_flags(path) == {"fp", "asimd", "bf16"}
    assert doctor._processor_flags(tmp_path / "none") is None
