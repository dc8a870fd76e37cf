"""The tensors that travel have the shapes and types that their names promise."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from dcgan.data.pixels import to_images, to_pixels
from dcgan.randomness import latents
from dcgan.tensors import as_features, as_images, as_labels, as_latents, as_pixels, as_scores
from dcgan.training.penalties import scores_and_penalty

MAPS, ROWS, LINE = torch.zeros(2, 3, 4, 4), torch.zeros(2, 5), torch.zeros(2)
GOOD: dict[str, tuple[Callable[[Tensor], Tensor], Tensor]] = {
    "pixels": (as_pixels, MAPS.to(torch.uint8)),
    "pixels of 16 bits": (as_pixels, MAPS.to(torch.uint16)),
    "images": (as_images, MAPS),
    "images in bf16": (as_images, MAPS.bfloat16()),
    "latents": (as_latents, ROWS),
    "labels": (as_labels, LINE.long()),
    "scores": (partial(as_scores, count=2), LINE),
    "features": (partial(as_features, count=2), ROWS),
}
BAD: dict[str, tuple[Callable[[Tensor], Tensor], Tensor]] = {
    "images for pixels": (as_pixels, MAPS),
    "pixels for images": (as_images, MAPS.to(torch.uint8)),
    "one image without its axis": (as_images, MAPS[0]),
    "latents as maps": (as_latents, ROWS[:, :, None, None]),
    "labels as one-hot rows": (as_labels, ROWS.long()),
    "labels of 32 bits": (as_labels, LINE.int()),
    "scores in a column": (partial(as_scores, count=2), LINE[:, None]),
    "ten logits for scores": (partial(as_scores, count=2), torch.zeros(2, 10)),
    "scores of another batch": (partial(as_scores, count=3), LINE),
    "features of another batch": (partial(as_features, count=3), ROWS),
}


class Logits(nn.Module):
    """A network that gives many numbers for each image."""

    def forward(self, images: Tensor, labels: Tensor | None) -> Tensor:
        return images.flatten(1)


@pytest.mark.parametrize(("check", "tensor"), GOOD.values(), ids=GOOD)
def test_a_tensor_of_the_promised_shape_and_type_passes_unchanged(
    check: Callable[[Tensor], Tensor], tensor: Tensor
) -> None:
    assert check(tensor) is tensor


@pytest.mark.parametrize(("check", "tensor"), BAD.values(), ids=BAD)
def test_a_tensor_of_another_shape_or_type_is_refused(check: Callable[[Tensor], Tensor], tensor: Tensor) -> None:
    with pytest.raises(AssertionError):
        check(tensor)


def test_tensors_are_checked_where_they_are_born() -> None:
    assert latents(0, 2, 5, seed=0).shape == (2, 5)
    with pytest.raises(AssertionError):
        to_images(MAPS[0].to(torch.uint8))
    with pytest.raises(AssertionError):
        to_pixels(MAPS[0])
    with pytest.raises(AssertionError):
        scores_and_penalty(Logits(), MAPS, gamma=None)
