"""Weights go to the chapter's own networks and come back from them, in both its tabs."""

import os
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from dcgan.commands.chapter_options import ImportOptions
from dcgan.commands.export import export
from dcgan.commands.import_weights import import_weights
from dcgan.commands.options import ExportOptions
from dcgan.errors import UserError
from dcgan.interfaces.python import train
from dcgan.models.chapter_layout import from_chapter, from_gluon_names, to_chapter
from dcgan.runs.generator import load_generator
from dcgan.runs.mxnet_file import pack, unpack
from dcgan.runs.tensor_file import Malformed

SEEDS = range(8)


@pytest.fixture(scope="module")
def run(critters_npy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two steps of the chapter's networks, narrow ones, at 16 x 16."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    settings = {"training.batch_size": 16, "model.generator_width": 4, "model.discriminator_width": 4}
    list(train(str(critters_npy), size=16, budget="32", recipe="d2l-gluon", out=str(folder), settings=settings))
    return folder


class Up(nn.Sequential):
    """The chapter's G_block as torch's own modules, under its names."""

    def __init__(self, out: int, inner: int, stride: int = 2, padding: int = 1) -> None:
        super().__init__()
        self.add_module("conv2d_trans", nn.ConvTranspose2d(inner, out, 4, stride, padding, bias=False))
        self.add_module("batch_norm", nn.BatchNorm2d(out))
        self.add_module("activation", nn.ReLU())


def chapter_generator() -> nn.Sequential:
    """The chapter's generator for 16 x 16 at width 4."""
    return nn.Sequential(Up(8, 100, 1, 0), Up(4, 8), nn.ConvTranspose2d(4, 3, 4, 2, 1, bias=False), nn.Tanh())


def test_the_chapters_own_network_draws_the_runs_images(run: Path, tmp_path: Path) -> None:
    done = export(ExportOptions(run=str(run), to="pytorch", out=str(tmp_path / "out")))
    assert done.difference <= 1
    network, generator = chapter_generator().eval(), load_generator(run)
    network.load_state_dict(safetensors.torch.load_file(tmp_path / "out" / "net_G.safetensors"))
    with torch.no_grad():
        images = network(generator.latents(SEEDS)[:, :, None, None])
    pixels = ((images + 1) * 127.5).round().to(torch.uint8)
    assert int((pixels.int() - generator.sample(SEEDS).int()).abs().max()) <= 1


@pytest.mark.parametrize(("tab", "file"), [("pytorch", "net_G.safetensors"), ("gluon", "net_G.params")])
def test_what_was_exported_and_imported_draws_the_same_images(tab: str, file: str, run: Path, tmp_path: Path) -> None:
    done = export(ExportOptions(run=str(run), to=tab, out=str(tmp_path / "out")))
    assert {path.name.partition(".")[0] for path in done.path.iterdir()} == {"net_G", "net_D"}
    back = import_weights(ImportOptions(file=str(done.path / file), out=str(tmp_path / "back")))
    assert (back.config.data.height, back.config.model.generator_width) == (16, 4)
    assert torch.equal(load_generator(back.folder).sample(SEEDS), load_generator(run).sample(SEEDS))


@pytest.mark.parametrize("role", ["generator", "discriminator"])
def test_the_two_layouts_are_the_same_numbers_in_another_order(role: str, run: Path) -> None:
    from dcgan.export.judge import load_discriminator

    generator = load_generator(run)
    network = generator.generator if role == "generator" else load_discriminator(generator)
    there = to_chapter(network.state_dict(), role)
    back = from_chapter(there, role)
    assert back.keys() == network.state_dict().keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in network.state_dict().items())


def test_mxnets_files_are_read_as_they_are_written() -> None:
    tensors = {"a.weight": torch.randn(2, 3, 4, 5), "b": torch.randn(7)}
    there = unpack(pack(tensors))
    assert there.keys() == tensors.keys()
    assert all(torch.equal(there[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("cut", [8, 16, 24, 30, 60, 100, -1])
def test_a_file_that_was_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(Malformed):
        unpack(pack({"a": torch.randn(5, 5)})[:cut])


@pytest.mark.parametrize(
    ("place", "form", "value", "message"),
    [
        (0, "<Q", 0x113, "does not begin"),
        (16, "<Q", 2**40, "the limit is"),
        (24, "<I", 7, "an array begins with 0x7"),
        (28, "<i", 1, "sparse"),
        (32, "<i", 200, "200 axes"),
        (36, "<q", 2**50, "shape"),
        (36, "<q", 2**20, "bytes too early"),
        (60, "<i", 4, "type 4"),
    ],
)
def test_a_lying_file_is_refused_before_memory_is_taken(place: int, form: str, value: int, message: str) -> None:
    content = bytearray(pack({"a": torch.randn(5, 5)}))
    struct.pack_into(form, content, place, value)
    with pytest.raises(Malformed, match=message):
        unpack(bytes(content))


def test_files_that_are_no_generator_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "net.params"
    path.write_bytes(pack({"dense0_weight": torch.randn(3, 3)}))
    with pytest.raises(UserError, match=r"not a generator of the chapter's G_blocks \(it has dense0_weight"):
        import_weights(ImportOptions(file=str(path)))
    path.write_bytes(b"\x80\x04\x95" + bytes(40))
    with pytest.raises(UserError, match="pickle"):
        import_weights(ImportOptions(file=str(path)))
    with pytest.raises(UserError, match="cannot be opened"):
        import_weights(ImportOptions(file=str(tmp_path / "nowhere.params")))


REAL = """
import sys
import numpy as onp
from mxnet import np, npx
from mxnet.gluon import nn
npx.set_np()

class Up(nn.Block):
    def __init__(self, channels, strides=2, padding=1):
        super().__init__()
        self.conv2d_trans = nn.Conv2DTranspose(channels, 4, strides, padding, use_bias=False)
        self.batch_norm = nn.BatchNorm()
        self.activation = nn.Activation('relu')

    def forward(self, x):
        return self.activation(self.batch_norm(self.conv2d_trans(x)))

net = nn.Sequential()
net.add(Up(8, 1, 0), Up(4), nn.Conv2DTranspose(3, 4, 2, 1, use_bias=False, activation='tanh'))
net.load_parameters(sys.argv[1])
onp.save(sys.argv[3], net(np.array(onp.load(sys.argv[2]))).asnumpy())
net.save_parameters(sys.argv[4])
"""


def test_the_real_mxnet_loads_the_file_draws_the_same_and_writes_one_that_is_read(run: Path, tmp_path: Path) -> None:
    python = os.environ.get("DCGAN_MXNET")
    if not python or not Path(python).exists():
        pytest.skip("DCGAN_MXNET names no Python that has MXNet 1.9.1 (make gluon builds one)")
    export(ExportOptions(run=str(run), to="gluon", out=str(tmp_path / "out")))
    generator = load_generator(run)
    np.save(tmp_path / "z.npy", generator.latents(SEEDS)[:, :, None, None].numpy())
    files = [str(tmp_path / name) for name in ("out/net_G.params", "z.npy", "images.npy", "again.params")]
    subprocess.run([str(Path(python).absolute()), "-c", REAL, *files], check=True, cwd=tmp_path)
    pixels = np.rint((np.load(tmp_path / "images.npy") + 1) * 127.5)
    assert np.abs(pixels - generator.sample(SEEDS).numpy()).max() <= 1
    theirs = from_gluon_names(unpack((tmp_path / "again.params").read_bytes()))
    assert {name: tensor.shape for name, tensor in theirs.items()} == {
        name: tensor.shape
        for name, tensor in to_chapter(generator.generator.state_dict(), "generator").items()
        if "num_batches" not in name
    }
    back = import_weights(ImportOptions(file=str(tmp_path / "again.params"), out=str(tmp_path / "back")))
    assert torch.equal(load_generator(back.folder).sample(SEEDS), generator.sample(SEEDS))
