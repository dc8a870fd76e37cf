"""Detectors: the same features whatever the batch, a form of images for each name, refusals in words."""

import hashlib
import io
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from dcgan.data.sources.critters import draw
from dcgan.errors import UserError
from dcgan.evaluation.detectors import shipped
from dcgan.evaluation.detectors.by_name import detector, protocol
from dcgan.evaluation.feature_stats import FeatureStats
from dcgan.evaluation.measures.distances import frechet_distance

NAMES = ("tiny", "second")


@cache
def creatures(count: int, size: int = 32) -> torch.Tensor:
    rows = np.stack([draw(index, size, size)[..., :3] for index in range(count)])
    return torch.from_numpy(rows).permute(0, 3, 1, 2).contiguous()


@pytest.mark.parametrize("name", NAMES)
def test_features_do_not_depend_on_the_batch(name: str) -> None:
    pixels = creatures(70)
    together = detector(name)(pixels)
    for part in (slice(0, 1), slice(69, 70), slice(3, 68)):
        torch.testing.assert_close(detector(name)(pixels[part]), together[part], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_features_of_other_images_differ(name: str) -> None:
    features = detector(name)(creatures(8))
    distances = torch.cdist(features, features) + torch.eye(8)
    assert distances.min() > 1e-2


@pytest.mark.parametrize("name", NAMES)
def test_a_full_covariance_needs_few_samples(name: str) -> None:
    features = detector(name)(creatures(2))
    assert features.dtype == torch.float32 and features.shape[0] == 2 and 128 <= features.shape[1] <= 256


@pytest.mark.parametrize("name", NAMES)
def test_grey_is_three_equal_channels(name: str) -> None:
    grey = creatures(3)[:, :1]
    assert torch.equal(detector(name)(grey), detector(name)(grey.expand(-1, 3, -1, -1)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(16, 16), (28, 28), (100, 60), (256, 256)])
def test_every_size_and_shape_is_read(name: str, size: tuple[int, int]) -> None:
    pixels = torch.arange(3 * size[0] * size[1]).reshape(1, 3, *size).remainder(251).to(torch.uint8)
    assert detector(name)(pixels).isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_a_size_changes_little(name: str) -> None:
    small, large = (detector(name)(creatures(32, size)) for size in (48, 96))
    assert (small - large).norm(dim=1).median() < 0.5 * torch.pdist(small).median()


def test_channels_are_seen_one_by_one_when_the_name_says_so() -> None:
    four = torch.cat([creatures(2), 255 - creatures(2)[:, :1]], dim=1)
    features = detector("second-4ch")(four)
    single = [detector("second")(four[:, channel : channel + 1]) for channel in range(4)]
    assert torch.equal(features, torch.cat(single, dim=1))


def test_sixteen_bits_are_brought_to_eight_when_the_name_says_so() -> None:
    pixels = creatures(2)
    deep = (pixels.to(torch.int32) * 257).to(torch.uint16)
    assert torch.equal(detector("second-16bit")(deep), detector("second")(pixels))


def test_each_protocol_has_a_name_and_a_digest_of_its_own() -> None:
    names = ["second", "second-2ch", "second-4ch", "second-16bit", "second-4ch-16bit"]
    assert [detector(name).name for name in names] == names
    assert len({detector(name).digest for name in names}) == len(names)
    assert detector("second").digest == detector("second").digest


def test_the_form_of_the_images_gives_the_protocol() -> None:
    assert protocol("second", 3, torch.uint8) == protocol("second", 1, torch.uint8) == "second"
    assert protocol("second", 4, torch.uint16) == "second-4ch-16bit"


@pytest.mark.parametrize(
    ("name", "pixels", "words"),
    [
        ("second", torch.zeros(1, 4, 32, 32, dtype=torch.uint8), "Take --detector second-4ch"),
        ("second", torch.zeros(1, 3, 32, 32, dtype=torch.uint16), "Take --detector second-16bit"),
        ("second", torch.zeros(1, 3, 4, 32, dtype=torch.uint8), "32x4 images"),
        ("second-4ch", torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "have 3 channels, not 4"),
        ("second-16bit", torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "8 bits, not 16"),
    ],
)
def test_another_form_is_refused_in_words(name: str, pixels: torch.Tensor, words: str) -> None:
    with pytest.raises(UserError, match=words):
        detector(name)(pixels)


@pytest.mark.parametrize("name", ["first", "second-", "second-16bit-4ch", "tiny-0ch", "inception", ""])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="no such detector"):
        detector(name)


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    name = f"own_{request.node.name.split('[')[0]}"
    (tmp_path / f"{name}.py").write_text(
        "def means(pixels):\n    return pixels.float().mean((2, 3))\n\ndef wrong(pixels):\n    return pixels\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_your_own_function_is_a_detector(own_module: str) -> None:
    own = detector(f"{own_module}:means")
    pixels = creatures(70)
    torch.testing.assert_close(own(pixels), pixels.float().mean((2, 3)))
    assert own.name == f"{own_module}:means" and len(own.digest) == 64


def test_a_function_that_gives_no_features_is_refused(own_module: str) -> None:
    with pytest.raises(UserError, match="Expected 2 rows of finite numbers"):
        detector(f"{own_module}:wrong")(creatures(2))


def test_a_function_that_is_not_there_is_refused(own_module: str) -> None:
    with pytest.raises(UserError, match="has no function nothing"):
        detector(f"{own_module}:nothing")
    with pytest.raises(UserError, match="PYTHONPATH"):
        detector("no_such_module_of_mine:function")


@pytest.mark.parametrize("name", shipped.SHA256)
def test_the_shipped_weights_are_small_and_those_that_were_measured(name: str) -> None:
    content = (files("dcgan.evaluation.detectors") / "weights" / f"{name}.safetensors").read_bytes()
    assert hashlib.sha256(content).hexdigest() == shipped.SHA256[name]
    assert len(content) <= 2_000_000


def test_damaged_weights_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(shipped.SHA256, "tiny", "0" * 64)
    with pytest.raises(AssertionError, match="damaged"):
        detector("tiny")


def blurred(image: Image.Image, strength: int) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(0.01 * strength * image.width))


def compressed(image: Image.Image, strength: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=(80, 40, 20, 8)[strength - 1])
    return Image.open(buffer)


def noisy(image: Image.Image, strength: int) -> Image.Image:
    pixels = np.asarray(image)
    added = np.random.default_rng(pixels.sum()).normal(0, 10 * strength, pixels.shape)
    return Image.fromarray((pixels + added).round().clip(0, 255).astype(np.uint8))


def tinted(image: Image.Image, strength: int) -> Image.Image:
    return Image.blend(image, Image.new("RGB", image.size, (0, 0, 255)), 0.08 * strength)


@pytest.mark.parametrize("damage", [blurred, compressed, noisy, tinted])
@pytest.mark.parametrize("name", NAMES)
def test_the_more_damage_the_larger_the_distance(name: str, damage: Callable[[Image.Image, int], Image.Image]) -> None:
    one = detector(name)
    pixels = creatures(400, 48)
    real, others = FeatureStats.of(one(pixels[:200])), pixels[200:]
    distances = [frechet_distance(FeatureStats.of(one(others)), real)]
    for strength in (1, 2, 3, 4):
        pictures = [damage(Image.fromarray(row), strength) for row in others.permute(0, 2, 3, 1).numpy()]
        damaged = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2)
        distances.append(frechet_distance(FeatureStats.of(one(damaged)), real))
    assert distances == sorted(distances)


@pytest.mark.parametrize("name", NAMES)
def test_the_fewer_kinds_are_left_the_larger_the_distance(name: str) -> None:
    one = detector(name)
    features = one(creatures(800, 32))
    kinds = torch.arange(800) % 8
    real = FeatureStats.of(features[:400])
    rest, rest_kinds = features[400:], kinds[400:]
    distances = [frechet_distance(FeatureStats.of(rest[rest_kinds < kept][:50]), real) for kept in (8, 6, 4, 2, 1)]
    assert distances == sorted(distances)
