"""Parts that no recipe switches on, in a run as its owner sees it: stopped and continued, to the same bits."""

from itertools import islice
from pathlib import Path

import pytest
import torch

import dcgan
from dcgan.errors import UserError
from dcgan.models.build import build
from dcgan.runs import checkpoint
from dcgan.runs.folder import RunFolder
from dcgan.runs.generator import TrainedGenerator
from dcgan.settings.recipes import recipe

MANY = {
    "model.generator_width": 4, "model.discriminator_width": 4, "model.latent_size": 8, "training.batch_size": 8,
    "hardware.precision": "fp32", "model.discriminator_norm": False, "model.spectral_norm": True,
    "training.objective": "relativistic", "training.real_penalty": 0.1, "training.penalty_every": 2,
    "training.learning_rate_schedule": "cosine", "training.average_width": 0.1, "training.flip": "auto",
    "training.augmentation": "colour,translation,cutout", "training.augmentation_schedule": "adaptive",
    "training.augmentation_target": -0.9, "training.augmentation_ramp": 400, "training.augmentation_every_images": 16,
}  # fmt: skip


def start(source: Path, out: Path) -> dcgan.StepReport:
    return dcgan.train(source, size=16, threads=1, budget="160", out=out, settings=MANY)


def newest(out: Path) -> checkpoint.Checkpoint:
    found = checkpoint.newest(RunFolder(out))
    assert found is not None
    return found


def test_a_run_with_many_parts_goes_on_as_if_it_had_never_stopped(critters_npy: Path, tmp_path: Path) -> None:
    list(start(critters_npy, tmp_path / "whole"))
    parts = start(critters_npy, tmp_path / "parts")
    list(islice(parts, 7))
    parts.close()
    list(start(critters_npy, tmp_path / "parts"))
    whole, parts = newest(tmp_path / "whole"), newest(tmp_path / "parts")
    assert whole.tensors.keys() == parts.tensors.keys()
    assert [name for name in whole.tensors if not torch.equal(whole.tensors[name], parts.tensors[name])] == []
    assert whole.tensors["augmentation.strength"] > 0
    assert dcgan.load(tmp_path / "parts").sample([1]).shape == (1, 3, 16, 16)


def test_whether_images_are_mirrored_is_written_down_with_the_run(critters_npy: Path, tmp_path: Path) -> None:
    list(islice(start(critters_npy, tmp_path / "run"), 1))
    assert 'flip = "off"' in (tmp_path / "run" / "config.toml").read_text(), "a hundred images are too few to tell"
    with pytest.raises(UserError, match=r"training\.flip was off, is on"):
        dcgan.train(critters_npy, size=16, budget="160", out=tmp_path / "run", settings=MANY | {"training.flip": "on"})


def test_statistics_are_estimated_anew_for_sampling_where_the_config_says_so(
    critters_npy: Path, tmp_path: Path
) -> None:
    tiny = {"model.generator_width": 4, "model.discriminator_width": 4, "training.batch_size": 8}
    for name, batches in (("running", 0), ("anew", 3)):
        settings = tiny | {"model.statistics_batches": batches}
        list(dcgan.train(critters_npy, size=16, threads=1, budget="80", out=tmp_path / name, settings=settings,
                         precision="fp32"))  # fmt: skip
    running, anew = dcgan.load(tmp_path / "running"), dcgan.load(tmp_path / "anew")
    assert torch.equal(running.generator.to_image.weight, anew.generator.to_image.weight)
    assert not torch.equal(running.sample([1]), anew.sample([1]))
    assert torch.equal(running.reestimated(3).sample([1]), anew.sample([1]))


def test_new_statistics_know_the_mean_of_what_is_linear_in_latents_and_classes() -> None:
    config = recipe("modern").asked({
        "data.height": 16, "data.width": 16, "model.generator_width": 4, "model.discriminator_width": 4,
        "model.image_channels": 3, "model.num_classes": 8,
    })  # fmt: skip
    made, _ = build(config.model, 16, 16, seed=1)
    generator = TrainedGenerator(made, config).reestimated(5).generator
    first, classes = generator.blocks[0], generator.num_classes
    mean = torch.cat([torch.zeros(100), torch.full((classes,), 1 / classes)])  # of latents and one-hot classes
    expected = first.product(mean[None]).unflatten(1, first.shape).mean(dim=(0, 1, 2))
    torch.testing.assert_close(first.norm.running_mean, expected, rtol=0, atol=1e-6)
