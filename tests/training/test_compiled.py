"""Compiled networks are the networks: traced whole, once for each shape, and never by those who only look.

The backend here stops short of writing code, which would take a minute: tracing, derivatives and guards are the real
ones.
"""

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch._dynamo.utils import counters

from dcgan.settings.config import Config
from dcgan.settings.recipes import recipe
from dcgan.training import capture, compiled, setup
from dcgan.training.feed import Inputs
from dcgan.training.schedules import Rates
from dcgan.training.setup import advance_of, new_state, rules_of
from dcgan.training.state import TrainingState

CPU = torch.device("cpu")
CONFIG = recipe("modern").asked({
    "data.height": 16, "data.width": 16, "model.image_channels": 3, "model.num_classes": 0, "model.latent_size": 8,
    "model.generator_width": 4, "model.discriminator_width": 4, "hardware.precision": "fp32",
})  # fmt: skip
BATCHES = (6, 6, 4, 6, 4)  # the last of an epoch is shorter

pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # the tracer looks at all it meets


@pytest.fixture(autouse=True)
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    torch.set_num_threads(1)
    torch._dynamo.reset()
    counters.clear()
    monkeypatch.setattr(setup, "compile_networks", partial(compiled.compile_networks, backend="aot_eager"))
    monkeypatch.setattr(capture, "record", repeated)  # what stands in for a CUDA graph repeats the step
    yield
    torch._dynamo.reset()


def repeated(step: Any, device: torch.device) -> Any:
    for _ in range(capture.WARM_UP_STEPS):
        step()
    return step


def train(config: Config, way: str) -> tuple[TrainingState, torch.Tensor]:
    state, source = new_state(config, CPU), torch.Generator().manual_seed(1)
    advance = advance_of(state, rules_of(config, CPU), way)
    numbers = []
    for count in BATCHES:
        pixels = torch.randint(0, 256, (count, 16, 16, 3), dtype=torch.uint8, generator=source).permute(0, 3, 1, 2)
        inputs = Inputs(pixels, torch.randn(count, config.model.latent_size, generator=source))
        numbers.append(advance(inputs, Rates(kept=0.9)))
    return state, torch.stack(numbers)


def test_compiled_networks_take_the_steps_of_the_networks_and_are_traced_whole_and_once() -> None:
    graph, numbers = train(CONFIG, "graph")
    both, its_numbers = train(CONFIG, "compiled")
    torch.testing.assert_close(its_numbers, numbers, rtol=1e-5, atol=1e-6)
    for name, tensor in graph.tensors().items():
        torch.testing.assert_close(both.tensors()[name], tensor, rtol=1e-4, atol=1e-6)
    assert not counters["graph_break"]
    # The generator, the discriminator, and it again without gradients for its weights: each in two batch sizes.
    assert counters["stats"]["unique_graphs"] == 6


def test_who_only_looks_compiles_nothing() -> None:
    state, _ = train(CONFIG, "compiled")
    before = counters["stats"]["unique_graphs"]
    assert state.average is not None
    state.average(torch.zeros(3, 8))
    copy.deepcopy(state.generator)(torch.zeros(3, 8))
    copy.deepcopy(state.discriminator).eval()(torch.zeros(3, 3, 16, 16))
    assert counters["stats"]["unique_graphs"] == before
    state.generator(torch.zeros(3, 8))
    assert counters["stats"]["unique_graphs"] == before + 1


@pytest.mark.parametrize("family", ["dcgan", "residual"])
def test_penalties_go_with_compiling_by_adjoint_or_differentiated_twice(family: str) -> None:
    penalised = CONFIG.asked({
        "model.family": family, "model.discriminator_norm": False, "training.real_penalty": 1,
        "training.fake_penalty": 1, "training.penalised_share": 0.5,
    })  # fmt: skip
    (_, numbers), (_, its_numbers) = train(penalised, "graph"), train(penalised, "compiled")
    torch.testing.assert_close(its_numbers, numbers, rtol=1e-4, atol=1e-5)
    assert not counters["graph_break"]
