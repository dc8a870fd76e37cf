import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dcgan.randomness import Prior, balanced_latents, latents, latents_of_seeds, permutation, slerp, words


@given(first=st.integers(0, 10**12), split=st.integers(1, 19))
def test_an_image_has_the_same_latent_in_any_batch(first: int, split: int) -> None:
    whole = latents(first, 20, 10, seed=3)
    parts = [latents(first, split, 10, seed=3), latents(first + split, 20 - split, 10, seed=3)]
    assert torch.equal(whole, torch.cat(parts))


def test_streams_seeds_and_attempts_are_independent() -> None:
    draws = [
        latents(0, 4, 100, seed=0),
        latents(0, 4, 100, seed=1),
        latents(0, 4, 100, seed=0, attempt=1),
        latents(0, 4, 100, seed=0, stream="other"),
    ]
    for one in range(4):
        for other in range(one):
            correlation = np.corrcoef(draws[one].flatten(), draws[other].flatten())[0, 1]
            assert abs(correlation) < 0.2


def test_normal_latents_are_standard_normal() -> None:
    draw = latents(0, 5_000, 101, seed=0).double()
    assert draw.mean().item() == pytest.approx(0, abs=0.01)
    assert draw.std().item() == pytest.approx(1, abs=0.01)
    assert (draw**4).mean().item() == pytest.approx(3, abs=0.05)
    assert abs(np.corrcoef(draw.T)[np.triu_indices(101, 1)]).max() < 0.08


def test_uniform_latents_fill_minus_one_to_one() -> None:
    draw = latents(0, 1_000, 100, seed=0, prior="uniform").double()
    assert -1 < draw.min() < -0.999
    assert 0.999 < draw.max() < 1
    assert draw.var().item() == pytest.approx(1 / 3, abs=0.005)


@pytest.mark.parametrize(("prior", "variance"), [("normal", 1.0), ("uniform", 1 / 3)])
def test_balanced_latents_average_linear_and_quadratic_functions_as_all_latents_would(
    prior: Prior, variance: float
) -> None:
    balanced = balanced_latents(64, 10, seed=1, stream="statistics", prior=prior).double()
    matrix = torch.arange(100, dtype=torch.float64).reshape(10, 10)
    assert balanced.shape == (64, 10)
    torch.testing.assert_close((balanced @ matrix).mean(dim=0), torch.zeros(10, dtype=torch.float64))
    quadratic = torch.einsum("ni,ij,nj->n", balanced, matrix, balanced).mean()
    torch.testing.assert_close(quadratic, variance * matrix.trace(), rtol=1e-5, atol=0)


def test_balanced_latents_are_near_those_of_the_stream() -> None:
    drawn = latents(0, 200, 10, seed=1, stream="statistics")
    assert (balanced_latents(400, 10, seed=1, stream="statistics")[:200] - drawn).abs().max() < 0.5


@pytest.mark.parametrize("count", [7, 8])
def test_too_few_latents_to_be_uncorrelated_are_mirrored(count: int) -> None:
    drawn = latents(0, 4, 10, seed=1, stream="statistics")
    balanced = balanced_latents(count, 10, seed=1, stream="statistics")
    assert torch.equal(balanced, torch.cat([drawn, -drawn])[:count])


def test_a_seed_is_the_same_latent_whatever_its_neighbours() -> None:
    assert torch.equal(latents_of_seeds([5, 9, 2**60], 100)[1], latents_of_seeds([9], 100)[0])
    assert latents_of_seeds([], 100).shape == (0, 100)


def test_words_are_philox_and_will_always_be() -> None:
    """Frozen: a change would make every seed another image."""
    assert words("latents", 0, 4, seed=0).tolist() == WORDS


WORDS = [17738452674698555810, 9280504397821448466, 15270532033794218320, 13608595907291429337]


@given(count=st.integers(0, 300), seed=st.integers(0, 9))
def test_a_permutation_holds_everything_once(count: int, seed: int) -> None:
    assert sorted(permutation(count, "order/0", seed=seed)) == list(range(count))


def test_slerp_keeps_the_length_and_meets_both_ends() -> None:
    start, end = torch.nn.functional.normalize(latents(0, 2, 50, seed=0)).split(1)
    for share in (0.0, 0.25, 0.5, 1.0):
        assert slerp(start, end, share).norm().item() == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(slerp(start, end, 0.0), start)
    torch.testing.assert_close(slerp(start, end, 1.0), end)
    torch.testing.assert_close(slerp(start, start, 0.5), start)
