"""Export: a trained generator becomes files that other programs run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dcgan.commands.options import ExportOptions
from dcgan.errors import UserError
from dcgan.export.product import Export
from dcgan.files import write_atomically
from dcgan.runs.checkpoint import TrainedGenerator, load_generator


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
    generator = load_generator(Path(options.run), options.checkpoint)
    made = make(generator, options)
    out = Path(options.out or f"{Path(options.run).absolute().name.removesuffix('.safetensors')}{suffix}")
    write(made, out)
    return Exported(out, sum(map(len, made.files.values())), made.difference, made.remarks)


def write(made: Export, out: Path) -> None:
    """One file alone becomes ``out``, several become the folder ``out``."""
    for name, content in made.files.items():
        write_atomically(out if len(made.files) == 1 else out / name, content)


def _onnx(generator: TrainedGenerator, options: ExportOptions) -> Export:
    from dcgan.export.onnx_file import onnx_export

    return onnx_export(generator, as_float=options.float_images)


FORMATS: dict[str, tuple[Callable[[TrainedGenerator, ExportOptions], Export], str]] = {
    "onnx": (_onnx, ".onnx"),
}
"""What makes a format, and what the default name of its file or folder ends in."""
