"""The processes that train one run together: the first one leads, the others do as it does, step by step.

Each of them has the whole state and computes its parts of each batch. Every step begins with a word of all: whether
somebody was asked to stop, and whether the state of the first one is another than the last step left, as after a
roll-back. So nothing needs to be decided twice, and all stop at the same step.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, distributed

from dcgan.errors import ExitCode, UserError
from dcgan.settings.knobs import TrainingConfig
from dcgan.training.exchange import add_up
from dcgan.training.peers import Peers
from dcgan.training.shards import Shards
from dcgan.training.state import TrainingState

FINISHED = 1


class Team:
    """A process that trains alone."""

    rank = 0
    size = 1
    asked = 0
    """The exit code with which this process was asked to stop; 0: it was not."""
    stopped_with = 0
    """The exit code with which one of them was."""

    def next_step(self, state: TrainingState, training: TrainingConfig) -> TrainingConfig | None:
        """How the next step is taken; None: there is none."""
        return training if state.images_seen < (training.images or 0) else None

    def begin(self, config: dict[str, Any], fingerprint: str) -> None:
        """The first process tells the others what is trained, and waits until they are ready."""

    def computing(self, shards: int) -> int:
        """How many of the processes compute: a power of two, no more than there are parts of a batch."""
        return min(shards, 1 << (self.size.bit_length() - 1))

    def shards(self, count: int) -> Shards:
        """How batches are divided among the processes that compute."""
        return Shards(count)

    def share(self, shards: int) -> tuple[int, int]:
        """Which part of each batch is this process's, of how many."""
        return 0, 1


ALONE = Team()


class Processes(Team):
    """One of several, connected by ``torch.distributed``."""

    def __init__(self, peers: Peers) -> None:
        self.peers, self.rank, self.size = peers, peers.rank, peers.size
        self._attempt: int | None = None

    def next_step(self, state: TrainingState, training: TrainingConfig) -> TrainingConfig | None:
        """A word of all: the others take over the state of the first one if it is another, and where the run ends."""
        leads, end = self.rank == 0, training.images or 0
        wish = self.asked or (FINISHED if leads and state.images_seen >= end else 0)
        word = torch.tensor([int(leads and state.attempt != self._attempt), wish, end if leads else 0])
        with self._together():
            distributed.all_reduce(word, distributed.ReduceOp.MAX)
            moved, wish, end = word.tolist()
            if moved and not wish:
                take_over(state)
                self._attempt = state.attempt
        self.stopped_with = 0 if wish == FINISHED else wish
        if wish:
            return None
        return training if training.images == end else replace(training, images=end)

    def begin(self, config: dict[str, Any], fingerprint: str) -> None:
        """The first process tells the others what is trained, and waits until they are ready.

        Raises:
            UserError: One of them is not; says which, and why.
        """
        self.peers.tell("plan", {"config": config, "fingerprint": fingerprint})
        for rank in range(1, self.size):
            if trouble := self.peers.hear(f"ready/{rank}"):
                raise UserError(f"Process {rank} of {self.size}: {trouble['text']}", ExitCode(trouble["code"]))

    def shards(self, count: int) -> Shards:
        """How batches are divided among the processes that compute."""
        processes = self.computing(count)

        def exchange(sums: Tensor) -> None:
            with self._together():
                add_up(sums, self.rank, processes)

        return Shards(count, processes, exchange)

    def share(self, shards: int) -> tuple[int, int]:
        """Which part of each batch is this process's, of how many."""
        return self.rank, self.computing(shards)

    @contextmanager
    def _together(self) -> Iterator[None]:
        """What fails in here failed because another process is gone."""
        try:
            yield
        except RuntimeError as error:
            raise self.peers.lost() from error


@torch.no_grad()
def take_over(state: TrainingState) -> None:
    """All become what the first process is."""
    place = torch.tensor([state.images_seen, state.attempt])
    distributed.broadcast(place, 0)
    state.images_seen, state.attempt = place.tolist()
    for _, tensor in sorted(state.tensors().items()):
        there = tensor.contiguous()
        distributed.broadcast(there, 0)
        tensor.copy_(there)
