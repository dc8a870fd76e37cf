"""Push: show what would be sent to the model hub, and send it when told to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dcgan.commands.options import ExportOptions
from dcgan.commands.sharing_options import PushOptions
from dcgan.errors import UserError
from dcgan.files import user_path
from dcgan.foreign import read_bytes
from dcgan.runs.portable import is_portable

MOST_FILES, MOST_BYTES = 1_000, 2_000_000_000


@dataclass(frozen=True)
class Parcel:
    """What would be sent."""

    files: Mapping[str, bytes]
    remarks: tuple[str, ...]
    """Sentences for the person who sends."""

    def lines(self) -> list[str]:
        """One line a file: its size and its name."""
        return [f"{len(content):>13,}  {name}" for name, content in sorted(self.files.items())]


def pack(options: PushOptions) -> Parcel:
    """The files of an exported folder as they are, or those that an export of the run makes.

    Raises:
        UserError: No run and no exported folder, or a name that the hub cannot have.
    """
    parts = options.repo.split("/")
    if len(parts) != 2 or not all(parts):
        raise UserError(f"{options.repo}: must be user/name, the repository on the hub.")
    folder = user_path(options.run)
    if is_portable(folder):
        files = files_of(folder)
    else:
        from dcgan.commands.export import FORMATS, exportable

        make, _ = FORMATS["hub"]
        made = make(exportable(folder, None), ExportOptions(run=options.run, to="hub"))
        files = dict(made.files)
    licence = b"license: unknown" in files.get("README.md", b"")
    told = "README.md names no licence: export to a folder, fill it in there, and push the folder."
    return Parcel(files, (told,) if licence else ())


def files_of(folder: Path) -> dict[str, bytes]:
    """Every regular file in the folder but hidden ones.

    Raises:
        UserError: More or larger than any export.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    shown = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if len(shown) > MOST_FILES or sum(path.stat().st_size for path in shown) > MOST_BYTES:
        raise UserError(f"{folder}: holds more than an export does ({len(shown):,} files). Give the exported folder.")
    return {path.relative_to(folder).as_posix(): read_bytes(path, MOST_BYTES, follow=False) for path in shown}
