"""Sums over processes, added by the same tree as those over the parts of a batch.

Each pair of neighbours shares the work: one adds up the lower half of what both have, one the upper; then pairs of
pairs do. On the way back the halves are joined again (Thakur, Rabenseifner, Gropp 2005, "Optimization of collective
communication operations in MPICH", section 4.4). Every number is the sum that the tree says, whoever added it, since
a + b = b + a; and each process sends less than twice the buffer, however many there are.
"""

import torch
from torch import Tensor, distributed


def add_up(sums: Tensor, rank: int, processes: int) -> None:
    """The flat ``sums`` of each of the first ``processes`` become those of all of them, in place: a power of two."""
    mine, shared = sums, []
    for level in range(processes.bit_length() - 1):
        partner = rank ^ 2**level
        lower, upper = mine[: len(mine) // 2], mine[len(mine) // 2 :]
        mine, theirs = (lower, upper) if rank < partner else (upper, lower)
        mine.add_(swapped(theirs, torch.empty_like(mine), partner))
        shared.append((partner, mine, theirs))
    for partner, mine, theirs in reversed(shared):
        swapped(mine, theirs, partner)


def swapped(given: Tensor, taken: Tensor, partner: int) -> Tensor:
    """Send what is ``given`` to the partner, and fill what is ``taken`` with what comes back."""
    both = [
        distributed.P2POp(distributed.isend, given, partner),
        distributed.P2POp(distributed.irecv, taken, partner),
    ]
    for transfer in distributed.batch_isend_irecv(both):
        transfer.wait()
    return taken
