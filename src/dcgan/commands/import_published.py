"""Import newmu: networks that the authors of the paper trained in 2015 become a folder to sample from."""

import io
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dcgan.commands.chapter_options import NewmuOptions
from dcgan.commands.import_weights import Imported, write_portable
from dcgan.errors import ExitCode, UserError
from dcgan.files import user_path
from dcgan.foreign import read_bytes
from dcgan.models.published import BASE, KERNEL, folded
from dcgan.randomness import balanced_latents
from dcgan.settings.config import Config
from dcgan.settings.recipes import recipe

BATCH, BATCHES = 128, 16  # of the latents whose statistics are taken
MAX_BYTES = 1_000_000_000
_NAME = re.compile(r"(?P<epoch>\d+)_gen_params\.jl_(?P<number>\d+)\.npy")
_EXPECTED = (
    "Expected a folder below models/ of a clone of github.com/Newmu/dcgan_code, "
    "with files such as 200_gen_params.jl_01.npy"
)


def import_published(options: NewmuOptions) -> Imported:
    """Read a generator's arrays, freeze its statistics, and write it as a folder.

    Raises:
        UserError: No such files, or arrays of another network.
    """
    folder = user_path(options.folder)
    arrays = _arrays(folder)
    config = _config_of(folder, arrays, options.prior)
    size, prior = config.model.latent_size, config.model.prior
    latents = balanced_latents(BATCH * BATCHES, size, seed=0, stream="statistics", prior=prior)
    weights = folded(arrays, torch.split(latents, BATCH))
    if not all(torch.isfinite(weight).all() for weight in weights.values()):
        raise UserError(f"{folder}: holds numbers that are not finite.", ExitCode.CHECKPOINT)
    return write_portable(config, weights, options.out or folder.name, "newmu")


def _arrays(folder: Path) -> list[Tensor]:
    """The arrays of the newest generator in the folder, in their order."""
    found: dict[int, dict[int, Path]] = {}
    for path in sorted(folder.glob("*_gen_params.jl_*.npy")):
        if match := _NAME.fullmatch(path.name):
            found.setdefault(int(match["epoch"]), {})[int(match["number"])] = path
    if not found:
        raise UserError(f"{folder}: no *_gen_params.jl_NN.npy in it. {_EXPECTED}.", ExitCode.DATA)
    newest = found[max(found)]
    if missing := set(range(1, max(newest) + 1)) - set(newest):
        names = ", ".join(f"{max(found)}_gen_params.jl_{number:02}.npy" for number in sorted(missing)[:3])
        raise UserError(f"{folder}: {names} missing. Take the whole folder of the clone.", ExitCode.DATA)
    return [_read(newest[number]) for number in sorted(newest)]


def _read(path: Path) -> Tensor:
    try:
        array = np.load(io.BytesIO(read_bytes(path, MAX_BYTES)), allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: is no array ({error}).", ExitCode.DATA) from error
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise UserError(f"{path}: is no array of numbers with a point.", ExitCode.DATA)
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def _config_of(folder: Path, arrays: list[Tensor], prior: str | None) -> Config:
    """The recipe with the sizes that the shapes of the arrays tell."""
    doublings, rest = divmod(len(arrays) - 1, 3)
    last = arrays[-1]
    width = last.shape[0] if last.dim() == 4 else 0
    if rest or doublings < 2 or [array.shape for array in arrays] != _shapes(arrays, width):
        shapes = ", ".join("x".join(map(str, array.shape)) for array in arrays[:4])
        raise UserError(
            f"{folder}: {len(arrays)} arrays ({shapes} …) are no generator of theirs with {KERNEL} x {KERNEL} kernels. "
            f"{_EXPECTED}.",
            ExitCode.CHECKPOINT,
        )
    side = BASE << doublings
    return recipe("radford2015").decided({
        "data.source": folder.name, "data.height": side, "data.width": side, "model.family": "published",
        "model.latent_size": arrays[0].shape[0], "model.generator_width": width,
        "model.image_channels": last.shape[1], "model.num_classes": 0,
        "model.prior": prior or ("normal" if "gaussian" in folder.name else "uniform"),
    })  # fmt: skip


def _shapes(arrays: list[Tensor], width: int) -> list[torch.Size]:
    """The shapes that their generator of this many arrays has, of this width."""
    doublings = (len(arrays) - 1) // 3
    channels = [width << stage for stage in reversed(range(doublings))]
    shapes: list[tuple[int, ...]] = []
    units = channels[0] * BASE * BASE
    latent_size = arrays[0].shape[0] if arrays[0].dim() else 0
    shapes += [(latent_size, units), (units,), (units,)]
    for before, after in pairwise(channels):
        shapes += [(before, after, KERNEL, KERNEL), (after,), (after,)]
    shapes.append((width, arrays[-1].shape[1] if arrays[-1].dim() == 4 else 0, KERNEL, KERNEL))
    return [torch.Size(shape) for shape in shapes]
