"""A Triton repository is what Triton's published schema says, and a KServe manifest what KServe's does."""

from typing import Any

import pytest
from networks import generator

pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from dcgan.export.triton import kserve_yaml, triton_export

FIELD = descriptor_pb2.FieldDescriptorProto
TYPES = {"string": FIELD.TYPE_STRING, "int32": FIELD.TYPE_INT32, "int64": FIELD.TYPE_INT64}
DATA_TYPES = {"TYPE_UINT8": 2, "TYPE_UINT16": 3, "TYPE_INT64": 9, "TYPE_FP32": 11}
# Names, numbers and types of the fields that are used here, after triton-inference-server/common,
# protobuf/model_config.proto; * is repeated.
MESSAGES = {
    "ModelTensorReshape": {"shape": (1, "*int64")},
    "ModelInput": {
        "name": (1, "string"), "data_type": (2, "DataType"), "dims": (4, "*int64"),
        "reshape": (5, "ModelTensorReshape"),
    },
    "ModelOutput": {"name": (1, "string"), "data_type": (2, "DataType"), "dims": (3, "*int64")},
    "ModelDynamicBatching": {},
    "ModelConfig": {
        "name": (1, "string"), "backend": (17, "string"), "max_batch_size": (4, "int32"), "input": (5, "*ModelInput"),
        "output": (6, "*ModelOutput"), "dynamic_batching": (11, "ModelDynamicBatching"),
    },
}  # fmt: skip


def model_config() -> Any:
    """An empty ModelConfig of that schema."""
    file = descriptor_pb2.FileDescriptorProto(name="model_config.proto", package="inference", syntax="proto3")
    kinds = file.enum_type.add(name="DataType")
    for name, number in {"TYPE_INVALID": 0, **DATA_TYPES}.items():
        kinds.value.add(name=name, number=number)
    for message, fields in MESSAGES.items():
        made = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            bare = kind.removeprefix("*")
            field = made.field.add(name=name, number=number)
            field.label = FIELD.LABEL_REPEATED if kind.startswith("*") else FIELD.LABEL_OPTIONAL
            field.type = TYPES.get(bare, FIELD.TYPE_ENUM if bare == "DataType" else FIELD.TYPE_MESSAGE)
            if bare not in TYPES:
                field.type_name = f".inference.{bare}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("inference.ModelConfig"))()


@pytest.mark.parametrize(
    "kind", [{}, {"num_classes": 3, "height": 16, "width": 32}, {"bits": 16, "channels": 1}], ids=str
)
def test_the_configuration_keeps_to_the_schema_and_to_the_model(kind: dict) -> None:
    import onnx

    made = triton_export(generator(**kind), "my run!").files
    assert set(made) == {"my-run/config.pbtxt", "my-run/1/model.onnx", "kserve.yaml", "SHA256SUMS"}
    config = text_format.Parse(made["my-run/config.pbtxt"].decode(), model_config())
    assert (config.name, config.backend, config.max_batch_size) == ("my-run", "onnxruntime", 64)
    assert config.HasField("dynamic_batching")
    graph = onnx.load_from_string(made["my-run/1/model.onnx"]).graph
    names = {
        onnx.TensorProto.FLOAT: 11,
        onnx.TensorProto.INT64: 9,
        onnx.TensorProto.UINT8: 2,
        onnx.TensorProto.UINT16: 3,
    }
    for declared, real in zip([*config.input, *config.output], [*graph.input, *graph.output], strict=True):
        tensor = real.type.tensor_type
        sizes = [size.dim_value for size in tensor.shape.dim][1:]  # Triton adds the batch
        seen = list(declared.reshape.shape) if declared.name == "labels" else list(declared.dims)
        assert (declared.name, declared.data_type, seen) == (real.name, names[tensor.elem_type], sizes)


def test_the_manifest_is_an_inference_service_with_a_name_that_a_cluster_takes() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with the extra [hub]")
    made = yaml.safe_load(kserve_yaml("My_Run 1!"))
    assert (made["apiVersion"], made["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert made["metadata"]["name"] == "my-run-1"
    model = made["spec"]["predictor"]["model"]
    assert model == {"modelFormat": {"name": "triton"}, "protocolVersion": "v2", "storageUri": "FILL-IN"}
