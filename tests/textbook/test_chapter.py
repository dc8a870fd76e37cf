"""The chapter itself: every cell runs, prints what the book shows, and trains as ``--recipe d2l`` does."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dcgan.data.pixels import to_images
from dcgan.models.chapter_layout import from_chapter, to_chapter
from dcgan.settings.recipes import recipe
from dcgan.textbook import hub
from dcgan.textbook import torch as d2l
from dcgan.textbook.cells import read_cells
from dcgan.textbook.execution import Notebook
from dcgan.textbook.supply import supply_missing
from dcgan.training.accelerate import adam
from dcgan.training.setup import new_state, rules_of
from dcgan.training.state import TrainingState
from dcgan.training.step import update_both

mpl.use("Agg")
SHAPES = {6: (2, 20, 32, 32), 7: (2, 20, 4, 4), 9: (1, 3, 64, 64), 12: (2, 20, 8, 8), 14: (1, 1, 1, 1)}
CLOSING_LINE = re.compile(r"^loss_D (\d+\.\d{3}), loss_G (\d+\.\d{3}), \d+\.\d examples/sec on cpu(\(0\))?$")


class Recorder:
    """Every step that a chapter takes: what went in, the networks as they were before it, and the losses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[dict[str, Any]] = []
        update_D, update_G = d2l.update_D, d2l.update_G

        def first(X: Tensor, Z: Tensor, net_D: nn.Module, net_G: nn.Module, *rest: Any) -> Tensor:
            states = [{name: tensor.clone() for name, tensor in net.state_dict().items()} for net in (net_G, net_D)]
            loss = update_D(X, Z, net_D, net_G, *rest)
            self.steps.append({"X": X, "Z": Z, "states": states, "loss_D": float(loss.detach())})
            return loss

        def second(*arguments: Any) -> Tensor:
            loss = update_G(*arguments)
            self.steps[-1]["loss_G"] = float(loss.detach())
            return loss

        monkeypatch.setattr(d2l, "update_D", first)
        monkeypatch.setattr(d2l, "update_G", second)


def run_chapter(path: Path, tab: str, classes: Path) -> dict[int, Any]:
    """The value of each cell, and the names at the end under 0."""
    supply_missing(lambda line: None)
    hub.use_folder(classes)
    notebook = Notebook(path.name, lambda line: None, num_epochs=1)
    values = {cell.number: notebook.run(cell) for cell in read_cells(path, tab)}
    return values | {0: notebook.names}


def product_state(states: list[dict[str, Tensor]], dtype: torch.dtype) -> TrainingState:
    """The recipe d2l, starting from the weights of the chapter's networks."""
    config = recipe("d2l").asked({
        "data.height": 64, "data.width": 64, "model.image_channels": 3, "model.num_classes": 0,
        "model.generator_width": 64, "model.discriminator_width": 64,
    })  # fmt: skip
    state = new_state(config, torch.device("cpu"))
    for network, tensors, role in zip(
        (state.generator, state.discriminator), states, ("generator", "discriminator"), strict=True
    ):
        network.load_state_dict(from_chapter(tensors, role))
        network.to(dtype)
    state.generator_optimizer = adam(state.generator, 0.005, config.training)
    state.discriminator_optimizer = adam(state.discriminator, 0.005, config.training)
    return state


@pytest.mark.promise("The chapter's own PyTorch cells, run unchanged, take the steps of the recipe d2l.")
def test_every_cell_of_the_pytorch_tab_runs_and_trains_as_the_recipe_does(
    chapter: Path, classes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    recorder = Recorder(monkeypatch)
    values = run_chapter(chapter, "pytorch", classes)
    assert len(values) == 17
    assert {number: tuple(values[number]) for number in SHAPES} == SHAPES
    closing = CLOSING_LINE.match(capsys.readouterr().out.splitlines()[-1])
    assert closing

    (step,) = recorder.steps
    rules = rules_of(recipe("d2l"), torch.device("cpu"))
    state = product_state(step["states"], torch.float32)
    loss_D, loss_G, *_ = update_both(state, step["X"], step["Z"].flatten(1), None, rules)
    assert float(loss_D) == pytest.approx(step["loss_D"], rel=1e-5)
    assert float(loss_G) == pytest.approx(step["loss_G"], rel=1e-3)  # after a step, which float32 rounds; see below
    assert [float(closing[1]), float(closing[2])] == pytest.approx(
        [float(loss_D) / len(step["X"]), float(loss_G) / len(step["X"])], abs=6e-4
    )

    # In float32 a gradient near zero may have either sign, which Adam makes 2 x 0.005 of: weights are held in float64.
    names, loss = values[0], nn.BCEWithLogitsLoss(reduction="sum")
    net_G, net_D = names["net_G"].double(), names["net_D"].double()
    net_G.load_state_dict(step["states"][0])
    net_D.load_state_dict(step["states"][1])
    trainers = [torch.optim.Adam(net.parameters(), lr=0.005, betas=(0.5, 0.999)) for net in (net_D, net_G)]
    state = product_state(step["states"], torch.float64)
    for index in range(3):
        X, Z = step["X"][4 * index : 4 * index + 4].double(), step["Z"][4 * index : 4 * index + 4].double()
        losses = [d2l.update_D(X, Z, net_D, net_G, loss, trainers[0]), d2l.update_G(Z, net_D, net_G, loss, trainers[1])]
        ours = update_both(state, X, Z.flatten(1), None, rules)
        assert [float(each) for each in ours[:2]] == pytest.approx([float(each.detach()) for each in losses], rel=1e-9)
    for network, chapters, role in (
        (state.generator, net_G, "generator"),
        (state.discriminator, net_D, "discriminator"),
    ):
        theirs = chapters.state_dict()
        for name, tensor in to_chapter(network.state_dict(), role).items():
            if "num_batches" not in name:
                assert float((tensor - theirs[name]).abs().max()) < 1e-8, name


def test_every_cell_of_the_gluon_tab_runs(chapter: Path, classes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if importlib.util.find_spec("mxnet"):
        pytest.skip("the real MXNet is installed here, so ours is not used")
    values = run_chapter(chapter, "mxnet", classes)
    assert len(values) == 17
    assert {number: tuple(values[number]) for number in SHAPES} == SHAPES
    assert CLOSING_LINE.match(capsys.readouterr().out.splitlines()[-1])
    for net, count in (("net_G", 3_576_704), ("net_D", 2_765_696)):
        tensors = values[0][net].collect_params().values()
        assert sum(each.data().asnumpy().size for each in tensors if each.trained) == count


def test_the_chapters_numbers_are_those_that_the_program_makes_of_the_same_pixels(classes: Path) -> None:
    from dcgan.textbook.vision import datasets, transforms

    steps = [transforms.Resize((24, 24)), transforms.ToTensor(), transforms.Normalize(0.5, 0.5)]
    prepared = datasets.ImageFolder(classes, transform=transforms.Compose(steps))
    decoded = datasets.ImageFolder(classes)
    for index in range(len(decoded)):
        pixels = torch.from_numpy(np.array(decoded[index][0])).permute(2, 0, 1)
        torch.testing.assert_close(prepared[index][0], to_images(pixels[None])[0], rtol=0, atol=1.2e-7)
