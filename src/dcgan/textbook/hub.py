"""The book's named files: fetched once, checked, and unpacked inside their own folder.

The book trusts whatever arrives over plain HTTP and unpacks it anew at every call, wherever the names inside lead.
Here a file must have the published SHA-1 hash, is looked for on this machine first, and is unpacked once.
"""

import hashlib
import os
import stat
import zipfile
from pathlib import Path, PurePosixPath

from dcgan import files
from dcgan.data.sources.archives import open_zip
from dcgan.data.sources.catalog import Download, fetch_to
from dcgan.errors import ExitCode, UserError

DATA_HUB: dict[str, tuple[str, str]] = {}
"""Name → address and SHA-1 hash. The chapter's cells add their own entry."""
DATA_URL = "http://d2l-data.s3-accelerate.amazonaws.com/"

_chosen: list[Path] = []


def use_folder(folder: Path | None) -> None:
    """Let every name stand for this folder, so that nothing is downloaded; None: no longer."""
    _chosen[:] = [] if folder is None else [folder]


def download(url: str, folder: str = "../data", sha1_hash: str | None = None) -> str:
    """Return the path in ``folder`` of the file at an address, or of an entry of ``DATA_HUB``; fetch it if need be.

    Raises:
        UserError: No network, no hash to check it by, or not the file that was published.
    """
    name = url
    if url in DATA_HUB:
        url, sha1_hash = DATA_HUB[url]
    if "://" not in url:
        raise UserError(f"{url}: no such name in DATA_HUB. Known: {', '.join(DATA_HUB) or 'none'}.")
    path = Path(folder) / url.rsplit("/", 1)[-1]
    if path.is_file():
        if sha1_hash is None or _sha1(path) == sha1_hash:
            return str(path)
        raise UserError(f"{path}: not the published file (SHA-1 {_sha1(path)}). Move it away to fetch it anew.")
    if sha1_hash is None:
        raise UserError(f"{url}: no SHA-1 hash was given, so nothing could tell whether the right file arrived.")
    return str(_on_this_machine(name, path.name) or fetch_to(Download(url, "sha1", sha1_hash), name, path))


def download_extract(name: str, folder: str | None = None) -> str:
    """Return the folder of an entry of ``DATA_HUB``; download and unpack it if need be.

    ``folder``: the folder inside the archive, if it is not called as the archive is.

    Raises:
        UserError: As ``download``, or the archive is broken or leads outside of its folder.
    """
    if _chosen:
        return str(_chosen[0])
    if name not in DATA_HUB:
        raise UserError(f"{name}: no such name in DATA_HUB. Known: {', '.join(DATA_HUB) or 'none'}.")
    archive = Path(download(name))
    target = Path("..") / "data"
    extract(archive, target)
    data_dir = target / (folder or archive.stem)
    if not data_dir.is_dir():
        raise UserError(f"{archive}: holds no folder {data_dir.name}.", ExitCode.DATA)
    return str(data_dir)


def extract(archive: Path, folder: Path) -> None:
    """Unpack a zip into a folder; files that are there with the right size stay.

    Raises:
        UserError: It is broken, looks like a bomb, or holds links or names that lead outside.
    """
    with open_zip(archive) as opened:
        members = [info for info in opened.infolist() if not info.is_dir()]
        for info in members:
            _require_inside(archive, info)
        files.require_space(folder, sum(info.file_size for info in members), f"unpacking {archive.name}")
        for info in members:
            path = folder / info.filename
            if not path.is_file() or path.stat().st_size != info.file_size:
                files.write_atomically(path, _content(archive, opened, info))


def _require_inside(archive: Path, info: zipfile.ZipInfo) -> None:
    """Refuse a member that would be written anywhere but below the folder."""
    name = info.filename.replace("\\", "/")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or ":" in name or stat.S_ISLNK(info.external_attr >> 16):
        raise UserError(
            f"{archive}: {info.filename!r:.100} leads outside of its folder; nothing was unpacked.", ExitCode.UNSAFE
        )


def _content(archive: Path, opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        return opened.read(info)
    except Exception as error:  # hostile bytes make zipfile raise anything
        raise UserError(f"{archive}: {info.filename!r:.100} is damaged ({error}).", ExitCode.DATA) from error


def _on_this_machine(name: str, file_name: str) -> Path | None:
    """Return a copy that somebody put where this program looks for named data sets."""
    if root := os.environ.get("DCGAN_DATASETS"):
        path = Path(root) / name / file_name
        if path.is_file():
            return path
    path = files.cache_root() / "downloads" / name / file_name
    return path if path.is_file() else None


def _sha1(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()
