"""The networks of a run as weights for the chapter's own classes, in either of its tabs.

``net_G.load_state_dict(safetensors.torch.load_file("net_G.safetensors"))`` reads the one,
``net_G.load_parameters("net_G.params")`` the other, after the chapter's cells have built the networks.
"""

from collections.abc import Mapping

import numpy as np
import safetensors.torch
import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.data.pixels import to_pixels
from dcgan.errors import UserError
from dcgan.export.judge import load_discriminator
from dcgan.export.product import CHECKED_SEEDS, Export, largest_difference, require_equal
from dcgan.models.chapter_layout import to_chapter, to_gluon_names
from dcgan.models.dcgan import Generator
from dcgan.notation import stages
from dcgan.runs.generator import TrainedGenerator
from dcgan.runs.mxnet_file import pack


def chapter_export(generator: TrainedGenerator, tab: str) -> Export:
    """``net_G`` for a tab, ``"pytorch"`` or ``"gluon"``, and ``net_D`` where the run's is built as the chapter's.

    Raises:
        UserError: The generator is not of the chapter's kind.
    """
    if not isinstance(generator.generator, Generator) or generator.generator.num_classes:
        raise UserError(
            f"--to {tab}: the chapter's generator is of the family dcgan and has no classes. This one differs."
        )
    weights = to_chapter(generator.generator.state_dict(), "generator", _base(generator))
    difference = largest_difference(generator, _drawn(weights, generator))
    require_equal(difference, tab)
    networks: dict[str, Mapping[str, Tensor]] = {"net_G": weights}
    remarks = []
    if (judge := _discriminator(generator)) is not None:
        networks["net_D"] = judge
    else:
        remarks.append("net_D is left out: there is no discriminator here, or it is not built as the chapter's.")
    if (size := (generator.config.data.height, generator.config.data.width)) != (64, 64):
        remarks.append(f"Images are {size[0]} x {size[1]}: build networks of that size before loading these weights.")
    return Export(
        {f"{name}{SUFFIX[tab]}": _packed(each, tab) for name, each in networks.items()}, difference, tuple(remarks)
    )


SUFFIX = {"pytorch": ".safetensors", "gluon": ".params"}


def _packed(weights: Mapping[str, Tensor], tab: str) -> bytes:
    return safetensors.torch.save(dict(weights)) if tab == "pytorch" else pack(to_gluon_names(weights))


def _base(generator: TrainedGenerator) -> tuple[int, int]:
    height, width = generator.config.data.height, generator.config.data.width
    num_stages = stages(height, width)
    return height >> num_stages, width >> num_stages


def _discriminator(generator: TrainedGenerator) -> Mapping[str, Tensor] | None:
    """The weights of the run's discriminator in the chapter's layout, if it has the chapter's layers."""
    model = generator.config.model
    if not (model.discriminator_norm and model.norm_first) or model.discriminator_bias or model.spectral_norm:
        return None
    try:
        return to_chapter(load_discriminator(generator).state_dict(), "discriminator", _base(generator))
    except UserError:  # there is none: it came from an exported folder
        return None


@torch.inference_mode()
def _drawn(weights: Mapping[str, Tensor], generator: TrainedGenerator) -> np.ndarray:
    """What the chapter's layers make of the checked seeds with these weights: pixels n h w c."""
    x = generator.latents(CHECKED_SEEDS)[:, :, None, None]
    num_blocks = max(int(name.split(".")[0]) for name in weights)
    for block in range(num_blocks):
        mean, variance, gain, bias = (
            weights[f"{block}.batch_norm.{role}"] for role in ("running_mean", "running_var", "weight", "bias")
        )
        stride, padding = (1, 0) if block == 0 else (2, 1)
        x = F.conv_transpose2d(x, weights[f"{block}.conv2d_trans.weight"], stride=stride, padding=padding)
        x = F.relu(F.batch_norm(x, mean, variance, gain, bias))
    images = torch.tanh(F.conv_transpose2d(x, weights[f"{num_blocks}.weight"], stride=2, padding=1))
    return to_pixels(images, generator.dtype).permute(0, 2, 3, 1).numpy()
