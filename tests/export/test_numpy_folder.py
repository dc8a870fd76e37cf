"""generator.py draws what the generator draws, where neither torch nor this package can be imported."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import KINDS, generator
from PIL import Image

from dcgan.export import standalone
from dcgan.export.numpy_folder import numpy_export
from dcgan.files import write_atomically

ALONE = "import sys; sys.modules.update(dict.fromkeys(('torch', 'dcgan', 'safetensors', 'PIL'))); "


def write(files: dict[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        write_atomically(folder / name, content)


@pytest.mark.promise("The NumPy export draws what the run draws, within one grey level, without PyTorch.")
@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_is_the_same_image_within_one_grey_level(kind: str, tmp_path: Path) -> None:
    trained = generator(**KINDS[kind])
    write(numpy_export(trained).files, tmp_path)
    pixels = standalone.load(tmp_path).sample(range(20))
    expected = trained.sample(range(20)).permute(0, 2, 3, 1).numpy()
    assert pixels.dtype == expected.dtype
    assert np.abs(pixels.astype(int) - expected).max() <= (257 if pixels.dtype == np.uint16 else 1)


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_its_latents_are_those_of_the_run_to_the_bit(prior: str) -> None:
    trained = generator(prior=prior)
    seeds = [0, 1, 63, 2**40]
    own = np.stack([standalone.latent(seed, 12, prior) for seed in seeds])
    assert torch.equal(torch.from_numpy(own), trained.latents(seeds))


def test_it_runs_as_a_program_where_torch_is_not(tmp_path: Path) -> None:
    trained = generator(num_classes=3)
    write(numpy_export(trained).files, tmp_path)
    words = "'generator.py', '--seeds', '0-1,5', '--label', 'class 2', '--out', 'new'"
    program = ALONE + f"import runpy; sys.argv = [{words}]; runpy.run_path('generator.py', run_name='__main__')"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, timeout=60)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "seed_00000.png", "seed_00001.png", "seed_00005.png",
    ]  # fmt: skip
    with Image.open(tmp_path / "new" / "seed_00005.png") as picture:
        drawn = np.asarray(picture)
    expected = trained.sample([5], [2])[0].permute(1, 2, 0).numpy()
    assert np.abs(drawn.astype(int) - expected).max() <= 1


def test_it_is_imported_as_a_module_where_torch_is_not(tmp_path: Path) -> None:
    write(numpy_export(generator()).files, tmp_path)
    program = ALONE + "import generator; print(generator.load().sample([0, 1, 2]).shape)"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, cwd=tmp_path, timeout=60, capture_output=True, text=True
    )
    assert done.stdout == "(3, 16, 16, 3)\n"


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_its_png_files_hold_every_bit(channels: int, bits: int) -> None:
    import io

    picture = np.random.default_rng(0).integers(0, 2**bits, (5, 7, channels)).astype(f"u{bits // 8}")
    content = standalone.png(picture)
    opened = Image.open(io.BytesIO(content))
    opened.load()  # checks the checksums
    assert opened.size == (7, 5)
    if bits == 8 or channels == 1:  # Pillow reads no more than 8 bits of colour
        assert np.array_equal(np.asarray(opened).reshape(picture.shape), picture)


def test_the_list_of_hashes_is_right_and_the_config_names_no_folder(tmp_path: Path) -> None:

    trained = generator()
    trained.config = trained.config.asked({"data.source": "secret/place/cats"})
    write(numpy_export(trained).files, tmp_path)
    subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], check=True, cwd=tmp_path, capture_output=True)
    text = (tmp_path / "config.json").read_text()
    assert "secret" not in text and json.loads(text)["settings"]["data"]["source"] == "cats"
    assert trained.config.data.source == "secret/place/cats"
