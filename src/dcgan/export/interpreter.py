"""A program of operations, run by torch: what the page draws, known before the page is written."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.export.program import Program, Rows


@torch.inference_mode()
def run_program(program: Program, rows: list[Rows], inputs: np.ndarray) -> np.ndarray:
    """N c h w in, n c h w out, with these weights in place of the program's own."""
    maps = {0: torch.from_numpy(inputs)}
    for operation in program.operations:
        result = _result(operation, maps[operation["from"]], rows)
        if operation.get("adds"):
            result = maps[operation["to"]] + result
        maps[operation["to"]] = F.leaky_relu(result, operation.get("slope", 1.0))
    return maps[program.current].numpy()


def _result(operation: dict[str, Any], features: Tensor, rows: list[Rows]) -> Tensor:
    """One operation before its activation."""
    kind = operation["kind"]
    if kind == "enlarge":
        return F.interpolate(features, scale_factor=2, mode="bilinear")
    if kind == "halve":
        return F.avg_pool2d(features, 2)
    if kind == "activate":
        return features
    layer = rows[operation["tensor"]]
    weight, bias = torch.from_numpy(layer.weight.copy()), torch.from_numpy(layer.bias.copy())
    if kind == "places":
        height, width = operation["height"], operation["width"]
        weight, bias = weight.view(height * width, -1, weight.shape[1]), bias.view(height * width, -1)
        inputs = features.flatten(2) if operation.get("local") else features.flatten(2).expand(-1, -1, height * width)
        return (torch.einsum("ncp,poc->nop", inputs, weight) + bias.t()).view(len(inputs), -1, height, width)
    kernel = operation["kernel"]
    weight = weight.view(len(weight), kernel, kernel, -1)
    if kind == "transposed":
        return F.conv_transpose2d(features, weight.permute(3, 0, 1, 2), bias, 2, 1)
    return F.conv2d(features, weight.permute(0, 3, 1, 2), bias, operation.get("stride", 1), (kernel - 1) // 2)
