"""FIFOs, devices, sockets, link loops, bottomless folders: nothing is waited for, nothing outside is touched."""

import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import dcgan
from benchmarks.machine import ROOT
from benchmarks.torture.forge import save_small
from benchmarks.torture.judge import alarm, exit_code, fingerprint, watching
from dcgan.data.sources.folders import Folder
from dcgan.errors import ExitCode, UserError
from dcgan.reporting.report import write_report
from dcgan.reporting.story import read_story
from dcgan.runs import checkpoint
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import read_toml

SOUND = {"data": "data", "sample": "sample"}


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


KINDS: dict[str, Callable[[Path], object]] = {
    "a FIFO": os.mkfifo,
    "a socket": listen,
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to a device without end": lambda path: path.symlink_to("/dev/zero"),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a folder": os.mkdir,
}
BROKEN = {kind: make for kind, make in KINDS.items() if kind != "a folder"}


@pytest.mark.promise("Pipes, devices, sockets and links in a circle are never opened, so nothing ever hangs on them.")
@pytest.mark.parametrize("make", BROKEN.values(), ids=list(BROKEN))
def test_what_is_no_file_is_no_source_no_run_and_no_config(make: Callable[[Path], object], tmp_path: Path) -> None:
    place = tmp_path / "x"
    make(place)
    with alarm(10):
        assert exit_code("data", str(place)) == ExitCode.DATA
        assert exit_code("sample", str(place), "--out", str(tmp_path / "out")) == ExitCode.CHECKPOINT
        assert exit_code("train", "--config", str(place), "--out", str(tmp_path / "run")) == ExitCode.USAGE
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("make", KINDS.values(), ids=list(KINDS))
def test_among_images_it_is_passed_over(make: Callable[[Path], object], tmp_path: Path) -> None:
    for number in range(3):
        Image.fromarray(np.full((16, 16, 3), 80 * number, np.uint8)).save(tmp_path / f"{number}.png")
    for name in ("trap.png", ".hidden", "folder"):
        make(tmp_path / name)
    with alarm(10):
        source = Folder(tmp_path)
        assert [source.read(index).mode for index in range(len(source.items))] == ["RGB"] * 3


@pytest.mark.parametrize("make", BROKEN.values(), ids=list(BROKEN))
def test_in_the_place_of_famous_digits_it_is_refused(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / "train-images-idx3-ubyte")
    with alarm(10):
        assert exit_code("data", str(tmp_path)) == ExitCode.DATA


@pytest.mark.parametrize("make", KINDS.values(), ids=list(KINDS))
def test_in_the_place_of_a_runs_files_the_report_goes_on_without(
    make: Callable[[Path], object], tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    run.samples.mkdir(parents=True)
    for path in (run.config, run.about, run.dataset, run.reals, run.preview(32), run.samples / "images-x.png"):
        make(path)
    with alarm(10):
        assert read_story(run).config == {}
        assert write_report(run).stat().st_size < 1_000_000


def test_a_bottomless_folder_has_an_end(tmp_path: Path) -> None:
    for number in range(2):
        Image.fromarray(np.full((16, 16, 3), 80 * number, np.uint8)).save(tmp_path / f"{number}.png")
    names = "['d'] * 1_000 + ['d' * 200] * 30"  # beyond the longest path that the system takes
    program = f"import os\nfor name in {names}: os.mkdir(name); os.chdir(name)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)
    with alarm(10):
        assert len(Folder(tmp_path).items) == 2
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


@pytest.mark.parametrize(
    "name", ["a" * 300, "a/" * 3000, "\udcff\udcfe.png", "\x1b]0;t\x07", "\u202etxt.exe", "~nobody/x"]
)
def test_a_name_that_cannot_be_is_refused_in_plain_words(name: str, tmp_path: Path) -> None:
    for words in (
        ("data", name),
        ("sample", name, "--out", str(tmp_path / "out")),
        ("train", name, "--out", str(tmp_path / "run")),
        ("train", "--config", name),
        ("train", "nothing-here", "--out", name),
    ):
        assert exit_code(*words) in (ExitCode.DATA, ExitCode.CHECKPOINT, ExitCode.USAGE, ExitCode.DISK), words


def all_changes(critters: str, own: str) -> dict[str, list[str]]:
    """What the commands change outside of a folder, in a process that has imported nothing yet."""
    small = (
        "--width",
        "2",
        "--size",
        "16",
        "--budget",
        "64",
        "--device",
        "cpu",
        "--precision",
        "fp32",
        "--threads",
        "1",
    )
    with watching(Path(own)) as watch:
        assert exit_code("train", critters, *small, "--out", f"{own}/run") == ExitCode.OK
        assert exit_code("sample", f"{own}/run", "--seeds", "0-3", "--out", f"{own}/out") == ExitCode.OK
        assert exit_code("data", critters, "--size", "16", "--out", f"{own}/sheet.png") == ExitCode.OK
    return {"outside": watch.outside, "forbidden": watch.forbidden}


@pytest.mark.promise("Training and sampling change nothing outside the folders you named and the cache.")
def test_nothing_is_written_elsewhere(critters_npy: Path, tmp_path: Path) -> None:
    own, canary = tmp_path / "own", tmp_path / "canary"
    for folder in (own, canary):
        folder.mkdir()
    (canary / "song.txt").write_text("tweet")
    before = fingerprint(canary)
    script = "import json, sys, test_hostile_places as t; print(json.dumps(t.all_changes(*sys.argv[1:])))"
    paths = [str(Path(__file__).parent), str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {name: value for name, value in os.environ.items() if name not in ("MPLCONFIGDIR", "TMPDIR")}
    environment |= {"DCGAN_CACHE": str(own / "cache"), "PYTHONPATH": os.pathsep.join(paths), "HOME": str(canary)}
    words = [sys.executable, "-B", "-c", script, str(critters_npy), str(own)]
    done = subprocess.run(words, cwd=canary, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["outside"] == []
    assert [what for what in told["forbidden"] if "'fc-list'" not in what] == []  # matplotlib asks once for fonts
    assert fingerprint(canary) == before


def test_the_watch_would_hear_of_it(tmp_path: Path) -> None:
    import pickle

    inside = tmp_path / "inside"
    inside.mkdir()
    with watching(inside) as watch:
        (inside / "fine").write_text("x")
        (tmp_path / "outside").write_text("x")
        (inside / "fine").rename(tmp_path / "moved")
        (tmp_path / "made").mkdir()
        pickle.loads(b"cos\ngetcwd\n)R.")
    assert [words.split()[0] for words in watch.outside] == ["open", "os.rename", "os.mkdir"]
    assert watch.forbidden == ["pickle.find_class ('os', 'getcwd')"]


@pytest.mark.promise("A run folder whose files are links cannot make the program write where they lead.")
@pytest.mark.parametrize("name", ["lock", "journal.jsonl", "config.toml", "about.json", "report.html"])
def test_a_link_in_a_run_leads_nowhere(name: str, critters_npy: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    run = tmp_path / "run"
    run.mkdir()
    (run / name).symlink_to(victim)
    small = (
        "--width",
        "2",
        "--size",
        "16",
        "--budget",
        "64",
        "--device",
        "cpu",
        "--precision",
        "fp32",
        "--threads",
        "1",
    )
    code = exit_code("train", str(critters_npy), *small, "--out", str(run))
    assert code in (ExitCode.OK, ExitCode.DISK, ExitCode.USAGE)
    assert victim.read_text() == "precious"


def test_a_file_too_large_for_a_config_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    with path.open("wb") as file:
        file.truncate(2**40)
    with alarm(10), pytest.raises(UserError, match="the limit is 1,000,000"):
        read_toml(path)


def test_a_checkpoint_of_a_terabyte_is_refused_by_its_header(tmp_path: Path) -> None:
    path = save_small(RunFolder(tmp_path))
    with path.open("r+b") as file:
        file.truncate(2**40)
    with alarm(10):
        assert exit_code("sample", str(path), "--out", str(tmp_path / "out")) == ExitCode.CHECKPOINT


@pytest.mark.promise(
    "It works the same in every locale and on every terminal, and says what one cannot show in escapes."
)
@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "tr_TR.UTF-8", "PYTHONIOENCODING": "iso8859-9:strict"},
    ],
    ids=["C", "tr_TR"],
)
def test_locales_change_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "Işık"
    for number in range(2):
        (folder / "IŞIK").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((16, 16, 3), 80 * number, np.uint8)).save(folder / "IŞIK" / f"ı{number}.PNG")
    ran = subprocess.run(
        [sys.executable, "-m", "dcgan", "data", str(folder), "--size", "16"],
        check=False,
        env=os.environ | environment,
        capture_output=True,
    )
    assert ran.returncode == ExitCode.OK, ran.stderr
    assert b"2 images" in ran.stdout
    assert b"Traceback" not in ran.stderr


@pytest.mark.promise("A clock that jumps by a year, either way, changes no weight and loses no prepared image.")
def test_a_clock_that_jumps_changes_nothing(
    critters_npy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"width": 2, "size": 16, "budget": "320", "device": "cpu", "precision": "fp32", "threads": 1}
    list(dcgan.train(critters_npy, out=tmp_path / "steady", **small))
    year, now, jumps = 365 * 24 * 3600.0, time.time, itertools.cycle((1, -1, 0))
    monkeypatch.setattr(time, "time", lambda: now() + year * next(jumps))
    list(dcgan.train(critters_npy, out=tmp_path / "jumping", **small))
    one, other = (checkpoint.newest(RunFolder(tmp_path / name)) for name in ("steady", "jumping"))
    assert one is not None
    assert other is not None
    assert all(torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())
