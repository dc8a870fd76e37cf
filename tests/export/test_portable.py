"""An exported folder gives the generator back to the bit, and refuses what was changed."""

import json
from pathlib import Path

import pytest
import torch
from networks import KINDS, generator

import dcgan
from dcgan.export.numpy_folder import numpy_export
from dcgan.files import write_atomically
from dcgan.runs.generator import TrainedGenerator


def exported(trained: TrainedGenerator, folder: Path) -> Path:
    for name, content in numpy_export(trained).files.items():
        write_atomically(folder / name, content)
    return folder


@pytest.mark.promise("An exported generator is given back to the bit by dcgan.load.")
@pytest.mark.parametrize("kind", KINDS)
def test_an_exported_folder_gives_the_generator_back_to_the_bit(kind: str, tmp_path: Path) -> None:
    trained = generator(**KINDS[kind])
    again = dcgan.load(exported(trained, tmp_path))
    assert torch.equal(again.sample(range(20)), trained.sample(range(20)))
    assert again.class_names == trained.class_names and again.dtype == trained.dtype
    assert torch.equal(again.as_configured().sample(range(4)), trained.sample(range(4)))  # nothing is estimated twice


def test_a_folder_exported_from_an_exported_folder_has_the_same_weights(tmp_path: Path) -> None:
    first = exported(generator(num_classes=3), tmp_path / "a")
    second = exported(dcgan.load(first), tmp_path / "b")
    assert (first / "model.safetensors").read_bytes() == (second / "model.safetensors").read_bytes()


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    folder = exported(generator(), tmp_path)
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(dcgan.UserError, match="sha256"):
        dcgan.load(folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 2}, "format 2, this version reads 1"),
        ({"library_name": "other"}, "library_name is not dcgan"),
        ({"bits": 12}, "bits is neither 8 nor 16"),
        ({"class_names": ["one"]}, "count other classes"),
        ({"settings": 3}, "settings"),
        ({"settings": {"model": {"latent_size": "many"}}}, "latent_size"),
    ],
)
def test_a_config_that_this_program_did_not_write_is_refused(change: dict, told: str, tmp_path: Path) -> None:
    folder = exported(generator(), tmp_path)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(dcgan.UserError, match=told):
        dcgan.load(folder)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    folder, other = exported(generator(), tmp_path / "a"), exported(generator(channels=1), tmp_path / "b")
    facts = json.loads((folder / "config.json").read_text())
    facts["weights_sha256"] = json.loads((other / "config.json").read_text())["weights_sha256"]
    (folder / "config.json").write_text(json.dumps(facts))
    (folder / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.raises(dcgan.UserError, match="to_image"):
        dcgan.load(folder)
