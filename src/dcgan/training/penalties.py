"""Zero-centred gradient penalties, which keep the discriminator flat around single images. Pure functions.

With g(x) = d D(x) / d x and |g|² its sum of squares over channels, rows and columns:
R1 = gamma / 2 x mean of |g(x)|² over real images, R2 = the same over fake ones (Mescheder, Geiger, Nowozin 2018,
"Which training methods for GANs do actually converge?", arXiv 1801.04406). Roth et al. 2017 (arXiv 1705.09367) weigh
both by how sure D is; Huang et al. 2024 (R3GAN, arXiv 2501.05441) add both to a relativistic loss.

The gradient is by the image as it was before any augmentation, through what was done to it. It never reaches whatever
made the image, so that R2 trains the discriminator alone.
"""

from typing import TypeGuard, cast

import torch
from torch import Tensor, nn

from dcgan.errors import UserError
from dcgan.models.convolutions import Convolution, transposed
from dcgan.models.dcgan import Discriminator
from dcgan.models.layers import DiscriminatorBlock
from dcgan.tensors import Images, Labels, Scores, as_scores
from dcgan.training.augment import View


def scores_and_penalty(
    discriminator: nn.Module,
    images: Images,
    labels: Labels | None = None,
    *,
    gamma: float | None,
    factor: float | Tensor | None = 1.0,
    share: float = 1.0,
    view: View | None = None,
) -> tuple[Scores, Tensor]:
    """Scores of all images (n, float32 at least) and their penalty, a scalar to be added to the discriminator's loss.

    ``gamma``: weight of the penalty; None is no penalty, at no cost.
    ``factor``: multiplies ``gamma`` in this step; None is no penalty in this step. A scalar on the device lets a
    captured step change it.
    ``share``: the penalty is computed on this share of the batch, its first images, at least one; unbiased when the
    order of images is random.
    ``view``: the augmentation through which the discriminator sees the images; the penalty is about the images
    themselves.

    Raises:
        UserError: There is a penalty, and the discriminator has batch normalisation.
    """
    images = images.detach()
    if gamma is None or factor is None:
        scores = at_least_float32(discriminator(seen(images, view), labels))
        return as_scores(scores, len(images)), scores.new_zeros(())
    squared = squared_gradient_by_adjoint if has_adjoint(discriminator) else squared_gradient
    count = max(1, round(share * len(images)))
    first, rest = slice(count), slice(count, None)
    first_view, rest_view = (None if view is None else view[part] for part in (first, rest))
    first_labels, rest_labels = (None if labels is None else labels[part] for part in (first, rest))
    scores, squares = squared(discriminator, images[first], first_labels, first_view)
    if count < len(images):
        other_scores = discriminator(seen(images[rest], rest_view), rest_labels)
        scores = torch.cat([scores, at_least_float32(other_scores)])
    return as_scores(scores, len(images)), penalty(squares, gamma * factor)


def penalty(squares: Tensor, gamma: float | Tensor) -> Tensor:
    """Gamma / 2 x mean of the squares (n)."""
    return gamma / 2 * squares.mean()


def squared_gradient(
    discriminator: nn.Module, images: Images, labels: Labels | None = None, view: View | None = None
) -> tuple[Scores, Tensor]:
    """Scores (n) and |g|² (n) of any discriminator, by differentiating twice.

    Both can be differentiated by the weights, and are float32 at least, whatever the convolutions are.

    Raises:
        UserError: The discriminator has batch normalisation.
    """
    _refuse_batch_norm(discriminator)
    images = images.detach().requires_grad_()
    scores: Tensor = discriminator(seen(images, view), labels)
    (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return at_least_float32(scores), _sum_of_squares(gradient)


def squared_gradient_by_adjoint(
    discriminator: nn.Module, images: Images, labels: Labels | None = None, view: View | None = None
) -> tuple[Scores, Tensor]:
    """The same by differentiating once, for a discriminator that ``has_adjoint``.

    Between the kinks of its leaky ReLUs it is linear: D(x) = w · S_L W_L … S_1 W_1 x, the slopes S being constant.
    So g(x) = W_1ᵀ S_1 … W_Lᵀ S_L w is a feed-forward network of the same weights, and as there is no bias,
    D(x) = g(x) · x. The pass from image to score is needed for its signs alone: nothing is differentiated through it.
    What a view does to an image is affine: its own adjoint takes g from what was seen to the image itself.

    Raises:
        UserError: The discriminator has batch normalisation.
    """
    _refuse_batch_norm(discriminator)
    assert has_adjoint(discriminator), discriminator
    images = images.detach().requires_grad_(view is not None)
    shown = seen(images, view)
    gradient = at_least_float32(_adjoint(discriminator, _slopes(discriminator, shown.detach()), labels))
    scores = (gradient * shown.detach()).sum(dim=(1, 2, 3))
    if view is not None:
        # Of a scalar: autograd imports a computer algebra system, half a second, for gradients that are passed in.
        (gradient,) = torch.autograd.grad((gradient * shown).sum(), images, create_graph=True)
    return scores, _sum_of_squares(gradient)


def seen(images: Images, view: View | None) -> Images:
    """What the discriminator sees of them."""
    return images if view is None else view(images)


def has_adjoint(discriminator: nn.Module) -> TypeGuard[Discriminator]:
    """Whether ``squared_gradient_by_adjoint`` is exact: the 2015 discriminator, without normalisation of any kind."""
    layers = [module for module in discriminator.modules() if not list(module.children())]
    return (
        type(discriminator) is Discriminator
        and all(type(layer) in (Convolution, nn.Linear, nn.LeakyReLU, nn.Identity, nn.Embedding) for layer in layers)
        and all(layer.bias is None for layer in layers if isinstance(layer, nn.Conv2d | nn.Linear))
    )


def at_least_float32(tensor: Tensor) -> Tensor:
    """Losses and penalties are never computed in half precision, whatever the convolutions are."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def _slopes(discriminator: Discriminator, images: Images) -> list[Tensor]:
    """Of each activation at each of its outputs: 1 above zero, the negative slope elsewhere."""
    slopes, features = [], images
    for block in _blocks(discriminator):
        # Not under no_grad: in older versions autocast then keeps copies of the weights that have no gradient.
        features = block(features).detach()
        slopes.append(features.sign().clamp_(min=block.activation.negative_slope))
    return slopes


def _adjoint(discriminator: Discriminator, slopes: list[Tensor], labels: Labels | None) -> Tensor:
    """The gradient of each score by its own image (n, channels, height, width)."""
    height, width = slopes[-1].shape[2:]
    rows = discriminator.to_score.weight.view(1, height, width, -1)
    gradient: Tensor = rows.permute(0, 3, 1, 2)  # 1, 8 width, base
    if discriminator.class_features is not None:
        assert labels is not None, "this discriminator was trained with labels"
        gradient = gradient + discriminator.class_features(labels)[:, :, None, None]
    for block, slope in zip(reversed(_blocks(discriminator)), reversed(slopes), strict=True):
        gradient = transposed(block.convolution, gradient * slope)
    return gradient


def _blocks(discriminator: Discriminator) -> list[DiscriminatorBlock]:
    return [cast(DiscriminatorBlock, block) for block in discriminator.blocks]


def _sum_of_squares(gradient: Tensor) -> Tensor:
    return at_least_float32(gradient).square().sum(dim=(1, 2, 3))


def _refuse_batch_norm(discriminator: nn.Module) -> None:
    if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in discriminator.modules()):
        raise UserError(
            "model.discriminator_norm = true: batch normalisation mixes the images of a batch, and a gradient penalty "
            "is about single ones. Choose model.discriminator_norm=false, or no penalty."
        )
