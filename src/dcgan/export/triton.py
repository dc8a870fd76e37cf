"""A model repository for NVIDIA Triton, and a KServe manifest that serves it.

Field names: https://github.com/triton-inference-server/common/blob/main/protobuf/model_config.proto and
https://kserve.github.io/website (serving.kserve.io/v1beta1, InferenceService).
"""

import json
import re
from collections.abc import Sequence

import torch

from dcgan.export.onnx_file import onnx_export
from dcgan.export.product import Export, with_sums
from dcgan.runs.generator import TrainedGenerator

LARGEST_BATCH = 64


def triton_export(generator: TrainedGenerator, name: str) -> Export:
    """The repository: NAME/config.pbtxt, NAME/1/model.onnx, and ``kserve.yaml`` beside them."""
    onnx = onnx_export(generator)
    (content,) = onnx.files.values()
    model = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "generator"
    made = {
        f"{model}/config.pbtxt": config_pbtxt(generator, model).encode(),
        f"{model}/1/model.onnx": content,
        "kserve.yaml": kserve_yaml(model).encode(),
    }
    remark = "kserve.yaml: fill in storageUri, the place that this folder is copied to."
    return Export(with_sums(made), onnx.difference, (remark,))


def config_pbtxt(generator: TrainedGenerator, name: str) -> str:
    """The model's configuration in protobuf's text form; Triton gathers requests into batches by itself."""
    model, data = generator.config.model, generator.config.data
    pixels = "TYPE_UINT16" if generator.dtype == torch.uint16 else "TYPE_UINT8"
    inputs = [_tensor("latents", "TYPE_FP32", [model.latent_size])]
    if generator.class_names:
        inputs.append(_tensor("labels", "TYPE_INT64", [1], reshape=True))
    output = _tensor("images", pixels, [data.height, data.width, model.image_channels or 0])
    listed = ",\n".join(inputs)
    return (
        f"name: {json.dumps(name)}\n"
        'backend: "onnxruntime"\n'
        f"max_batch_size: {LARGEST_BATCH}\n"
        f"input [\n{listed}\n]\n"
        f"output [\n{output}\n]\n"
        "dynamic_batching { }\n"
    )


def kserve_yaml(name: str) -> str:
    """An InferenceService that runs the repository on Triton."""
    resource = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:50].rstrip("-") or "generator"
    return (
        "apiVersion: serving.kserve.io/v1beta1\n"
        "kind: InferenceService\n"
        "metadata:\n"
        f"  name: {resource}\n"
        "spec:\n"
        "  predictor:\n"
        "    model:\n"
        "      modelFormat:\n"
        "        name: triton\n"
        "      protocolVersion: v2\n"
        "      storageUri: FILL-IN  # s3://…, gs://… or pvc://…: where this folder was copied to\n"
    )


def _tensor(name: str, kind: str, dims: Sequence[int], *, reshape: bool = False) -> str:
    """One input or output. ``reshape``: one number a request in, none of its own dimension in the model."""
    added = ", reshape { shape: [ ] }" if reshape else ""
    return f"  {{ name: {json.dumps(name)}, data_type: {kind}, dims: {list(dims)}{added} }}"
