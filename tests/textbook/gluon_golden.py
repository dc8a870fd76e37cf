"""A small game with every name of the Gluon tab: run by the real MXNet 1.9.1 it writes the numbers to hold ours to.

    python tests/textbook/gluon_golden.py FILE.json

tests/textbook/gluon_golden.json was made so, on a processor, with MXNet 1.9.1 and NumPy 1.23.5 under Python 3.11; `make
gluon` makes them again and compares. Everything is computed in float64, from weights, images and latents that are
sines of whole numbers, so that no random numbers are involved. MXNet's own leaky ReLU computes in float32 whatever it
is given, which is why the game here has one of its own.
"""

import json
import struct
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as onp
from mxnet import autograd, gluon, init, np, npx
from mxnet.gluon import nn

npx.set_np()
LATENT, BATCHES = 5, (4, 4, 2)


class Leaky(nn.Block):
    def forward(self, x):
        return npx.relu(x) - 0.2 * npx.relu(-x)


class Up(nn.Block):
    def __init__(self, channels, **kwargs):
        super().__init__()
        self.conv = nn.Conv2DTranspose(channels, use_bias=False, **kwargs)
        self.norm = nn.BatchNorm()
        self.activation = nn.Activation("relu")

    def forward(self, x):
        return self.activation(self.norm(self.conv(x)))


class Down(nn.Block):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2D(channels, kernel_size=4, strides=2, padding=1, use_bias=False)
        self.norm = nn.BatchNorm()
        self.activation = Leaky()

    def forward(self, x):
        return self.activation(self.norm(self.conv(x)))


def waves(shape, phase, scale=1.0):
    """Numbers that look random and can be made again anywhere."""
    return scale * onp.sin(onp.arange(onp.prod(shape)) * 1.7 + phase + (onp.arange(onp.prod(shape)) % 7) ** 2).reshape(
        shape
    )


def networks():
    net_G, net_D = nn.Sequential(), nn.Sequential()
    last = nn.Conv2DTranspose(3, kernel_size=4, strides=2, padding=1, use_bias=False, activation="tanh")
    net_G.add(Up(4, kernel_size=4, strides=1, padding=0), last)
    net_D.add(Down(4), nn.Conv2D(1, kernel_size=4, use_bias=False))
    tensors = {}
    for net, name, x in ((net_G, "G", np.zeros((1, LATENT, 1, 1))), (net_D, "D", np.zeros((1, 3, 8, 8)))):
        net.initialize()
        net(x)
        net.initialize(init=init.Normal(0.02), force_reinit=True)
        assert (net[0].norm.gamma.data().asnumpy() == 1).all() and (net[0].norm.beta.data().asnumpy() == 0).all()
        tensors |= {
            f"{name}.0.weight": net[0].conv.weight, f"{name}.1.weight": net[1].weight,
            f"{name}.gamma": net[0].norm.gamma, f"{name}.beta": net[0].norm.beta,
            f"{name}.running_mean": net[0].norm.running_mean, f"{name}.running_var": net[0].norm.running_var,
        }  # fmt: skip
        net.cast("float64")
    for number, (name, tensor) in enumerate(tensors.items()):
        if name.endswith("weight"):
            tensor.set_data(np.array(waves(tensor.shape, number, 0.1), dtype="float64"))
    return net_G, net_D, tensors


def update_D(X, Z, net_D, net_G, loss, trainer):
    with autograd.record():
        real_Y = net_D(X)
        fake_Y = net_D(net_G(Z).detach())
        ones, zeros = (np.array(onp.full(len(X), number), dtype="float64") for number in (1, 0))
        loss_D = (loss(real_Y, ones) + loss(fake_Y, zeros)) / 2
    loss_D.backward()
    trainer.step(len(X))
    return loss_D.asnumpy().sum()


def update_G(Z, net_D, net_G, loss, trainer):
    with autograd.record():
        loss_G = loss(net_D(net_G(Z)), np.array(onp.ones(len(Z)), dtype="float64"))
    loss_G.backward()
    trainer.step(len(Z))
    return loss_G.asnumpy().sum()


def game():
    net_G, net_D, tensors = networks()
    trainer_hp = {"learning_rate": 0.01, "beta1": 0.5}
    trainer_D = gluon.Trainer(net_D.collect_params(), "adam", trainer_hp)
    trainer_G = gluon.Trainer(net_G.collect_params(), "adam", trainer_hp)
    loss, losses, facts = gluon.loss.SigmoidBCELoss(), [], {}
    for step, size in enumerate(BATCHES):
        X = np.array(waves((size, 3, 8, 8), 10 + step), dtype="float64")
        Z = np.array(waves((size, LATENT, 1, 1), 20 + step), dtype="float64")
        losses.append(float(update_D(X, Z, net_D, net_G, loss, trainer_D)))
        if step == 0:
            facts |= {
                f"after the first update_D/{name}": numbers(each) for name, each in tensors.items() if "run" in name
            }
        losses.append(float(update_G(Z, net_D, net_G, loss, trainer_G)))
    facts |= {f"after {len(BATCHES)} steps/{name}": numbers(each) for name, each in tensors.items()}
    picture = net_G(np.array(waves((2, LATENT, 1, 1), 30), dtype="float64")).transpose(0, 2, 3, 1) / 2 + 0.5
    return facts | {"losses": losses, "picture": told(picture.asnumpy())}


def numbers(parameter):
    return told(parameter.data().asnumpy())


def told(array):
    """Shape, sum, sum of squares and the first numbers."""
    return [list(array.shape), float(array.sum()), float((array**2).sum()), array.ravel()[:24].tolist()]


def pixels():
    """What the data set and the transforms make of images that shrink, grow, and become exactly half as large."""
    vision, facts = gluon.data.vision, {}
    for height, width in ((16, 16), (5, 7), (13, 40), (33, 9), (8, 8), (64, 3)):
        image = ((waves((height, width, 3), height) + 1) * 127.4).astype("uint8")
        facts[f"resized {height} x {width}"] = (
            vision.transforms.Resize(8)(np.array(image, dtype="uint8")).asnumpy().ravel().tolist()
        )
    scale = vision.transforms.Compose(
        [vision.transforms.Resize(8), vision.transforms.ToTensor(), vision.transforms.Normalize(0.5, 0.5)]
    )
    with tempfile.TemporaryDirectory() as name:
        for place in ("9/b.png", "10/c.PNG", "10/a.png", "b/skipped.txt"):
            path = Path(name, place)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(png(((waves((6, 5, 3), len(place)) + 1) * 127.4).astype("uint8")))
        folder = vision.datasets.ImageFolderDataset(name)
        facts["synsets"] = folder.synsets
        facts["items"] = [[str(Path(path).relative_to(name)), label] for path, label in folder.items]
        ((batch, labels),) = gluon.data.DataLoader(folder.transform_first(scale), batch_size=5)
        facts["batch"], facts["labels"] = told(batch.asnumpy().astype("float64")), labels.asnumpy().tolist()
    return facts


def png(image):
    """The bytes of a PNG file, h w 3."""
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    parts = ((b"IHDR", struct.pack(">IIBBBBB", image.shape[1], image.shape[0], 8, 2, 0, 0, 0)),
             (b"IDAT", zlib.compress(rows)), (b"IEND", b""))  # fmt: skip
    chunks = (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def facts():
    shapes = [list(nn_shape) for nn_shape in (Up_shape(), Down_shape())]
    leaky = nn.LeakyReLU(0.2)(np.arange(-2, 1, 0.5)).asnumpy().tolist()
    return {"shapes": shapes, "leaky": leaky, **pixels(), **game()}


def Up_shape():
    block = Up(20, kernel_size=4, strides=2, padding=1)
    block.initialize()
    return block(np.zeros((2, 3, 16, 16))).shape


def Down_shape():
    block = Down(20)
    block.initialize()
    return block(np.zeros((2, 3, 16, 16))).shape


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(facts()).replace('], "', '],\n"') + "\n")
