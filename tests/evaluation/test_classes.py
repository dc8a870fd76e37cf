import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from torch import Tensor

from dcgan.evaluation.feature_stats import FeatureStats
from dcgan.evaluation.measures.classes import (
    agreement,
    class_distances,
    class_shares,
    confusion,
    fit_probe,
    spreads_within,
)
from dcgan.evaluation.measures.distances import frechet_distance, kernel_distance
from dcgan.evaluation.measures.diversity import class_diversity, diversity

CENTRES = 4 * torch.eye(3, 8)


def draw(labels: Tensor, seed: int, *, noise: float = 1.0) -> Tensor:
    return CENTRES[labels] + noise * torch.randn(len(labels), 8, generator=torch.Generator().manual_seed(seed))


def balanced(count: int) -> Tensor:
    return torch.arange(count) % 3


def test_the_probe_is_scikit_learns_ridge_classifier() -> None:
    labels = balanced(300)
    features = draw(labels, 1, noise=2.5) + 7
    probe = fit_probe(features, labels, 3)
    centred = features.double() - features.double().mean(dim=0)
    ridge = 1e-3 * float(centred.square().sum()) / 8
    other = RidgeClassifier(alpha=ridge).fit(features.double().numpy(), labels.numpy())
    np.testing.assert_allclose(probe.weight.T, other.coef_, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(probe.bias, other.intercept_, rtol=1e-8)
    fresh = draw(labels, 2, noise=2.5) + 7
    assert probe(fresh).tolist() == other.predict(fresh.double().numpy()).tolist()


def test_a_probe_can_be_fitted_to_fewer_images_than_features() -> None:
    labels = balanced(6)
    assert fit_probe(draw(labels, 1), labels, 3)(draw(labels, 1)).tolist() == labels.tolist()
    assert fit_probe(torch.ones(6, 8), labels, 3).weight.isfinite().all()


def test_agreement_on_real_images_is_their_accuracy_and_on_swapped_classes_none() -> None:
    probe = fit_probe(draw(balanced(600), 1), balanced(600), 3)
    asked, labels = balanced(300), balanced(300)
    good = agreement(probe, draw(asked, 2), asked, draw(labels, 3), labels, num_classes=3)
    assert good.samples > 0.97
    assert good.reals > 0.97
    assert good.reals == pytest.approx(sum(good.reals_by_class) / 3)
    swapped = agreement(probe, draw((asked + 1) % 3, 2), asked, draw(labels, 3), labels, num_classes=3)
    assert swapped.samples < 0.03
    assert swapped.reals == good.reals
    blind = agreement(
        probe, draw(torch.zeros(300, dtype=torch.int64), 2), asked, draw(labels, 3), labels, num_classes=3
    )
    assert blind.by_class[0] > 0.97
    assert blind.by_class[1] < 0.03
    assert blind.samples == pytest.approx(1 / 3, abs=0.03)


def test_a_class_that_is_not_asked_for_has_no_agreement() -> None:
    probe, labels = fit_probe(draw(balanced(60), 1), balanced(60), 3), balanced(60)
    found = agreement(probe, draw(labels % 2, 2), labels % 2, draw(labels, 3), labels, num_classes=3)
    assert math.isnan(found.by_class[2])


def test_a_forgotten_class_is_named() -> None:
    probe, reals = fit_probe(draw(balanced(600), 1), balanced(600), 3), draw(balanced(3000), 3)
    whole = class_shares(probe, draw(balanced(3000), 2), reals, 3)
    assert whole.missing == ()
    assert whole.divergence < 0.01
    half = class_shares(probe, draw(balanced(3000) % 2, 2), reals, 3)
    assert half.missing == (2,)
    assert half.samples[0] > 0.6
    assert half.divergence == pytest.approx(2 / 3 * math.log(2) + 1 / 3 * math.log(1), abs=0.05)
    assert half.reals == pytest.approx((1 / 3,) * 3, abs=0.02)


def test_the_distance_of_a_class_is_that_of_its_images_alone() -> None:
    labels, reference_labels = torch.tensor([0] * 50 + [1] * 40 + [2] * 3), balanced(90)
    samples, reference = draw(labels, 1, noise=1.5), draw(reference_labels, 2)
    found = class_distances(samples, labels, reference, reference_labels)
    assert [(each.label, each.num_samples, each.num_reference) for each in found] == [(0, 50, 30), (1, 40, 30)]
    ours, theirs = samples[50:90], reference[reference_labels == 1]
    assert found[1].frechet == frechet_distance(FeatureStats.of(ours), FeatureStats.of(theirs))
    assert found[1].kernel == kernel_distance(ours, theirs)


def test_swapped_classes_are_seen_by_class_and_by_no_distance_of_the_whole() -> None:
    labels = balanced(600)
    samples, reference = draw(labels, 1), draw(labels, 2)
    whole = frechet_distance(FeatureStats.of(samples), FeatureStats.of(reference))
    swapped = class_distances(samples, (labels + 1) % 3, reference, labels)
    right = class_distances(samples, labels, reference, labels)
    assert min(each.frechet for each in swapped) > 20 * max(whole, *(each.frechet for each in right))


def test_diversity_is_one_for_real_images_and_shrinks_with_the_samples() -> None:
    reals = draw(balanced(400), 1)
    assert diversity(draw(balanced(400), 2), reals) == pytest.approx(1, abs=0.05)
    assert diversity(0.25 * reals + 100, reals) == pytest.approx(0.25, rel=1e-4)
    assert diversity(reals[:1].expand(400, 8), reals) == 0


def test_one_image_of_each_class_over_and_over_is_seen_within_classes_alone() -> None:
    labels = balanced(400)
    reals = draw(labels, 1)
    alike = torch.stack([reals[labels == label].mean(dim=0) for label in range(3)])[labels]
    assert diversity(alike, reals) > 0.6
    assert class_diversity(alike, labels, reals, labels) == 0
    assert class_diversity(draw(labels, 2), labels, reals, labels) == pytest.approx(1, abs=0.05)
    halved = alike + 0.5 * (draw(labels, 2) - alike)
    assert class_diversity(halved, labels, reals, labels) == pytest.approx(0.5, abs=0.03)
    assert class_diversity(reals[:3], torch.arange(3), reals, labels) is None, "one of each says nothing"
    assert class_diversity(reals, labels, alike, labels) is None, "nothing real differs within its class"


def test_the_share_of_a_class_is_0_for_its_real_images_and_1_for_those_of_the_others() -> None:
    labels = balanced(900)
    reference = draw(labels, 1)
    own = class_distances(draw(labels, 2), labels, reference, labels)
    swapped = class_distances(draw((labels + 1) % 3, 2), labels, reference, labels)
    shares = [[one.share.value for one in found if one.share] for found in (own, swapped)]
    assert all(abs(share) < 0.02 for share in shares[0])
    assert all(0.8 < share < 3 for share in shares[1]), "one other class lies as far as both others, roughly"


def test_a_special_class_stands_out_less_in_share_than_in_distance() -> None:
    centres = CENTRES.clone()
    centres[2] *= 3  # like no other
    labels = balanced(900)
    noise = [torch.randn(900, 8, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2)]
    reference, samples = centres[labels] + noise[0], centres.mean(dim=0) + noise[1]  # the same whatever is asked for
    found = class_distances(samples, labels, reference, labels)
    kernels, shares = [one.kernel.value for one in found], [one.share.value for one in found if one.share]
    assert kernels[2] / max(kernels[:2]) > 3 * shares[2] / max(shares[:2])
    assert shares[2] < 1, "no farther than images of the other classes"


def test_the_confusion_of_a_class_is_a_share_of_its_images() -> None:
    labels = balanced(600)
    probe = fit_probe(draw(labels, 1), labels, 3)
    asked = torch.zeros(300, dtype=torch.int64)
    seen = confusion(probe, draw(balanced(300), 2), asked, 3)
    np.testing.assert_allclose(seen[0], [1 / 3] * 3, atol=0.02)
    assert seen[1:].isnan().all()


def test_the_spread_within_a_class_is_the_trace_of_its_covariance() -> None:
    labels = balanced(3000)
    features = draw(labels, 4, noise=2.0)
    own = features[labels == 1].double().numpy()
    found = spreads_within(features, labels, 4)
    assert found[1] == pytest.approx(np.trace(np.cov(own.T, bias=True)), rel=1e-9)
    assert found[1] == pytest.approx(8 * 4, rel=0.1) and math.isnan(found[3])
