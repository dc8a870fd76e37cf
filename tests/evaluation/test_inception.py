"""Inception: counts against published ones, its weights' file against damage, the converter against a plain layer."""

import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch.nn import functional as F

from dcgan.errors import UserError
from dcgan.evaluation.detectors.by_name import detector
from dcgan.evaluation.detectors.inception import Inception, tensors_hash
from detectors import convert_inception


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = Inception()
    path = tmp_path_factory.mktemp("inception") / "random.safetensors"
    safetensors.torch.save_file(network.state_dict(), path, {"tensors_sha256": tensors_hash(network)})
    return path


def test_it_has_the_published_number_of_parameters() -> None:
    """Keras states 21,768,352 trainable ones for its Inception v3 without the classifier: weights and biases."""
    with torch.device("meta"):
        network = Inception()
    assert sum(parameter.numel() for parameter in network.parameters()) == 21_768_352
    assert len(list(network.parameters())) == 2 * len(convert_inception.NAMES) == 2 * 94


def test_features_are_2048_and_do_not_depend_on_the_channels_form(weights: Path) -> None:
    network = Inception().eval()
    network.load_state_dict(safetensors.torch.load_file(weights))
    images = torch.rand(1, 3, 40, 28) * 2 - 1
    with torch.inference_mode():
        features = network(images)
        large = F.interpolate(images, size=(299, 299), mode="bilinear", align_corners=False, antialias=False)
        assert features.shape == (1, 2048) and features.min() >= 0
        torch.testing.assert_close(network(large), features)


def test_it_is_called_inception_and_knows_its_weights(weights: Path) -> None:
    one = detector(f"inception:{weights}")
    assert (one.name, one.resize) == ("inception", "299x299 bilinear without antialiasing")
    with pytest.raises(UserError, match="Take --detector tiny-16bit"):
        one(torch.zeros(1, 3, 32, 32, dtype=torch.uint16))


def test_changed_weights_are_refused(weights: Path, tmp_path: Path) -> None:
    tensors = safetensors.torch.load_file(weights)
    with safetensors.safe_open(weights, framework="pt") as file:
        metadata = file.metadata()
    tensors["layers.0.convolution.bias"][0] += 1
    safetensors.torch.save_file(tensors, tmp_path / "changed.safetensors", metadata)
    with pytest.raises(UserError, match="do not have the hash"):
        detector(f"inception:{tmp_path / 'changed.safetensors'}")


@pytest.mark.parametrize("content", [b"", b"not safetensors", safetensors.torch.save({"some": torch.zeros(2)})])
def test_another_file_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"not the weights of Inception.*convert_inception.py"):
        detector(f"inception:{path}")


def test_a_missing_file_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not the weights of Inception"):
        detector(f"inception:{tmp_path / 'none.safetensors'}")


def test_folding_is_convolution_then_normalisation() -> None:
    generator = torch.Generator().manual_seed(1)
    published = {}
    with torch.device("meta"):
        shapes = [tensor.shape for tensor in Inception().parameters() if tensor.ndim == 4]
    for name, shape in zip(convert_inception.NAMES, shapes, strict=True):
        published[f"{name}.conv.weight"] = torch.zeros(shape)
        for part in ("bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"):
            published[f"{name}.{part}"] = torch.rand(shape[0], generator=generator) + 0.5
    first = convert_inception.NAMES[0]
    published[f"{first}.conv.weight"] = torch.randn(32, 3, 3, 3, generator=generator)
    images = torch.randn(2, 3, 9, 9, generator=generator)
    plain = F.batch_norm(
        F.conv2d(images, published[f"{first}.conv.weight"], stride=2),
        *(published[f"{first}.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias")),
        eps=0.001,
    )
    folded = convert_inception.fold(published).layers[0](images)
    torch.testing.assert_close(folded, F.relu(plain), rtol=1e-5, atol=1e-5)


def test_another_pickle_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pickle = tmp_path / "some.pth"
    pickle.write_bytes(b"anything")
    monkeypatch.setattr(sys, "argv", ["convert_inception.py", str(pickle), str(tmp_path / "out.safetensors")])
    with pytest.raises(SystemExit, match="begins with 6726825d"):
        convert_inception.main()
