"""A step gives the same bits wherever memory lies, and however many steps its process has taken before."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dcgan.data.batches import Batches
from dcgan.data.sources.critters import draw
from dcgan.randomness import latents
from dcgan.settings.config import Config
from dcgan.settings.recipes import recipe
from dcgan.tensors import aligned
from dcgan.training.loop import train_steps
from dcgan.training.setup import advance_of, feed_of, new_state, rules_of
from dcgan.training.speed import warm_up

CPU = torch.device("cpu")
ALIGNMENT = 64
SUMMED_BY_LIBRARIES = ("mm", "addmm", "bmm", "mv", "dot", "convolution", "linear")
RESOLVED = {
    "data.height": 16, "data.width": 16, "model.image_channels": 3, "model.num_classes": 0, "training.images": 1000,
    "model.generator_width": 4, "model.discriminator_width": 4, "hardware.step": "eager", "hardware.precision": "fp32",
}  # fmt: skip
PENALISED = {
    "model.discriminator_norm": False, "training.objective": "relativistic", "training.real_penalty": 1.0,
    "training.fake_penalty": 1.0, "training.flip": "on",
}  # fmt: skip
KINDS: dict[str, Config] = {
    "modern": recipe("modern").asked(RESOLVED | {"training.flip": "off"}),
    "penalised": recipe("modern").asked(RESOLVED | PENALISED),
    "a share penalised": recipe("modern").asked(
        RESOLVED | PENALISED | {"training.penalised_share": 0.3, "training.batch_size": 10}
    ),
    "residual": recipe("modern").asked(RESOLVED | PENALISED | {"model.family": "residual"}),
    "bf16": recipe("modern").asked(RESOLVED | PENALISED | {"hardware.precision": "bf16"}),
    "labels": recipe("modern").asked(RESOLVED | {"training.flip": "off", "data.labels": True, "model.num_classes": 2}),
    "in four shards": recipe("modern").asked(RESOLVED | PENALISED | {"training.shards": 4}),
    "d2l": recipe("d2l").asked(RESOLVED | {"training.flip": "off", "training.batch_size": 24}),
}


def batches_of(config: Config) -> Batches:
    """Ninety creatures, nothing of which lies where a library would like it."""
    array = np.stack([draw(index, 16, 16)[..., :3] for index in range(90)])
    labels = np.arange(90) % 2 if config.data.labels else None
    training = config.training
    return Batches(
        array, np.arange(90), batch_size=training.batch_size, seed=3, labels=labels,
        short_last_batch=training.short_last_batch,
    )  # fmt: skip


class Watch(TorchDispatchMode):
    """Remembers each call that a library may sum in an order of its own, of tensors in memory that begins anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.misplaced = 0, list[str]()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(function).split(".")[1]
        if name.startswith(SUMMED_BY_LIBRARIES):
            self.calls += 1
            for tensor in tree_leaves((args, kwargs or {})):
                if isinstance(tensor, Tensor) and tensor.numel():
                    # A part of a tensor may begin elsewhere: at the same place in every process.
                    place = tensor.untyped_storage().data_ptr() % ALIGNMENT
                    self.misplaced += [f"{name} {tuple(tensor.shape)} at {place}"] if place else []
        return function(*args, **(kwargs or {}))


def steps(config: Config, count: int) -> Iterator[dict[str, Tensor]]:
    """The state after each step, copied."""
    state = new_state(config, CPU)
    feed = feed_of(config, batches_of(config), CPU)
    advance = advance_of(state, rules_of(config, CPU), "eager")
    for number, _ in enumerate(train_steps(state, feed, advance, training=config.training)):
        yield {name: tensor.clone() for name, tensor in state.tensors().items()}
        if number + 1 == count:
            return


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_library_sums_in_a_step_lies_in_memory_that_begins_at_a_multiple_of_64_bytes(kind: str) -> None:
    with Watch() as watch:
        assert len(list(steps(KINDS[kind], 4))) == 4
    assert watch.calls > 20
    assert watch.misplaced == []


def test_the_watch_sees_memory_that_begins_elsewhere() -> None:
    bytes_ = np.zeros(64 + 144, np.uint8)
    start = -bytes_.ctypes.data % ALIGNMENT + 16
    array = bytes_[start : start + 144].view(np.float32).reshape(6, 6)
    with Watch() as watch:
        _ = torch.from_numpy(array) @ torch.ones(6, 6)
    assert watch.misplaced == ["mm (6, 6) at 16"]


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.uint16, np.int64])
def test_an_array_becomes_a_tensor_of_the_same_numbers_that_begins_at_a_multiple_of_64_bytes(dtype: type) -> None:
    numbers = np.arange(1000).astype(dtype)
    for offset in range(16):
        tensor = aligned(numbers[offset:].reshape(-1, 1))
        assert tensor.data_ptr() % ALIGNMENT == 0
        assert np.array_equal(tensor.numpy()[:, 0], numbers[offset:])
        tensor[0] = 7
        assert numbers[offset] == offset, "it is a copy"


def test_latents_begin_at_a_multiple_of_64_bytes() -> None:
    kept = [latents(first, 3, 5, seed=0) for first in range(50)]
    assert {tensor.data_ptr() % ALIGNMENT for tensor in kept} == {0}


@pytest.mark.parametrize("kind", ["penalised", "d2l"])
def test_a_run_that_warms_up_takes_the_same_steps(kind: str) -> None:
    config = KINDS[kind].asked({"training.penalty_every": 2})
    cold = list(steps(config, 5))
    warm_up(config, CPU, batches_of(config).sizes)
    for before, after in zip(cold, steps(config, 5), strict=True):
        assert before.keys() == after.keys()
        assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_batch_has_one_of_the_sizes_that_are_warmed_up_for() -> None:
    array = np.zeros((90, 1, 1, 3), np.uint8)
    for short in (False, True):
        for batch_size in (7, 30, 32, 90, 100):
            batches = Batches(array, np.arange(90), batch_size=batch_size, seed=0, short_last_batch=short)
            position, seen = 0, set()
            for _ in range(40):
                seen.add(batches.size_at(position))
                position += batches.size_at(position)
            assert seen == batches.sizes
