"""A folder as people have them, through the command line: every file is used or refused by name and reason."""

import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from patience import patient
from PIL import Image

from dcgan.data.sources.critters import draw

Run = Callable[..., tuple[int, str]]
REFUSED = {
    "a text.png": "not an image",
    "empty.jpg": "empty",
    "cut.jpg": "cut off",
    "bomb.png": "100,000 x 100,000",
}
USED = ["sixteen.png", "print.jpg", "moving.gif", "dot.png", "été à la plage.png", "two words.png", "turned.jpg"]


def png_bytes(pixels: np.ndarray, depth: int, size: tuple[int, int] | None = None) -> bytes:
    """An RGB PNG of any depth, written by hand; ``size`` may lie about it."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2" if depth == 16 else "u1").tobytes() for row in pixels)

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", *(size or (width, height)), depth, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    folder = tmp_path / "messy"
    folder.mkdir()
    creatures = [Image.fromarray(draw(index, 40, 40)) for index in range(12)]
    for index, creature in enumerate(creatures):
        creature.save(folder / f"{index}.png")
    (folder / "a text.png").write_text("this is no picture\n")
    (folder / "empty.jpg").write_bytes(b"")
    creatures[0].convert("RGB").save(folder / "whole.jpg")
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:700])
    deep = np.random.default_rng(0).integers(0, 65536, (20, 30, 3))
    (folder / "sixteen.png").write_bytes(png_bytes(deep, 16))
    creatures[1].convert("CMYK").save(folder / "print.jpg")
    creatures[2].save(folder / "moving.gif", save_all=True, append_images=creatures[3:5])
    Image.new("RGB", (1, 1), "red").save(folder / "dot.png")
    (folder / "bomb.png").write_bytes(png_bytes(np.zeros((1, 1, 3)), 8, size=(100_000, 100_000)))
    (folder / "root").symlink_to("/")
    creatures[5].save(folder / "été à la plage.png")
    creatures[6].save(folder / "two words.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    creatures[7].convert("RGB").resize((30, 40)).save(folder / "turned.jpg", exif=exif)
    return folder


@pytest.fixture
def run(program: Path, tmp_path: Path) -> Run:
    def run(*words: str) -> tuple[int, str]:
        command = [program, *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=patient(120), check=False)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.promise("Of a messy folder you learn which files were not used, and why.")
def test_a_messy_folder_is_told_apart_by_name_and_reason(messy: Path, tmp_path: Path, run: Run) -> None:
    state, story = run("data", "messy", "--size", "16", "--out", "sheet.png")
    assert state == 0, story
    assert "Traceback" not in story
    for name, reason in REFUSED.items():
        assert any(name in line and reason in line for line in story.splitlines()), (name, reason, story)
    assert any("root" in line and "link" in line for line in story.splitlines()), story
    assert not any(f"{name}:" in story for name in USED), story
    for note in ("first of several frames", "CMYK converted to RGB", "rotated as EXIF says", "16 bits"):
        assert note in story, story
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 5 * 16


def test_a_messy_folder_can_be_trained_on(messy: Path, tmp_path: Path, run: Run) -> None:
    options = ["--size", "16", "--width", "4", "--budget", "64", "--threads", "1", "--out", "run"]
    state, story = run("train", "messy", *options)
    assert state == 0, story
    assert "4 unusable" in story
    assert (tmp_path / "run" / "report.html").exists()


def test_a_folder_with_nothing_good_is_refused_with_reasons(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for index in range(3):
        (folder / f"{index}.png").write_text("no picture")
    state, story = run("train", "bad", "--size", "16", "--budget", "64")
    assert state == 10
    assert "0 of 3 images can be used" in story
    assert "0.png: not an image" in story
    assert "Traceback" not in story
    assert not (tmp_path / "runs").exists()
