"""A package that is not installed is missed by one sentence, which names the extra that brings it."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from dcgan.interfaces.cli import main
from dcgan.reporting.trackers import TRACKERS

ROOT = Path(__file__).parent.parent.parent
TOML = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = TOML["project"]["optional-dependencies"]
MISSED = {
    "onnx": ["export RUN --to onnx", "export RUN --to hub", "export RUN --to triton"],
    "hub": ["sample hub:somebody/something", "push RUN somebody/something --yes"],
    "serve": ["serve RUN"],
    "probe": ["explore probe RUN"],
    **{name: [f"track RUN --to {name}"] for name in ("tensorboard", "wandb", "mlflow", "trackio")},
    "datasets": ["data hf:somebody/something"],
    "hdf5": ["data images.hdf5"],
}
"""Of each extra, the commands that cannot do without it."""
MODULES = {
    "onnx": ["onnx", "onnxruntime"],
    "hub": ["huggingface_hub"],
    "serve": ["fastapi", "uvicorn", "prometheus_client"],
    "science": ["tifffile"],
    "probe": ["sklearn"],
    "tensorboard": ["torch.utils.tensorboard"],
    "wandb": ["wandb"],
    "mlflow": ["mlflow", "sqlalchemy"],
    "trackio": ["trackio"],
    "datasets": ["huggingface_hub", "pyarrow"],
    "hdf5": ["h5py"],
}
HOLDERS = ["dcgan.export.onnx_file", "dcgan.export.triton", "dcgan.export.hub_folder"]
"""Modules of this package that import an extra at their top: they are imported anew."""


def hide(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a module be as one that is not installed."""
    for loaded in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    for holder in HOLDERS:
        monkeypatch.delitem(sys.modules, holder, raising=False)


@pytest.mark.parametrize(
    "missed",
    [
        (extra, module, command)
        for extra, commands in MISSED.items()
        for module in MODULES[extra]
        for command in commands
    ],
)
def test_a_command_without_its_package_names_the_extra(
    missed: tuple[str, str, str],
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    extra, module, command = missed
    hide(module, monkeypatch)
    monkeypatch.chdir(tmp_path)
    if command.endswith(".hdf5"):
        (tmp_path / "images.hdf5").write_bytes(b"\x89HDF\r\n\x1a\n")
    code = main(command.replace("RUN", str(run)).split())
    told = capsys.readouterr().err
    assert code not in (0, 1) and told.count("\n") == 1, told
    assert f"pip install 'dcgan[{extra}]'" in told, told
    assert {path.suffix for path in tmp_path.iterdir()} <= {".hdf5"}


def test_a_tiff_that_needs_its_extra_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide("tifffile", monkeypatch)
    from dcgan.data.decoding.tiff import INSTALL, _library
    from dcgan.data.sources.items import Unreadable

    with pytest.raises(Unreadable, match=re.escape(INSTALL)):
        _library()
    assert "pip install 'dcgan[science]'" in INSTALL


def test_every_extra_is_tested_here_and_every_extra_that_the_program_names_exists() -> None:
    assert set(EXTRAS) == set(MODULES)
    sources = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    assert set(re.findall(r"dcgan\[(\w+)\]", sources)) | set(TRACKERS) == set(EXTRAS)  # theirs are named by a variable
