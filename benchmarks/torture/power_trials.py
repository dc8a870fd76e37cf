"""Record a run, take its power away at every moment, and look at what is left."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.torture.faulty_disk import Call, Disk
from benchmarks.torture.power_loss import DiskModel, State, digest, write_state
from benchmarks.torture.tiny_runs import train
from dcgan.runs import checkpoint, journal, shelf
from dcgan.runs.folder import RunFolder

UNTIMED = ("seconds", "images_per_second", "time")


@dataclass(frozen=True)
class Recording:
    """What a run did to the disk, and what it believed to be safe."""

    calls: list[Call]
    saved: list[tuple[int, int]]
    """(calls so far, images seen) whenever a checkpoint was called saved."""
    contents: dict[str, bytes]
    """Every checkpoint that there ever was, by name."""
    journal: list[dict[str, Any]]
    pictures: dict[str, bytes]


def record(source: Path, folder: Path) -> Recording:
    """Train a run in ``folder/run`` from the first call to the last, stopped once and continued."""
    saved: list[tuple[int, int]] = []
    save = checkpoint.save
    with Disk(folder, reads=False) as disk:

        def watched(*words: Any, **more: Any) -> Path:
            path = save(*words, **more)
            saved.append((len(disk.calls), words[2]["images_seen"]))
            return path

        checkpoint.save = watched
        try:
            steps = train(source, folder / "run", runs__save_every_images=48)
            list(islice(steps, 25))
            steps.close()
            list(train(source, folder / "run", runs__save_every_images=48))
        finally:
            checkpoint.save = save
    run = RunFolder(folder / "run")
    written: dict[str, bytes] = {}
    contents: dict[str, bytes] = {}
    for call in disk.calls:
        if call.name == "write":
            written[call.path] = written.get(call.path, b"") + call.data
        elif call.name == "rename" and call.target.endswith(".safetensors"):
            contents[call.target.rpartition("/")[2]] = written[call.path]
    entries = list(journal.read(run.journal))
    pictures = {path.name: path.read_bytes() for path in run.samples.iterdir()}
    return Recording(list(disk.calls), saved, contents, entries, pictures)


def states(recording: Recording, limit: int, *, seed: int = 0, at_once: int = 24) -> Iterator[tuple[int, State]]:
    """(images that are safe, what the disk may hold), each state once, from moments all over the run."""
    model, random_, seen = DiskModel(), random.Random(seed), set()
    moments: list[tuple[int, State]] = []
    for number, call in enumerate(recording.calls, 1):
        model.apply(call)
        safe = max((images for calls, images in recording.saved if calls <= number), default=-1)
        for state in model.states(random_, at_once):
            if (name := digest(state)) not in seen:
                seen.add(name)
                moments.append((safe, state))
    yield from moments if len(moments) <= limit else random_.sample(moments, limit)


def faults(recording: Recording, safe: int, state: State, folder: Path) -> list[str]:
    """What is wrong with what is left: nothing, if the product keeps its promises."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_state(state, folder)
    run = RunFolder(folder / "run")
    try:
        found = checkpoint.newest(run)
    except Exception as error:
        return [f"not loadable, {safe} was safe: {error}"] if safe >= 0 else []
    if found is None:
        return [f"nothing found, {safe} was safe"] if safe >= 0 else []
    wrong, at = [], found.facts["images_seen"]
    wrong += [f"torn: {path.name}" for path in shelf.paths(run) if checkpoint.read(path) is None]
    if found.path.read_bytes() != recording.contents[found.path.name]:
        wrong.append(f"accepted other bytes than were saved: {found.path.name}")
    if at < safe:
        wrong.append(f"{at} found, {safe} was safe")
    left = {_key(entry) for entry in journal.read(run.journal)}
    lost = [entry for entry in recording.journal if entry["images_seen"] <= at and _key(entry) not in left]
    wrong += [f"line lost: {entry}" for entry in lost if entry["event"] not in ("start", "end")]
    for name, content in recording.pictures.items():
        number = name.removeprefix("images-").removesuffix(".png")
        path = run.samples / name
        if (name == "reals.png" or (number.isdigit() and int(number) <= at)) and (
            not path.exists() or path.read_bytes() != content
        ):
            wrong.append(f"picture lost: {name}")
    return wrong


def _key(entry: dict[str, Any]) -> str:
    return str(sorted((name, value) for name, value in entry.items() if name not in UNTIMED))
