"""Checkpoints of earlier versions, kept in ``golden``: each is read, drawn from and trained on.

A version that changes the format adds one of its own: a tiny run, ``tiny_runs.finish`` with networks of width 2.
"""

from pathlib import Path

import pytest
import torch
from PIL import Image

import dcgan
from dcgan.runs import checkpoint
from dcgan.training.setup import new_state

GOLDEN = Path(__file__).parent / "golden"
FORMATS = {
    1: "checkpoint-000000001600-ea1e0a27aff0265eca8756a5f38420dbef2aa2189d9f08e94dd94fdb456a876a",
    2: "checkpoint-000000001600-afd9f7c8c53526efe73cfa2caa6f7bb25bb764b8967089626c328fbef00d8d35",
}


def test_every_checkpoint_in_the_folder_is_tried() -> None:
    assert {path.stem for path in GOLDEN.glob("*.safetensors")} == set(FORMATS.values())


@pytest.mark.promise("Checkpoints of earlier versions are read, to the same images.")
@pytest.mark.parametrize("number", FORMATS)
def test_an_earlier_checkpoint_gives_the_same_images(number: int) -> None:
    path = GOLDEN / f"{FORMATS[number]}.safetensors"
    found = checkpoint.read(path)
    assert found is not None
    assert found.facts["format"] == number
    sheet = dcgan.load(path).sample([0, 1, 2, 3]).permute(0, 2, 3, 1).flatten(0, 1)
    with Image.open(path.with_suffix(".png")) as image:
        expected = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(sheet.shape)
    assert (sheet.int() - expected.int()).abs().max() <= 2  # processors round differently


@pytest.mark.parametrize("number", FORMATS)
def test_an_earlier_checkpoint_can_be_trained_on(number: int) -> None:
    found = checkpoint.read(GOLDEN / f"{FORMATS[number]}.safetensors")
    assert found is not None
    state = new_state(checkpoint.config_of(found), torch.device("cpu"), blank=True)
    state.restore(found.tensors, found.facts)
    assert state.tensors().keys() == found.tensors.keys()
    assert all(torch.equal(tensor, found.tensors[name]) for name, tensor in state.tensors().items())
    assert state.images_seen == 1600
