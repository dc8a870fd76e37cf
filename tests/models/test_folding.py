"""Blocks of pixels as positions of more channels: the same linear maps, by the library in float64."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.models.folding import FEWEST_PIXELS, doubled_in_blocks, folds, halved_in_blocks

COLOURS = pytest.mark.parametrize("colours", [1, 2, 3, 4])


def random(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


@COLOURS
@pytest.mark.parametrize("with_bias", [False, True])
def test_halving_is_the_convolution_with_its_gradients(colours: int, with_bias: bool) -> None:
    image, weight = random(2, colours, 8, 12).requires_grad_(), random(5, colours, 4, 4).requires_grad_()
    bias = random(5).requires_grad_() if with_bias else None
    ours, theirs = halved_in_blocks(image, weight, bias), F.conv2d(image, weight, bias, 2, 1)
    torch.testing.assert_close(ours, theirs)
    leaves = [leaf for leaf in (image, weight, bias) if leaf is not None]
    grads = [torch.autograd.grad(result.pow(3).sum(), leaves) for result in (ours, theirs)]
    torch.testing.assert_close(*grads)


@COLOURS
def test_doubling_is_the_transposed_convolution_with_its_gradients(colours: int) -> None:
    features, weight = random(2, 5, 4, 6).requires_grad_(), random(5, colours, 4, 4).requires_grad_()
    ours, theirs = doubled_in_blocks(features, weight), F.conv_transpose2d(features, weight, None, 2, 1)
    torch.testing.assert_close(ours, theirs)
    assert ours.permute(0, 2, 3, 1).is_contiguous()  # channels last
    grads = [torch.autograd.grad(result.pow(3).sum(), (features, weight)) for result in (ours, theirs)]
    torch.testing.assert_close(*grads)


def test_both_can_be_differentiated_twice() -> None:
    image, weight, small = random(1, 3, 4, 4), random(2, 3, 4, 4), random(1, 2, 2, 2)
    leaves = [leaf.requires_grad_() for leaf in (image, weight, small)]
    assert torch.autograd.gradgradcheck(halved_in_blocks, (leaves[0], leaves[1]))
    assert torch.autograd.gradgradcheck(doubled_in_blocks, (leaves[2], leaves[1]))


def test_only_layers_next_to_many_pixels_on_a_gpu_are_folded() -> None:
    layer, gpu = nn.Conv2d(3, 8, 4, 2, 1), torch.device("cuda")
    assert folds(layer, 3, FEWEST_PIXELS, gpu)
    assert not folds(layer, 3, FEWEST_PIXELS - 1, gpu)
    assert not folds(layer, 3, FEWEST_PIXELS, torch.device("cpu"))
    assert not folds(layer, 64, FEWEST_PIXELS, gpu)
    assert not folds(nn.Conv2d(3, 8, 3, 2, 1), 3, FEWEST_PIXELS, gpu)
