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


def test_a_folder_is_written_anew_but_not_over_what_a_person_has_edited(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", str(run), "--to", "numpy", "--out", str(tmp_path / "made")]
    assert main(words) == 0
    assert main([*words, "--checkpoint", "last"]) == 0
    (tmp_path / "made" / "generator.py").write_text("# mine")
    assert main(words) == 2
    assert "generator.py is there" in capsys.readouterr().err
    assert (tmp_path / "made" / "generator.py").read_text() == "# mine"


def test_an_exported_folder_can_be_sampled_as_a_run_can(run: Path, tmp_path: Path) -> None:
    assert main(["export", str(run), "--to", "numpy", "--out", str(tmp_path / "made")]) == 0
    for source, out in ((run, "a"), (tmp_path / "made", "b")):
        assert main(["sample", str(source), "--seeds", "0-3", "--out", str(tmp_path / out)]) == 0
    assert (tmp_path / "a" / "sheet.png").read_bytes() == (tmp_path / "b" / "sheet.png").read_bytes()
