import pytest
import torch
from torch import Tensor, nn

from dcgan.models.convolutions import Convolution, TransposedConvolution, patches


def pair(transposed: bool, size: int) -> tuple[nn.Module, nn.Module, Tensor]:
    torch.manual_seed(0)
    ours, theirs = (TransposedConvolution, nn.ConvTranspose2d) if transposed else (Convolution, nn.Conv2d)
    mine, reference = ours(6, 10, 4, 2, 1, bias=False), theirs(6, 10, 4, 2, 1, bias=False)
    reference.load_state_dict(mine.state_dict())
    mine.to(memory_format=torch.channels_last)
    return mine, reference.double(), torch.randn(5, 6, size, size)


def gradients(layer: nn.Module, features: Tensor, *, bf16: bool) -> tuple[Tensor, Tensor, str]:
    features = features.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        result = layer(features)
    way = type(result.grad_fn).__name__
    result.square().sum().backward()
    return features.grad.double(), layer.weight.grad.double(), way


@pytest.mark.parametrize("transposed", [False, True])
def test_small_maps_in_bf16_have_the_gradients_of_the_library_in_float64(transposed: bool) -> None:
    ours, reference, features = pair(transposed, size=6)
    exact = gradients(reference, features.double(), bf16=False)
    result = gradients(ours, features, bf16=True)
    assert "Convolve" in result[2]
    for mine, right in zip(result[:2], exact[:2], strict=True):
        assert (mine - right).norm() < 0.01 * right.norm()


@pytest.mark.parametrize("transposed", [False, True])
def test_elsewhere_the_library_computes_them(transposed: bool) -> None:
    small, _, features = pair(transposed, size=6)
    assert "Convolve" not in gradients(small, features, bf16=False)[2]  # float32
    large, _, features = pair(transposed, size=32)
    assert "Convolve" not in gradients(large, features, bf16=True)[2]
    small.weight.requires_grad_(False)
    with torch.autocast("cpu", torch.bfloat16):
        assert "Convolve" not in type(small(features.requires_grad_()).grad_fn).__name__  # nothing to be gained


def test_patches_times_weights_are_a_convolution() -> None:
    features, weight = torch.randn(2, 3, 7, 6, dtype=torch.float64), torch.randn(5, 3, 4, 3, dtype=torch.float64)
    seen = patches(features, weight.shape[2:], (2, 1), (1, 2))
    expected = nn.functional.conv2d(features, weight, None, (2, 1), (1, 2))
    torch.testing.assert_close(torch.einsum("nhwijc,ocij->nohw", seen, weight), expected)
