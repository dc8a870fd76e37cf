"""On a torus, moving what goes into a layer moves what comes out of it, around the border too."""

import numpy as np
import pytest
import torch
from networks import generator

from dcgan.export.seamless import seam, seamless


@pytest.mark.parametrize("family", ["dcgan", "residual"])
def test_features_that_are_moved_around_move_the_image_around(family: str) -> None:
    network = seamless(generator(family=family)).generator
    rest = (lambda x: network.to_image(network.blocks[1:](x))) if family == "dcgan" else None

    def draw(features: torch.Tensor) -> torch.Tensor:
        if rest is not None:
            return rest(features)
        for block in network.blocks:
            features = block(network.enlarge(features))
        return network.to_image(torch.nn.functional.leaky_relu(features, 0.2))

    channels = 8 if family == "dcgan" else 16
    features = torch.randn(1, channels, 4, 4, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        moved, whole = draw(features.roll((1, 2), (2, 3))), draw(features)
        scale = whole.shape[-1] // 4
        torch.testing.assert_close(moved, whole.roll((scale, 2 * scale), (2, 3)), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("family", ["dcgan", "residual"])
def test_the_middle_of_an_image_stays_nearly_as_it_was_and_its_border_changes(family: str) -> None:
    trained = generator(family=family, height=64, width=64)
    before, after = (each.sample(range(4)).float() for each in (trained, seamless(trained)))
    change = (before - after).abs().mean(dim=(0, 1))
    assert change[0].mean() > 2 * change[28:36, 28:36].mean()


def test_a_seam_of_noise_is_one_and_that_of_a_ramp_is_its_length() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3))
    assert seam(noise) == pytest.approx(1, abs=0.02)
    ramp = np.broadcast_to(np.arange(16)[None, :, None, None], (1, 16, 16, 1))
    assert seam(ramp) == pytest.approx(15)
    assert seam(np.zeros((1, 4, 4, 1))) == 0
