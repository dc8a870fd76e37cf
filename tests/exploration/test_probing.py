"""Probing: features of a discriminator against an implementation written out by hand, the classifier against theirs."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.data.pixels import to_images
from dcgan.exploration import probing
from dcgan.exploration.features import BATCH, features_of, frozen
from dcgan.exploration.probing import Part, drawn, probe
from dcgan.models.build import build
from dcgan.settings.recipes import recipe


def pixels_like(count: int, size: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (count, 3, size, size), dtype=np.uint8))


def by_hand(state: dict[str, Tensor], images: Tensor, batches: list[Tensor]) -> Tensor:
    """The 2015 code's arithmetic in float64: batch statistics, averaged over batches, then frozen; maps pooled."""

    def run(images: Tensor, statistics: list[tuple[Tensor, Tensor]] | None) -> tuple[list[Tensor], list[tuple]]:
        maps, seen, hidden = [], [], images
        for layer in range(3):
            hidden = F.conv2d(hidden, state[f"blocks.{layer}.convolution.weight"], stride=2, padding=1)
            if layer:
                means, variances = hidden.mean(dim=(0, 2, 3)), hidden.var(dim=(0, 2, 3), correction=0)
                seen.append((means, variances))
                mean, variance = (means, variances) if statistics is None else statistics[layer - 1]
                shape = (1, -1, 1, 1)
                gain, bias = (state[f"blocks.{layer}.norm.{name}"].reshape(shape) for name in ("weight", "bias"))
                hidden = (hidden - mean.reshape(shape)) / (variance.reshape(shape) + 1e-5).sqrt() * gain + bias
            hidden = torch.where(hidden > 0, hidden, 0.2 * hidden)
            maps.append(hidden)
        return maps, seen

    of_batches = [run(batch, None)[1] for batch in batches]
    statistics = [
        tuple(torch.stack([seen[layer][which] for seen in of_batches]).mean(dim=0) for which in (0, 1))
        for layer in range(2)
    ]
    pooled = [F.max_pool2d(maps, maps.shape[2] // 4).flatten(1) for maps in run(images, statistics)[0]]
    return torch.cat(pooled, dim=1)


def test_the_features_are_those_of_the_2015_code_written_out_by_hand() -> None:
    model = replace(recipe("radford2015").model, image_channels=3, discriminator_width=8, num_classes=0)
    discriminator = build(model, 32, 32, seed=3)[1]
    with torch.no_grad():
        for name, parameter in discriminator.named_parameters():
            parameter.mul_(10 if name.endswith("convolution.weight") else 1)
    training = pixels_like(2 * BATCH, 32)
    found = features_of(frozen(discriminator, training), training[:20])
    state = {name: tensor.double() for name, tensor in discriminator.state_dict().items()}
    batches = [to_images(part).double() for part in training.split(BATCH)]
    expected = by_hand(state, to_images(training[:20]).double(), batches)
    assert found.shape == (20, (8 + 16 + 32) * 16)
    # torch's statistics divide by one image place less, of 2,048 at least: 2.5e-4 of a standard deviation.
    assert torch.allclose(found.double(), expected, rtol=5e-4, atol=5e-4)


@pytest.mark.parametrize("family", ["dcgan", "residual"])
@pytest.mark.parametrize(("classes", "size"), [(0, 16), (3, 28)])
def test_every_discriminator_has_features_of_each_image_by_itself(family: str, classes: int, size: int) -> None:
    model = replace(recipe("modern").model, family=family, image_channels=3, discriminator_width=8, num_classes=classes)
    maps = frozen(build(model, size, size, seed=1)[1], pixels_like(10, size))
    pixels = pixels_like(6, size, seed=1)
    assert torch.allclose(features_of(maps, pixels)[2:3], features_of(maps, pixels[2:3]), atol=1e-5)


def blobs(count: int, numbers: int, seed: int, distance: float = 1.0, classes: int = 3) -> Part:
    """Classes whose features differ in their mean."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    features = rng.normal(size=(count, numbers)) + distance * np.eye(classes, numbers)[labels]
    return Part(features.astype(np.float32), labels)


def test_rotated_features_give_the_classifier_that_the_features_themselves_give() -> None:
    part = blobs(60, 200, 0)
    weights, offsets, _ = probing._fitted(probing._spanned(part.features), part.labels, 1e-3)
    theirs = probing.linear_svc()(C=1e-3, dual=True, random_state=0).fit(part.features.astype(float), part.labels)
    assert np.allclose(weights, theirs.coef_, atol=1e-6)
    assert np.allclose(offsets, theirs.intercept_, atol=1e-6)


def test_equal_images_do_not_break_the_rotation() -> None:
    part = blobs(20, 200, 0)
    doubled = Part(np.concatenate([part.features, part.features]), np.concatenate([part.labels, part.labels]))
    assert np.isfinite(probing._fitted(probing._spanned(doubled.features), doubled.labels, 1e-3)[0]).all()


@pytest.mark.parametrize("classes", [2, 3])
def test_classes_far_apart_are_told_apart_and_equal_ones_by_chance(classes: int) -> None:
    def probed(distance: float) -> probing.Accuracy:
        parts = [blobs(600, 30, seed, distance, classes) for seed in range(3)]
        return probe(*parts, labels=60, draws=4)

    assert probed(100.0).mean == 1.0
    chance = probed(0.0)
    assert abs(chance.mean - 1 / classes) < 0.08
    assert len(chance.shares) == 4
    assert chance.spread == pytest.approx(1.96 * np.std(chance.shares))


def test_the_size_of_features_changes_nothing() -> None:
    def probed(size: float) -> probing.Accuracy:
        parts = [blobs(300, 30, seed) for seed in range(3)]
        return probe(*(Part(part.features * np.float32(size), part.labels) for part in parts), labels=30, draws=3)

    assert probed(1.0) == probed(1024.0)


def test_each_draw_has_as_many_of_each_class_and_differs_from_the_others() -> None:
    labels = np.repeat([0, 1, 2], [20, 50, 30])
    draws = list(drawn(labels, 31, "labels", 3))
    for rows in draws:
        assert np.bincount(labels[rows]).tolist() == [10, 10, 10]
        assert len(set(rows.tolist())) == 30
    assert len({tuple(rows.tolist()) for rows in draws}) == 3
