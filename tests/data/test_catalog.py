"""The catalog: fetched only by name, only what was published, and useful without a network."""

import gzip
import hashlib
import io
import struct
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from dcgan.data.sources import catalog
from dcgan.data.sources.catalog import Download, fetch
from dcgan.data.sources.open import open_source
from dcgan.errors import ExitCode, UserError
from dcgan.settings.knobs import DataConfig

CONTENT = b"the published file"


class Handler(BaseHTTPRequestHandler):
    """Serves one file, counts who asks, and knows how to fail."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(404 if "missing" in self.path else 200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: 5 if "cut" in self.path else None])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("DCGAN_DATASETS", raising=False)
    Handler.asked = []
    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def published(address: str, content: bytes = CONTENT) -> Download:
    return Download(address, "sha1", hashlib.sha1(content).hexdigest(), len(content))


def test_a_file_is_fetched_once_and_then_taken_from_the_cache(server: str, tmp_path: Path) -> None:
    for _ in range(2):
        path = fetch(published(f"{server}/images.zip"), "toys", "toys")
        assert path == tmp_path / "cache/downloads/toys/images.zip"
        assert path.read_bytes() == CONTENT
    assert Handler.asked == ["/images.zip"]


@pytest.mark.promise("A download whose hash is not the published one is refused and not kept.")
@pytest.mark.parametrize("name", ["images.zip", "cut.zip"])
def test_another_file_than_the_published_one_is_refused_and_not_kept(server: str, tmp_path: Path, name: str) -> None:
    expected = published(f"{server}/{name}", b"another" if name == "images.zip" else CONTENT)
    with pytest.raises(UserError, match="not the published file") as refusal:
        fetch(expected, "toys", "toys")
    assert refusal.value.exit_code == ExitCode.DATA
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_without_a_network_the_message_says_what_to_do(server: str, tmp_path: Path) -> None:
    for address in (f"{server}/missing/images.zip", "http://127.0.0.1:9/images.zip", "http://[::1]:9/images.zip"):
        with pytest.raises(UserError) as refusal:
            fetch(published(address), "toys", "toys")
        message = str(refusal.value)
        assert message.startswith(f"toys: {address} could not be fetched (")
        assert f"put it at {tmp_path}/cache/downloads/toys/images.zip" in message
        assert "dcgan train path/to/images.zip" in message


def idx(array: np.ndarray) -> bytes:
    return gzip.compress(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


@pytest.fixture
def digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """A small MNIST that needs no network: image i is filled with i, its label is i modulo 10."""
    monkeypatch.setenv("DCGAN_DATASETS", str(tmp_path))
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "no cache"))
    images = np.arange(200, dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), dtype=np.uint8)
    for folder in ("mnist", "fashion-mnist"):
        (tmp_path / folder).mkdir()
        for split in ("train", "t10k"):
            (tmp_path / folder / f"{split}-images-idx3-ubyte.gz").write_bytes(idx(images))
            labels = np.arange(200, dtype=np.uint8) % 10
            (tmp_path / folder / f"{split}-labels-idx1-ubyte.gz").write_bytes(idx(labels))
    return images


@pytest.mark.usefixtures("digits")
def test_a_local_collection_of_data_sets_needs_no_network() -> None:
    source = open_source(DataConfig(source="fashion-mnist", classes=("ankle boot", "bag")))
    assert source.name == "fashion-mnist"
    assert source.class_names == ("bag", "ankle boot")
    assert len(source.items) == 2 * 40
    assert open_source(DataConfig(source="mnist")).class_names == tuple("0123456789")


def test_stacked_mnist_is_three_digits_read_as_a_number_and_always_the_same(digits: np.ndarray) -> None:
    source = open_source(DataConfig(source="stacked-mnist"))
    assert (len(source.items), len(source.class_names)) == (60_000, 1_000)
    for index in (0, 59_999):
        pixels = source.read(index).pixels
        assert pixels.shape == (32, 32, 3)
        assert (pixels[[0, 1, 30, 31]] == 0).all()
        shown = int("".join(str(int(value) % 10) for value in pixels[16, 16]))
        assert shown == source.items[index].label
        assert source.class_names[shown] == f"{shown:03}"
    assert source.read(0).pixels[16, 16].tolist() == [59, 58, 49]
    labels = np.array([item.label for item in source.items])
    assert np.bincount(labels, minlength=1000).min() > 20
    assert len(digits) == 200


def test_cifar10_is_read_from_its_binary_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCGAN_DATASETS", str(tmp_path))
    records = np.random.default_rng(0).integers(0, 255, (6, 20, 3073), dtype=np.uint8)
    records[:, :, 0] %= 10
    path = tmp_path / "cifar10/cifar-10-binary.tar.gz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as archive:
        for name, content in [
            ("cifar-10-batches-bin/batches.meta.txt", b"text"),
            *((f"cifar-10-batches-bin/data_batch_{number}.bin", records[number].tobytes()) for number in range(1, 6)),
            ("../../cifar-10-batches-bin/test_batch.bin", records[0].tobytes()),
        ]:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    source = open_source(DataConfig(source="cifar10"))
    assert sum(item.test for item in source.items) == 20
    assert source.items[21].label == records[2, 1, 0]
    assert source.class_names[3] == "cat"
    assert np.array_equal(source.read(21).pixels, records[2, 1, 1:].reshape(3, 32, 32).transpose(1, 2, 0))
    assert np.array_equal(source.read(100).pixels[0, 1], records[0, 0, 1:].reshape(3, 32, 32)[:, 0, 1])
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"cifar-10-binary\.tar\.gz: "):
        open_source(DataConfig(source="cifar10"))


def test_critters_are_drawn_at_the_size_that_is_wanted() -> None:
    source = open_source(DataConfig(height=32, width=48))
    assert source.name == "critters"
    assert source.read(5).pixels.shape == (32, 48, 4)
    assert source.read(5).mode == "RGBA"
    assert source.class_names[source.items[5].label or 0]
    assert len(source.items) >= 1000


def test_every_entry_has_an_address_a_hash_and_a_licence() -> None:
    assert catalog.names() == ("critters", "pokemon", "fashion-mnist", "mnist", "stacked-mnist", "cifar10")
    for entry in catalog.ENTRIES.values():
        assert entry.licence
        for download in entry.downloads:
            assert download.address.startswith("http")
            assert len(download.digest) == 2 * hashlib.new(download.algorithm).digest_size
