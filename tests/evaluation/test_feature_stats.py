from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from dcgan.commands.data import clear_cache
from dcgan.evaluation import feature_cache
from dcgan.evaluation.feature_cache import Key
from dcgan.evaluation.feature_stats import FeatureStats


def features(count: int = 500, size: int = 12) -> Tensor:
    random = torch.Generator().manual_seed(1)
    return torch.randn(count, size, generator=random) @ torch.randn(size, size, generator=random) + 3


def assert_same(one: FeatureStats, other: FeatureStats) -> None:
    assert one.count == other.count
    torch.testing.assert_close(one.mean, other.mean, rtol=1e-12, atol=0)
    torch.testing.assert_close(one.covariance, other.covariance, rtol=1e-12, atol=1e-12)


def test_mean_and_covariance_are_numpys() -> None:
    stats = FeatureStats.of(features().split(64))
    exact = features().double().numpy()
    np.testing.assert_allclose(stats.mean, exact.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(stats.covariance, np.cov(exact, rowvar=False), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("batch_size", [3, 7, 499])
def test_the_batch_size_does_not_matter(batch_size: int) -> None:
    assert_same(FeatureStats.of(features().split(batch_size)), FeatureStats.of(features()))


def test_empty_batches_change_nothing() -> None:
    whole, empty = features(), torch.empty(0, 12)
    assert_same(FeatureStats.of([empty, whole[:123], empty, whole[123:]]), FeatureStats.of(whole))


def test_a_large_offset_costs_no_digits() -> None:
    """Sums of squares would lose all of them here: 1e8 ** 2 has no room for variances of 1."""
    stats = FeatureStats.of((features().double() + 1e8).split(50))
    torch.testing.assert_close(stats.covariance, FeatureStats.of(features()).covariance, rtol=1e-6, atol=1e-6)


def test_kept_features_come_back_to_the_bit_under_their_key_alone() -> None:
    found, key = features(), Key("f00d", "tiny-1234", "test", 500)
    assert feature_cache.load(key) is None
    feature_cache.save(key, {"features": found})
    kept = feature_cache.load(key)
    assert kept is not None
    assert torch.equal(kept["features"], found)
    others = [("beef", *key_words(key)[1:]), ("f00d", "second-1234", "test", 500), ("f00d", "tiny-1234", "train", 500)]
    for words in [*others, ("f00d", "tiny-1234", "test", 501)]:
        assert feature_cache.load(Key(*words)) is None


def key_words(key: Key) -> tuple[str, str, str, int]:
    return key.fingerprint, key.detector, key.rows, key.num_images


def test_a_torn_file_counts_as_none() -> None:
    key = Key("f00d", "tiny", "test", 500)
    feature_cache.save(key, {"features": features()})
    path: Path = key.path
    whole = path.read_bytes()
    for length in (0, 5, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert feature_cache.load(key) is None


def test_clearing_the_cache_removes_features_and_nothing_else() -> None:
    key = Key("f00d", "tiny", "test", 500)
    feature_cache.save(key, {"features": features()})
    size = key.path.stat().st_size
    others = [key.path.with_name("mine.safetensors"), key.path.with_name("notes.txt")]
    for other in others:
        other.write_bytes(b"kept")
    assert clear_cache() == (1, size)
    assert feature_cache.load(key) is None
    assert all(other.exists() for other in others)
    assert clear_cache() == (0, 0)


@pytest.mark.parametrize("length", range(1, 9))
def test_what_is_kept_begins_where_every_process_finds_it(length: int) -> None:
    key = Key("images", "detector", "rows", length)
    feature_cache.save(key, {"n" * length: features(), "odd": torch.arange(length, dtype=torch.uint8)})
    kept = feature_cache.load(key)
    assert kept is not None
    assert {name: tensor.data_ptr() % 64 for name, tensor in kept.items()} == dict.fromkeys(kept, 0)
    assert torch.equal(kept["n" * length], features())


def test_numbers_that_follow_from_tensors_are_computed_once_for_each_way_and_each_tensor() -> None:
    asked, one, other = [], features(), features() + 1

    def numbers(way: str, *tensors: Tensor) -> list[float]:
        def compute() -> list[float]:
            asked.append(way)
            return [0.1, len(asked)]

        return feature_cache.numbers_of(way, tensors, compute)

    assert [numbers("a", one), numbers("a", one.clone())] == [[0.1, 1.0], [0.1, 1.0]]
    assert numbers("a", one[:-1]) == [0.1, 2.0]
    assert numbers("a", other) == [0.1, 3.0]
    assert numbers("b", one) == [0.1, 4.0]
    assert feature_cache.numbers_of("none", [one], list) == feature_cache.numbers_of("none", [one], list) == []
