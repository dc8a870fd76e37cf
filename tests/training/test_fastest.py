"""What is fastest is decided before step 0, kept, and obeyed; a compiler that fails is told in one line."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from dcgan.commands.options import TrainOptions
from dcgan.commands.plan import request, settle
from dcgan.commands.train import crossed_borders
from dcgan.hardware import bit_borders
from dcgan.runs.config_file import as_toml
from dcgan.settings.config import Config, to_tables
from dcgan.training import fastest
from dcgan.training.accelerate import can_use_bf16
from dcgan.training.compiled import trouble_with_compiling
from dcgan.training.speed import measure_speed

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


class Machine:
    """Speeds in images a second by precision and way of stepping, instead of a GPU."""

    def __init__(self, **speeds: float | Exception) -> None:
        self.speeds, self.asked, self.said = speeds, list[str](), list[str]()

    def measure(self, config: Config, device: torch.device, seconds: float, *, best: float = 0.0) -> float:
        name = f"{config.hardware.precision}_{config.hardware.step}"
        self.asked.append(name)
        if isinstance(speed := self.speeds[name], Exception):
            raise speed
        return speed

    def choose(self, device: torch.device = CUDA, **hardware: str) -> tuple[str, str]:
        budget = hardware.pop("budget", "1h")
        changes = {"training.budget": budget} | {f"hardware.{key}": value for key, value in hardware.items()}
        config = Config().asked(changes)
        found, may_compile = fastest.possible(config.hardware, device, self.said.append)
        config = config.decided(found)
        if may_compile:
            config, _ = fastest.compiled_if_faster(config, device, 1000, self.said.append)
        return config.hardware.precision, config.hardware.step


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Machine]:
    def machine(*, trouble: str | None = None, bf16: bool = True, **speeds: float | Exception) -> Machine:
        made = Machine(**speeds)
        monkeypatch.setattr(fastest, "measure_speed", made.measure)
        monkeypatch.setattr(fastest, "can_use_bf16", lambda device: bf16)
        monkeypatch.setattr(fastest, "trouble_with_compiling", lambda device: trouble)
        return made

    return machine


SPEEDS = {"bf16_graph": 300.0, "fp32_graph": 200.0, "bf16_compiled": 400.0, "fp32_compiled": 150.0}


def test_on_cuda_the_faster_step_is_taken(on: Callable[..., Machine]) -> None:
    machine = on(**SPEEDS)
    assert machine.choose() == ("bf16", "compiled")
    assert machine.asked == ["bf16_graph", "bf16_compiled"]
    assert on(**SPEEDS).choose(precision="fp32") == ("fp32", "graph"), "compiled it would be slower"
    assert on(**SPEEDS, bf16=False).choose(precision="auto") == ("fp32", "graph")


@pytest.mark.promise("Whether a run is trained in bf16 or fp32 follows from the device alone, and is never measured.")
@pytest.mark.parametrize("has_units", [True, False])
def test_the_precision_follows_from_the_device_and_is_not_measured(has_units: bool, on: Callable[..., Machine]) -> None:
    machine = on(bf16=has_units)
    assert machine.choose(CPU, budget="64") == ("bf16" if has_units else "fp32", "eager")
    assert machine.asked == []


def test_a_processor_without_units_for_bf16_is_trained_on_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library may imitate bf16 with AVX-512 alone, which is slower than fp32."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    for has_bf16, has_matrices in ((False, False), (True, False), (False, True)):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda found=has_bf16: found)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda found=has_matrices: found)
        assert can_use_bf16(CPU) == (has_bf16 or has_matrices)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert not can_use_bf16(CPU), "the units are there, the library was told not to use them"


@pytest.mark.parametrize(
    ("budget", "tried"),
    [("9min", False), ("10min", True), ("1M", True), ("100k", False), ("1000epochs", True), ("100epochs", False)],
)
def test_compiling_is_only_tried_where_half_a_minute_is_a_small_share(
    budget: str, tried: bool, on: Callable[..., Machine]
) -> None:
    machine = on(**SPEEDS)
    machine.choose(budget=budget)
    assert ("bf16_compiled" in machine.asked) == tried


def test_a_processor_steps_call_by_call_and_never_compiles(on: Callable[..., Machine]) -> None:
    machine = on(bf16_eager=30.0, fp32_eager=20.0)
    for step in ("auto", "eager", "graph", "compiled"):
        assert machine.choose(CPU, step=step) == ("bf16", "eager")
    assert machine.said == []


def test_what_was_asked_for_is_not_measured(on: Callable[..., Machine]) -> None:
    machine = on()
    for step in ("eager", "graph", "compiled"):
        assert machine.choose(precision="bf16", step=step) == ("bf16", step)
    assert machine.asked == []


def test_networks_that_do_not_compile_are_recorded_as_they_are_and_that_is_said(on: Callable[..., Machine]) -> None:
    machine = on(**SPEEDS | {"bf16_compiled": RuntimeError("no C compiler\nand a page on how to get one")})
    assert machine.choose() == ("bf16", "graph")
    assert machine.said[1:] == ["They cannot be compiled here (no C compiler); the step is recorded as it is."]


def test_a_kept_choice_that_is_no_longer_to_be_had_is_replaced_and_that_is_said(on: Callable[..., Machine]) -> None:
    machine = on(trouble="no C compiler")
    assert machine.choose(precision="bf16", step="compiled") == ("bf16", "graph")
    assert machine.said == [
        "hardware.step = compiled: nothing can be compiled here (no C compiler); the step is recorded as it is."
    ]


def test_a_missing_compiler_is_trouble_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise OSError("no such file: g++\nset CXX")

    monkeypatch.setattr(torch, "compile", broken)
    assert trouble_with_compiling(CPU) == "no such file: g++"
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    assert trouble_with_compiling(CPU) is None


def test_a_slow_choice_is_given_up_early() -> None:
    tiny = {
        "model.generator_width": 4, "model.discriminator_width": 4, "model.image_channels": 3, "model.num_classes": 0,
        "data.height": 16, "data.width": 16, "training.batch_size": 4, "hardware.step": "eager",
        "hardware.precision": "fp32", "training.penalty_every": 2, "model.discriminator_norm": False,
        "training.real_penalty": 1,
    }  # fmt: skip
    config = Config().asked(tiny)
    assert measure_speed(config, CPU, 0.01) > 0
    assert 0 < measure_speed(config, CPU, 1e9, best=1e9) < 1e9, "it would take thirty years"


KEPT = Config().asked({"hardware.device": "cuda", "hardware.precision": "bf16", "hardware.step": "compiled"})


def test_a_kept_step_is_obeyed_until_another_one_or_another_device_is_asked_for() -> None:
    assert settle(Config(), KEPT).hardware == KEPT.hardware
    assert settle(Config().asked({"hardware.step": "graph"}), KEPT).hardware.step == "graph"
    assert settle(Config().asked({"hardware.device": "cpu"}), KEPT).hardware.step == "auto"


def test_a_config_file_for_another_device_leaves_its_step_open(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(as_toml(KEPT))
    assert request(TrainOptions(config=str(file))).hardware.step == "compiled"
    assert request(TrainOptions(config=str(file), device="cpu")).hardware.step == "auto"


def test_a_step_that_changed_is_a_border_and_one_that_was_no_choice_yet_is_none() -> None:
    def told(then: Config, now: Config) -> list[str]:
        found = SimpleNamespace(facts={"config": to_tables(then), "borders": bit_borders()})
        return crossed_borders(found, then, now)  # type: ignore[arg-type]

    graph = KEPT.asked({"hardware.step": "graph"})
    assert told(KEPT, KEPT) == []
    assert told(KEPT, graph) == ["step was compiled, is graph"]
    assert told(KEPT.asked({"hardware.step": "auto"}), graph) == []
