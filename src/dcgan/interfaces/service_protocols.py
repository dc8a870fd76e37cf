"""The same images under addresses that clients of other servers know.

The Open Inference Protocol, version 2 (https://github.com/kserve/open-inference-protocol), so that a client moves to
Triton or KServe unchanged; and the shape of OpenAI's image generation.
"""

import math
import time
from typing import TYPE_CHECKING, Any

import torch
from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import JSONResponse

from dcgan.interfaces.service_answers import as_file, base64_of
from dcgan.interfaces.service_asked import (
    LARGEST_SEED,
    MOST_IMAGES,
    GenerationsRequest,
    InferRequest,
    Tensor,
    parse_prompt,
)

if TYPE_CHECKING:
    from dcgan.interfaces.service import Served, Service


def add_protocols(app: FastAPI, service: "Service") -> None:
    """Add both to the application."""
    _add_open_inference(app, service)

    @app.post("/v1/images/generations")
    async def generations(asked: GenerationsRequest) -> Response:
        """OpenAI's image generation: the prompt names a seed and a class."""
        seed, label = parse_prompt(asked.prompt)
        served = service.run(None)
        number = served.class_number(label)
        seeds = [min(seed + index, LARGEST_SEED) for index in range(asked.n or 1)]
        images = await served.painter.draw(seeds, None if number is None else [number] * len(seeds))
        kind = asked.output_format or "png"
        files = [content for picture in images if (content := as_file(picture, kind)) is not None]
        if len(files) < len(images):
            raise HTTPException(406, "this run's images do not fit into that format")
        data = [
            {"b64_json": text, "revised_prompt": f"seed {one}"}
            for text, one in zip(base64_of(files), seeds, strict=True)
        ]
        height, width = images.shape[1:3]
        return JSONResponse(
            {"created": int(time.time()), "data": data, "output_format": kind, "size": f"{width}x{height}"}
        )


def _add_open_inference(app: FastAPI, service: "Service") -> None:
    @app.get("/v2/health/live")
    async def live() -> dict[str, bool]:
        """Whether the process answers."""
        return {"live": True}

    @app.get("/v2/health/ready")
    async def ready() -> Response:
        """Whether images can be asked for."""
        return JSONResponse({"ready": service.ready}, 200 if service.ready else 503)

    @app.get("/v2/models/{name}")
    async def model(name: str) -> dict[str, Any]:
        """Names, types and shapes of a run's inputs and output."""
        return _described(service.run(name))

    @app.get("/v2/models/{name}/ready")
    async def model_ready(name: str) -> dict[str, Any]:
        """Whether images of a run can be asked for."""
        return {"name": service.run(name).name, "ready": service.ready}

    @app.post("/v2/models/{name}/infer")
    async def infer(name: str, asked: InferRequest) -> Response:
        """Latents (and labels) in, pixels out."""
        served = service.run(name)
        inputs = {tensor.name: tensor for tensor in asked.inputs}
        latents = _latents(served, inputs.get("latents"))
        images = await served.painter.draw_latents(latents, _labels(served, inputs.get("labels"), len(latents)))
        kind = "UINT16" if images.dtype.itemsize == 2 else "UINT8"
        output = {"name": "images", "datatype": kind, "shape": list(images.shape), "data": images.ravel().tolist()}
        named = {} if asked.id is None else {"id": asked.id.encode("utf-8", "replace").decode()}
        return JSONResponse({"model_name": served.name, "model_version": "1", "outputs": [output], **named})


def _described(served: "Served") -> dict[str, Any]:
    model, data = served.generator.config.model, served.generator.config.data
    inputs = [{"name": "latents", "datatype": "FP32", "shape": [-1, model.latent_size]}]
    if served.generator.class_names:
        inputs.append({"name": "labels", "datatype": "INT64", "shape": [-1, 1]})
    kind = "UINT16" if served.generator.dtype == torch.uint16 else "UINT8"
    output = {"name": "images", "datatype": kind, "shape": [-1, data.height, data.width, model.image_channels]}
    return {"name": served.name, "versions": ["1"], "platform": "dcgan", "inputs": inputs, "outputs": [output]}


def _latents(served: "Served", given: Tensor | None) -> torch.Tensor:
    size = served.generator.config.model.latent_size
    if given is None or given.datatype != "FP32" or len(given.shape) != 2 or given.shape[1] != size:
        raise HTTPException(400, f"latents: must be FP32 of shape n x {size}")
    count = given.shape[0]
    if not 1 <= count <= MOST_IMAGES:
        raise HTTPException(400, f"latents: must be 1 to {MOST_IMAGES}")
    numbers = _flat(given.data, count * size)
    if not all(isinstance(number, int | float) and abs(number) <= 100 for number in numbers):
        raise HTTPException(400, "latents: must be numbers from -100 to 100")
    return torch.tensor([float(number) for number in numbers], dtype=torch.float32).view(count, size)


def _labels(served: "Served", given: Tensor | None, count: int) -> torch.Tensor | None:
    classes = len(served.generator.class_names)
    if not classes:
        if given is not None:
            raise HTTPException(400, "labels: this run knows no classes")
        return None
    if given is None or given.datatype != "INT64" or math.prod(given.shape) != count:
        raise HTTPException(400, "labels: must be INT64, one for each latent")
    numbers = _flat(given.data, count)
    if not all(type(number) is int and 0 <= number < classes for number in numbers):
        raise HTTPException(400, f"labels: must be class numbers from 0 to {classes - 1}")
    return torch.tensor(numbers, dtype=torch.int64)


def _flat(data: list[Any], count: int) -> list[Any]:
    """The numbers of a tensor, given flat or as rows."""
    flat = [number for row in data for number in (row if isinstance(row, list) else [row])]
    if len(flat) != count:
        raise HTTPException(400, f"data: {len(flat)} numbers, the shape says {count}")
    return flat
