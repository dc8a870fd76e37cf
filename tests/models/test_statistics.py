import copy

import pytest
import torch
from torch import nn

from dcgan.models.dcgan import Generator
from dcgan.models.statistics import reestimated


def generator() -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Generator((4, 4), 2, width=4, latent_size=8).eval()


def batches(count: int = 3, size: int = 6) -> list[tuple[torch.Tensor, None]]:
    noise = torch.Generator().manual_seed(1)
    return [(torch.randn(size, 8, generator=noise), None) for _ in range(count)]


def test_statistics_are_the_means_over_the_batches() -> None:
    trained, drawn = generator(), batches()
    first = trained.blocks[0]
    outputs = [first.product(noise).unflatten(1, first.shape) for noise, _ in drawn]  # n, h, w, c
    norm = reestimated(trained, drawn).blocks[0].norm
    means = torch.stack([output.mean(dim=(0, 1, 2)) for output in outputs])
    variances = torch.stack([output.var(dim=(0, 1, 2)) for output in outputs])
    torch.testing.assert_close(norm.running_mean, means.mean(dim=0))
    torch.testing.assert_close(norm.running_var, variances.mean(dim=0))


def test_one_batch_is_then_drawn_as_in_training() -> None:
    trained, drawn = generator(), batches(1, 64)
    expected = copy.deepcopy(trained).train()(*drawn[0])
    torch.testing.assert_close(reestimated(trained, drawn)(*drawn[0]), expected, rtol=0, atol=0.01)


def test_the_generator_itself_stays_as_it_was() -> None:
    trained = generator()
    before = {name: tensor.clone() for name, tensor in trained.state_dict().items()}
    anew = reestimated(trained, batches())
    assert all(torch.equal(before[name], tensor) for name, tensor in trained.state_dict().items())
    assert not trained.training and not anew.training
    momenta = [module.momentum for module in anew.modules() if isinstance(module, nn.BatchNorm2d)]
    assert momenta == [0.1, 0.1]


def test_without_batches_there_is_nothing_to_estimate_from() -> None:
    with pytest.raises(AssertionError, match="no batches"):
        reestimated(generator(), [])
