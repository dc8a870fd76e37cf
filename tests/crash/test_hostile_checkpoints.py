"""A checkpoint that somebody made up, under the right hash, is refused with a word on what is wrong with it."""

import copy
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.torture.forge import Header, encode, facts_of, forged, parts, save_small, small_config, with_facts
from dcgan.errors import ExitCode, UserError
from dcgan.runs import checkpoint, tensor_file
from dcgan.runs.folder import RunFolder
from dcgan.runs.generator import load_generator
from dcgan.runs.tensor_file import Malformed
from dcgan.training.setup import new_state

NAME = "generator.to_image.weight"
Change = Callable[[Header, bytearray], Any]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Header, bytes]:
    return parts(tmp_path_factory.mktemp("good"))


def entry(**changes: Any) -> Change:
    def change(header: Header, _: bytearray) -> None:
        header[NAME] |= changes

    return change


def fact(**changes: Any) -> Change:
    def change(header: Header, _: bytearray) -> None:
        header |= with_facts(header, facts_of(header) | changes)

    return change


def knob(section: str, **changes: Any) -> Change:
    def change(header: Header, _: bytearray) -> None:
        facts = facts_of(header)
        facts["config"][section] |= changes
        header |= with_facts(header, facts)

    return change


def overlap(header: Header, _: bytearray) -> None:
    last = max((name for name in header if name != "__metadata__"), key=lambda name: header[name]["data_offsets"])
    start, end = header[last]["data_offsets"]
    header[last]["data_offsets"] = [start - 4, end - 4]


def gap(header: Header, data: bytearray) -> None:
    data += b"\0" * 4


def rename(header: Header, _: bytearray) -> None:
    header["average.surprise"] = header.pop(NAME.replace("generator", "average"))


def crowd(header: Header, data: bytearray) -> None:
    header |= {f"x{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(4_100)}


def foreign_statistics(header: Header, _: bytearray) -> None:
    header["sampling.surprise"] = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}


def not_a_number(header: Header, data: bytearray) -> None:
    start = header[NAME]["data_offsets"][0]
    data[start : start + 4] = np.float32("nan").tobytes()


FORGERIES: dict[str, tuple[Change, str]] = {
    "a negative size": (entry(shape=[-1, 1, 4, 4]), f"{NAME} has the shape"),
    "a huge size": (entry(shape=[2**62, 2**62]), f"{NAME} has the shape"),
    "no whole size": (entry(shape=[1.5]), f"{NAME} has the shape"),
    "a size that is a truth": (entry(shape=[True]), f"{NAME} has the shape"),
    "a thousand dimensions": (entry(shape=[1] * 1000), f"{NAME} has the shape"),
    "a shape larger than its place": (entry(shape=[1000, 1000]), "needs 4,000,000 bytes"),
    "an empty place beside a huge one": (entry(shape=[0, 2**61]), f"{NAME} has the shape"),
    "another type": (entry(dtype="F16"), "none of F32, F64, I64"),
    "a type that is no text": (entry(dtype=["F32"]), "none of F32, F64, I64"),
    "a place that ends before it begins": (entry(data_offsets=[8, 0]), "its place has -8"),
    "a place outside the file": (entry(data_offsets=[2**40, 2**40 + 64]), "begins at byte|its place has"),
    "an entry of another kind": (entry(surprise=1), "not described by"),
    "two tensors in one place": (overlap, "begins at byte"),
    "bytes that belong to nothing": (gap, "the file has"),
    "too many tensors": (crowd, "at most 4,096"),
    "a name that is not ours": (rename, "surprise belongs to no part"),
    "statistics of a layer that is not there": (foreign_statistics, "surprise belongs to no part"),
    "a weight that is not a number": (not_a_number, f"{NAME} holds numbers that are not finite"),
    "a count of images that is no count": (fact(images_seen=-1), "images_seen is -1"),
    "a time without end": (fact(seconds=1e300), "seconds is 1e"),
    "names that are numbers": (fact(class_names=[1, 2]), "class_names is"),
    "bits that no image has": (fact(bits=32), "bits is 32"),
    "a config that is text": (fact(config="x"), "config is 'x'"),
    "a knob that does not exist": (knob("model", surprise=1), "model.surprise: no such setting"),
    "a network larger than any memory": (knob("model", generator_width=10**18), "model.generator_width = 10"),
    "a network larger than its weights": (knob("model", generator_width=65_536), "It is of another network"),
    "a width without end": (knob("data", width=16 * 10**12), "data.width = 16000000000000"),
    "a later format": (fact(format=3), "format 3, this version reads up to 2"),
    "a format that is a list": (fact(format=[1]), "format \\[1\\], this version reads up to 2"),
}


@pytest.mark.promise("A forged checkpoint is refused before one of its numbers is used, and the message names the lie.")
@pytest.mark.parametrize(("change", "message"), FORGERIES.values(), ids=list(FORGERIES))
def test_a_forged_checkpoint_is_refused_by_name(
    run: RunFolder, good: tuple[Header, bytes], change: Change, message: str
) -> None:
    header, data = copy.deepcopy(good[0]), bytearray(good[1])
    change(header, data)
    path = forged(run, encode(header, bytes(data)))
    for place in (path, run.root):
        with pytest.raises(UserError, match=message) as error:
            load_generator(place)
        assert error.value.exit_code == ExitCode.CHECKPOINT
        assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    ("header", "length"),
    [
        (b"", None),
        (b"{}", None),
        (b"[]", None),
        (b"null", None),
        (b"{" * 100_000, None),
        (b"[" * 100_000, None),
        (b'{"a":' * 100_000, None),
        (b"\xff\xfe{}", None),
        (b'{"__metadata__": {"dcgan": 1}}', None),
        (b'{"__metadata__": {"dcgan": "{}"}}', None),
        (b'{"__metadata__": {"dcgan": "[' + b"1" * 5_000 + b']"}}', None),
        (b'{"__metadata__": {"dcgan": "NaN"}}', None),
        (b'{"a": {}, "a": {}}', None),
        (b"{}", 2**63),
        (b"{}", 2**64 - 1),
        (b" " * 4_000_001, None),
    ],
)
def test_a_header_that_is_none_is_refused(run: RunFolder, header: bytes, length: int | None) -> None:
    forged(run, encode(header, b"", length))
    with pytest.raises(UserError) as error:
        load_generator(run.root)
    assert error.value.exit_code == ExitCode.CHECKPOINT


def test_a_key_that_comes_twice_is_refused(run: RunFolder, good: tuple[Header, bytes]) -> None:
    text = json.dumps(good[0])
    forged(run, encode((text[:-1] + f', "{NAME}": ' + json.dumps(good[0][NAME]) + "}").encode(), good[1]))
    with pytest.raises(UserError, match="twice"):
        load_generator(run.root)


def test_what_is_not_forged_is_read(run: RunFolder, good: tuple[Header, bytes]) -> None:
    forged(run, encode(*good))
    generator = load_generator(run.root)
    assert torch.equal(generator.sample([7]), load_generator(save_small(RunFolder(run.root / "other"))).sample([7]))


def test_a_state_of_other_networks_is_refused_and_nothing_is_changed(
    run: RunFolder, good: tuple[Header, bytes]
) -> None:
    header, data = copy.deepcopy(good[0]), good[1]
    header["generator_optimizer.surprise"] = header.pop(f"generator_optimizer.{NAME.partition('.')[2]}.exp_avg")
    found = checkpoint.read(forged(run, encode(header, data)))
    assert found is not None
    state = new_state(small_config(), torch.device("cpu"))
    before = {name: tensor.clone() for name, tensor in state.tensors().items()}
    with pytest.raises(UserError, match="surprise belongs to no part") as error:
        state.restore(found.tensors, found.facts)
    assert error.value.exit_code == ExitCode.CHECKPOINT
    assert all(torch.equal(tensor, before[name]) for name, tensor in state.tensors().items())


@pytest.mark.promise("A damaged checkpoint is found out at whichever of its bytes it is cut off.")
def test_every_truncation_is_found_out(run: RunFolder) -> None:
    save_small(run, 32)
    newest = save_small(run, 64)
    content = newest.read_bytes()
    for size in {*range(0, len(content), 397), *range(0, 64), len(content) - 1}:
        newest.write_bytes(content[:size])
        assert checkpoint.read(newest) is None
    found = checkpoint.newest(run)
    assert found is not None
    assert found.facts["images_seen"] == 32


def test_what_is_no_file_is_never_opened(run: RunFolder) -> None:
    save_small(run, 32)
    for images_seen, make in enumerate((os.mkfifo, os.mkdir, lambda path: path.symlink_to(path)), start=100):
        make(run.checkpoints / f"checkpoint-{images_seen:012d}-{'0' * 64}.safetensors")
    assert load_generator(run.root).sample([1]).shape == (1, 1, 16, 16)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["F32", "I64", "BF16"])
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4))
ENTRIES = st.fixed_dictionaries({"dtype": LEAVES, "shape": TREES, "data_offsets": TREES}) | TREES


@settings(max_examples=50, deadline=None)
@given(header=st.dictionaries(st.text() | st.just("__metadata__"), ENTRIES, max_size=4) | TREES, data=st.binary())
def test_whatever_a_header_says_it_is_malformed_or_true(header: Any, data: bytes) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(encode(header, data))
        file.seek(0)
        try:
            found = tensor_file.read(file)
        except Malformed as error:
            assert str(error)
        else:
            assert sum(tensor.nbytes for tensor in found.tensors.values()) == len(data)
