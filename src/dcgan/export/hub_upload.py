"""Send the files of a hub folder: the only place of this program that uploads, and only what it is handed."""

from collections.abc import Mapping
from dataclasses import dataclass

from dcgan.errors import UserError


@dataclass(frozen=True)
class Sent:
    """Where the files are now."""

    address: str
    revision: str


def send(files: Mapping[str, bytes], repo: str, *, private: bool) -> Sent:
    """One commit with all files; the repository is made if there is none, its visibility kept if there is.

    Raises:
        UserError: The package is missing, nobody is logged in, or the hub refuses.
    """
    try:
        import huggingface_hub  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise UserError("dcgan push: needs huggingface_hub: pip install 'dcgan[hub]'") from error
    api = huggingface_hub.HfApi(library_name="dcgan")
    additions = [huggingface_hub.CommitOperationAdd(name, content) for name, content in files.items()]
    try:
        made = api.create_repo(repo, private=private, exist_ok=True)
        commit = api.create_commit(repo, additions, commit_message="Upload a generator")
    except Exception as error:  # the library raises what its transport raises
        reason = f"{type(error).__name__}: {error!s:.300}"
        raise UserError(
            f"dcgan push {repo}: not sent ({reason}). Log in with hf auth login, then try again."
        ) from error
    return Sent(str(made), str(commit.oid))
