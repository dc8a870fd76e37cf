"""To the hub and back, against a stand-in of its HTTP interface on this machine."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub_server import Hub, serving

import dcgan
from dcgan.interfaces.cli import main

pytest.importorskip("huggingface_hub", reason="needs the extra [hub]")
pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving() as stand_in:
        yield stand_in


@pytest.fixture
def cli(hub: Hub, tmp_path: Path) -> Cli:
    """Runs ``dcgan`` in a process that knows the stand-in only."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": "hf_test",
            "HF_HUB_DISABLE_XET": "1",
        }  # fmt: skip
        command = [sys.executable, "-m", "dcgan", *map(str, words)]
        return subprocess.run(
            command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )

    return run


@pytest.mark.promise("Nothing is uploaded but by dcgan push with --yes, which lists every file first.")
def test_without_yes_nothing_is_sent_and_everything_is_listed(hub: Hub, cli: Cli, run: Path) -> None:
    done = cli("push", run, "me/creatures")
    assert done.returncode == 0, done.stderr
    assert hub.requests == [] and "Nothing was sent." in done.stdout
    for name in ("README.md", "config.json", "model.safetensors", "model.onnx", "generator.py", "samples.png"):
        assert f"  {name}\n" in done.stdout
    assert "README.md names no licence" in done.stdout


def test_what_is_pushed_comes_back_to_the_bit_by_name_and_by_revision(
    hub: Hub, cli: Cli, run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "made"
    assert main(["export", str(run), "--to", "hub", "--out", str(folder)]) == 0
    (folder / "README.md").write_text((folder / "README.md").read_text().replace("license: unknown", "license: mit"))
    (folder / ".hidden").write_text("secret")
    done = cli("push", folder, "me/creatures", "--yes")
    assert done.returncode == 0, done.stderr
    repository = hub.repositories["me/creatures"]
    ((sha, files),) = repository.revisions
    assert repository.private and "names no licence" not in done.stdout
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {".hidden"}
    assert {name: content for name, content in files.items() if name != ".gitattributes"} == {
        name: (folder / name).read_bytes() for name in there
    }
    assert f"hub:me/creatures@{sha}" in done.stdout
    for name in ("hub:me/creatures", f"hub:me/creatures@{sha}"):
        out = cli("sample", name, "--seeds", "0-3", "--out", "new")
        assert out.returncode == 0, out.stderr
        assert f"From hub:me/creatures@{sha}" in out.stdout
        assert main(["sample", str(run), "--seeds", "0-3", "--out", str(tmp_path / "own")]) == 0
        assert (tmp_path / "new" / "sheet.png").read_bytes() == (tmp_path / "own" / "sheet.png").read_bytes()
    fetched = [path for verb, path in hub.requests if verb == "GET" and "/resolve/" in path]
    assert {path.rpartition("/")[2] for path in fetched} == {"config.json", "model.safetensors"}


def test_a_name_that_is_not_there_is_told_without_a_traceback(cli: Cli) -> None:
    done = cli("sample", "hub:me/nothing")
    assert done.returncode == 11 and "no such repository, or a private one" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["hub:me", "hub:../../etc/passwd", "hub:a/b@", "hub:a/b c"])
def test_what_is_no_name_on_the_hub_is_refused_before_anything_is_asked(name: str) -> None:
    with pytest.raises(dcgan.UserError, match="must be hub:user/name"):
        dcgan.load(name)


def test_a_repository_of_something_else_is_told(hub: Hub, cli: Cli) -> None:
    from hub_server import Repository

    hub.repositories["me/other"] = Repository(False)
    hub.repositories["me/other"].revisions.append(("a" * 40, {"config.json": b"{}"}))
    done = cli("sample", "hub:me/other")
    assert done.returncode == 11 and "has no config.json or no model.safetensors" in done.stderr


def test_a_repository_is_public_only_when_asked_and_a_failure_is_told_without_a_traceback(
    hub: Hub, cli: Cli, run: Path
) -> None:
    done = cli("push", run, "me/a/b", "--yes")
    assert done.returncode == 2 and "must be user/name" in done.stderr
    assert cli("push", run, "me/open", "--public", "--yes").returncode == 0
    assert not hub.repositories["me/open"].private
    hub.address = "http://127.0.0.1:9"
    done = cli("push", run, "me/creatures", "--yes")
    assert done.returncode == 2 and "not sent" in done.stderr and "Traceback" not in done.stderr
