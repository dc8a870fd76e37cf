"""What a request may say, checked field by field: strict types, sizes with a limit, no field that nobody knows."""

import hashlib
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_IMAGES = 64  # in one request
LARGEST_SEED = 2**53 - 1  # what JavaScript's numbers hold exactly
LARGEST_LATENT = 100.0

Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Number = Annotated[float, Field(ge=-LARGEST_LATENT, le=LARGEST_LATENT, allow_inf_nan=False)]


class Strict(BaseModel):
    """No text for numbers, no unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class ImagesRequest(Strict):
    """Images by seed or by latent."""

    seeds: list[Seed] | None = Field(None, min_length=1, max_length=MOST_IMAGES)
    n: int | None = Field(None, ge=1, le=MOST_IMAGES, description="The seeds 0 to n - 1.")
    latents: list[list[Number]] | None = Field(None, min_length=1, max_length=MOST_IMAGES)
    label: str | None = Field(None, max_length=200, description="The name of a class.")
    format: Literal["png", "webp"] = "png"
    answer: Literal["json", "zip", "sheet"] = Field("json", description="json holds the images in base64.")


class GenerationsRequest(BaseModel):
    """The fields of OpenAI's image generation; others that its clients send are passed over."""

    model_config = ConfigDict(strict=True, extra="ignore")

    prompt: str = Field(max_length=4_000, description='"seed 7", "seed 7, class cat"; other words choose a seed.')
    n: int | None = Field(1, ge=1, le=10)
    output_format: Literal["png", "webp"] | None = "png"
    response_format: Literal["b64_json"] | None = "b64_json"


class Tensor(BaseModel):
    """An input of the Open Inference Protocol."""

    model_config = ConfigDict(strict=True, extra="ignore")

    name: str = Field(max_length=100)
    shape: list[Annotated[int, Field(ge=0, le=1_000_000)]] = Field(max_length=4)
    datatype: str = Field(max_length=10)
    data: list[Any] = Field(max_length=200_000)


class InferRequest(BaseModel):
    """A request of the Open Inference Protocol, version 2."""

    model_config = ConfigDict(strict=True, extra="ignore")

    id: str | None = Field(None, max_length=200)
    inputs: list[Tensor] = Field(min_length=1, max_length=4)


def parse_prompt(prompt: str) -> tuple[int, str | None]:
    """The seed and the class of a prompt; without a seed in it, one that follows from its words."""
    seed = re.search(r"\bseed\s+([0-9]{1,15})\b", prompt, re.IGNORECASE)
    named = re.search(r"\bclass\s+([^,;]{1,200})", prompt, re.IGNORECASE)
    chosen = int(seed[1]) if seed else int.from_bytes(hashlib.sha256(prompt.encode("utf-8", "replace")).digest()[:6])
    return chosen, named[1].strip() if named else None
