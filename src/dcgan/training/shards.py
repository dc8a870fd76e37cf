"""A batch in equal parts, each with its own batch statistics, and sums over the parts that are added by one fixed tree.

Who computes which part changes nothing: a + b = b + a to the bit, and the tree says which sums there are. Hoffer,
Hubara, Soudry 2017, "Train longer, generalize better" (arXiv 1705.08741), section 3, call such parts ghost batches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from dcgan.tensors import Images, Labels, Latents
from dcgan.training.augment import View

Numbers = tuple[Tensor, ...]
"""Scalars of one part; the first of them is its loss."""


@dataclass
class Part:
    """What one part of a batch is made of."""

    real: Images
    latents: Latents | None = None
    labels: Labels | None = None
    view: View | None = None
    fake: Images | None = None
    """With their graph, once they are drawn."""

    def __getitem__(self, rows: slice) -> "Part":
        """Some of its images, in memory of their own: where an array begins may change the last bit of a product."""
        real, latents, labels = (
            None if tensor is None else tensor[rows].clone() for tensor in (self.real, self.latents, self.labels)
        )
        view = None if self.view is None else replace(self.view, draws=self.view.draws[rows].clone())
        assert real is not None, self
        return Part(real, latents, labels, view)


@dataclass(frozen=True)
class Shards:
    """How a batch is divided, and who computes its parts."""

    count: int = 1
    """Parts of a batch, a power of two."""
    processes: int = 1
    """That compute them, each as many: a power of two, ``count`` at most."""
    exchange: Callable[[Tensor], object] = lambda sums: None
    """Adds to the sums of this process, in place, those of the others, by the same tree."""

    @property
    def here(self) -> int:
        """Parts that this process computes."""
        return self.count // self.processes

    def divide(self, batch: Part) -> list[Part]:
        """The parts of what this process has of a batch."""
        if self.here == 1:
            return [batch]
        size = len(batch.real) // self.here
        return [batch[start : start + size] for start in range(0, self.here * size, size)]

    def backward(
        self,
        network: nn.Module,
        loss_of: Callable[[Part], Numbers],
        parts: Sequence[Part],
        *,
        moving: Sequence[nn.Module],
    ) -> Numbers:
        """Give the network the gradient of the mean loss of all parts; return the means of all numbers, detached.

        ``moving``: networks whose buffers a part may change. Each part finds them as the step before left them, and
        what they become is the mean.
        """
        # Their data, since the graph of the fakes knows the buffers, though it never reads them again.
        buffers = [buffer.data for one in moving for buffer in one.buffers()]
        before = [buffer.clone() for buffer in buffers] if self.count > 1 else []
        averaged = [buffer for buffer in buffers if buffer.is_floating_point()]

        def numbers_of(part: Part) -> Numbers:
            for buffer, value in zip(buffers, before, strict=False):
                buffer.copy_(value)
            network.zero_grad(set_to_none=True)
            numbers = loss_of(part)
            numbers[0].backward()  # type: ignore[no-untyped-call]
            return tuple(number.detach() for number in numbers)

        def sums_of(part: Part) -> Tensor:
            numbers = torch.stack(numbers_of(part))
            return _flat([numbers, *_gradients(network), *averaged])

        if self.count == 1:
            return numbers_of(parts[0])
        means = tree_sum([partial(sums_of, part) for part in parts])
        self.exchange(means)
        means.mul_(1 / self.count)
        targets = [*_gradients(network), *averaged]
        count = len(means) - sum(target.numel() for target in targets)
        torch._foreach_copy_(targets, _views(means[count:], targets))
        return means[:count].clone().unbind()


def tree_sum(terms: Sequence[Callable[[], Tensor]]) -> Tensor:
    """((a + b) + (c + d)) + …; each term computed in its turn and may be added to; a power of two of them."""
    if len(terms) == 1:
        return terms[0]()
    half = len(terms) // 2
    return tree_sum(terms[:half]).add_(tree_sum(terms[half:]))


def _gradients(network: nn.Module) -> list[Tensor]:
    return [weight.grad for weight in network.parameters() if weight.grad is not None]


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    """Copies of all numbers, one after the other, each tensor's in the order of its memory."""
    flat = tensors[0].new_empty(sum(tensor.numel() for tensor in tensors))
    torch._foreach_copy_(_views(flat, tensors), list(tensors))
    return flat


def _views(flat: Tensor, tensors: Sequence[Tensor]) -> list[Tensor]:
    """The places of ``_flat``'s tensors in the result, laid out as they are."""
    pieces = torch.split(flat, [tensor.numel() for tensor in tensors])
    return [piece.as_strided(one.shape, one.stride()) for piece, one in zip(pieces, tensors, strict=True)]
