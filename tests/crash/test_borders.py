"""A run that goes on elsewhere says from which image on it is no longer the same to the bit; lack of memory is told."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from benchmarks.torture.tiny_runs import Ears, finish, train
from dcgan.commands import train as training
from dcgan.commands.live import session
from dcgan.errors import ExitCode
from dcgan.interfaces.cli import main
from dcgan.runs import journal


@pytest.mark.promise("A run continued on another machine, torch build or number of threads says so, and from where on.")
@pytest.mark.parametrize("border", ["processor", "torch", "instructions", "threads"])
def test_a_border_crossed_is_told_and_kept(
    border: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = train(source, tmp_path / "run")
    list(islice(steps, 25))
    steps.close()
    ears, more = Ears(), {}
    if border == "threads":
        more = {"hardware__threads": 2}
    else:
        here = training.bit_borders()
        monkeypatch.setattr(training, "bit_borders", lambda: here | {border: "other"})
        monkeypatch.setattr(session, "bit_borders", lambda: here | {border: "other"})
    continued = train(source, tmp_path / "run", ears=ears, budget=208, **more)
    run = None
    try:
        next(continued)
    finally:
        continued.close()
    told = [text for text in ears.said if "bit-exact" in text]
    assert len(told) == 1
    assert told[0].startswith("No longer bit-exact from image 200 on: ")
    assert f"{border} was" in told[0]
    from dcgan.runs.folder import RunFolder

    run = RunFolder(tmp_path / "run")
    warnings = [event["text"] for event in journal.read(run.journal) if event["event"] == "warning"]
    assert [text for text in warnings if "bit-exact" in text] == told


def test_at_home_nothing_is_said(source: Path, tmp_path: Path) -> None:
    steps = train(source, tmp_path / "run")
    list(islice(steps, 25))
    steps.close()
    ears = Ears()
    finish(source, tmp_path / "run", ears=ears)
    assert not any("bit-exact" in text for text in ears.said)


@pytest.mark.promise("When memory runs out the message names what to lower, and the exit code is 14.")
@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
        ),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=["python", "processor", "gpu", "cublas"],
)
def test_lack_of_memory_names_what_to_lower(
    error: Exception, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    advance_of = session.advance_of

    def greedy(state: Any, *rest: Any) -> Any:
        advance = advance_of(state, *rest)

        def step(*inputs: Any) -> Any:
            if state.images_seen >= 16:
                raise error
            return advance(*inputs)

        return step

    monkeypatch.setattr(session, "advance_of", greedy)
    # It would last: a later test in this process would find the memory that it measures already taken.
    monkeypatch.setattr("dcgan.hardware.keep_big_blocks", lambda: True)
    words = ["--size", "16", "--width", "4", "--budget", "64", "--threads", "1", "--precision", "fp32"]
    more = ["--set", "training.batch_size=8", "--set", "runs.save_every_images=8"]
    code = main(["train", str(source), "--out", str(tmp_path / "run"), *words, *more])
    told = capsys.readouterr().err
    assert code == ExitCode.MEMORY
    assert all(option in told for option in ("training.batch_size", "--size", "--width"))
    assert "at image 16 is safe" in told
    assert "Traceback" not in told
    ends = [event["reason"] for event in journal.read(tmp_path / "run" / "journal.jsonl") if event["event"] == "end"]
    assert ends == ["failed"]
