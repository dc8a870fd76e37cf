"""What only a GPU can show: recorded steps, inputs made ahead, pictures drawn beside training. Skipped without one.

Needs no more than torch, numpy, pillow, safetensors and pytest: PYTHONPATH=src python -m pytest tests/training
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from test_loop import CONFIG, PARTS

from dcgan.commands.live.drawing import Easel
from dcgan.commands.live.pictures import draw_preview
from dcgan.data.batches import Batches
from dcgan.models import folding
from dcgan.settings.config import Config
from dcgan.training import feed as feeding
from dcgan.training.feed import Feed
from dcgan.training.loop import train_steps
from dcgan.training.setup import advance_of, feed_of, new_state, rules_of
from dcgan.training.state import TrainingState
from dcgan.training.step import StepReport

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
every_part = pytest.mark.parametrize("changes", PARTS.values(), ids=PARTS.keys())
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


def feed(config: Config, device: torch.device = CUDA) -> Feed:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    rows, labels = np.arange(2, 19), np.arange(20) % 3
    short = config.training.short_last_batch
    batches = Batches(pixels, rows, batch_size=6, seed=4, labels=labels, short_last_batch=short)
    return feed_of(config, batches, device)


def training(
    config: Config, way: str, state: TrainingState | None = None
) -> tuple[TrainingState, Iterator[StepReport]]:
    state = state or new_state(config, CUDA)
    advance = advance_of(state, rules_of(config, CUDA), way)
    return state, train_steps(state, feed(config), advance, training=config.training)


def numbers(steps: Iterator[StepReport]) -> torch.Tensor:
    return torch.stack([torch.stack(report[1:]) for report in steps]).cpu()


def different(one: TrainingState, other: TrainingState) -> list[str]:
    return [name for name, tensor in one.tensors().items() if not torch.equal(tensor, other.tensors()[name])]


@every_part
def test_recorded_steps_are_the_steps_themselves(changes: dict[str, Any]) -> None:
    config = CONFIG.asked(changes | {"training.images": 30})
    (_, eager), (_, graph) = training(config, "eager"), training(config, "graph")
    torch.testing.assert_close(numbers(graph), numbers(eager), rtol=1e-3, atol=1e-3)


@every_part
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype:UserWarning")
def test_recorded_steps_never_wait(changes: dict[str, Any]) -> None:
    _, steps = training(CONFIG.asked(changes | {"training.short_last_batch": False}), "graph")
    list(islice(steps, 6))  # with a penalty and without, the step is recorded
    try:
        torch.cuda.set_sync_debug_mode("error")
        reports = list(islice(steps, 6))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert numbers(iter(reports)).isfinite().all()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_state_that_was_saved_and_restored_goes_on_to_the_same_bits(precision: str) -> None:
    config = CONFIG.asked({"hardware.precision": precision})
    whole, steps = training(config, "graph")
    list(steps)
    first, steps = training(config, "graph")
    list(islice(steps, 7))
    second = new_state(config, CUDA, blank=True)
    second.restore({name: tensor.cpu() for name, tensor in first.tensors().items()}, first.facts())
    list(training(config, "graph", second)[1])
    assert different(whole, second) == []


@pytest.mark.parametrize("share", [0.0, feeding.RESIDENT_SHARE], ids=["streamed", "resident"])
def test_the_inputs_are_those_of_a_processor(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "RESIDENT_SHARE", share)
    config = CONFIG.asked({"training.flip": "on"})
    here, there = feed(config, CPU), feed(config)
    for position in (0, 6, 12, 17, 6):
        pairs = zip(here.at(position).tensors(), there.at(position).tensors(), strict=True)
        assert all(torch.equal(one, other.cpu()) for one, other in pairs)
    there.close()


def test_a_picture_drawn_beside_training_is_that_of_its_moment_and_changes_nothing() -> None:
    alone, steps = training(CONFIG, "graph")
    list(steps)
    watched, steps = training(CONFIG, "graph")
    list(islice(steps, 7))
    torch.cuda.synchronize()
    at_once = draw_preview(CONFIG, watched, Easel(CPU)).png
    beside = draw_preview(CONFIG, watched, Easel(CUDA))
    list(steps)
    assert beside.png == at_once
    assert beside.png != draw_preview(CONFIG, watched, Easel(CUDA)).png
    assert different(alone, watched) == []


def test_images_folded_into_blocks_take_the_steps_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    config = CONFIG.asked({"training.images": 30})
    by_library = numbers(training(config, "graph")[1])
    monkeypatch.setattr(folding, "FEWEST_PIXELS", 0)
    torch.testing.assert_close(numbers(training(config, "graph")[1]), by_library, rtol=1e-3, atol=1e-3)


def test_compiled_networks_take_the_steps_of_the_networks() -> None:
    """A minute the first time."""
    config = CONFIG.asked({"training.images": 30})
    (_, graph), (_, both) = training(config, "graph"), training(config, "compiled")
    torch.testing.assert_close(numbers(both), numbers(graph), rtol=1e-3, atol=1e-3)
