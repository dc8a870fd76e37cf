"""The weights that ship with the package, each held to its hash."""

import hashlib
from importlib.resources import files

import safetensors.torch
from torch import Tensor

SHA256 = {
    "tiny": "5ed919b5857216392ffcebb64a0f2f27cae17618127c29d83e4f205ca4cd4879",
    "digits": "818a074cf6ff783b07043782762e784904c97a0fb2992552af623aec7746e9de",
}
"""Of ``weights/<name>.safetensors``."""


def load(name: str) -> dict[str, Tensor]:
    """The tensors of ``weights/<name>.safetensors``, brought from float16 to float32."""
    content = (files("dcgan.evaluation.detectors") / "weights" / f"{name}.safetensors").read_bytes()
    found = hashlib.sha256(content).hexdigest()
    assert found == SHA256[name], f"{name}.safetensors is damaged: {found}"
    return {key: tensor.float() for key, tensor in safetensors.torch.load(content).items()}
