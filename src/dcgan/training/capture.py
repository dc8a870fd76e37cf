"""The whole step as one CUDA graph: recorded once for each batch size, then replayed without Python in between.

Both networks, both optimisers, the average and the sums are in it. What changes from step to step comes in through
tensors that stay where they are: the inputs and the weight of the average.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from dcgan.training.feed import Inputs
from dcgan.training.loop import advance_by
from dcgan.training.state import TrainingState
from dcgan.training.step import Rules

WARM_UP_STEPS = 3  # libraries choose their algorithms and allocate in the first ones


class CapturedSteps:
    """An ``Advance`` that replays recorded steps of one state; the state may be saved, restored and looked at."""

    def __init__(self, state: TrainingState, rules: Rules) -> None:
        self._state, self._rules = state, rules
        self._steps: dict[int, _Captured] = {}

    def __call__(self, inputs: Inputs, kept: float) -> Tensor:
        """One step; the four numbers are in memory of their own, which later replays leave alone."""
        count = len(inputs.pixels)
        if count not in self._steps:
            self._steps[count] = _Captured(self._state, self._rules, inputs)
        return self._steps[count].replay(inputs, kept)


class _Captured:
    """The step of one batch size."""

    def __init__(self, state: TrainingState, rules: Rules, example: Inputs) -> None:
        self._inputs = Inputs(*(tensor.clone() for tensor in example.tensors()))
        self._kept = torch.zeros((), device=state.journal_sums.device)
        before = {name: tensor.clone() for name, tensor in state.tensors().items()}
        self._replay = record(lambda: advance_by(state, rules, self._inputs, self._kept))
        with torch.no_grad():  # as if the warm-up had never been
            for name, tensor in state.tensors().items():
                tensor.copy_(before[name])

    def replay(self, inputs: Inputs, kept: float) -> Tensor:
        for static, fresh in zip(self._inputs.tensors(), inputs.tensors(), strict=True):
            static.copy_(fresh, non_blocking=True)
        self._kept.fill_(kept)
        return self._replay().clone()


def record(step: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """Run the step a few times, then record it; what is returned repeats it into the same memory."""
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP_STEPS):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        numbers = step()

    def replay() -> Tensor:
        graph.replay()
        return numbers

    return replay
