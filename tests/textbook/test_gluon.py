"""The stand-in for MXNet against the numbers of the real one."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dcgan.textbook import mxnet as d2l
from dcgan.textbook.gluon import autograd, gluon, init, npx
from dcgan.textbook.gluon import np as mxnp
from dcgan.textbook.gluon.gluon import nn
from dcgan.textbook.supply import supply_missing

HERE = Path(__file__).parent
GOLDEN: dict[str, Any] = json.loads((HERE / "gluon_golden.json").read_text())


def flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from flat(each)
    else:
        yield value


def largest_difference(ours: Mapping[str, Any], theirs: Mapping[str, Any], name: str) -> float:
    """Relative to numbers over 1; infinite where words differ or numbers are missing."""
    pairs = zip(flat(ours[name]), flat(theirs[name]), strict=True)
    return max(
        (0.0 if one == other else float("inf")) if isinstance(one, str) else abs(one - other) / max(1, abs(other))
        for one, other in pairs
    )


@pytest.mark.promise("The chapter's Gluon tab runs without MXNet and gives the numbers of MXNet 1.9.1.")
def test_a_game_with_every_name_gives_the_numbers_of_the_real_mxnet() -> None:
    program = (
        "import json; from dcgan.textbook.supply import supply_missing; supply_missing(lambda line: None); "
        "import gluon_golden; print(json.dumps(gluon_golden.facts()))"
    )
    if importlib.util.find_spec("mxnet"):
        pytest.skip("the real MXNet is installed here, so ours is not used")
    ran = subprocess.run([sys.executable, "-c", program], cwd=HERE, check=True, capture_output=True, text=True)
    ours = json.loads(ran.stdout)
    assert ours.keys() == GOLDEN.keys()
    differences = {name: largest_difference(ours, GOLDEN, name) for name in GOLDEN}
    assert {name: off for name, off in differences.items() if off > 1e-12} == {}


@pytest.fixture
def trace(real_data: Path) -> Mapping[str, Any]:
    """Twenty steps of the chapter's Gluon tab by the real MXNet, which lie beside the real data, or a skip."""
    path = real_data.parent / "chapter" / "gluon" / "golden.npz"
    if not path.is_file():
        pytest.skip("no golden trace lies beside the folder that DCGAN_TEST_DATA names")
    with np.load(path, allow_pickle=False) as opened:
        return dict(opened)


def chapter_blocks() -> tuple[type, type]:
    """The two blocks of the Gluon tab, in our own words."""

    class Up(nn.Block):
        def __init__(self, channels: int, strides: int = 2, padding: int = 1) -> None:
            super().__init__()
            self.conv = nn.Conv2DTranspose(channels, 4, strides, padding, use_bias=False)
            self.norm, self.activation = nn.BatchNorm(), nn.Activation("relu")

        def forward(self, x: Any) -> Any:
            return self.activation(self.norm(self.conv(x)))

    class Down(nn.Block):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.conv = nn.Conv2D(channels, 4, 2, 1, use_bias=False)
            self.norm, self.activation = nn.BatchNorm(), nn.LeakyReLU(0.2)

        def forward(self, x: Any) -> Any:
            return self.activation(self.norm(self.conv(x)))

    return Up, Down


class Game:
    """The chapter's two networks at width 8 in float64, with the trace's first weights."""

    def __init__(self, trace: Mapping[str, Any]) -> None:
        Up, Down = chapter_blocks()
        self.nets = {"G": nn.Sequential(), "D": nn.Sequential()}
        last = nn.Conv2DTranspose(3, kernel_size=4, strides=2, padding=1, use_bias=False, activation="tanh")
        self.nets["G"].add(Up(64, 1, 0), Up(32), Up(16), Up(8), last)
        self.nets["D"].add(*(Down(8 * 2**index) for index in range(4)), nn.Conv2D(1, kernel_size=4, use_bias=False))
        self.trainers = {}
        for name, net in self.nets.items():
            net.initialize()
            for place, tensor in self.tensors(name):
                tensor.set_data(mxnp.array(trace[f"step0/{place}"], dtype="float64"))
            hyper = {"learning_rate": 0.005, "beta1": 0.5}
            self.trainers[name] = gluon.Trainer(net.collect_params(), "adam", hyper)
        self.loss = gluon.loss.SigmoidBCELoss()

    def tensors(self, name: str) -> Iterator[tuple[str, Any]]:
        for place, tensor in self.nets[name].collect_params().items():
            block, role = place.split(".")[0], place.split(".")[-1]
            yield f"{name}.{block}.{role}", tensor

    def step(self, trace: Mapping[str, Any], step: int) -> list[float]:
        rows = trace["batch_rows"][step]
        rows = rows[rows >= 0]
        X = mxnp.array(trace["images"][rows].transpose(0, 3, 1, 2) / np.float32(127.5) - np.float32(1), dtype="float64")
        Z = mxnp.array(trace["latents"][step, : len(rows)].reshape(-1, 100, 1, 1), dtype="float64")
        pair = (self.nets["D"], self.nets["G"], self.loss)
        return [d2l.update_D(X, Z, *pair, self.trainers["D"]), d2l.update_G(Z, *pair, self.trainers["G"])]

    def round(self) -> None:
        """As the trace was: its state before step 19 is kept in float32."""
        for name, net in self.nets.items():
            for tensor in net.collect_params().values():
                tensor.set_data(tensor.data().astype("float32").astype("float64"))
            for moments in self.trainers[name].optimizer.state.values():
                for key in ("exp_avg", "exp_avg_sq"):
                    moments[key].copy_(moments[key].float())

    def differences(self, trace: Mapping[str, Any], key: str) -> dict[str, float]:
        return {
            place: float(np.abs(tensor.data().asnumpy() - trace[f"{key}/{place}"]).max())
            for name in self.nets
            for place, tensor in self.tensors(name)
        }


def test_twenty_steps_of_the_chapters_networks_are_those_of_the_real_mxnet(trace: Mapping[str, Any]) -> None:
    torch.set_num_threads(1)
    game = Game(trace)
    for step in range(20):
        if step == 19:
            game.round()
        assert game.step(trace, step) == pytest.approx(trace["f64/losses"][step], rel=1e-8), step
        if step == 0:
            assert max(game.differences(trace, "f64/step1").values()) < 1e-6
    assert max(game.differences(trace, "f64/step20").values()) < 1e-6  # what float32 leaves of the trace
    latents = mxnp.array(trace["preview_latents"].reshape(21, 100, 1, 1), dtype="float64")
    fake_x = game.nets["G"](latents).transpose(0, 2, 3, 1) / 2 + 0.5
    rows = [mxnp.concatenate([fake_x[7 * row + column] for column in range(7)], axis=1) for row in range(3)]
    assert np.abs(mxnp.concatenate(rows, axis=0).asnumpy() - trace["f64/preview"]).max() < 1e-6


def test_weights_come_with_the_first_batch_and_a_second_start_must_be_forced() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2D(5, kernel_size=3)
    with pytest.raises(RuntimeError, match=r"Call initialize\(\) of the network first"):
        layer(mxnp.zeros((1, 2, 4, 4)))
    layer.initialize()
    with pytest.raises(RuntimeError, match="come with the first batch"):
        layer.weight.data()
    assert layer(mxnp.zeros((1, 2, 4, 4))).shape == (1, 5, 2, 2)
    first = layer.weight.data().asnumpy()
    assert np.abs(first).max() <= 0.07
    layer.initialize(init=init.Normal(3))
    np.testing.assert_array_equal(layer.weight.data().asnumpy(), first)
    layer.initialize(init=init.Normal(3), force_reinit=True)
    assert np.abs(layer.weight.data().asnumpy()).max() > 1
    assert not layer.bias.data().asnumpy().any()


def test_gradients_are_replaced_and_nothing_has_one_outside_of_recording() -> None:
    layer = nn.Dense(1, use_bias=False)
    layer.initialize()
    x = mxnp.array([[1.0, 2.0]])
    assert not layer(x).requires_grad
    for _ in range(2):
        with autograd.record():
            y = layer(x)
        y.backward()
        np.testing.assert_array_equal(layer.weight.grad().asnumpy(), [[1, 2]])


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: npx.softmax, r"mxnet.npx.softmax: not part of this chapter"),
        (lambda: nn.Dropout, r"mxnet.gluon.nn.Dropout: not part of this chapter"),
        (lambda: gluon.loss.L2Loss, r"mxnet.gluon.loss.L2Loss: not part of this chapter"),
        (lambda: gluon.data.vision.transforms.CenterCrop, "install mxnet itself"),
        (lambda: d2l.train_ch3, r"d2l.mxnet.train_ch3: not part of this chapter"),
    ],
)
def test_other_names_are_refused_by_name(ask: Any, words: str) -> None:
    with pytest.raises(AttributeError, match=words):
        ask()


def test_other_optimisers_activations_and_settings_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="optimizer 'sgd': not part of this chapter"):
        gluon.Trainer({}, "sgd")
    with pytest.raises(TypeError, match="wd: not part of this chapter"):
        gluon.Trainer({}, "adam", {"wd": 0.1})
    with pytest.raises(ValueError, match="activation 'gelu': not part of this chapter"):
        nn.Activation("gelu")


def test_the_supplied_modules_are_one_and_the_same_under_all_their_names() -> None:
    if importlib.util.find_spec("mxnet"):
        pytest.skip("the real MXNet is installed here, so ours is not used")
    supply_missing(lambda line: None)
    supplied = importlib.import_module("mxnet.gluon.nn")
    assert supplied.Conv2D is nn.Conv2D is importlib.import_module("mxnet").gluon.nn.Conv2D
