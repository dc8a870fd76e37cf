"""Generators on the Hugging Face hub: ``hub:user/name`` becomes a folder here, fetched because it was named.

Two files are fetched, ``config.json`` and ``model.safetensors``, both of one revision; no code is.
"""

import re
from pathlib import Path

from dcgan.errors import ExitCode, UserError
from dcgan.runs.portable import CONFIG, WEIGHTS

PREFIX = "hub:"
_NAME = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_on_hub(name: str) -> bool:
    """Whether a name means a generator on the hub."""
    return name.startswith(PREFIX)


def fetch(name: str) -> Path:
    """The folder with the two files of ``hub:user/name`` or ``hub:user/name@revision``; its own name is the revision.

    What was fetched before is taken from the hub library's cache; a whole revision needs no network then.

    Raises:
        UserError: Not a name on the hub, no such repository, no such files, or no connection.
    """
    match = _NAME.fullmatch(name.removeprefix(PREFIX))
    if match is None:
        raise UserError(f"{name}: must be hub:user/name or hub:user/name@revision.")
    try:
        import huggingface_hub  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise UserError(f"{name}: needs huggingface_hub: pip install 'dcgan[hub]'") from error
    repo, revision = match["repo"], match["revision"]
    try:
        if revision is None or not _COMMIT.fullmatch(revision):
            revision = huggingface_hub.HfApi().model_info(repo, revision=revision).sha
        folders = {
            Path(huggingface_hub.hf_hub_download(repo, file, revision=revision)).parent for file in (CONFIG, WEIGHTS)
        }
    except Exception as error:  # the library raises what its transport raises
        raise UserError(f"{name}: {_reason(error)}", ExitCode.CHECKPOINT) from error
    (folder,) = folders
    return folder


def pinned(name: str, weights: Path | None) -> str:
    """The name with the revision that was fetched, for people who want the same again."""
    return f"{name.partition('@')[0]}@{weights.parent.name}" if weights else name


def _reason(error: Exception) -> str:
    """What went wrong in a sentence that says what to do."""
    known = {
        "RepositoryNotFoundError": "no such repository, or a private one: log in with hf auth login.",
        "GatedRepoError": "its owner gives access by request only.",
        "RevisionNotFoundError": "no such revision.",
        "RemoteEntryNotFoundError": f"has no {CONFIG} or no {WEIGHTS}: dcgan export --to hub makes both.",
        "LocalEntryNotFoundError": "could not be reached, and was not fetched before.",
    }
    return known.get(type(error).__name__, f"could not be fetched ({type(error).__name__}: {error!s:.200}).")
