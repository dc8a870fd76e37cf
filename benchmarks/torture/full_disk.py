"""A run on a disk of its own that fills up, and has room again: needs ``unshare -Urm``, which makes us its root.

unshare -Urm python -m benchmarks.torture.full_disk SOURCE FOLDER     one JSON line: what was said, what is there
"""

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

from benchmarks.torture.tiny_runs import Ears, fingerprint, finish, train
from dcgan.runs import checkpoint
from dcgan.runs.folder import RunFolder

BUDGET = 240  # images
DISK = "52m"  # a run is refused on a disk with less than 50 MB


def fill(path: Path) -> None:
    """Take all the room there is."""
    try:
        with path.open("wb", buffering=0) as file:
            while file.write(bytes(65536)) or True:
                pass
    except OSError:
        return


def main() -> None:
    """Train, fill, train, make room, train; beside it a run on a disk with room."""
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(disk)], check=True)
    ears, run = Ears(), RunFolder(disk / "run")
    steps = train(source, run.root, budget=BUDGET, ears=ears, runs__retry_seconds=0)
    list(islice(steps, 15))
    fill(disk / "filler")
    list(islice(steps, 6))
    safe = checkpoint.newest(run)
    (disk / "filler").unlink()
    list(steps)
    whole = finish(source, folder / "whole", budget=BUDGET, runs__retry_seconds=0)
    told = {
        "said": ears.said,
        "safe": safe and safe.facts["images_seen"],
        "equal": fingerprint(run) == fingerprint(whole),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
