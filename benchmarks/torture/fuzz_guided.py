"""Fuzzing that follows the branches it has reached, for whoever has atheris (pip install atheris; never needed here).

    python -m benchmarks.torture.fuzz_guided images -max_total_time=60

What stands behind the name goes to libFuzzer: a corpus folder to go on from, ``-runs=N``, ``-jobs=2`` and the like. It
ends at the first fault, of which it keeps the file: ``fuzz_guided.py images crash-…`` tries that one again.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from benchmarks.machine import ROOT

KINDS = ("images", "archives", "arrays", "checkpoints", "configs")
INSTRUMENTED = ["dcgan", "PIL", "tifffile", "zipfile", "tomllib"]
LIMITS = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=65536"]  # those that come later count


def main() -> int:
    """Fuzz in a process of its own until something is wrong or the time is over, and tidy up: libFuzzer does not."""
    if len(sys.argv) < 2 or sys.argv[1] not in KINDS:
        print(f"fuzz_guided.py {'|'.join(KINDS)} [libFuzzer's options]", file=sys.stderr)
        return 2
    if find_spec("atheris") is None:
        print("fuzz_guided.py needs atheris: pip install atheris", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="guided-") as place:
        program = f"from benchmarks.torture.fuzz_guided import fuzz; fuzz({place!r})"
        words = [sys.executable, "-c", program, *sys.argv[1:]]
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        return subprocess.run(words, env=os.environ | {"PYTHONPATH": path}, check=False).returncode


def fuzz(place: str) -> None:
    """In that process: does not return."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from benchmarks.torture.guided_targets import TARGETS
        from benchmarks.torture.judge import watching
    kind, *words = sys.argv[1:]
    feed, seeds = TARGETS[kind]
    own, corpus = Path(place) / "own", Path(place) / "corpus"
    os.environ["DCGAN_CACHE"] = str(own / "cache")
    corpus.mkdir()
    for number, content in enumerate(seeds()):
        (corpus / str(number)).write_bytes(content)

    def one(content: bytes) -> None:
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir()
        with watching(own) as watch:
            feed(content, own)
        assert not watch.outside, watch.outside
        assert not watch.forbidden, watch.forbidden

    named = any(not word.startswith("-") for word in words)  # a corpus of one's own, or a file to try again
    atheris.Setup(["fuzz_guided.py", *LIMITS, *words, *([] if named else [str(corpus)])], one)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
