"""``dcgan export`` as a person types it."""

from pathlib import Path

import pytest

import dcgan
from dcgan.interfaces.cli import main


def test_an_export_is_written_under_the_name_of_its_run_and_its_difference_is_told(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(run), "--to", "onnx"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["demo.onnx"]
    assert "Largest difference to the run, seeds 0-63: " in capsys.readouterr().out
    from dcgan.export.onnx_file import run_onnx

    trained = dcgan.load(run)
    images = run_onnx((tmp_path / "demo.onnx").read_bytes(), trained, range(4))
    assert abs(images.astype(int) - trained.sample(range(4)).permute(0, 2, 3, 1).numpy()).max() <= 1


def test_an_unknown_format_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "nothing", "--to", "jpeg"]) == 2
    assert "--to jpeg: no such format. Known: onnx" in capsys.readouterr().err


def test_a_missing_package_is_told_with_the_line_that_installs_it(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "dcgan.export.onnx_file", raising=False)
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert main(["export", str(run), "--to", "onnx", "--out", str(tmp_path / "a.onnx")]) == 2
    assert "pip install 'dcgan[onnx]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
