"""Pictures that are late: whenever they are ready, the run leaves what it would have left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from test_train import assert_equal_runs, start

from dcgan.commands.live import drawing, due, session, watch
from dcgan.commands.live.drawing import Drawing, Easel
from dcgan.runs import journal
from dcgan.runs.folder import RunFolder

CPU = torch.device("cpu")
BUDGET = "800"  # images, 100 steps; grids after 0, 504, 712, 800
LATE = 5  # looks at a picture before it is there


class LateDrawing:
    """Painted only when somebody waits for it, or has looked often enough: long after it was begun."""

    def __init__(self, paint: Callable[[], Any], finish: Callable[[Any], bytes]) -> None:
        self._paint, self._finish, self._looks, self._png = paint, finish, 0, b""

    @property
    def is_there(self) -> bool:
        self._looks += 1
        return bool(self._png) or self._looks > LATE

    @property
    def png(self) -> bytes:
        self._png = self._png or self._finish(self._paint())
        return self._png


class LateEasel(Easel):
    def draw(self, paint: Callable[[], Any], finish: Callable[[Any], bytes]) -> Any:
        return LateDrawing(paint, finish)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr(session, "Easel", LateEasel)


def finish(source: Path, out: Path, **options: Any) -> RunFolder:
    for _ in start(source, out, options.pop("budget", BUDGET), **options):
        pass
    return RunFolder(out)


@pytest.fixture(scope="session")
def prompt(critters_npy: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The run whose pictures are there at once; no test changes it."""
    folder = tmp_path_factory.mktemp("prompt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DCGAN_CACHE", str(folder / "cache"))
        return finish(critters_npy, folder / "run")


@pytest.mark.promise(
    "A picture that is drawn while training goes on is the picture of the moment that it is named after."
)
def test_late_pictures_leave_the_run_as_it_would_have_been(
    prompt: RunFolder, critters_npy: Path, tmp_path: Path, late: Callable[[], None]
) -> None:
    late()
    assert_equal_runs(prompt, finish(critters_npy, tmp_path / "late"))


@pytest.mark.promise(
    "A picture that is drawn while training goes on is the picture of the moment that it is named after."
)
def test_late_pictures_after_each_epoch_leave_the_run_as_it_would_have_been(
    critters_npy: Path, tmp_path: Path, late: Callable[[], None]
) -> None:
    options = {"recipe": "d2l", "budget": "2epochs"}
    at_once = finish(critters_npy, tmp_path / "at once", **options)
    late()
    assert_equal_runs(at_once, finish(critters_npy, tmp_path / "late", **options))


def test_training_goes_on_while_a_picture_is_drawn(
    critters_npy: Path, tmp_path: Path, late: Callable[[], None]
) -> None:
    late()
    run, steps = RunFolder(tmp_path / "run"), start(critters_npy, tmp_path / "run", BUDGET)
    there = {}
    for report in steps:
        there[report.images_seen] = run.preview(504).exists()
    assert not there[504 + 48], "lines of the journal wait behind it"
    assert there[696], "it is looked at again at each of them"


@pytest.mark.parametrize("steps", [64, 70])
def test_a_run_that_is_stopped_while_a_picture_is_drawn_goes_on_as_if_it_had_not(
    steps: int, prompt: RunFolder, critters_npy: Path, tmp_path: Path, late: Callable[[], None]
) -> None:
    late()
    parts = start(critters_npy, tmp_path / "parts", BUDGET)
    list(islice(parts, steps))
    parts.close()
    assert RunFolder(tmp_path / "parts").preview(504).exists()
    assert_equal_runs(prompt, finish(critters_npy, tmp_path / "parts"))


def test_a_picture_in_the_making_survives_a_roll_back(
    critters_npy: Path, tmp_path: Path, late: Callable[[], None]
) -> None:
    def rolled_back(out: Path) -> RunFolder:
        steps = start(critters_npy, out, BUDGET)
        list(islice(steps, 65))
        steps._training.session.roll_back("a test")
        list(steps)
        return RunFolder(out)

    prompt = rolled_back(tmp_path / "prompt")
    late()
    assert_equal_runs(prompt, rolled_back(tmp_path / "late"))


def test_a_run_that_fails_still_writes_the_picture_and_its_end(
    critters_npy: Path, tmp_path: Path, late: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    late()
    steps = start(critters_npy, tmp_path / "run", BUDGET)
    list(islice(steps, 65))
    monkeypatch.setattr(due, "crossed", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(steps)
    events = [(event["event"], event["images_seen"]) for event in journal.read(RunFolder(tmp_path / "run").journal)]
    assert ("preview", 504) in events
    assert events[-1][0] == "end"


def test_images_are_judged_by_all_that_was_written_even_behind_a_picture(
    critters_npy: Path, tmp_path: Path, late: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a journal says decides whether a run goes back: it must not depend on how long a picture takes."""
    late()
    monkeypatch.setattr(watch, "LEAST_IMAGES", 512)
    judged: list[tuple[str, int]] = []

    def vitals_of(events: list[dict[str, Any]]) -> watch.Vitals:
        judged.extend((event["event"], event["images_seen"]) for event in events[-2:])
        return watch.vitals_of(events)

    monkeypatch.setattr(session, "vitals_of", vitals_of)
    settings = {"runs.evaluations": 2, "runs.evaluation_samples": 100}
    list(islice(start(critters_npy, tmp_path / "run", BUDGET, settings=settings), 65))
    assert judged == [("preview", 504), ("evaluation", 512)]


class Streams:
    """Stands in for CUDA's streams and events, and writes down who waits for whom."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log, self.over, self.device, empty = list[str](), False, torch.device("cuda"), torch.empty
        monkeypatch.setattr(torch.cuda, "Stream", lambda device: self)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: "training")
        monkeypatch.setattr(torch.cuda, "stream", self.entered)
        monkeypatch.setattr(drawing.torch, "empty", lambda shape, dtype, pin_memory: empty(shape, dtype=dtype))

    def wait_stream(self, other: str) -> None:
        self.log.append(f"wait for {other}")

    @contextmanager
    def entered(self, stream: "Streams") -> Iterator[None]:
        assert stream is self
        self.log.append("enter")
        yield
        self.log.append("leave")

    def record_event(self) -> "Streams":
        self.log.append("record")
        return self

    def query(self) -> bool:
        return self.over

    def synchronize(self) -> None:
        self.log.append("wait for event")


def test_on_cuda_a_picture_is_drawn_on_a_stream_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = Streams(monkeypatch)

    def paint() -> torch.Tensor:
        streams.log.append("paint")
        return torch.tensor([1, 2], dtype=torch.uint8)

    begun = Easel(torch.device("cuda")).draw(paint, lambda pixels: bytes(pixels.tolist()))
    assert streams.log == ["wait for training", "enter", "paint", "record", "leave"]
    assert not begun.is_there
    streams.over = True
    assert begun.is_there
    assert begun.png == begun.png == b"\x01\x02"
    assert streams.log[5:] == ["wait for event"], "once, and before the pixels are read"


def test_elsewhere_a_picture_is_there_at_once() -> None:
    drawn = Easel(CPU).draw(lambda: torch.tensor([3], dtype=torch.uint8), lambda pixels: bytes(pixels.tolist()))
    assert isinstance(drawn, Drawing)
    assert drawn.is_there
    assert drawn.png == b"\x03"
