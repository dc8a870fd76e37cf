import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.models import convolutions
from dcgan.models.convolutions import Convolution, TransposedConvolution, doubled, halved, weight_gradient


@pytest.fixture(params=[False, True], ids=["no matrix units", "matrix units"])
def matrix_units(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(convolutions, "has_matrix_units", lambda: request.param)
    return bool(request.param)


def pair(transposed: bool, size: int) -> tuple[nn.Module, nn.Module, Tensor]:
    torch.manual_seed(0)
    ours, theirs = (TransposedConvolution, nn.ConvTranspose2d) if transposed else (Convolution, nn.Conv2d)
    mine, reference = ours(6, 10, 4, 2, 1, bias=False), theirs(6, 10, 4, 2, 1, bias=False)
    reference.load_state_dict(mine.state_dict())
    mine.to(memory_format=torch.channels_last)
    return mine, reference.double(), torch.randn(5, 6, size, size)


def way(layer: nn.Module, features: Tensor, *, bf16: bool = True) -> str:
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        return type(layer(features.clone().requires_grad_()).grad_fn).__name__


def gradients(layer: nn.Module, features: Tensor, *, bf16: bool) -> tuple[Tensor, Tensor]:
    features = features.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        layer(features).square().sum().backward()
    return features.grad.double(), layer.weight.grad.double()


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("size", [4, 6])
def test_small_maps_in_bf16_have_the_gradients_of_the_library_in_float64(
    transposed: bool, size: int, matrix_units: bool
) -> None:
    ours, reference, features = pair(transposed, size)
    assert way(ours, features).startswith(("_Halve", "_Double"))
    exact = gradients(reference, features.double(), bf16=False)
    for mine, right in zip(gradients(ours, features, bf16=True), exact, strict=True):
        assert (mine - right).norm() < 0.01 * right.norm()


@pytest.mark.parametrize("transposed", [False, True])
def test_where_nothing_is_gained_the_library_computes(transposed: bool, matrix_units: bool) -> None:
    small, _, features = pair(transposed, size=4)
    assert not way(small, features, bf16=False).startswith("_")
    large, _, many = pair(transposed, size=32)
    assert not way(large, many).startswith("_")
    small.weight.requires_grad_(False)
    assert way(small, features).startswith("_") == matrix_units  # without a gradient of the weights


@pytest.mark.parametrize(("height", "width"), [(2, 2), (4, 4), (3, 5)])
def test_the_three_products_are_a_convolution_its_transpose_and_the_gradient_of_its_weights(
    height: int, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convolutions, "has_matrix_units", lambda: True)
    large = torch.randn(2, 3, 2 * height, 2 * width, dtype=torch.float64, requires_grad=True)
    small = torch.randn(2, 5, height, width, dtype=torch.float64)
    weight = torch.randn(5, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    expected = F.conv2d(large, weight, None, 2, 1)
    of_large, of_weight = torch.autograd.grad((expected * small).sum(), (large, weight))
    torch.testing.assert_close(halved(large, weight), expected)
    torch.testing.assert_close(doubled(small, weight), of_large)
    torch.testing.assert_close(weight_gradient(large, small, weight), of_weight)


@pytest.mark.parametrize("function", [halved, doubled])
def test_products_can_be_differentiated_twice(function: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolutions, "has_matrix_units", lambda: True)
    first = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    way = convolutions._Halve if function is halved else convolutions._Double
    assert torch.autograd.gradcheck(way.apply, (first, weight))
    assert torch.autograd.gradgradcheck(way.apply, (first, weight))
