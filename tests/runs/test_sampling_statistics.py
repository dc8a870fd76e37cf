"""Checkpoints hold the statistics that images are drawn with, beside those that training goes on from."""

import hashlib
import json
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch

import dcgan
from dcgan.data.pixels import to_pixels
from dcgan.models.build import build_generator
from dcgan.runs import checkpoint
from dcgan.runs.checkpoint import SAMPLING, Checkpoint
from dcgan.runs.folder import RunFolder

SEEDS = range(5)
TINY = {"model.generator_width": 4, "model.discriminator_width": 4, "training.batch_size": 8}


def trained(out: Path, critters_npy: Path, **settings: object) -> Checkpoint:
    turned = TINY | {"model.statistics_batches": 3} | {key.replace("__", "."): value for key, value in settings.items()}
    list(dcgan.train(critters_npy, size=16, threads=1, budget="80", out=out, settings=turned, precision="fp32"))
    found = checkpoint.newest(RunFolder(out))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, critters_npy: Path) -> Checkpoint:
    return trained(tmp_path_factory.mktemp("sampling") / "run", critters_npy)


def written_by_the_version_before(found: Checkpoint, folder: Path) -> Path:
    """The same state as format 1 had it: without statistics for sampling."""
    header = json.dumps({**found.facts, "format": 1}, sort_keys=True)
    content = safetensors.torch.save(found.tensors, metadata={"dcgan": header})
    path = folder / f"checkpoint-000000000080-{hashlib.sha256(content).hexdigest()}.safetensors"
    path.write_bytes(content)
    return path


@pytest.mark.promise("Any program that reads safetensors finds in a checkpoint what dcgan sample draws with.")
def test_the_tensors_of_the_file_alone_draw_the_images_of_dcgan_sample(found: Checkpoint) -> None:
    tensors = safetensors.torch.load_file(found.path)
    weights = {
        name.removeprefix(prefix): tensor
        for prefix in ("average.", SAMPLING)  # the latter in the place of the former
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    ours = dcgan.load(found.path)
    plain = build_generator(ours.config.model, 16, 16)
    plain.load_state_dict(weights)
    with torch.no_grad():
        images = plain.eval()(ours.latents(SEEDS))
    assert (to_pixels(images).int() - ours.sample(SEEDS).int()).abs().max() <= 1


def test_a_checkpoint_of_the_version_before_is_loaded_to_the_same_images(found: Checkpoint, tmp_path: Path) -> None:
    old = written_by_the_version_before(found, tmp_path)
    again = checkpoint.read(old)
    assert again is not None
    assert again.sampling == {}
    assert torch.equal(dcgan.load(old).sample(SEEDS), dcgan.load(found.path).sample(SEEDS))


def test_training_goes_on_from_the_running_statistics(found: Checkpoint) -> None:
    assert not [name for name in found.tensors if name.startswith(SAMPLING)]
    for name, sampled in found.sampling.items():
        running = found.tensors[f"average.{name}"]
        assert sampled.shape == running.shape
        assert not torch.equal(sampled, running)
    assert len(found.sampling) == len([name for name in found.tensors if "average" in name and "running" in name])


def test_a_run_that_samples_with_running_statistics_stores_no_others(critters_npy: Path, tmp_path: Path) -> None:
    assert trained(tmp_path / "run", critters_npy, model__statistics_batches=0).sampling == {}


def test_without_an_average_the_statistics_are_those_of_the_generator(critters_npy: Path, tmp_path: Path) -> None:
    found = trained(tmp_path / "run", critters_npy, training__average_half_life="none")
    assert found.sampling
    old = written_by_the_version_before(found, tmp_path)
    assert torch.equal(dcgan.load(old).sample(SEEDS), dcgan.load(found.path).sample(SEEDS))
