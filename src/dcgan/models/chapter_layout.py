"""Weights of the 2015 pair under the names and in the shapes that the textbook chapter's own networks have.

The chapter builds the first block of its generator and the last layer of its discriminator as convolutions; here they
are matrix products, whose rows are the same numbers in another order. Nothing else differs but the names.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

_CONVOLUTION = {"generator": "conv2d_trans", "discriminator": "conv2d"}
_GLUON_ROLES = {"weight": "gamma", "bias": "beta"}
_LAST = {"generator": "to_image", "discriminator": "to_score"}


def to_chapter(tensors: Mapping[str, Tensor], role: str, base: tuple[int, int] = (4, 4)) -> dict[str, Tensor]:
    """The state of our network as that of the chapter's ``net_G`` or ``net_D``, a ``Sequential`` of blocks.

    Args:
        tensors: The ``state_dict`` of a generator or discriminator without classes.
        role: ``"generator"`` or ``"discriminator"``.
        base: Height and width of the smallest features.
    """
    num_blocks = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("blocks."))
    out = {}
    for name, tensor in tensors.items():
        kind, *rest = name.split(".")
        if kind == "blocks":
            block, layer, what = rest
            part = "batch_norm" if layer == "norm" else _CONVOLUTION[role]
            kernel = tensor
            if layer == "product":
                kernel = tensor.reshape(*base, -1, tensor.shape[1]).permute(3, 2, 0, 1)  # h w c, z → z c h w
            out[f"{block}.{part}.{what}"] = kernel.contiguous()
        else:
            assert kind == _LAST[role], name
            kernel = tensor if role == "generator" else tensor.reshape(1, *base, -1).permute(0, 3, 1, 2)
            out[f"{num_blocks}.weight"] = kernel.contiguous()
    return out


def from_chapter(tensors: Mapping[str, Tensor], role: str) -> dict[str, Tensor]:
    """The state of the chapter's ``net_G`` or ``net_D`` as that of our network.

    Raises:
        ValueError: A name that the chapter's networks do not have.
    """
    num_blocks = 1 + max((int(name.split(".")[0]) for name in tensors if name.count(".") == 2), default=-1)
    out = {}
    for name, tensor in tensors.items():
        block, _, rest = name.partition(".")
        part, _, what = rest.partition(".")
        if part == "batch_norm":
            out[f"blocks.{block}.norm.{what}"] = tensor
        elif rest == f"{_CONVOLUTION[role]}.weight" and role == "generator" and block == "0":
            out["blocks.0.product.weight"] = tensor.permute(2, 3, 1, 0).flatten(0, 2).contiguous()
        elif rest == f"{_CONVOLUTION[role]}.weight":
            out[f"blocks.{block}.convolution.weight"] = tensor
        elif name == f"{num_blocks}.weight":
            last = tensor if role == "generator" else tensor.permute(0, 2, 3, 1).flatten(1).contiguous()
            out[f"{_LAST[role]}.weight"] = last
        else:
            raise ValueError(f"{name}: no tensor of the chapter's {role}")
    for number in range(num_blocks):  # Gluon does not count batches
        out.setdefault(f"blocks.{number}.norm.num_batches_tracked", torch.tensor(0))
    return out


def to_gluon_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of the chapter's PyTorch network under the names of its Gluon one, which counts no batches."""
    counted = (name for name in tensors if not name.endswith("num_batches_tracked"))
    return {_renamed(name, _GLUON_ROLES): tensors[name] for name in counted}


def from_gluon_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of the chapter's Gluon network under the names of its PyTorch one."""
    roles = {theirs: ours for ours, theirs in _GLUON_ROLES.items()}
    return {_renamed(name, roles): tensor for name, tensor in tensors.items()}


def _renamed(name: str, roles: Mapping[str, str]) -> str:
    """A gain or bias of normalisation under its other name; every other name as it is."""
    place, _, role = name.rpartition(".")
    return f"{place}.{roles.get(role, role)}" if place.endswith("batch_norm") else name
