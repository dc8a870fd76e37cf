"""The recipe d2l-gluon against twenty steps of the chapter's Gluon tab by the real MXNet 1.9.1."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from dcgan.commands.live.drawing import Easel
from dcgan.commands.live.pictures import draw_fresh_preview
from dcgan.data.pixels import to_images
from dcgan.models.chapter_layout import from_chapter, from_gluon_names, to_chapter, to_gluon_names
from dcgan.settings.config import Config
from dcgan.settings.recipes import recipe
from dcgan.training.accelerate import adam
from dcgan.training.setup import new_state, rules_of
from dcgan.training.state import TrainingState
from dcgan.training.step import update_both

CPU = torch.device("cpu")
CONVOLUTION = {"generator": "conv2d_trans", "discriminator": "conv2d"}


@pytest.fixture
def trace(real_data: Path) -> Mapping[str, Any]:
    """Made by the real MXNet; it lies beside the real data, or a skip."""
    path = real_data.parent / "chapter" / "gluon" / "golden.npz"
    if not path.is_file():
        pytest.skip("no golden trace lies beside the folder that DCGAN_TEST_DATA names")
    with np.load(path, allow_pickle=False) as opened:
        return dict(opened)


def config() -> Config:
    return recipe("d2l-gluon").asked({
        "data.height": 64, "data.width": 64, "model.image_channels": 3, "model.num_classes": 0,
        "model.generator_width": 8, "model.discriminator_width": 8,
    })  # fmt: skip


def of_trace(trace: Mapping[str, Any], key: str, role: str) -> dict[str, torch.Tensor]:
    """The tensors of one network, as the chapter's Gluon network would name them."""
    prefix, named = f"{key}/{role[0].upper()}.", {}
    for name, array in trace.items():
        if name.startswith(prefix):
            block, what = name.removeprefix(prefix).split(".")
            place = CONVOLUTION[role] if what == "weight" else "batch_norm"
            named[f"{block}.{what}" if block == "4" else f"{block}.{place}.{what}"] = torch.from_numpy(array)
    return named


def networks(state: TrainingState) -> list[tuple[Any, str]]:
    return [(state.generator, "generator"), (state.discriminator, "discriminator")]


def started(trace: Mapping[str, Any]) -> TrainingState:
    state = new_state(config(), CPU)
    for network, role in networks(state):
        network.load_state_dict(from_chapter(from_gluon_names(of_trace(trace, "step0", role)), role))
        network.double()
    state.generator_optimizer = adam(state.generator, 0.005, config().training)
    state.discriminator_optimizer = adam(state.discriminator, 0.005, config().training)
    return state


def largest_differences(state: TrainingState, trace: Mapping[str, Any], key: str) -> dict[str, float]:
    """By role: weights and running statistics."""
    found = {"weights": 0.0, "running statistics": 0.0}
    for network, role in networks(state):
        theirs = of_trace(trace, key, role)
        ours = to_gluon_names(to_chapter(network.state_dict(), role))
        assert ours.keys() == theirs.keys()
        for name, tensor in ours.items():
            kind = "running statistics" if "running" in name else "weights"
            found[kind] = max(found[kind], float((tensor - theirs[name]).abs().max()))
    return found


@torch.no_grad()
def round_state(state: TrainingState) -> None:
    """The trace's state before step 19 was rounded to float32, and so is ours."""
    for network, _ in networks(state):
        for tensor in network.state_dict().values():
            tensor.copy_(tensor.float())
    for optimizer in (state.generator_optimizer, state.discriminator_optimizer):
        for moments in optimizer.state.values():
            moments["exp_avg"].copy_(moments["exp_avg"].float())
            moments["exp_avg_sq"].copy_(moments["exp_avg_sq"].float())


@pytest.mark.promise("The recipe d2l-gluon takes the steps that the chapter's Gluon tab takes with MXNet 1.9.1.")
def test_twenty_steps_of_the_d2l_gluon_recipe_are_those_of_the_real_mxnet(trace: Mapping[str, Any]) -> None:
    torch.set_num_threads(1)
    state, rules = started(trace), rules_of(config(), CPU)
    for step in range(20):
        if step == 19:
            round_state(state)
        rows = trace["batch_rows"][step]
        rows = rows[rows >= 0]
        real = to_images(torch.from_numpy(trace["images"][rows]).permute(0, 3, 1, 2)).double()
        latents = torch.from_numpy(trace["latents"][step, : len(rows)]).double()
        losses = [float(loss) * len(rows) for loss in update_both(state, real, latents, None, rules)[:2]]
        assert losses == pytest.approx(trace["f64/losses"][step], rel=1e-8), step
        if step == 0:  # the trace is kept in float32, which leaves 6e-8
            assert max(largest_differences(state, trace, "f64/step1").values()) < 1e-6
    assert max(largest_differences(state, trace, "f64/step20").values()) < 1e-6


@pytest.mark.parametrize(("moves", "least", "most"), [("backward", 0, 1), ("forward", 5, 255)])
def test_the_picture_after_an_epoch_is_drawn_by_running_statistics(moves: str, least: int, most: int) -> None:
    state = new_state(config(), CPU)  # running statistics of 0 and 1, which leave an untrained network's picture grey
    chosen = config().asked({"model.norm_statistics": moves})
    with Image.open(io.BytesIO(draw_fresh_preview(chosen, state, Easel(CPU)).png)) as picture:
        assert picture.size == (7 * 64, 3 * 64)
        assert least <= np.asarray(picture).std() <= most


def test_first_weights_are_drawn_and_gains_and_biases_are_not() -> None:
    state = new_state(config(), CPU)
    for network, _ in networks(state):
        for name, tensor in network.named_parameters():
            if "norm.weight" in name:
                assert bool((tensor == 1).all()), name
            elif "norm.bias" in name:
                assert bool((tensor == 0).all()), name
            else:
                assert 0.018 < float(tensor.detach().std()) < 0.022, name
