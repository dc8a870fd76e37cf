"""The program as a person meets it: a real process, real signals, exit codes and words."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from patience import patient, wait_until

import dcgan
from dcgan.runs import checkpoint
from dcgan.runs.folder import RunFolder

Start = Callable[..., subprocess.Popen]
Run = Callable[..., tuple[int, str, str]]
TINY = [
    "--size", "16", "--width", "4", "--threads", "1", "--precision", "fp32", "--set", "training.batch_size=8",
    "--set", "runs.preview_rows=2",
]  # fmt: skip


@pytest.fixture
def start() -> Start:
    def start(*words: object, cwd: Path) -> subprocess.Popen:
        command = [sys.executable, "-m", "dcgan", *map(str, words)]
        return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


@pytest.fixture
def run(program: Path) -> Run:
    def run(*words: object, cwd: Path) -> tuple[int, str, str]:
        command = [program, *map(str, words)]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=patient(120), check=False)
        return done.returncode, done.stdout, done.stderr

    return run


def python(script: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=patient(60), check=False)


def wait_for(path: Path, process: subprocess.Popen) -> None:
    wait_until(lambda: path.exists() and "step" in path.read_text(), process)


@pytest.mark.promise("Ctrl-C and SIGTERM save everything, say how to go on, and the same command goes on.")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_says_how_to_go_on_and_the_same_command_does(
    *, run: Run, start: Start, number: signal.Signals, code: int, critters_npy: Path, tmp_path: Path
) -> None:
    words = ["train", critters_npy, *TINY, "--budget", "200k", "--out", "run"]
    process = start(*words, cwd=tmp_path)
    wait_for(tmp_path / "run" / "journal.jsonl", process)
    process.send_signal(number)
    out, err = process.communicate(timeout=patient(60))
    assert process.returncode == code, err
    assert "Stopped and saved at image" in out + err
    assert "Traceback" not in out + err
    assert list(RunFolder(tmp_path / "run").checkpoints.glob("checkpoint-*.safetensors"))
    again = start(*words, cwd=tmp_path)
    time.sleep(0.1)
    again.send_signal(signal.SIGTERM)  # before anything is running: nothing to save, nothing broken
    again.communicate(timeout=patient(60))
    state, out, err = run("sample", "run", "--seeds", "0-3", "--out", "new", cwd=tmp_path)
    assert state == 0, err
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "seed_00000.png", "seed_00001.png", "seed_00002.png", "seed_00003.png", "sheet.png",
    ]  # fmt: skip


def test_what_was_asked_to_stop_cannot_be_interrupted_in_its_exit() -> None:
    script = (
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # whoever runs the tests may ignore it
        "from dcgan.interfaces.signals import Stop\n"
        "with Stop() as stop:\n    {}\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "print('whole')\n"
    )
    asked = script.format("os.kill(os.getpid(), signal.SIGTERM)")
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, timeout=patient(60), check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "whole\n", "")
    never_asked = script.format("pass")
    done = subprocess.run(
        [sys.executable, "-c", never_asked], capture_output=True, text=True, timeout=patient(60), check=False
    )
    assert "KeyboardInterrupt" in done.stderr and done.stdout == ""


@pytest.mark.promise("A second Ctrl-C stops at once, and the last checkpoint is there.")
def test_a_second_ctrl_c_stops_at_once(start: Start, critters_npy: Path, tmp_path: Path) -> None:
    words = ["train", critters_npy, *TINY, "--budget", "200k", "--set", "runs.save_every_images=8", "--out", "run"]
    process = start(*words, cwd=tmp_path)
    wait_for(tmp_path / "run" / "journal.jsonl", process)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    out, err = process.communicate(timeout=patient(60))
    assert process.returncode == 130, err
    assert "Stopped" in out + err
    assert "Traceback" not in out + err
    found = checkpoint.newest(RunFolder(tmp_path / "run"))
    assert found is not None
    assert found.damaged == ()
    assert sum(1 for _ in dcgan.train(out=tmp_path / "run", budget=str(found.facts["images_seen"] + 16))) == 2


@pytest.mark.promise("A run goes on when its terminal is closed.")
def test_a_closed_terminal_does_not_end_a_run(start: Start, critters_npy: Path, tmp_path: Path) -> None:
    words = ["train", critters_npy, *TINY, "--budget", "2000", "--set", "runs.journal_every_images=8", "--out", "run"]
    process = start(*words, cwd=tmp_path)
    wait_for(tmp_path / "run" / "journal.jsonl", process)
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=patient(60))
    assert process.returncode == 0, err


@pytest.mark.promise("A run does not end when whoever reads its output leaves.")
def test_a_reader_who_leaves_does_not_end_a_run(critters_npy: Path, tmp_path: Path) -> None:
    words = ["train", str(critters_npy), *TINY, "--budget", "400", "--out", "run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "dcgan", *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    process.stderr.close()
    assert process.wait(timeout=patient(120)) == 0
    assert dcgan.load(tmp_path / "run").sample([0]).shape == (1, 3, 16, 16)


def test_a_run_tells_its_story_in_lines_when_piped(run: Run, critters_npy: Path, tmp_path: Path) -> None:
    state, out, err = run("train", critters_npy, *TINY, "--budget", "2epochs", "--recipe", "d2l", cwd=tmp_path)
    assert state == 0, err
    story = out + err
    for words in ("100 images", "Recipe d2l", "loss_D", "examples/sec on cpu", "Report:"):
        assert words in story
    assert "\r" not in story
    assert "\x1b" not in story
    folder = tmp_path / "runs" / "creatures-16-d2l-0"
    assert {path.name for path in folder.iterdir()} >= {
        "config.toml", "about.json", "dataset.json", "journal.jsonl", "checkpoints", "samples", "report.html",
        "curves.png", "film.gif",
    }  # fmt: skip
    state, out, err = run("train", critters_npy, *TINY, "--budget", "2epochs", "--recipe", "d2l", cwd=tmp_path)
    assert state == 0
    assert "is finished" in out + err


@pytest.mark.promise("A rehearsal prints what a run would cost and leaves nothing behind.")
def test_a_rehearsal_prints_the_config_and_the_cost_and_leaves_nothing(
    run: Run, critters_npy: Path, tmp_path: Path
) -> None:
    state, out, err = run("train", critters_npy, *TINY, "--budget", "1min", "--dry-run", "--out", "run", cwd=tmp_path)
    assert state == 0, err
    assert "[training]" in out
    assert "images_per_second" in out
    for words in ("Memory:", "Disk:", "Time: about 1.0 min"):
        assert words in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.promise("A mistake gets a sentence on what to do, never a traceback.")
@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["train", "nowhere"], 10, "nowhere"),
        (["train", "critters", "--size", "100"], 2, "Nearest: 96 or 112"),
        (["train", "critters", "--budget", "soon"], 2, "--budget soon"),
        (["train", "critters", "--set", "training.batch_sise=3"], 2, "Did you mean training.batch_size?"),
        (["train", "critters", "--set", "training"], 2, "section.key=value"),
        (["train", "critters", "--config", "nothing.toml"], 2, "nothing.toml"),
        (["sample", "nowhere"], 11, "no such folder"),
        (["sample", ".", "--seeds", "x"], 2, "--seeds x"),
        (["data", "nowhere"], 10, "nowhere"),
        (["tran"], 2, "Did you mean train?"),
        ([], 2, ""),
    ],
)
def test_a_mistake_gets_a_sentence_and_no_traceback(
    run: Run, words: list[str], code: int, expected: str, tmp_path: Path
) -> None:
    state, out, err = run(*words, cwd=tmp_path)
    assert (state, expected in err) == (code, True), (out, err)
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_an_error_can_be_traced_when_asked_for(run: Run, tmp_path: Path) -> None:
    _, _, err = run("sample", "nowhere", "--debug", cwd=tmp_path)
    assert "Traceback" in err


def test_a_folder_that_may_not_be_written_is_refused(run: Run, critters_npy: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    state, _, err = run("train", critters_npy, *TINY, "--budget", "64", "--out", "file/run", cwd=tmp_path)
    assert state == 12
    assert "file/run" in err
    assert "Traceback" not in err


def test_doctor_finds_this_machine_fit(run: Run, tmp_path: Path) -> None:
    environment = os.environ.copy()
    environment.pop("OMP_NUM_THREADS", None)
    state, out, _ = run("doctor", cwd=tmp_path)
    assert state == 0
    assert "torch" in out
