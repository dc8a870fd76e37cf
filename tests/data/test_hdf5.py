"""HDF5 files of images, as BigGAN's tools write them; what lies in other files stays there."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dcgan.data.sources.items import Source
from dcgan.data.sources.open import open_source
from dcgan.errors import ExitCode, UserError
from dcgan.settings.knobs import DataConfig

h5py = pytest.importorskip("h5py", reason="needs the extra [hdf5]")
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8), dtype=np.uint8)


def written(path: Path, **datasets: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, content in datasets.items():
            file.create_dataset(name, **(content if isinstance(content, dict) else {"data": content}))
    return path


def opened(path: Path) -> Source:
    return open_source(DataConfig(source=str(path)))


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        opened(path)
    assert caught.value.exit_code == ExitCode.DATA
    return str(caught.value)


@pytest.mark.parametrize("packing", [{}, {"chunks": (2, 3, 8, 8), "compression": "lzf"}, {"compression": "gzip"}])
def test_bigans_file_is_read_image_by_image(tmp_path: Path, packing: dict[str, Any]) -> None:
    labels = np.array([5, 5, 2, 9, 2, 9])
    source = opened(written(tmp_path / "ILSVRC8.hdf5", imgs={"data": PIXELS, **packing}, labels=labels))
    assert source.form == "HDF5"
    assert source.class_names == ("2", "5", "9")
    assert [item.label for item in source.items] == [1, 1, 0, 2, 0, 2]
    for index, image in enumerate(PIXELS):
        assert np.array_equal(source.read(index).pixels, image.transpose(1, 2, 0))
    source.close()


def test_images_with_channels_last_under_another_name_are_read_too(tmp_path: Path) -> None:
    source = opened(written(tmp_path / "galaxies.h5", images=PIXELS.transpose(0, 2, 3, 1), other=np.zeros(3)))
    assert np.array_equal(source.read(4).pixels, PIXELS[4].transpose(1, 2, 0))
    assert source.skipped == [("other", "not read")]
    source.close()


@pytest.mark.promise("An HDF5 file is read alone: links to other files, and pixels kept in them, are refused.")
def test_what_lies_in_other_files_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "secret.h5", imgs=PIXELS)
    (tmp_path / "secret.raw").write_bytes(bytes(PIXELS.size))
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["imgs"] = h5py.ExternalLink("secret.h5", "/imgs")
    assert "link.h5: holds imgs. Expected" in refusal(tmp_path / "link.h5")
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file.create_dataset("imgs", PIXELS.shape, "u1", external=[(str(tmp_path / "secret.raw"), 0, PIXELS.size)])
    assert "/imgs lies in other files" in refusal(tmp_path / "raw.h5")
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout(PIXELS.shape, "u1")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "imgs", PIXELS.shape)
        file.create_virtual_dataset("imgs", layout)
    assert "/imgs lies in other files" in refusal(tmp_path / "virtual.h5")


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ({"shape": (10**9, 3, 8, 8), "dtype": "u1", "chunks": (1, 3, 8, 8)}, "claims 192,000,000,000 numbers in 0"),
        ({"data": PIXELS.astype("f4")}, "float32"),
        ({"data": np.zeros((3, 8), "u1")}, "3 x 8 uint8"),
    ],
)
def test_what_cannot_be_images_is_refused(tmp_path: Path, dataset: dict[str, Any], words: str) -> None:
    assert words in refusal(written(tmp_path / "x.h5", imgs=dataset))


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x.h5", imgs=PIXELS)
    whole = path.read_bytes()
    for length in (8, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "x.h5: damaged" in refusal(path)


def test_labels_of_another_number_are_refused(tmp_path: Path) -> None:
    assert "labels 2" in refusal(written(tmp_path / "x.h5", imgs=PIXELS, labels=np.array([1, 2])))
