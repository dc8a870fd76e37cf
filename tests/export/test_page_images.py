"""What the page draws, in a real browser, held to torch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from browser import browser, drawn, opened
from networks import KINDS, generator

import dcgan
from dcgan.export import packing
from dcgan.export.judge import load_discriminator
from dcgan.export.page import page_export
from dcgan.models.build import build_blank
from dcgan.randomness import latents_of_seeds
from dcgan.runs.generator import TrainedGenerator

__all__ = ["browser"]  # a fixture

SEEDS = [0, 1, 2, 3, 4, 17, 10**18 - 1]


def written(folder: Path, made: TrainedGenerator, **options: Any) -> Path:
    (content,) = page_export(made, "test", **options).files.values()
    path = folder / "page.html"
    path.write_bytes(content)
    return path


def expected(made: TrainedGenerator, seeds: list[int]) -> np.ndarray:
    pixels = made.sample(seeds).permute(0, 2, 3, 1).numpy()
    return (pixels / 257 if pixels.dtype == np.uint16 else pixels).reshape(len(seeds), -1)


PLAIN = ("grey 28x28", "classes, uniform prior", "residual 24x40", "5 channels, 32x32")


@pytest.mark.parametrize(("kind", "way"), [*((kind, "simd") for kind in KINDS), *((kind, "plain") for kind in PLAIN)])
@pytest.mark.promise("The page draws the same images as dcgan sample, within one grey level at full precision.")
def test_the_page_draws_what_torch_draws(browser: Any, tmp_path: Path, kind: str, way: str) -> None:
    made = generator(**KINDS[kind])
    with opened(browser, written(tmp_path, made, encoding="fp32"), f"?way={way}") as page:
        assert page.evaluate("dcgan.way") == way
        assert np.abs(np.array(drawn(page, SEEDS)) - expected(made, SEEDS)).max() <= 1


@pytest.mark.parametrize("kind", ["colour 64x64", "residual, classes"])
@pytest.mark.parametrize("encoding", ["int8", "fp16"])
def test_the_page_draws_what_its_export_was_checked_by(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, encoding: str
) -> None:
    monkeypatch.setattr(packing, "SMALL", 0)  # or so small a network would be all in half precision
    made = generator(**KINDS[kind])
    export = page_export(made, "test", encoding=encoding)
    (tmp_path / "page.html").write_bytes(export.files["page.html"])
    with opened(browser, tmp_path / "page.html") as page:
        seeds = list(range(64))
        levels = np.abs(np.array(drawn(page, seeds)) - expected(made, seeds)).max()
        assert abs(levels - export.difference) <= 1


def test_eight_bits_a_weight_change_no_pixel_of_a_trained_run_by_more_than_five_grey_levels(
    browser: Any, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "SMALL", 0)
    made = dcgan.load(run)
    with opened(browser, written(tmp_path, made)) as page:
        assert np.abs(np.array(drawn(page, SEEDS)) - expected(made, SEEDS)).max() <= 5


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_a_seed_is_the_same_latent_as_in_torch_to_the_last_bits(browser: Any, tmp_path: Path, prior: str) -> None:
    made = generator(prior=prior)
    with opened(browser, written(tmp_path, made)) as page:
        latents = page.evaluate(
            "(seeds) => seeds.map((seed) => [...dcgan.images.ofSeed(BigInt(seed)).latent])", list(map(str, SEEDS))
        )
    np.testing.assert_allclose(latents, latents_of_seeds(SEEDS, 12, prior).numpy(), rtol=1e-6, atol=1e-7)


def test_a_class_can_be_asked_for(browser: Any, tmp_path: Path) -> None:
    made = generator(num_classes=3)
    with opened(browser, written(tmp_path, made, encoding="fp32")) as page:
        given = np.array(drawn(page, [5, 6], label=1))
    wanted = made.sample([5, 6], [1, 1]).permute(0, 2, 3, 1).numpy().reshape(2, -1)
    assert np.abs(given - wanted).max() <= 1


@pytest.mark.parametrize(
    "settings",
    [{}, {"model.discriminator_norm": False, "model.spectral_norm": True}],
    ids=["normalised", "spectral"],
)
@pytest.mark.parametrize("kind", ["colour 64x64", "classes, uniform prior", "residual 24x40", "residual, classes"])
def test_the_page_scores_as_the_discriminator_does_and_its_heat_map_sums_to_the_score(
    browser: Any, tmp_path: Path, kind: str, settings: dict[str, Any]
) -> None:
    made = generator(**KINDS[kind])
    if made.config.model.family == "residual":
        settings = {}
    config = made.config.asked(settings)
    judge = build_blank(config.model, config.data.height, config.data.width)[1].eval()
    source = torch.Generator().manual_seed(3)
    for parameter in judge.parameters():
        parameter.data = torch.randn(parameter.shape, generator=source) * 0.3
    labels = made.labels(SEEDS)
    with torch.inference_mode():
        scores = judge(made.generator(made.latents(SEEDS), labels).clamp(-1, 1), labels).numpy()
    with opened(browser, written(tmp_path, made, encoding="fp32", discriminator=judge)) as page:
        given = page.evaluate(
            """(seeds) => Promise.all(seeds.map(async (seed) => {
              const { score, heat } = await dcgan.painter.paint(dcgan.images.ofSeed(BigInt(seed)), "test");
              return [score, heat.reduce((sum, value) => sum + value, 0) + dcgan.model.scoreBias];
            }))""",
            list(map(str, SEEDS)),
        )
    np.testing.assert_allclose(np.array(given), np.stack([scores, scores], axis=1), rtol=1e-3, atol=1e-3)


def test_the_discriminator_of_a_run_comes_from_its_checkpoint(run: Path) -> None:
    made = dcgan.load(run)
    judge = load_discriminator(made)
    assert judge(torch.zeros(2, 3, 16, 16)).shape == (2,)
