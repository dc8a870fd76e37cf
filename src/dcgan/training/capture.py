"""The whole step as one CUDA graph: recorded once for each batch size, then replayed without Python in between.

Both networks, both optimisers, the average and the sums are in it. What changes from step to step comes in through
tensors that stay where they are: the inputs, the rates and the learning rates, which are the optimisers' own. A step
in which nobody pays a penalty is another graph than one in which somebody does.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from dcgan.training.feed import Inputs
from dcgan.training.loop import advance_by
from dcgan.training.schedules import Rates
from dcgan.training.state import TrainingState
from dcgan.training.step import Rules

WARM_UP_STEPS = 3  # libraries choose their algorithms and allocate in the first ones


class CapturedSteps:
    """An ``Advance`` that replays recorded steps of one state; the state may be saved, restored and looked at."""

    def __init__(self, state: TrainingState, rules: Rules) -> None:
        self._state, self._rules = state, rules
        self._steps: dict[tuple[int, bool], _Captured] = {}

    def __call__(self, inputs: Inputs, rates: Rates) -> Tensor:
        """One step; the four numbers are in memory of their own, which later replays leave alone."""
        kind = (len(inputs.pixels), rates.penalty is None)
        if kind not in self._steps:
            self._steps[kind] = _Captured(self._state, self._rules, inputs, rates)
        return self._steps[kind].replay(inputs, rates)


class _Captured:
    """The step of one batch size, with penalties or without."""

    def __init__(self, state: TrainingState, rules: Rules, example: Inputs, rates: Rates) -> None:
        self._inputs = example.each(torch.clone)
        device = state.journal_sums.device
        self._scalars = {
            name: torch.zeros((), device=device) for name, rate in rates._asdict().items() if rate is not None
        }
        static = rates._replace(**self._scalars)
        before = {name: tensor.clone() for name, tensor in state.tensors().items()}
        self._replay = record(lambda: advance_by(state, rules, self._inputs, static), device)
        with torch.no_grad():  # as if the warm-up had never been
            for name, tensor in state.tensors().items():
                tensor.copy_(before[name])

    def replay(self, inputs: Inputs, rates: Rates) -> Tensor:
        for static, fresh in zip(self._inputs.tensors(), inputs.tensors(), strict=True):
            static.copy_(fresh, non_blocking=True)
        for name, scalar in self._scalars.items():
            scalar.fill_(getattr(rates, name))
        return self._replay().clone()


def record(step: Callable[[], Tensor], device: torch.device) -> Callable[[], Tensor]:
    """Run the step a few times, then record it; what is returned repeats it into the same memory."""
    with torch.cuda.device(device):
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_STEPS):
                step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # thread_local: the feed's thread goes on pinning memory meanwhile, which does no harm.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            numbers = step()

    def replay() -> Tensor:
        graph.replay()
        return numbers

    return replay
