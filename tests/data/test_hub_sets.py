"""Data sets of the hub by name, against a stand-in of its HTTP interface on this machine."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hub_server import Hub, Repository, serving
from PIL import Image

from dcgan.data.sources.hub_sets import open_set, short_name
from dcgan.errors import UserError

pyarrow = pytest.importorskip("pyarrow", reason="needs the extra [datasets]")
parquet_files = pytest.importorskip("pyarrow.parquet", reason="needs the extra [datasets]")
pytest.importorskip("huggingface_hub", reason="needs the extra [datasets]")

PROGRAM = """
import sys
from dcgan.commands.options import DataOptions
from dcgan.data.sources.open import open_source
from dcgan.settings.knobs import DataConfig
from dcgan.errors import UserError
for name in sys.argv[1:]:
    try:
        config = DataConfig(source=str(DataOptions(source=name).given()["data.source"]))
        source = open_source(config)
        print([config.source, source.form, len(source.items), source.class_names, source.remarks, source.name,
            [item.test for item in source.items], int(source.read(0).pixels[0, 0, 0])])
    except UserError as error:
        print(str(error))
"""


def parquet(shades: list[int]) -> bytes:
    rows = []
    for shade in shades:
        buffer = io.BytesIO()
        Image.new("L", (4, 3), shade).save(buffer, "PNG")
        rows.append({"bytes": buffer.getvalue(), "path": f"{shade}.png"})
    table = pyarrow.table({"image": rows, "label": [shade % 2 for shade in shades]})
    names = {"info": {"features": {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["a", "b"]}}}}
    written = io.BytesIO()
    parquet_files.write_table(table.replace_schema_metadata({"huggingface": json.dumps(names)}), written)
    return written.getvalue()


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with serving() as stand_in:
        one = stand_in.repositories.setdefault("me/shades", Repository(False))
        one.revisions += [
            ("1" * 40, {"data/train-00000-of-00001.parquet": parquet([7])}),
            ("2" * 40, {
                "README.md": b"x",
                "data/train-00000-of-00001.parquet": parquet([5, 6]),
                "data/test-00000-of-00001.parquet": parquet([8]),
            }),
        ]  # fmt: skip
        two = stand_in.repositories.setdefault("me/two", Repository(False))
        two.revisions.append(("3" * 40, {f"{name}/train-0.parquet": parquet([9]) for name in ("coarse", "fine")}))
        other = stand_in.repositories.setdefault("me/script", Repository(False))
        other.revisions.append(("4" * 40, {"script.py": b"print('run')"}))
        branch = {"default/train/0000.parquet": parquet([3, 4]), "default/test/0000.parquet": parquet([2])}
        stand_in.converted["me/script"] = ("5" * 40, branch)
        yield stand_in


@pytest.fixture(scope="module")
def answers(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a process says that knows the stand-in only: of each name in turn."""
    environment = os.environ | {
        "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path_factory.mktemp("hf")), "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1", "DCGAN_CACHE": str(tmp_path_factory.mktemp("cache")),
    }  # fmt: skip
    names = [
        "hf:me/shades", f"hf:me/shades@{'1' * 40}", "hf:me/two", "hf:me/two/fine", "hf:me/none", "hf:me/shades/none",
        "hf:me/script",
    ]  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.promise("A data set of the hub is fetched when it is named, and its exact revision is said and kept.")
def test_a_name_becomes_the_revision_that_it_has_now(answers: list[str]) -> None:
    source, form, count, names, remarks, short, test, shade = eval(answers[0])
    assert source == f"hf:me/shades@{'2' * 40}"
    assert (form, count, names, short) == ("2 Parquet files", 3, ("a", "b"), "shades")
    assert remarks[0].startswith(f"hf:me/shades@{'2' * 40} is what was read: 2 files, ")
    assert "test is held out" in remarks[1]
    assert (test, shade) == ([True, False, False], 8)


def test_an_older_revision_is_read_as_it_was(answers: list[str]) -> None:
    assert eval(answers[1])[0] == f"hf:me/shades@{'1' * 40}"
    assert eval(answers[1])[-1] == 7


def test_a_repository_of_several_sets_asks_for_one(answers: list[str]) -> None:
    assert "holds several sets: coarse, fine. Name one of them: hf:me/two/coarse@3333" in answers[2]
    assert eval(answers[3])[2:6:3] == [1, "fine"]


def test_a_set_that_comes_as_a_script_is_read_as_the_hub_converted_it(answers: list[str]) -> None:
    _, form, count, _, remarks, _, test, _ = eval(answers[6])
    assert (form, count, test) == ("2 Parquet files", 3, [True, False, False])
    assert remarks[0].startswith(f"hf:me/script@{'5' * 40} is what was read")


def test_what_is_not_there_is_answered_by_a_sentence(answers: list[str]) -> None:
    assert answers[4] == "hf:me/none: no such data set, or a private one: log in with hf auth login."
    assert "no Parquet files and no tars below none (it holds README.md" in answers[5]


def test_nothing_but_what_was_named_is_fetched(hub: Hub, answers: list[str]) -> None:
    assert answers
    fetched = {path for method, path in hub.requests if method == "GET" and "/resolve/" in path}
    assert len(fetched) == 6
    assert not any(path.endswith((".py", ".md")) or "coarse" in path for path in fetched)


@pytest.mark.parametrize("name", ["hf:", "hf:mnist", "hf:me/x@", "hf:../../etc", "hf:me/x/../../y", "hf:me/ x"])
def test_what_is_no_name_is_refused_before_anything_is_asked(name: str) -> None:
    with pytest.raises(UserError, match="must be hf:user/name"):
        open_set(name)


def test_a_run_is_called_after_the_set() -> None:
    assert short_name(f"hf:me/shades@{'1' * 40}") == "shades"
    assert short_name("hf:me/two/fine") == "fine"
