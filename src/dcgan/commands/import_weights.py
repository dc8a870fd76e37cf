"""Import: weights of the chapter's own networks become a folder that every command draws from."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from dcgan.commands.chapter_options import ImportOptions
from dcgan.errors import ExitCode, UserError
from dcgan.files import write_atomically
from dcgan.foreign import read_bytes
from dcgan.models.build import build_generator
from dcgan.models.chapter_layout import from_chapter, from_gluon_names
from dcgan.pickles import refuse_pickle
from dcgan.runs import mxnet_file, tensor_file
from dcgan.runs.portable import packed
from dcgan.settings.config import Config
from dcgan.settings.recipes import recipe

MAX_BYTES = 2_000_000_000
_EXPECTED = "net_G's parameters, as .params of MXNet or as .safetensors of torch (safetensors.torch.save_file)"


@dataclass(frozen=True)
class Imported:
    """What was read and written."""

    folder: Path
    config: Config


def import_weights(options: ImportOptions) -> Imported:
    """Read a generator's weights, check that they fit the chapter's network, and write them as a folder.

    Raises:
        UserError: No such file, another kind of file, or weights of another network.
    """
    path = Path(options.file)
    refuse_pickle(path, _EXPECTED)
    tab, tensors = _read(path)
    config = _config_of(path, tab, tensors)
    weights = from_chapter(tensors, "generator")
    expected = build_generator(config.model, config.data.height, config.data.width).state_dict()
    tensor_file.require_fit(expected, weights, str(path))
    broken = next((name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()), None)
    if broken:
        raise UserError(f"{path}: {broken} holds numbers that are not finite.", ExitCode.CHECKPOINT)
    return write_portable(config, weights, options.out or path.stem, tab)


def write_portable(config: Config, weights: dict[str, Tensor], out: str, origin: str) -> Imported:
    """Write a generator as a folder that every command draws from; ``origin``: where it comes from, in a word.

    Raises:
        UserError: There is something already.
    """
    folder = Path(out)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"--out {folder}: is there already. Name a folder that is new or empty.")
    for name, content in packed(config, weights, (), 8, {"imported_from": origin}).items():
        write_atomically(folder / name, content)
    return Imported(folder, config)


def _read(path: Path) -> tuple[str, dict[str, Tensor]]:
    """The recipe of the tab that the file comes from, and its tensors under the names of the PyTorch tab."""
    try:
        content = read_bytes(path, MAX_BYTES)
        if mxnet_file.is_mxnet(content):
            return "d2l-gluon", from_gluon_names(mxnet_file.unpack(content))
        with path.open("rb") as file:
            return "d2l", tensor_file.read(file).tensors
    except OSError as error:
        raise UserError(f"{path}: cannot be opened ({error.strerror}).", ExitCode.DATA) from error
    except tensor_file.Malformed as error:
        raise UserError(f"{path}: {error}. Expected {_EXPECTED}.", ExitCode.CHECKPOINT) from error


def _config_of(path: Path, name: str, tensors: dict[str, Tensor]) -> Config:
    """The recipe with the sizes that the shapes of the weights tell."""
    first = tensors.get("0.conv2d_trans.weight")
    num_blocks = len({place.split(".")[0] for place in tensors if place.count(".") == 2})
    last = tensors.get(f"{num_blocks}.weight")
    if first is None or last is None or first.dim() != 4 or last.dim() != 4:
        names = ", ".join(list(tensors)[:3])
        raise UserError(
            f"{path}: not a generator of the chapter's G_blocks (it has {names or 'nothing'} …). Expected "
            "0.conv2d_trans.weight, 0.batch_norm.… and so on, as the state of net_G has them.",
            ExitCode.CHECKPOINT,
        )
    height, width = (side << num_blocks for side in first.shape[2:])
    return recipe(name).decided({
        "data.source": path.stem, "data.height": height, "data.width": width,
        "model.latent_size": first.shape[0], "model.generator_width": last.shape[0],
        "model.image_channels": last.shape[1], "model.num_classes": 0,
    })  # fmt: skip
