"""Prepares a large set of images on a Ray cluster, each task a part of it; then puts the parts together.

    pip install ray
    python prepare_on_ray.py --parts 64 /shared/photos --size 64

What follows the number of parts is handed to ``dcgan data``. Source and cache (``DCGAN_CACHE``) must lie where all
machines see them under the same name. A part that a lost machine leaves is prepared again elsewhere: Ray repeats the
task, and what is whole already is not read twice.
"""

import argparse
import os
import subprocess
import sys

import ray


@ray.remote(num_cpus=1, max_retries=3)
def prepare(words: list[str], part: str, cache: str | None) -> str:
    """Prepare one part in a process of its own; what it said."""
    environment = os.environ | ({} if cache is None else {"DCGAN_CACHE": cache})
    command = [sys.executable, "-m", "dcgan", "data", *words, "--part", part]
    ran = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(ran.stderr)
    return ran.stdout.strip()


def main() -> int:
    """Prepare all parts, then join them here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=int, default=16)
    parser.add_argument("--address", help="of a Ray cluster; without it one is started on this machine")
    options, words = parser.parse_known_args()
    ray.init(address=options.address, include_dashboard=False, log_to_driver=False)
    cache = os.environ.get("DCGAN_CACHE")
    waiting = [prepare.remote(words, f"{number}/{options.parts}", cache) for number in range(1, options.parts + 1)]
    while waiting:
        (done,), waiting = ray.wait(waiting, num_returns=1)
        print(ray.get(done), flush=True)
    ray.shutdown()
    return subprocess.run([sys.executable, "-m", "dcgan", "data", *words, "--merge"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
