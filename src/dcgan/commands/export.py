"""Export: a trained generator becomes files that other programs run."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dcgan.commands.options import ExportOptions
from dcgan.errors import UserError
from dcgan.export.product import SUMS, Export
from dcgan.files import user_path, write_atomically
from dcgan.foreign import is_regular
from dcgan.runs.generator import TrainedGenerator, Which, load_generator


@dataclass(frozen=True)
class Exported:
    """What was written."""

    path: Path
    """The file, or the folder."""
    num_bytes: int
    difference: float
    """The largest difference to the run's generator, in grey levels of 255."""
    remarks: tuple[str, ...]


def export(options: ExportOptions) -> Exported:
    """Make the files, check them against the generator, then write them.

    Raises:
        UserError: An unknown format, a missing package, no such run, or images that differ: nothing was written.
    """
    if options.to not in FORMATS:
        raise UserError(f"--to {options.to}: no such format. Known: {', '.join(FORMATS)}.")
    make, suffix = FORMATS[options.to]
    generator = exportable(user_path(options.run), options.checkpoint)
    made = make(generator, options)
    out = user_path(options.out or f"{_name(options)}{suffix}")
    write(made, out)
    return Exported(out, sum(map(len, made.files.values())), made.difference, made.remarks)


def exportable(run: Path, checkpoint: Which | None) -> TrainedGenerator:
    """The generator of a run that can be exported.

    Raises:
        UserError: No such run, or a network that no export knows.
    """
    generator = load_generator(run, checkpoint)
    if generator.config.model.family == "published":
        raise UserError(f"{run}: dcgan import newmu made it, and no export knows such networks. dcgan sample draws it.")
    return generator


def write(made: Export, out: Path) -> None:
    """One file alone becomes ``out``, several become files in the folder ``out``.

    Raises:
        UserError: The folder holds a file of the same name that no export wrote, or that was edited since.
    """
    if len(made.files) == 1:
        (content,) = made.files.values()
        if out.is_dir():
            raise UserError(f"--out {out}: is a folder; this format is one file. Name a file, such as {out}/model.")
        write_atomically(out, content)
        return
    known = _sums(out)
    for name, content in made.files.items():
        there = out / name
        if is_regular(there) and name != SUMS and there.read_bytes() != content and known.get(name) != _sum(there):
            raise UserError(
                f"--out {out}: {name} is there and was not written by an export, or was edited since. Nothing was "
                "written. Choose another --out, or move that file away."
            )
    for name, content in made.files.items():
        write_atomically(out / name, content)


def _sums(folder: Path) -> dict[str, str]:
    """The sha256 of each file of the last export into this folder."""
    path = folder / SUMS
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if is_regular(path) else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _onnx(generator: TrainedGenerator, options: ExportOptions) -> Export:
    from dcgan.export.onnx_file import onnx_export

    return onnx_export(generator, as_float=options.float_images)


def _numpy(generator: TrainedGenerator, options: ExportOptions) -> Export:
    from dcgan.export.numpy_folder import numpy_export

    return numpy_export(generator)


def _hub(generator: TrainedGenerator, options: ExportOptions) -> Export:
    from dcgan.commands.run_facts import run_facts
    from dcgan.export.hub_folder import hub_export

    return hub_export(generator, run_facts(user_path(options.run), generator), _page(generator, options))


def _triton(generator: TrainedGenerator, options: ExportOptions) -> Export:
    from dcgan.export.triton import triton_export

    return triton_export(generator, _name(options))


def _images(generator: TrainedGenerator, options: ExportOptions) -> Export:
    from dcgan.export.images_folder import images_export

    return images_export(generator)


def _name(options: ExportOptions) -> str:
    """The name of the run."""
    return user_path(options.run).absolute().name.removesuffix(".safetensors")


def _page(generator: TrainedGenerator, options: ExportOptions) -> Export:
    from dcgan.commands.page_facts import page_facts
    from dcgan.export.judge import load_discriminator
    from dcgan.export.page import page_export

    judge = load_discriminator(generator) if options.with_discriminator else None
    facts = page_facts(Path(options.run), generator)
    return page_export(generator, _name(options), encoding=options.weights, discriminator=judge, facts=facts)


def _pytorch(generator: TrainedGenerator, options: ExportOptions) -> Export:
    from dcgan.export.chapter_weights import chapter_export

    return chapter_export(generator, "pytorch")


def _gluon(generator: TrainedGenerator, options: ExportOptions) -> Export:
    from dcgan.export.chapter_weights import chapter_export

    return chapter_export(generator, "gluon")


FORMATS: dict[str, tuple[Callable[[TrainedGenerator, ExportOptions], Export], str]] = {
    "onnx": (_onnx, ".onnx"),
    "numpy": (_numpy, "-numpy"),
    "hub": (_hub, "-hub"),
    "triton": (_triton, "-triton"),
    "images": (_images, "-images"),
    "page": (_page, ".html"),
    "pytorch": (_pytorch, "-pytorch"),
    "gluon": (_gluon, "-gluon"),
}
"""What makes a format, and what the default name of its file or folder ends in."""
