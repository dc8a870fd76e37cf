"""An image takes so many bytes a pixel and no more, whatever its kind: that, times the limits, is what is promised."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.machine import ROOT
from benchmarks.torture.image_memory import KINDS, PIXELS
from dcgan.data.decoding.decode import MAX_BYTES

STRIPS = 8_000_000  # bytes of what is worked on at a time
BYTES = {"deep PNG": 14, "deep PNG with a transparent colour": 14, "progressive JPEG": 12, "WebP": 18}  # else 8


@pytest.mark.promise("No image takes more than 512 MB while it is decoded and brought to size, besides its file.")
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak of memory")
def test_an_image_takes_what_its_kind_may_take() -> None:
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "100000"}  # what is freed is given back
    words = [sys.executable, "-m", "benchmarks.torture.image_memory"]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    taken = {kind: 2**20 * megabytes for kind, megabytes in json.loads(done.stdout).items()}
    assert taken.keys() == {"nothing", *KINDS}
    greedy = {kind: taken[kind] / PIXELS for kind in KINDS if taken[kind] > BYTES.get(kind, 8) * PIXELS + STRIPS}
    assert greedy == {}
    assert MAX_BYTES == 512_000_000
