"""The examples that prepare images on many machines: each script's own commands, run on this one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from patience import patient

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    path = tmp_path / "photos.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (30, 16, 16, 3), dtype=np.uint8))
    return path


@pytest.fixture
def dcgan(tmp_path: Path) -> dict[str, str]:
    """An environment in which the command dcgan writes down how it was called."""
    command = tmp_path / "bin" / "dcgan"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\necho "$DCGAN_CACHE" "$@" >> {tmp_path}/calls\n')
    command.chmod(0o755)
    return os.environ | {"PATH": f"{command.parent}:{os.environ['PATH']}", "DCGAN_CACHE": "/shared/cache"}


def test_each_task_of_the_slurm_array_prepares_its_part(dcgan: dict[str, str], tmp_path: Path) -> None:
    for task in ("1", "2"):
        subprocess.run(
            ["sh", str(EXAMPLES / "slurm_prepare.sh"), "/shared/photos", "--size", "64"],
            check=True,
            env=dcgan | {"SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_COUNT": "2"},
        )
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == [f"/shared/cache data /shared/photos --size 64 --part {task}/2" for task in "12"]


def test_each_pod_of_the_kubernetes_job_prepares_its_part_and_another_joins_them(
    dcgan: dict[str, str], tmp_path: Path
) -> None:
    yaml = pytest.importorskip("yaml", reason="reads the manifest")
    text = (EXAMPLES / "kubernetes_prepare.yaml").read_text()
    jobs = list(yaml.safe_load_all(text))
    prepare_job, merge_job = (job["spec"] for job in jobs)
    assert (prepare_job["completionMode"], merge_job["suspend"]) == ("Indexed", True)
    commands = [job["template"]["spec"]["containers"][0]["command"] for job in (prepare_job, merge_job)]
    for index in (0, prepare_job["completions"] - 1):
        subprocess.run(commands[0], check=True, env=dcgan | {"JOB_COMPLETION_INDEX": str(index)})
    subprocess.run(commands[1], check=True, env=dcgan)
    calls = [line.partition(" ")[2] for line in (tmp_path / "calls").read_text().splitlines()]
    assert calls == [
        "data /data/photos --size 64 --part 1/64",
        "data /data/photos --size 64 --part 64/64",
        "data /data/photos --size 64 --merge",
    ]
    names = re.findall(r"job[/ ](dcgan-\w+)", text)
    assert set(names) == {job["metadata"]["name"] for job in jobs}


@pytest.mark.long
def test_ray_prepares_the_parts_in_two_processes_and_joins_them(images: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="runs a cluster of two processes")
    command = [sys.executable, str(EXAMPLES / "prepare_on_ray.py"), "--parts", "4", str(images), "--size", "16"]
    ran = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=patient(120),
        env=os.environ | {"DCGAN_CACHE": str(tmp_path / "cache"), "RAY_NUM_CPUS": "2", "OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr
    assert "Part 4 of 4: 8 items read" in ran.stdout
    assert "photos: 30 images" in ran.stdout
