"""The folder for the model hub: what the hub reads, what people read, and code that runs as it stands."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import generator
from PIL import Image

import dcgan
from dcgan.files import write_atomically
from dcgan.interfaces.cli import main
from dcgan.runs.generator import TrainedGenerator

pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")

from dcgan.export.card import RunFacts, card, front_matter
from dcgan.export.hub_folder import hub_export

MEASUREMENT = {
    "name": "fd_tiny_5k", "value": 12.5, "interval": None, "floor": None, "excess": None,
    "protocol": {
        "detector": "tiny", "num_samples": 5000, "reference": "cats & dogs", "fingerprint": "ab", "split": "test",
        "num_reference": 5000, "resize": "none", "seconds": 1.0,
    },
}  # fmt: skip
FACTS = RunFacts("run: 1", "cats & dogs", 1000, ["One sentence."], [MEASUREMENT], [["measure"], ["fd_tiny_5k"]])
WITHOUT = "import sys; sys.modules['dcgan'] = None; "


def write(trained: TrainedGenerator, folder: Path, facts: RunFacts = FACTS) -> Path:
    for name, content in hub_export(trained, facts).files.items():
        write_atomically(folder / name, content)
    return folder


def blocks(folder: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (folder / "README.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.promise(
    "The hub folder draws the same images by NumPy, onnxruntime and plain PyTorch, without this package."
)
@pytest.mark.parametrize(
    "kind",
    [
        {"height": 28, "width": 28, "channels": 1},
        {"num_classes": 3, "prior": "uniform"},
        {"family": "residual", "num_classes": 2, "height": 16, "width": 24},
    ],
    ids=str,
)
def test_the_code_of_the_card_draws_the_same_images_without_this_package(kind: dict, tmp_path: Path) -> None:
    trained = generator(**kind)
    folder = write(trained, tmp_path)
    by_numpy, by_onnx, by_torch, _ = blocks(folder)
    endings = {
        by_numpy.replace("[7]", "range(64)"): "np.save('0.npy', pixels)",
        by_onnx: "np.save('1.npy', pixels)",
        by_torch: "np.save('2.npy', images.permute(0, 2, 3, 1).byte().numpy())",
    }
    expected = trained.sample(range(64)).permute(0, 2, 3, 1).numpy().astype(int)
    whole = "\n".join(f"{program}\n{ending}" for program, ending in endings.items())
    subprocess.run([sys.executable, "-c", f"{WITHOUT}import numpy as np\n{whole}"], check=True, cwd=folder, timeout=120)
    for number in range(3):
        assert np.abs(np.load(folder / f"{number}.npy").astype(int) - expected).max() <= 1, number


def test_the_package_gives_the_folders_generator_back_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = generator(num_classes=3)
    folder = write(trained, tmp_path)
    monkeypatch.chdir(folder)
    names: dict = {}
    exec(blocks(folder)[3], names)
    assert torch.equal(names["pixels"], trained.sample([7]))


def test_the_hubs_own_parser_finds_the_metadata_and_the_measurements() -> None:
    hub = pytest.importorskip("huggingface_hub", reason="needs the extra [hub]")
    parsed = hub.ModelCard(card(generator(), FACTS, 0.0)).data
    assert (parsed.library_name, parsed.pipeline_tag) == ("dcgan", "unconditional-image-generation")
    assert parsed.license == "unknown" and parsed.model_name == "run: 1"
    (result,) = parsed.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_name) == ("fd_tiny_5k", 12.5, "cats & dogs")
    assert result.metric_args["num_samples"] == 5000
    assert parsed.to_dict()["widget"][7]["output"]["url"] == "samples/seed_00007.png"


def test_measurements_are_absent_where_nothing_was_measured() -> None:
    facts = RunFacts("run", "cats")
    assert "model-index" not in front_matter(generator(), facts)
    assert "this generator was not measured" in card(generator(), facts, 0.0)


def test_names_from_the_data_cannot_steer_the_page() -> None:
    facts = RunFacts("<script>", "[x](y)", sentences=["<img src=a>"])
    body = card(generator(), facts, 0.0).partition("# ")[2]
    assert "<script>" not in body.replace("\\<script\\>", "") and "[x](" not in body and "\\<img" in body


def test_a_sheet_and_single_images_are_in_the_folder_small_ones_enlarged(tmp_path: Path) -> None:
    folder = write(generator(channels=5), tmp_path)
    with Image.open(folder / "samples.png") as sheet:
        assert sheet.size == (8 * 64 + 7 * 2, 8 * 64 + 7 * 2)
    assert len(list((folder / "samples").iterdir())) == 8


def test_the_endpoint_answers_a_seed_with_its_image_and_refuses_others(tmp_path: Path) -> None:
    trained = generator(num_classes=3)
    folder = write(trained, tmp_path)
    program = (
        f"{WITHOUT}from handler import EndpointHandler\n"
        "handler = EndpointHandler('.')\n"
        "handler({'inputs': {'seed': 7, 'label': 2}}).save('answer.png')\n"
        "for wrong in ({'seed': -1}, {'seed': 1, 'label': 3}):\n"
        "    try:\n        handler({'inputs': wrong})\n        sys.exit('accepted')\n"
        "    except ValueError:\n        pass\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=folder, timeout=60)
    with Image.open(folder / "answer.png") as answer:
        drawn = np.asarray(answer).astype(int)
    assert np.abs(drawn - trained.sample([7], [2])[0].permute(1, 2, 0).numpy()).max() <= 1


def test_the_notebook_draws(tmp_path: Path) -> None:
    folder = write(generator(), tmp_path)
    cells = json.loads((folder / "notebook.ipynb").read_text())["cells"]
    program = (
        f"{WITHOUT}import matplotlib; matplotlib.use('Agg')\n{''.join(cells[-1]['source'])}\nplt.savefig('out.png')"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=folder, timeout=120)
    assert (folder / "out.png").stat().st_size > 1000


def test_a_run_tells_its_settings_and_nothing_of_where_it_was_made(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "hub"
    assert main(["export", str(run), "--to", "hub", "--out", str(out)]) == 0
    text = (out / "README.md").read_text()
    assert (out / "index.html").is_file() and "`index.html`" in text
    assert "trained on creatures.npy" in text and "It had seen 16 training images" in text
    places = [str(run.parent), str(Path.home()), str(tmp_path)]
    written = [path for path in out.rglob("*") if path.is_file()]
    assert not [(path, place) for path in written for place in places if place.encode() in path.read_bytes()]
    assert torch.equal(dcgan.load(out).sample(range(8)), dcgan.load(run).sample(range(8)))
