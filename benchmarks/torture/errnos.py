"""One save, every call of it refused once with every error: is what was said then true?"""

import errno
import json
from pathlib import Path
from typing import Any

import torch

from benchmarks.torture.faulty_disk import Disk, refuse
from benchmarks.torture.tiny_runs import Ears
from dcgan.commands.live.drawing import Drawing
from dcgan.commands.live.records import Records
from dcgan.errors import UserError
from dcgan.runs import checkpoint, journal, shelf
from dcgan.runs.folder import RunFolder
from dcgan.settings.knobs import RunsConfig

ERRNOS = [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EFBIG, errno.ENOMEM]
BEFORE, NOW, LATER = 160, 240, 320  # images seen


def tensors(images_seen: int) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((9,), float(images_seen)), "empty": torch.zeros(0)}


def facts(images_seen: int) -> dict[str, Any]:
    plain = {"config": {}, "class_names": [], "bits": 8, "fingerprint": "none"}
    return {"images_seen": images_seen, "attempt": 0, "seconds": 1.0, "epoch_seconds": 0.0, **plain}


def picture_of(images_seen: int) -> Drawing:
    return Drawing(torch.tensor(images_seen), lambda number: b"picture of %d" % number.item())


class Scene:
    """A run with two checkpoints, a marked best one and a journal, about to write a line, a picture and a third one."""

    def __init__(self, root: Path) -> None:
        self.run, self.ears = RunFolder(root), Ears()
        self.records = Records(self.run, RunsConfig(retry_seconds=0), self.ears.say, saved_images=BEFORE)
        journal.rewind(self.run.journal, -1)
        for images_seen in (80, BEFORE):
            path = checkpoint.save(self.run, tensors(images_seen), facts(images_seen), keep=2)
            journal.record(self.run.journal, "step", images_seen)
        shelf.mark_best(self.run, path, {})

    def save(self, images_seen: int = NOW) -> Path | None:
        """What a session does when a checkpoint is due."""
        self.records.event("step", images_seen)
        self.records.picture(images_seen, picture_of(images_seen), self.run.preview(images_seen))
        return self.records.save(tensors(images_seen), facts(images_seen))

    def untruths(self, path: Path | None) -> list[str]:
        """What is on disk and was not said, or the other way round."""
        wrong, said = [], " ".join(self.ears.said)
        newest = checkpoint.newest(self.run)
        good = {found.facts["images_seen"] for each in shelf.paths(self.run) if (found := checkpoint.read(each))}
        if BEFORE not in good:
            wrong.append("the checkpoint before is lost")
        if path is not None:
            if (
                newest is None
                or newest.path != path
                or not torch.equal(newest.tensors["weight"], tensors(NOW)["weight"])
            ):
                wrong.append("called saved and is not")
            if "NOT saved" in said:
                wrong.append("called saved and not saved")
        elif f"image {NOW} NOT saved; the one at image {BEFORE} is safe" not in said:
            wrong.append(f"missing, and said: {said}")
        return wrong

    def unmended(self) -> list[str]:
        """What is still wrong after the next save, on a disk that works again."""
        wrong = [] if self.save(LATER) is not None else ["the next save fails too"]
        lines = [entry["images_seen"] for entry in journal.read(self.run.journal) if entry["event"] == "step"]
        if lines != [80, BEFORE, NOW, LATER]:
            wrong.append(f"lines {lines}")
        missing = [seen for seen in (NOW, LATER) if not self.run.preview(seen).exists()]
        if missing:
            wrong.append(f"pictures missing: {missing}")
        if max(checkpoint.read(path).facts["images_seen"] for path in shelf.paths(self.run)) != LATER:
            wrong.append("the next checkpoint is not there")
        return wrong


def num_calls(folder: Path) -> int:
    """Of one save that nothing disturbs."""
    scene = Scene(folder)
    with Disk(scene.run.root) as disk:
        assert scene.save() is not None
    return len(disk.calls)


def refused(folder: Path, call: int, code: int, *, for_good: bool) -> dict[str, Any]:
    """One save, of which one call, or everything from that call on, is refused."""
    scene, wrong = Scene(folder), []
    once = refuse(call, code)

    def fault(number: int, each: Any) -> None:
        if for_good and number >= call:
            raise OSError(code, "refused", each.path)
        once(number, each)

    with Disk(scene.run.root, fault) as disk:
        try:
            path = scene.save()
        except UserError as error:
            path, wrong = None, [f"gave up: {error}"]
        except Exception as error:
            path, wrong = None, [f"{type(error).__name__}: {error}"]
    failed = disk.calls[call - 1] if len(disk.calls) >= call else None
    if failed and failed.name == "fsync" and "checkpoint" in failed.path and path is not None:
        wrong.append("called saved, though it may not survive a loss of power")
    wrong += scene.untruths(path)
    wrong += scene.unmended()
    return {
        "call": f"{failed.name} {failed.path.partition('-')[0]}" if failed else "",
        "errno": errno.errorcode[code],
        "saved": path is not None,
        "wrong": wrong,
    }


def main() -> None:
    """For strace: stop, and when continued save once; the exit code is 0 if that was called saved, 3 if refused."""
    import os
    import signal
    import sys

    scene = Scene(Path(sys.argv[1]))
    os.kill(os.getpid(), signal.SIGSTOP)
    path = scene.save()
    wrong = scene.untruths(path)
    print(json.dumps({"saved": path is not None, "wrong": wrong}), flush=True)


if __name__ == "__main__":
    main()
