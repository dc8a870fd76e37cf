"""One ONNX file: latents (and labels) in, finished pixels out, any number of images at a time.

The graph is written layer by layer (https://onnx.ai/onnx/operators/), not traced: it holds the operations of the
network and no others. Opset 17 and IR version 8 are what runtimes since 2022 read.
"""

import json
from typing import Any

import numpy as np
import torch

from dcgan.errors import UserError
from dcgan.export.plain_layers import Affine, PlainBlock, PlainDcgan, PlainResidual, plain_layers
from dcgan.export.product import CHECKED_SEEDS, Export, largest_difference, require_equal
from dcgan.models.residual import SLOPE
from dcgan.randomness import SEED_FUNCTION
from dcgan.runs.generator import TrainedGenerator

try:
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    message = f"--to onnx: needs onnx and onnxruntime ({error}). Install them: pip install 'dcgan[onnx]'"
    raise UserError(message) from error

OPSET, IR_VERSION = 17, 8


def onnx_export(generator: TrainedGenerator, *, as_float: bool = False, name: str = "model.onnx") -> Export:
    """The generator as one ONNX file, run by onnxruntime before it is called done.

    Its output ``images`` is n h w c in the type of the training pixels; ``as_float``: n c h w, float32, -1 … 1.
    """
    model = onnx_model(generator, as_float=as_float)
    difference = largest_difference(generator, run_onnx(model.SerializeToString(), generator))
    require_equal(difference, "onnx")
    helper.set_model_props(model, metadata(generator) | {"largest_difference_in_grey_levels": f"{difference:.3g}"})
    return Export({name: model.SerializeToString()}, difference)


def run_onnx(content: bytes, generator: TrainedGenerator, seeds: range = CHECKED_SEEDS, batch: int = 16) -> np.ndarray:
    """What onnxruntime makes of these seeds, so many at a time, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    latents, labels, drawn = generator.latents(seeds).numpy(), generator.labels(seeds), []
    for start in range(0, len(seeds), batch):
        inputs = {"latents": latents[start : start + batch]}
        if labels is not None:
            inputs["labels"] = labels[start : start + batch].numpy()
        drawn.append(session.run(["images"], inputs)[0])
    return np.concatenate(drawn)


def metadata(generator: TrainedGenerator) -> dict[str, str]:
    """What a reader of the file must know to use it."""
    model = generator.config.model
    return {
        "latent_size": str(model.latent_size),
        "prior": "standard normal" if model.prior == "normal" else "uniform from -1 to 1",
        "seed_function": SEED_FUNCTION,
        "class_names": json.dumps(generator.class_names, ensure_ascii=False),
    }


def onnx_model(generator: TrainedGenerator, *, as_float: bool = False) -> Any:
    """The model as a protocol buffer, checked against the standard."""
    network, settings = generator.generator, generator.config
    layers = plain_layers(network)
    height, width = settings.data.height, settings.data.width
    graph = _Graph()
    last = graph.network(layers, settings.model.latent_size, network.num_classes)
    kind, shape = TensorProto.FLOAT, ["n", settings.model.image_channels, height, width]
    if as_float:
        graph.add("Identity", [last], name="images")
    else:
        kind = TensorProto.UINT16 if generator.dtype == torch.uint16 else TensorProto.UINT8
        graph.pixels(last, torch.iinfo(generator.dtype).max, kind)
        shape = ["n", height, width, settings.model.image_channels]
    inputs = [helper.make_tensor_value_info("latents", TensorProto.FLOAT, ["n", settings.model.latent_size])]
    if network.num_classes:
        inputs.append(helper.make_tensor_value_info("labels", TensorProto.INT64, ["n"]))
    outputs = [helper.make_tensor_value_info("images", kind, shape)]
    made = helper.make_graph(graph.nodes, "generator", inputs, outputs, graph.constants)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(made, opset_imports=opset, producer_name="dcgan", ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model


class _Graph:
    """Nodes and constants, added in order; ``add`` returns the name of the new node's output."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, inputs: list[str], name: str = "", **attributes: Any) -> str:
        output = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def constant(self, value: np.ndarray) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def network(self, layers: PlainDcgan | PlainResidual, latent_size: int, num_classes: int) -> str:
        """From ``latents`` and ``labels`` to images, n c h w, -1 … 1."""
        features = self.product(layers.product, latent_size, num_classes)
        features = self.add("Reshape", [features, self.constant(np.array([-1, *layers.base], dtype=np.int64))])
        if isinstance(layers, PlainResidual):
            for block in layers.blocks:
                features = self.block(block, self.enlarged(features))
            images = self.convolution(layers.to_image, self.leaky(features))
            return self.add(
                "Clip", [images, self.constant(np.array(-1, np.float32)), self.constant(np.array(1, np.float32))]
            )
        for layer in layers.doublings:
            inputs = [self.add("Relu", [features]), self.constant(layer.weight), self.constant(layer.bias)]
            features = self.add("ConvTranspose", inputs, kernel_shape=[4, 4], strides=[2, 2], pads=[1, 1, 1, 1])
        return self.add("Tanh", [features])

    def product(self, layer: Affine, latent_size: int, num_classes: int) -> str:
        """The first layer. The columns of a one-hot class are a table, of which one row is added."""
        of_latent, of_class = layer.weight[:, :latent_size], layer.weight[:, latent_size:]
        weight = self.constant(np.ascontiguousarray(of_latent.T))
        features = self.add("Gemm", ["latents", weight, self.constant(layer.bias)])
        if not num_classes:
            return features
        table = self.constant(np.ascontiguousarray(of_class.T))
        return self.add("Add", [features, self.add("Gather", [table, "labels"])])

    def enlarged(self, features: str) -> str:
        """Twice the height and width, bilinear."""
        scales = self.constant(np.array([1, 1, 2, 2], dtype=np.float32))
        return self.add("Resize", [features, "", scales], mode="linear", coordinate_transformation_mode="half_pixel")

    def block(self, block: PlainBlock, features: str) -> str:
        change = self.convolution(block.first, self.leaky(features))
        change = self.convolution(block.last, self.leaky(change))
        beside = features if block.shortcut is None else self.convolution(block.shortcut, features)
        return self.add("Add", [beside, change])

    def convolution(self, layer: Affine, features: str) -> str:
        """Of the same height and width."""
        side = layer.weight.shape[-1]
        inputs = [features, self.constant(layer.weight), self.constant(layer.bias)]
        return self.add("Conv", inputs, kernel_shape=[side, side], pads=[side // 2] * 4)

    def leaky(self, features: str) -> str:
        return self.add("LeakyRelu", [features], alpha=SLOPE)

    def pixels(self, images: str, white: int, kind: int) -> None:
        """From -1 … 1, n c h w, to whole numbers, n h w c: as ``dcgan.data.pixels`` does it."""
        half, zero, most = (self.constant(np.array(value, np.float32)) for value in (white / 2, 0, white))
        shifted = self.add("Add", [images, self.constant(np.array(1, np.float32))])
        rounded = self.add("Round", [self.add("Mul", [shifted, half])])
        whole = self.add("Cast", [self.add("Clip", [rounded, zero, most])], to=kind)
        self.add("Transpose", [whole], name="images", perm=[0, 2, 3, 1])
