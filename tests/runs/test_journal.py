"""The journal by itself: what was appended is read in order, and what a crash can leave is passed over."""

from pathlib import Path

import pytest

from dcgan.runs.journal import read, record, rewind


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal.jsonl"
    for event, seen in (("start", 0), ("step", 8), ("preview", 8), ("step", 16), ("end", 16)):
        record(path, event, seen)
    return path


def kinds(path: Path) -> list[tuple[str, int]]:
    return [(entry["event"], entry["images_seen"]) for entry in read(path)]


def test_events_are_read_in_the_order_in_which_they_were_recorded(journal: Path) -> None:
    assert kinds(journal) == [("start", 0), ("step", 8), ("preview", 8), ("step", 16), ("end", 16)]


def test_words_of_any_language_come_back_as_they_were(journal: Path) -> None:
    record(journal, "warning", 24, text="ẞ 画像\n\u2028")
    assert list(read(journal))[-1]["text"] == "ẞ 画像\n\u2028"


def test_a_journal_that_is_not_there_has_no_events(tmp_path: Path) -> None:
    assert list(read(tmp_path / "nothing")) == []


def test_a_line_torn_anywhere_is_passed_over_and_the_next_one_is_whole(journal: Path) -> None:
    content = journal.read_bytes()
    last = content.rstrip(b"\n").rindex(b"\n") + 1
    for end in range(last + 1, len(content) - 1):
        journal.write_bytes(content[:end])
        record(journal, "start", 16)
        assert kinds(journal) == [("start", 0), ("step", 8), ("preview", 8), ("step", 16), ("start", 16)], end


def test_a_line_that_was_written_twice_is_one_event(journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:2], lines[1], *lines[2:]]))
    assert kinds(journal) == [("start", 0), ("step", 8), ("preview", 8), ("step", 16), ("end", 16)]


@pytest.mark.parametrize("line", ["[]", "7", "{}", '{"event": "step"}', "null", "\x00\x00"])
def test_a_line_that_is_no_event_is_passed_over(line: str, journal: Path) -> None:
    before = kinds(journal)
    journal.write_bytes(journal.read_bytes() + line.encode() + b"\n")
    assert kinds(journal) == before


def test_going_back_forgets_what_came_later_and_every_end(journal: Path) -> None:
    rewind(journal, 8)
    assert kinds(journal) == [("start", 0), ("step", 8), ("preview", 8)]


def test_going_back_forgets_roll_backs_of_later_attempts(journal: Path) -> None:
    for attempt in (1, 2):
        record(journal, "rollback", 8, attempt=attempt, came_from=16, text="")
    rewind(journal, 16, attempt=1)
    assert [entry["attempt"] for entry in read(journal) if entry["event"] == "rollback"] == [1]


def test_going_back_where_no_journal_is_yet_makes_an_empty_one(tmp_path: Path) -> None:
    rewind(tmp_path / "journal.jsonl", 0)
    assert (tmp_path / "journal.jsonl").read_bytes() == b""
