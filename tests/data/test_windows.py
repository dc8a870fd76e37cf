"""Images that do not fit into memory: every epoch shows each once, in an order that only seed and position decide."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dcgan.commands.evidence import window_of
from dcgan.data.batches import Batches
from dcgan.data.windows import BLOCK, Windows


@pytest.fixture
def pixels(tmp_path: Path) -> np.ndarray:
    """2,000 different images, mapped from a file, as prepared data are."""
    path = tmp_path / "packed.npy"
    np.save(path, np.arange(2000 * 16, dtype=np.uint16).reshape(2000, 4, 4, 1))
    return np.asarray(np.load(path, mmap_mode="r"))


TRAIN = np.flatnonzero(np.arange(2000) % 10 != 3)


def batches(pixels: np.ndarray, window: int, **options: object) -> Batches:
    return Batches(pixels, TRAIN, batch_size=48, seed=5, window=window, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("window", [128, 300, 512, 100_000])
def test_every_epoch_shows_each_image_once_in_another_order(pixels: np.ndarray, window: int) -> None:
    some = batches(pixels, window)
    epochs = [some._rows(epoch * len(TRAIN), len(TRAIN)) for epoch in range(3)]
    for rows in epochs:
        assert np.array_equal(np.sort(rows), TRAIN)
    assert not np.array_equal(epochs[0], epochs[1])
    assert not np.array_equal(epochs[1], epochs[2])
    some.close()


@pytest.mark.promise("Images that are read from disk in blocks are those that memory would have given, bit for bit.")
@pytest.mark.parametrize("short", [False, True])
def test_what_is_read_in_blocks_is_what_memory_gives_from_any_position_on(pixels: np.ndarray, short: bool) -> None:
    read, held = (batches(array, 384, short_last_batch=short) for array in (pixels, np.array(pixels)))
    for start in (0, 1700, 3 * 1800 - 10, 48):  # forwards over the end of an epoch, and back
        position = start
        for _ in range(12):
            rows = read.rows(position)
            assert np.array_equal(read.pictures(position, rows), pixels[rows])
            assert np.array_equal(held.rows(position), rows)
            part = slice(len(rows) // 3, len(rows))  # of a process that makes its share of the batch alone
            assert np.array_equal(read.pictures(position + part.start, rows[part]), pixels[rows[part]])
            position += len(rows)
    read.close()
    held.close()


def test_a_window_mixes_whole_blocks_and_no_others() -> None:
    windows = Windows(TRAIN, 3 * BLOCK, seed=0)
    places = windows.places(0, len(TRAIN))
    assert len(places) == 5
    for place in places:
        rows, blocks = windows.rows(place), windows.blocks(place.window)
        assert len(blocks) == 3
        assert sorted(rows.tolist()) == sorted(np.concatenate(blocks).tolist())
        assert all(block.tolist() == sorted(block.tolist()) for block in blocks)
        together = [abs(int(one) - int(other)) < 3 for one, other in pairwise(rows)]
        assert sum(together) < 0.1 * len(rows)  # neighbours in the file are no neighbours in the order


def test_without_a_window_the_order_is_as_ever(pixels: np.ndarray) -> None:
    some = batches(pixels, 0)
    assert some.rows(0)[:6].tolist() == batches(np.array(pixels), 0).rows(0)[:6].tolist()
    assert some._windows is None


def test_images_that_fit_are_all_mixed_and_others_get_a_window_that_does(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    images = np.broadcast_to(np.uint8(0), (100_000, 64, 64, 3))  # 1.2 GB that nobody has to hold
    for memory, expected in ((10**10, 0), (4 * 10**8, 4096), (2 * 10**9, 16_256), (None, 0)):
        monkeypatch.setattr("dcgan.commands.evidence.usable_memory", lambda memory=memory: memory)
        assert window_of(images, said.append) == expected
        assert expected % BLOCK == 0
    assert len(said) == 2
    assert said[0].startswith("The images take 1,229 MB, and 400 MB of memory may be used: they are read from disk")
