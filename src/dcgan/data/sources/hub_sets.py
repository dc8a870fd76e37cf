"""Data sets of the Hugging Face hub: ``hf:user/name``, fetched because it was named, and of one revision.

Parquet files are taken first, else tars, else the Parquet files that the hub itself made of the set. They stay in the
cache of the hub's own library; no code of a repository is ever run.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from dcgan import files
from dcgan.data.sources.class_labels import split_of
from dcgan.data.sources.items import Source, printable
from dcgan.data.sources.parquet import Parquet
from dcgan.data.sources.tars import Tars
from dcgan.errors import ExitCode, UserError

PREFIX = "hf:"
_CONVERTED = "refs/convert/parquet"
_NAME = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:/(?P<folder>[\w./-]+))?(?:@(?P<revision>[\w./-]+))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REASONS = {
    "RepositoryNotFoundError": "no such data set, or a private one: log in with hf auth login",
    "GatedRepoError": "its owner gives access by request only: ask on its page, then hf auth login",
    "RevisionNotFoundError": "no such revision",
    "LocalEntryNotFoundError": "could not be reached, and was not fetched before",
    "ConnectError": "could not be reached; what was fetched before is found by its revision, hf:user/name@…",
}


@dataclass(frozen=True)
class _Set:
    """Files of one set."""

    repo: str
    revision: str
    """A whole commit."""
    names: tuple[str, ...]
    num_bytes: int


def is_on_hub(name: str) -> bool:
    """Whether a name means a data set on the hub."""
    return name.startswith(PREFIX) and not name.startswith(f"{PREFIX}//")  # which is an address


def short_name(name: str) -> str:
    """What a run on this set may be called: the last word before the revision."""
    return name.removeprefix(PREFIX).partition("@")[0].rstrip("/").rpartition("/")[2]


@cache
def pinned(name: str) -> str:
    """The name with the revision that it means now, which needs no network later.

    Raises:
        UserError: Not a name on the hub, no such data set, or no connection.
    """
    match = _match(name)
    revision = match["revision"]
    if revision and _COMMIT.fullmatch(revision):
        return name
    found = _asked(name, lambda hub: hub.HfApi().dataset_info(match["repo"], revision=revision).sha)
    return f"{name.partition('@')[0]}@{found}"


def open_set(name: str) -> Source:
    """The images of ``hf:user/name``, ``hf:user/name/folder`` or either with ``@revision``.

    Raises:
        UserError: As above, no files that are read, or no room for them.
    """
    exact = pinned(name)
    chosen = _asked(name, lambda hub: _chosen(hub, exact))
    files.require_space(files.cache_root(), chosen.num_bytes, f"downloading {name}")
    paths = _asked(name, lambda hub: [_fetched(hub, chosen, file) for file in chosen.names])
    stem, count = exact.partition("@")[0], f"{len(paths)} file{'s' if len(paths) > 1 else ''}"
    remark = f"{stem}@{chosen.revision} is what was read: {count}, {chosen.num_bytes / 1e6:,.1f} MB."
    if chosen.names[0].endswith(".parquet"):
        splits = [_split(file) for file in chosen.names]
        return Parquet(paths, name=short_name(name), splits=splits, remarks=[remark])
    source = Tars(paths, name=short_name(name))
    source.remarks = (remark, *source.remarks)
    return source


def _match(name: str) -> re.Match[str]:
    match = _NAME.fullmatch(name.removeprefix(PREFIX))
    if match is None or ".." in name:
        raise UserError(f"{name}: must be hf:user/name, hf:user/name/folder or hf:user/name@revision.")
    return match


def _asked(name: str, question: Any) -> Any:
    """The answer of the hub's library, or what went wrong in a sentence."""
    try:
        import huggingface_hub  # noqa: PLC0415  # an extra
        import pyarrow  # noqa: F401, PLC0415  # the same extra: what is fetched would be of no use without it
    except ImportError as error:
        raise UserError(f"{name}: needs huggingface_hub and pyarrow: pip install 'dcgan[datasets]'.") from error
    try:
        return question(huggingface_hub)
    except UserError:
        raise
    except Exception as error:  # the library raises what its transport raises
        kind = type(error).__name__
        reason = _REASONS.get(kind, f"could not be fetched ({kind}: {printable(str(error))[:200]})")
        raise UserError(f"{name}: {reason}.", ExitCode.DATA) from error


def _chosen(hub: Any, exact: str) -> _Set:
    """The files of a set: Parquet, else tars, else what the hub made of it."""
    match = _match(exact)
    repo, folder, revision = match["repo"], match["folder"] or "", match["revision"]
    sizes = _sizes(hub, repo, revision)
    names = _of_one_set(exact, folder, list(sizes))
    if not names and _has_converted(hub, repo):
        revision = str(hub.HfApi().dataset_info(repo, revision=_CONVERTED).sha)
        sizes = _sizes(hub, repo, revision)
        names = _of_one_set(exact, folder, list(sizes))
    if not names:
        some = ", ".join(printable(name) for name in list(sizes)[:6]) or "nothing"
        raise UserError(
            f"{exact}: no Parquet files and no tars{' below ' + folder if folder else ''} (it holds {some}). Download "
            f"it with hf download {repo} --repo-type dataset, and name the folder.",
            ExitCode.DATA,
        )
    return _Set(repo, revision, tuple(names), sum(sizes[name] for name in names))


def _sizes(hub: Any, repo: str, revision: str) -> dict[str, int]:
    """The files of a revision and their bytes; without a connection, those that were fetched before."""
    try:
        found = hub.HfApi().dataset_info(repo, revision=revision, files_metadata=True).siblings or []
        return {file.rfilename: file.size or 0 for file in found}
    except Exception:
        folder = Path(hub.snapshot_download(repo, repo_type="dataset", revision=revision, local_files_only=True))
        return {
            path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()
        }


def _has_converted(hub: Any, repo: str) -> bool:
    refs = hub.HfApi().list_repo_refs(repo, repo_type="dataset")
    return any(ref.ref == _CONVERTED for ref in refs.converts or [])


def _of_one_set(exact: str, folder: str, names: Sequence[str]) -> list[str]:
    """The Parquet files, or else the tars, below a folder; refused where they are of several sets."""
    inside = [name for name in names if name == folder or name.startswith(f"{folder}/" if folder else "")]
    for ending in (".parquet", ".tar"):
        if found := sorted(name for name in inside if name.endswith(ending)):
            sets = sorted({_set_of(name) for name in found})
            if len(sets) > 1:
                stem, _, revision = exact.partition("@")
                stem = stem.removesuffix(f"/{folder}") if folder else stem
                raise UserError(
                    f"{exact}: holds several sets: {', '.join(map(printable, sets[:8]))}. Name one of them: "
                    f"{stem}/{sets[0]}@{revision}.",
                    ExitCode.DATA,
                )
            return found
    return []


def _set_of(name: str) -> str:
    """The folder of a set: that of the file, or the one above where the file's own is a split."""
    parents = PurePosixPath(name).parent
    return str(parents.parent if split_of(parents.name.removeprefix("partial-")) else parents)


def _split(name: str) -> str | None:
    """By the name of the file, or of its folder."""
    path = PurePosixPath(name)
    return split_of(path.name) or split_of(path.parent.name.removeprefix("partial-"))


def _fetched(hub: Any, chosen: _Set, file: str) -> Path:
    return Path(hub.hf_hub_download(chosen.repo, file, repo_type="dataset", revision=chosen.revision))
