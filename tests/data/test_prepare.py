"""Preparing: everything decoded once, nothing lost silently, and content alone decides the outcome."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from patience import patient
from PIL import Image

from dcgan import files
from dcgan.data import cache, reading
from dcgan.data.prepare import Dataset, prepare
from dcgan.errors import ExitCode, UserError
from dcgan.limits import available_threads
from dcgan.settings.knobs import DataConfig


def prepared(**options: Any) -> Dataset:
    return prepare(DataConfig(**{"source": "fake", "height": 16, "width": 16, **options}))


def same(one: Dataset, other: Dataset) -> bool:
    arrays = [(one.pixels, other.pixels), (one.train, other.train), (one.held_out, other.held_out)]
    return one.fingerprint == other.fingerprint and all(np.array_equal(*pair) for pair in arrays)


def test_every_image_is_decoded_once_and_never_again(use: Any, noise: Any) -> None:
    source = use(noise(50))
    seen: list[tuple[int, int]] = []
    config = DataConfig(source="fake", height=16, width=16)
    first = prepare(config, lambda done, total: seen.append((done, total)))
    assert sorted(source.decoded) == sorted(source.images)
    assert seen == [(done, 50) for done in range(1, 51)]
    second = prepare(config, lambda done, total: seen.append((done, total)))
    assert len(source.decoded) == len(seen) == 50
    assert same(first, second)
    assert first.report == second.report and first.names == second.names


def test_the_array_is_small_read_only_and_on_disk(use: Any, noise: Any) -> None:
    use(noise(5))
    pixels = prepared().pixels
    assert pixels.shape == (5, 16, 16, 3) and pixels.dtype == np.uint8
    assert not pixels.flags.writeable
    assert [path.stat().st_size for path in cache.folder().glob("*.npy")] == [128 + 5 * 16 * 16 * 3]


def test_rows_labels_and_names_belong_together(use: Any, noise: Any) -> None:
    images = noise(30, 16, 16, 3)
    use(images, labels=[index % 3 for index in range(30)], class_names=["a", "b", "c"])
    dataset = prepared()
    assert dataset.labels is not None and dataset.labels.dtype == np.int64
    for row, name in enumerate(dataset.names):
        assert np.array_equal(dataset.pixels[row], images[name])
        assert dataset.labels[row] == int(name[:4]) % 3
    assert dataset.class_names == ("a", "b", "c")
    again = prepared()
    assert again.labels is not None and np.array_equal(dataset.labels, again.labels)


@pytest.mark.promise("Renaming, touching or moving images changes nothing: what counts is their content.")
def test_names_times_and_places_do_not_matter(use: Any, noise: Any) -> None:
    images = noise(1100)
    use(images)
    first = prepared()
    names = list(images)
    np.random.default_rng(0).shuffle(names)
    renamed = {f"other/{name}": picture for name, picture in zip(names, images.values(), strict=True)}
    source = use(renamed, stamp="2")
    second = prepared()
    assert len(source.decoded) == 1100
    assert same(first, second)
    assert set(second.names) == set(renamed)
    assert len(first.held_out) == 110
    assert len(list(cache.folder().glob("*.npy"))) == 1


def test_content_and_shaping_do_matter(use: Any, noise: Any) -> None:
    use(noise(6))
    fingerprints = [prepared(**options).fingerprint for options in ({}, {"fit": "pad"}, {"resample": "bicubic"})]
    use(noise(6) | {"0003.png": np.zeros((20, 24, 3), np.uint8)}, stamp="2")
    fingerprints.append(prepared().fingerprint)
    assert len(set(fingerprints)) == 4


def test_labels_matter_only_when_they_are_trained_on(use: Any, noise: Any) -> None:
    outcomes = []
    for labels in ([0, 0, 1, 1], [0, 1, 0, 1]):
        use(noise(4), labels=labels, class_names=["a", "b"], stamp=str(labels))
        outcomes.append((prepared().fingerprint, prepared(labels=True).fingerprint))
    assert outcomes[0][0] == outcomes[1][0]
    assert outcomes[0][1] != outcomes[1][1]
    assert len(list(cache.folder().glob("*.npy"))) == 1


def test_a_lost_or_cut_array_is_made_again(use: Any, noise: Any) -> None:
    source = use(noise(8))
    first = prepared()
    expected = np.array(first.pixels)
    (path,) = cache.folder().glob("*.npy")
    for damage in (path.unlink, lambda: os.truncate(path, 1000), lambda: os.truncate(path, 0)):
        damage()
        source.decoded.clear()
        assert np.array_equal(prepared().pixels, expected)
        assert len(source.decoded) == 8


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"array": 3}', b"\xff\xfe"])
def test_a_broken_manifest_is_made_again(use: Any, noise: Any, content: bytes) -> None:
    use(noise(4))
    first = prepared()
    (path,) = cache.folder().glob("*.json")
    path.write_bytes(content)
    assert same(first, prepared())
    assert json.loads(path.read_bytes())["fingerprint"] == first.fingerprint


def test_images_that_do_not_fit_into_memory_wait_on_disk(use: Any, noise: Any, monkeypatch: Any) -> None:
    images = noise(40) | {"0007.png": noise(1, 20, 24, 1)["0000.png"], "0011.png": "not an image"}
    use(images)
    whole = prepared()
    shutil.rmtree(cache.folder())
    monkeypatch.setattr(cache, "CHUNK_BYTES", 3000)
    use(images)
    assert same(whole, prepared())
    assert {path.suffix for path in cache.folder().iterdir()} == {".npy", ".json"}


def test_what_a_dead_process_left_behind_is_removed(use: Any, noise: Any) -> None:
    old, young = cache.folder() / ("rows-" + "a" * 32), cache.folder() / ("rows-" + "b" * 32)
    for place in (old, young):
        place.mkdir(parents=True)
        (place / "000000").write_bytes(b"x" * 10)
    os.utime(old, (time.time() - 100_000,) * 2)
    use(noise(2))
    prepared()
    assert not old.exists() and young.exists()


def test_grey_files_give_one_channel_and_one_colour_file_gives_three(use: Any, noise: Any) -> None:
    grey = noise(6, 16, 16, 1)
    use(grey)
    assert prepared().pixels.shape[3] == 1
    use(grey | {"colour.png": noise(1, 16, 16, 3)["0000.png"]}, stamp="2")
    mixed = prepared()
    assert mixed.pixels.shape[3] == 3
    row = mixed.names.index("0002.png")
    assert (mixed.pixels[row] == grey["0002.png"]).all()
    assert prepared(channels="grey").pixels.shape[3] == 1
    assert prepared(channels="rgba").pixels.shape[3] == 4


def with_deep(noise: Any, shallow: int, deep: int) -> tuple[dict[str, object], np.ndarray]:
    """Grey images of 8 bits, and some of 16 called ``deep0.png`` …; the first of these."""
    picture = np.arange(256, dtype=np.uint16).reshape(16, 16, 1) * 250
    return noise(shallow, 16, 16, 1) | {f"deep{index}.png": (picture + index, "I;16") for index in range(deep)}, picture


def test_where_most_images_have_16_bits_all_get_them_exactly(use: Any, noise: Any) -> None:
    images, deep = with_deep(noise, 2, 3)
    use(images)
    dataset = prepared()
    assert dataset.pixels.dtype == np.uint16
    assert np.array_equal(dataset.pixels[dataset.names.index("deep0.png")], deep)
    assert np.array_equal(dataset.pixels[dataset.names.index("0001.png")] // 257, images["0001.png"])
    assert "widened" in dataset.report.dtype_reason and dataset.report.bit_depths == {"8": 2, "16": 3}


def test_a_few_images_of_16_bits_are_rounded_and_that_is_said_first(use: Any, noise: Any) -> None:
    images, deep = with_deep(noise, 4, 1)
    use(images)
    dataset = prepared()
    assert dataset.pixels.dtype == np.uint8
    assert np.array_equal(dataset.pixels[dataset.names.index("deep0.png")], np.floor(deep / 257 + 0.5))
    words = "1 of 5 image has 16 bits and is rounded to 8, since most have 8. --bits 16 keeps them."
    assert dataset.report.lines()[0] == words
    kept = prepared(bits="16")
    assert np.array_equal(kept.pixels[kept.names.index("deep0.png")], deep)
    assert kept.report.remarks == ()
    assert kept.fingerprint != dataset.fingerprint
    assert prepared(bits="8").fingerprint == dataset.fingerprint


def test_arrays_keep_their_channels_and_others_are_listed(use: Any, noise: Any) -> None:
    images = noise(4, 16, 16, 5)
    use(images | {"colour.png": noise(1, 16, 16, 3)["0000.png"]})
    dataset = prepared()
    assert dataset.pixels.shape == (4, 16, 16, 5)
    assert dataset.report.unreadable == (("colour.png", "3 channels, most others have 5 channels"),)
    use({name: (picture[:, :, :2], "array") for name, picture in images.items()}, stamp="2")
    assert prepared().pixels.shape[3] == 2
    use({name: (picture[:, :, :3], "array") for name, picture in images.items()}, stamp="3")
    assert prepared().pixels.shape[3] == 3


@pytest.mark.promise("Files that give no image are skipped and listed with the reason.")
def test_bad_files_are_listed_and_skipped(use: Any, noise: Any) -> None:
    use(noise(4) | {"bad\n.png": "not an image", "gone.png": PermissionError(13, "Permission denied")})
    report = prepared().report
    assert report.num_found == 6 and report.num_used == 4
    assert report.unreadable == (
        ("bad\n.png", "not an image"),
        ("gone.png", "could not be read (Permission denied)"),
    )


@pytest.mark.parametrize(("good", "bad"), [(4, 5), (1, 0), (1, 1), (0, 3)])
def test_a_source_that_is_mostly_bad_is_refused(use: Any, noise: Any, good: int, bad: int) -> None:
    use(noise(good) | {f"bad{index}.png": "cut off after 34 %" for index in range(bad)})
    with pytest.raises(UserError, match=f"{good} of {good + bad} images can be used") as caught:
        prepared()
    assert caught.value.exit_code == ExitCode.DATA
    assert ("bad0.png: cut off after 34 %" in str(caught.value)) == (bad > 0)
    assert not list(cache.folder().glob("*"))


def test_half_bad_is_still_accepted(use: Any, noise: Any) -> None:
    use(noise(3) | {f"bad{index}.png": "empty file" for index in range(3)})
    assert len(prepared().pixels) == 3


def test_a_limit_chooses_by_content(use: Any, noise: Any) -> None:
    images = noise(200)
    use(images)
    everything = prepared()
    some = prepared(limit=20)
    assert np.array_equal(some.pixels, everything.pixels[:20])
    backwards = {f"{index:03}": images[name] for index, name in enumerate(sorted(images, reverse=True))}
    use(backwards)
    assert same(some, prepared(limit=20))
    assert some.report.num_usable == 200 and some.report.num_used == 20
    assert same(everything, prepared(limit=1000))


def test_a_limit_counts_copies(use: Any) -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    use({f"{index}.png": picture for index in range(50)})
    assert len(prepared(limit=7).pixels) == 7


def test_the_official_test_split_is_held_out(use: Any, noise: Any) -> None:
    use(noise(20), test=[index >= 15 for index in range(20)])
    dataset = prepared()
    assert sorted(dataset.names[row] for row in dataset.held_out) == [f"{index:04}.png" for index in range(15, 20)]
    assert len(prepared(held_out=False).train) == 20


def test_the_disk_is_asked_before_anything_is_written(use: Any, noise: Any, monkeypatch: Any) -> None:
    use(noise(100))
    needed: list[int] = []

    def refuse(_: Path, num_bytes: int, __: str) -> None:
        needed.append(num_bytes)
        raise UserError("full", ExitCode.DISK)

    monkeypatch.setattr(files, "require_space", refuse)
    with pytest.raises(UserError, match="full"):
        prepared()
    assert needed == [100 * 16 * 16 * 3]
    assert not cache.folder().exists() or not list(cache.folder().iterdir())


@pytest.mark.promise("Stopping while images are prepared leaves nothing half done.")
def test_stopping_half_way_leaves_nothing(use: Any, noise: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(cache, "CHUNK_BYTES", 3000)
    use(noise(100))

    def stop(done: int, _: int) -> None:
        if done == 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(DataConfig(source="fake", height=16, width=16), stop)
    assert not list(cache.folder().iterdir())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("dcgan-data")]


def test_little_is_read_ahead() -> None:
    started: list[int] = []
    results = reading.in_parallel(started.append, 10_000)
    for _ in range(10):
        next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(started) <= 16 * 5 * max(2, available_threads())


def folder_of_images(folder: Path, count: int) -> None:
    folder.mkdir()
    generator = np.random.default_rng(0)
    for index in range(count):
        picture = generator.integers(0, 256, (24, 20, 3), dtype=np.uint8)
        Image.fromarray(picture).save(folder / f"é {index}.png")


def test_a_real_folder_renamed_touched_and_copied_is_no_change(tmp_path: Path) -> None:
    folder_of_images(tmp_path / "one", 12)
    first = prepared(source=str(tmp_path / "one"))
    (tmp_path / "one" / "é 0.png").rename(tmp_path / "one" / "z.png")
    os.utime(tmp_path / "one" / "é 1.png", (1, 1))
    assert same(first, prepared(source=str(tmp_path / "one")))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert same(first, prepared(source=str(tmp_path / "two")))
    picture = Image.open(tmp_path / "two" / "z.png")
    picture.save(tmp_path / "two" / "z.bmp")
    (tmp_path / "two" / "z.png").unlink()
    assert same(first, prepared(source=str(tmp_path / "two")))
    (tmp_path / "two" / "z.bmp").unlink()
    assert first.fingerprint != prepared(source=str(tmp_path / "two")).fingerprint


@pytest.mark.promise("Two programs may prepare the same images at the same time.")
def test_two_processes_at_once_do_not_harm_each_other(tmp_path: Path) -> None:
    folder_of_images(tmp_path / "images", 100)
    code = (
        "import sys; from dcgan.settings.knobs import DataConfig; from dcgan.data.prepare import prepare; "
        "print(prepare(DataConfig(source=sys.argv[1], height=16, width=16)).pixels.sum())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "images")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    sums = {process.communicate(timeout=patient(60))[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert sums == {f"{prepared(source=str(tmp_path / 'images')).pixels.sum()}\n"}
    assert {path.suffix for path in cache.folder().iterdir()} == {".npy", ".json"}


def test_real_sprites_and_their_recoloured_twins(real_data: Path) -> None:
    source = str(real_data / "pokemon-sprites" / "pokemon.zip")
    dataset = prepared(source=source, classes=[f"{number:04}" for number in range(1, 26)], height=64, width=64)
    assert dataset.pixels.shape[1:] == (64, 64, 3) and 1000 < len(dataset.pixels) < 2000
    assert dataset.report.num_usable == dataset.report.num_found
    assert len(dataset.held_out) == round(len(dataset.pixels) / 10)
    sides: dict[str, set[bool]] = {}
    held_out = set(dataset.held_out.tolist())
    for row, name in enumerate(dataset.names):
        sides.setdefault(name.replace("shiny_", ""), set()).add(row in held_out)
    assert sum(len(side) == 2 for side in sides.values()) < 0.05 * len(sides)
