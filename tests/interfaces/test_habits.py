"""Homes, terminals and habits as people have them: each was a dead end once."""

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dcgan
from dcgan.commands import doctor
from dcgan.errors import ExitCode, UserError
from dcgan.files import cache_root, user_path
from dcgan.interfaces.cli import main


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five noisy pictures."""
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(5):
        Image.fromarray(random.integers(0, 255, (24, 24, 3), np.uint8)).save(folder / f"{number}.png")
    return folder


def without_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user whom the system does not know."""

    def unknown(path: str | Path) -> str:
        return str(path)

    monkeypatch.delenv("DCGAN_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", unknown)  # what pathlib asks


def test_without_a_home_folder_one_is_asked_for_before_any_image_is_read(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    without_home(monkeypatch)
    monkeypatch.setattr("dcgan.data.prepare.read_all", None)  # reading would fail
    assert main(["data", str(photos), "--size", "16"]) == ExitCode.DISK
    assert "export DCGAN_CACHE=FOLDER" in capsys.readouterr().err


def test_a_cache_that_may_not_be_written_is_told_before_any_image_is_read(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "locked" / "cache"))
    (tmp_path / "locked").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path / "locked")
    monkeypatch.setattr("dcgan.data.prepare.read_all", None)
    assert main(["data", str(photos), "--size", "16"]) == ExitCode.DISK
    told = capsys.readouterr().err
    assert "may not be written" in told and "export DCGAN_CACHE=FOLDER" in told


def test_doctor_calls_a_missing_home_folder_bad_and_says_what_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    without_home(monkeypatch)
    (finding,) = (finding for finding in doctor.examine() if finding.name == "disk for prepared data")
    assert (finding.state, finding.mend) == ("bad", "export DCGAN_CACHE=FOLDER")


def test_a_tilde_is_the_home_folder_in_every_path(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DCGAN_CACHE", "~/cache")
    few = ["--size", "16", "--width", "4", "--precision", "fp32", "--threads", "1", "--budget", "64"]
    assert main(["train", "~/photos", *few, "--out=~/runs/a"]) == 0
    assert (tmp_path / "runs" / "a" / "config.toml").is_file()
    assert main(["sample", "~/runs/a", "--seeds", "0-3", "--out=~/new"]) == 0
    assert (tmp_path / "new" / "sheet.png").is_file()
    assert dcgan.load("~/runs/a").sample([0]).shape == (1, 3, 16, 16)
    assert (tmp_path / "cache" / "prepared").is_dir()
    assert list(work.iterdir()) == []


def test_a_home_folder_of_nobody_is_refused() -> None:
    with pytest.raises(UserError, match="no such home folder"):
        user_path("~nobody-of-that-name/runs")


def test_the_cache_is_in_the_home_folder_unless_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DCGAN_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_root() == Path("/home/somebody/.cache/dcgan")


def test_a_message_of_several_lines_is_printed_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for number in range(20):
        (broken / f"{number}.jpg").write_bytes(b"not a picture")
    assert main(["data", str(broken), "--size", "16"]) == ExitCode.DATA
    first, *rest = capsys.readouterr().err.splitlines()[-11:]
    told = [line for line in (first, *rest) if line.startswith("  ")]
    assert len(told) >= 2 and all(": not an image" in line for line in told[:2])
    assert "\\n" not in first


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "gbk"])
def test_what_a_stream_cannot_show_is_shown_as_an_escape(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    for name in ("Käfer", "猫", "🎨"):
        (tmp_path / "names" / name).mkdir(parents=True)
        for number in range(4):
            picture = random.integers(0, 255, (24, 24, 3), np.uint8)
            Image.fromarray(picture).save(tmp_path / "names" / name / f"{number}.png")
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["data", str(tmp_path / "names"), "--size", "16"]) == 0
    assert main(["doctor"]) == 0
    assert main(["--help"]) == 0
    with pytest.raises(SystemExit) as end:
        main(["train", "--help"])
    assert end.value.code == 0
    out.flush()
    text = out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
    assert "\\U0001f3a8 4" in text
    assert ("猫 4" if encoding == "gbk" else "\\u732b 4") in text
