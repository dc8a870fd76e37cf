"""What a run says, and to whom; and that nothing breaks when nobody listens."""

import errno
import io
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from patience import patient

from dcgan.interfaces.console import (
    CarefulStream,
    PlainDisplay,
    TerminalDisplay,
    choose_display,
    time_left,
)
from dcgan.interfaces.notebook import NotebookDisplay
from dcgan.wording import duration, number, plain, short_count


class Recorder(io.StringIO):
    """A stream that remembers how often it was flushed, and says whether it is a terminal."""

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self.terminal = terminal
        self.flushed = 0

    def isatty(self) -> bool:
        return self.terminal

    def flush(self) -> None:
        self.flushed += 1


class Broken(Recorder):
    """A stream whose reader is gone."""

    def __init__(self, code: int, *, terminal: bool = False) -> None:
        super().__init__(terminal=terminal)
        self.code = code

    def write(self, text: str) -> int:
        self.tried += 1
        raise OSError(self.code, os.strerror(self.code))

    tried = 0

    flush = None


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def step(display: Any, seen: int, total: int = 1000) -> None:
    display.step(seen, total, 100.0, 0.5, 2.0)


def test_pipes_and_calm_terminals_get_lines_and_terminals_a_bar(
    terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(choose_display(Recorder()), PlainDisplay)
    assert isinstance(choose_display(Recorder(terminal=True)), TerminalDisplay)
    for name, value in (("NO_COLOR", "1"), ("CI", "true"), ("TERM", "dumb")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert isinstance(choose_display(Recorder(terminal=True)), PlainDisplay)


def test_lines_come_at_the_start_each_twentieth_and_at_the_end_each_flushed() -> None:
    stream, clock = Recorder(), Clock()
    with PlainDisplay(CarefulStream(stream), clock) as display:
        for seen in range(0, 998):
            clock.now += 0.1
            step(display, seen)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 21
    assert lines[0].startswith("0 of 1,000 images, 100 images/s, 10 s left, loss_D 0.500, loss_G 2.000")
    assert lines[-1].startswith("997 of 1,000 images")
    assert stream.flushed == len(lines)


def test_a_fast_one_does_not_flood_its_log() -> None:
    stream = Recorder()
    with PlainDisplay(CarefulStream(stream), Clock()) as display:
        for seen in range(0, 998):
            step(display, seen)
    assert len(stream.getvalue().splitlines()) == 2


def test_a_message_comes_after_the_progress_before_it() -> None:
    stream = Recorder()
    with PlainDisplay(CarefulStream(stream), Clock()) as display:
        step(display, 1)
        step(display, 2)
        display.say("that was all")
    lines = stream.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2", "that"]


def test_a_slow_run_says_something_every_thirty_seconds() -> None:
    stream, clock = Recorder(), Clock()
    with PlainDisplay(CarefulStream(stream), clock) as display:
        for second in range(301):
            clock.now = 1000.0 + second
            step(display, second, 10_000_000)
    assert len(stream.getvalue().splitlines()) == 11


def test_preparing_and_training_are_counted_apart() -> None:
    stream = Recorder()
    with PlainDisplay(CarefulStream(stream), Clock()) as display:
        display.prepare(1, 100)
        display.prepare(100, 100)
        step(display, 32)
    assert [line.split(",")[0] for line in stream.getvalue().splitlines()] == [
        "1 of 100 images prepared",
        "100 of 100 images prepared",
        "32 of 1",
    ]


def test_a_long_preparation_says_how_long_it_will_take() -> None:
    stream, clock = Recorder(), Clock()
    with PlainDisplay(CarefulStream(stream), clock) as display:
        display.prepare(1, 8_000)
        clock.now += 10
        display.prepare(2_001, 8_000)
        clock.now += 30
        display.prepare(8_000, 8_000)
    assert stream.getvalue().splitlines() == [
        "1 of 8,000 images prepared",
        "2,001 of 8,000 images prepared, 30 s left",
        "8,000 of 8,000 images prepared",
    ]


def test_the_bar_shows_the_state_and_messages_above_it(terminal: None) -> None:
    stream = Recorder(terminal=True)
    with choose_display(stream) as display:
        display.prepare(5, 10)
        step(display, 250)
        display.say("a [bold]name[/bold] \x1b]0;title\x07")
        step(display, 1000)
    text = stream.getvalue()
    assert "5 of 10 images prepared" in text and "250 of 1k  100/s  8 s left" in text
    assert "a [bold]name[/bold] \\x1b]0;title\\x07" in text
    assert "\x1b]0;" not in text
    assert text.endswith("\x1b[?25h")  # the cursor is back


@pytest.mark.parametrize("code", [errno.EPIPE, errno.EIO, errno.ENOSPC, errno.EBADF])
@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_stream_that_breaks_does_not_break_the_run(
    terminal: None, code: int, is_terminal: bool, tmp_path: Path
) -> None:
    stream = Broken(code, terminal=is_terminal)
    with choose_display(stream) as display:
        display.say("hello")
        display.prepare(1, 2)
        step(display, 1)
        display.picture(tmp_path / "absent.png")
        step(display, 2)
    display.close()
    assert stream.tried == 1, "it falls silent after the first failure"


def test_a_closed_stream_and_no_stream_at_all_are_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    with choose_display(closed) as display:
        step(display, 1)
    monkeypatch.setattr(sys, "stderr", None)
    with choose_display() as display:
        step(display, 1)
        display.say("x")
    assert isinstance(display, PlainDisplay)


def test_a_reader_that_leaves_a_real_pipe_does_not_end_the_program() -> None:
    program = (
        "import os, sys, time\nfrom dcgan.interfaces.console import choose_display\n"
        "display = choose_display()\nsys.stdin.readline()\n"
        "for seen in range(100):\n    display.step(seen, 100, 1.0, 1.0, 1.0)\nos._exit(7)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stderr is not None and child.stdin is not None
    child.stderr.close()
    child.stdin.write(b"go\n")
    child.stdin.close()
    assert child.wait(patient(30)) == 7


def test_what_an_encoding_lacks_is_escaped_not_fatal() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    with choose_display(stream) as display:
        display.say("Pokémon \udcff")
        display.say("still here")
        stream.flush()
    assert raw.getvalue().decode() == "Pok\\xe9mon \\udcff\nstill here\n"


def test_a_notebook_is_one_only_when_a_kernel_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    display = types.ModuleType("IPython.display")
    package = types.ModuleType("IPython")
    package.display = display
    package.get_ipython = lambda: None
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    assert not isinstance(choose_display(), NotebookDisplay)
    package.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    assert isinstance(choose_display(), NotebookDisplay)
    assert not isinstance(choose_display(Recorder()), NotebookDisplay)


@pytest.mark.promise("No file name can steer your terminal: what would is shown as its escape sequence.")
def test_names_cannot_steer_a_terminal() -> None:
    assert plain("\x1b[2J\r\n\x9b\u202egnp.exe\u2028\udc80é ✓ 图") == (
        "\\x1b[2J\\r\\n\\x9b\\u202egnp.exe\\u2028\\udc80é ✓ 图"
    )
    assert plain(Path("a b")) == "a b"


def test_durations_and_numbers_read_well() -> None:
    seconds = (0, 8.4, 59.6, 60, 200, 3600, 3900, 183_600, float("nan"), float("inf"), -1)
    assert [duration(value) for value in seconds] == [
        "0 s", "8 s", "1 min", "1 min", "3 min 20 s", "1 h", "1 h 5 min", "2 d 3 h", "–", "–", "–",
    ]  # fmt: skip
    assert [short_count(value) for value in (0, 950, 12_800, 200_000, 2e6, -0.5)] == [
        "0", "950", "12.8k", "200k", "2M", "−0.5",
    ]  # fmt: skip
    assert [number(value) for value in (0.001234, 0.4123, 126.44, 12_345, float("nan"))] == [
        "0.00123", "0.412", "126", "12,345", "–",
    ]  # fmt: skip
    assert (time_left(500, 1000, 100.0), time_left(0, 1000, 0.0), time_left(9, 3, 1.0)) == ("5 s", "–", "0 s")
