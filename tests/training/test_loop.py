"""The step as a device sees it: nothing waits, nothing is drawn twice, recorded steps are the steps themselves."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from dcgan.data.batches import Batches
from dcgan.settings.config import Config
from dcgan.settings.recipes import recipe
from dcgan.training import capture
from dcgan.training.capture import CapturedSteps
from dcgan.training.feed import Feed, Inputs
from dcgan.training.loop import Advance, advance_by, train_steps
from dcgan.training.schedules import Rates
from dcgan.training.setup import new_state, rules_of
from dcgan.training.state import TrainingState
from dcgan.training.step import Rules, StepReport

CPU = torch.device("cpu")
CONFIG = recipe("modern").asked({
    "data.height": 16, "data.width": 16, "model.image_channels": 3, "model.num_classes": 3, "model.latent_size": 8,
    "model.generator_width": 4, "model.discriminator_width": 4, "training.batch_size": 6, "training.images": 90,
    "hardware.precision": "fp32", "training.short_last_batch": True,
})  # fmt: skip

NO_NORM = {"model.discriminator_norm": False}
PARTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "relativistic, lazy penalty that falls": NO_NORM | {
        "training.objective": "relativistic", "training.real_penalty": 1, "training.fake_penalty": 1,
        "training.penalised_share": 0.5, "training.penalty_every": 3, "training.penalty_final": 0.1,
    },
    "learning rate warms up and falls, power average": {
        "training.learning_rate_schedule": "cosine", "training.learning_rate_warmup": 30, "training.average_width": 0.1,
    },
    "spectral norm": NO_NORM | {"model.spectral_norm": True, "training.objective": "hinge"},
    "augmented, with penalties, relativistic": NO_NORM | {
        "training.objective": "relativistic", "training.augmentation": "colour,translation,cutout",
        "training.augmentation_strength": 0.7, "training.real_penalty": 1, "training.fake_penalty": 1,
        "training.penalised_share": 0.5,
    },
    "residual": NO_NORM | {"model.family": "residual", "training.objective": "hinge", "training.real_penalty": 1},
    "adaptively augmented and mirrored": {
        "training.augmentation": "translation", "training.augmentation_schedule": "adaptive",
        "training.augmentation_target": -0.5, "training.augmentation_ramp": 60, "training.flip": "on",
        "training.augmentation_every_images": 12,
    },
}  # fmt: skip
every_part = pytest.mark.parametrize("changes", PARTS.values(), ids=PARTS.keys())


@pytest.fixture
def batches() -> Batches:
    torch.set_num_threads(1)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    return Batches(
        pixels, np.arange(2, 19), batch_size=6, seed=4, labels=np.arange(20) % 3, short_last_batch=True
    )  # fmt: skip


def feed_of(batches: Batches, config: Config = CONFIG) -> Feed:
    return Feed(batches, CPU, seed=config.seed, latent_size=8, augmented=config.training.uses_draws)


def train(batches: Batches, state: TrainingState, advance: Advance, config: Config = CONFIG) -> Iterator[StepReport]:
    return train_steps(state, feed_of(batches, config), advance, training=config.training)


def advance_by_tensors(state: TrainingState, rules: Rules, inputs: Inputs, rates: Rates) -> torch.Tensor:
    """A step that reads its rates from the device."""
    return advance_by(state, rules, inputs, Rates(*(None if rate is None else torch.tensor(rate) for rate in rates)))


class NeverWaiting(TorchDispatchMode):
    """Fails at every operation whose result the host must know before it can go on."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        waiting = ("_local_scalar_dense", "is_nonzero", "nonzero", "equal", "masked_select", "unique")
        assert function.overloadpacket.__name__ not in waiting, function
        return function(*args, **(kwargs or {}))


@every_part
def test_a_step_never_waits_for_its_device(batches: Batches, changes: dict[str, Any]) -> None:
    config = CONFIG.asked(changes)
    state = new_state(config, CPU)
    steps = train(batches, state, partial(advance_by, state, rules_of(config, CPU)), config)
    with NeverWaiting():
        reports = [next(steps) for _ in range(4)]
    assert len(reports) == 4
    with pytest.raises(AssertionError, match="_local_scalar_dense"), NeverWaiting():
        float(reports[0].generator_loss)


@every_part
def test_recorded_steps_are_the_steps_themselves(
    batches: Batches, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in for a CUDA graph here repeats the step: warm-up, fixed inputs and restoring are the real ones."""

    def record(step: Any, device: torch.device) -> Any:
        for _ in range(capture.WARM_UP_STEPS):
            step()
        return step

    monkeypatch.setattr(capture, "record", record)
    config = CONFIG.asked(changes)
    plain, recorded = new_state(config, CPU), new_state(config, CPU)
    rules = rules_of(config, CPU)
    as_tensor = partial(advance_by_tensors, plain, rules)
    one = [torch.stack(report[1:]) for report in train(batches, plain, as_tensor, config)]
    other = [torch.stack(report[1:]) for report in train(batches, recorded, CapturedSteps(recorded, rules), config)]
    assert torch.equal(torch.stack(one), torch.stack(other))
    different = [name for name, tensor in plain.tensors().items() if not torch.equal(tensor, recorded.tensors()[name])]
    assert different == []


@every_part
def test_a_state_that_was_saved_and_restored_goes_on_to_the_same_bits(
    batches: Batches, changes: dict[str, Any]
) -> None:
    config = CONFIG.asked(changes)
    whole, first, second = (new_state(config, CPU, blank=blank) for blank in (False, False, True))
    list(train(batches, whole, partial(advance_by, whole, rules_of(config, CPU)), config))
    some = train(batches, first, partial(advance_by, first, rules_of(config, CPU)), config)
    for _ in range(7):
        next(some)
    second.restore({name: tensor.clone() for name, tensor in first.tensors().items()}, first.facts())
    list(train(batches, second, partial(advance_by, second, rules_of(config, CPU)), config))
    different = [name for name, tensor in whole.tensors().items() if not torch.equal(tensor, second.tensors()[name])]
    assert different == []
    assert all(torch.isfinite(tensor).all() for tensor in whole.tensors().values())


def test_a_discriminator_that_is_too_sure_is_shown_more_augmented_images(batches: Batches) -> None:
    strengths = {}
    for target in (-1.1, 1.1):
        config = CONFIG.asked(PARTS["adaptively augmented and mirrored"] | {"training.augmentation_target": target})
        state = new_state(config, CPU)
        list(train(batches, state, partial(advance_by, state, rules_of(config, CPU)), config))
        assert state.controller is not None
        strengths[target] = state.controller.strength.item()
    assert strengths[-1.1] == pytest.approx(CONFIG.training.augmentation_strength), "at its limit"
    assert strengths[1.1] == 0


def test_a_report_is_not_overwritten_by_later_steps(batches: Batches) -> None:
    state = new_state(CONFIG, CPU)
    reports = list(train(batches, state, partial(advance_by, state, rules_of(CONFIG, CPU))))
    assert len({float(report.generator_loss) for report in reports}) == len(reports)


def test_the_average_is_the_same_for_a_number_and_for_a_scalar_on_the_device(batches: Batches) -> None:
    states = [new_state(CONFIG, CPU) for _ in range(2)]
    rules = rules_of(CONFIG, CPU)
    list(train(batches, states[0], partial(advance_by, states[0], rules)))
    list(train(batches, states[1], partial(advance_by_tensors, states[1], rules)))
    for one, other in zip(states[0].average.parameters(), states[1].average.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


def test_inputs_made_ahead_are_the_inputs_made_in_time(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    config = CONFIG.asked({"training.flip": "on"})
    now, ahead = feed_of(batches, config), feed_of(batches, config)
    ahead._pool = ThreadPoolExecutor(1)
    position, went_back = 0, False
    while position < 60:
        one, other = now.at(position), ahead.at(position)
        assert all(torch.equal(a, b) for a, b in zip(one.tensors(), other.tensors(), strict=True))
        position += len(one.pixels)
        if position > 30 and not went_back:
            position, went_back = 12, True  # a roll-back asks again for what it had
    assert len(now.at(12).tensors()) == 4
    assert torch.equal(now.at(12, attempt=1).latents, ahead.at(12, attempt=1).latents)
    assert not torch.equal(now.at(12, attempt=1).latents, now.at(12).latents)
    ahead.close()


def test_images_that_stay_on_the_device_are_the_same_images(batches: Batches) -> None:
    streamed, resident = feed_of(batches), feed_of(batches)
    resident._resident = torch.from_numpy(batches.pixels)
    for position in (0, 6, 12, 17):
        assert torch.equal(streamed.at(position).pixels, resident.at(position).pixels)


def test_an_epoch_holds_every_training_image_once_and_no_other(batches: Batches) -> None:
    for start in (0, 17, 34):
        rows = [row for position in (start, start + 6, start + 12) for row in batches.rows(position)]
        assert sorted(rows) == list(range(2, 19))
    endless = Batches(batches.pixels, batches.indices, batch_size=6, seed=4)
    rows = [row for position in range(0, 17 * 6, 6) for row in endless.rows(position)]
    assert sorted(rows) == sorted(list(range(2, 19)) * 6)
    assert list(endless.rows(0)) != list(endless.rows(17))
