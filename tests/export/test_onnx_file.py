"""An ONNX file draws what the generator draws, by a runtime that knows nothing of torch."""

import json

import numpy as np
import pytest
import torch
from networks import KINDS, generator

from dcgan.errors import UserError
from dcgan.export.product import require_equal

onnx = pytest.importorskip("onnx", reason="needs the extra [onnx]")
pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")

from dcgan.export.onnx_file import onnx_export, run_onnx  # noqa: E402


@pytest.mark.promise("An ONNX export draws what the run draws, within one grey level.")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [1, 2, 16])
def test_a_seed_is_the_same_image_within_one_grey_level_in_any_batch(kind: str, batch: int) -> None:
    trained = generator(**KINDS[kind])
    (content,) = onnx_export(trained).files.values()
    images = run_onnx(content, trained, range(20), batch)
    expected = trained.sample(range(20)).permute(0, 2, 3, 1).numpy()
    assert images.dtype == expected.dtype
    step = 257 if images.dtype == np.uint16 else 1
    assert np.abs(images.astype(int) - expected).max() <= step
    assert expected.std() > 10 * step  # an empty image would be equal too


def test_a_float_export_is_equal_to_the_network_but_for_rounding() -> None:
    trained = generator(num_classes=3)
    (content,) = onnx_export(trained, as_float=True).files.values()
    images = run_onnx(content, trained, range(16))
    with torch.inference_mode():
        expected = trained.generator(trained.latents(range(16)), trained.labels(range(16))).numpy()
    np.testing.assert_allclose(images, expected, atol=1e-5)


def test_the_label_decides_the_class() -> None:
    trained = generator(num_classes=3)
    (content,) = onnx_export(trained).files.values()
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    latents, labels = trained.latents([5, 5]).numpy(), np.array([2, 1])
    images = session.run(None, {"latents": latents, "labels": labels})[0]
    expected = trained.sample([5, 5], [2, 1]).permute(0, 2, 3, 1).numpy()
    assert np.abs(images.astype(int) - expected).max() <= 1
    assert (images[0] != images[1]).any()


def test_the_file_is_one_and_says_what_it_is() -> None:
    export = onnx_export(generator(num_classes=3, prior="uniform", height=16, width=32))
    ((name, content),) = export.files.items()
    model = onnx.load_from_string(content)
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert (name, model.producer_name, model.opset_import[0].version) == ("model.onnx", "dcgan", 17)
    assert said["latent_size"] == "12" and said["prior"] == "uniform from -1 to 1"
    assert json.loads(said["class_names"]) == ["class 0", "class 1", "class 2"]
    assert float(said["largest_difference_in_grey_levels"]) == pytest.approx(export.difference, rel=0.01)
    assert all(tensor.data_location == onnx.TensorProto.DEFAULT for tensor in model.graph.initializer)
    (output,) = model.graph.output
    sizes = [dimension.dim_param or dimension.dim_value for dimension in output.type.tensor_type.shape.dim]
    assert sizes == ["n", 16, 32, 3] and output.type.tensor_type.elem_type == onnx.TensorProto.UINT8


@pytest.mark.parametrize("difference", [1.5, float("nan")])
def test_an_export_that_draws_something_else_is_refused(difference: float) -> None:
    with pytest.raises(UserError, match="Nothing was written"):
        require_equal(difference, "onnx")
