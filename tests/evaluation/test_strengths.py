import pytest
import torch
from torch import Tensor

from dcgan.evaluation.measures.contrast import contrast as contrast_of
from dcgan.evaluation.measures.contrast import strengths


def contrast(samples: Tensor, reals: Tensor) -> float:
    return contrast_of(strengths(samples), strengths(reals))


def pictures(channels: int = 3) -> Tensor:
    return torch.randint(0, 256, (150, channels, 8, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_it_is_the_share_of_the_standard_deviation() -> None:
    images = pictures(1).double()
    half = 30 + images / 2
    assert contrast(images, images) == 1
    assert contrast(half, images) == pytest.approx(0.5)
    assert contrast(half, images) == pytest.approx(float(half.std() / images.std()))
    assert contrast(images.mean() + 0 * images, images) == 0


def test_colours_count_where_they_are_weaker_than_brightness() -> None:
    images = pictures().double()
    grey = images.mean(dim=1, keepdim=True)
    faded = grey + 0.3 * (images - grey)
    assert contrast(faded, images) == pytest.approx(0.3)
    assert contrast(images, faded) == 1, "stronger colours are no lack of contrast"
    assert contrast(grey.expand_as(images), images) == pytest.approx(0, abs=1e-9)


def test_what_real_images_have_not_nobody_misses() -> None:
    grey = pictures(1).expand(-1, 3, -1, -1)
    assert contrast(pictures(), grey) == pytest.approx(
        float(pictures().double().mean(1).std() / pictures(1).double().std()), rel=1e-3
    )
    assert contrast(pictures(), torch.zeros_like(pictures())) == 1
