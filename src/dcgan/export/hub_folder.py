"""A folder for the model hub: weights, an ONNX file, a program without PyTorch, pictures and a card that explains all.

The hub counts downloads by ``config.json``, shows ``README.md``, opens ``notebook.ipynb`` in Colab and runs
``handler.py`` at an endpoint (https://huggingface.co/docs/hub/models).
"""

import json

import numpy as np

from dcgan.data.pixels import grid, png, viewable
from dcgan.export.card import SHOWN_SEEDS, RunFacts, card
from dcgan.export.numpy_folder import numpy_files
from dcgan.export.onnx_file import onnx_export
from dcgan.export.product import CHECKED_SEEDS, Export, with_sums
from dcgan.runs.generator import TrainedGenerator

LICENCE = "README.md names no licence yet: fill in the line that begins with license before you publish."


def hub_export(generator: TrainedGenerator, facts: RunFacts, page: Export | None = None) -> Export:
    """All files of the folder; ``page`` joins them as ``index.html``, which a static Space shows as it is."""
    made, of_numpy = numpy_files(generator)
    onnx = onnx_export(generator)
    difference = max(of_numpy, onnx.difference)
    made |= onnx.files
    made |= pictures(generator)
    made |= {
        "README.md": card(generator, facts, difference, page.difference if page else None).encode(),
        "handler.py": HANDLER.encode(),
        "requirements.txt": b"numpy\npillow\n",
        "notebook.ipynb": notebook(facts.name),
    }
    if page is not None:
        (made["index.html"],) = page.files.values()
    return Export(with_sums(made), difference, (LICENCE,))


def pictures(generator: TrainedGenerator) -> dict[str, bytes]:
    """A sheet of 64 images, and a few one by one."""
    pixels = viewable(generator.sample(CHECKED_SEEDS).permute(0, 2, 3, 1).numpy())
    factor = max(1, 64 // min(pixels.shape[1:3]))  # small images are shown enlarged
    large = np.repeat(np.repeat(pixels, factor, axis=1), factor, axis=2)
    singles = {f"samples/seed_{seed:05d}.png": png(large[seed]) for seed in SHOWN_SEEDS}
    return {"samples.png": png(grid(large, 8)), **singles}


def notebook(name: str) -> bytes:
    """Three cells: what it is, the files, the images."""
    fetch = (
        "# In Colab: fetch the folder. Elsewhere: start the notebook in it and skip this cell.\n"
        "from huggingface_hub import snapshot_download\n\n"
        'folder = snapshot_download("USER/NAME")  # the name of this repository\n'
        "%cd {folder}"
    )
    draw = (
        "import generator\nimport matplotlib.pyplot as plt\nimport numpy as np\n\n"
        "pixels = generator.load().sample(range(16))\n"
        "pixels = pixels / np.iinfo(pixels.dtype).max\n"
        "pixels = pixels if pixels.shape[-1] in (1, 3, 4) else pixels[..., :1]  # the first channel\n"
        "figure, axes = plt.subplots(4, 4, figsize=(6, 6))\n"
        "for axis, picture in zip(axes.flat, pixels):\n"
        '    axis.imshow(picture.squeeze(), cmap="gray")\n'
        '    axis.axis("off")'
    )
    cells = [_cell("markdown", f"# {name}\n\nNew images from seeds, with NumPy alone."), _cell("code", fetch)]
    content = {
        "cells": [*cells, _cell("code", draw)],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _cell(kind: str, text: str) -> dict[str, object]:
    identity = f"{kind}-{len(text)}"
    cell = {"cell_type": kind, "id": identity, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


HANDLER = '''\
"""An inference endpoint: {"inputs": {"seed": 7}} gives one image, {"inputs": {"seed": 7, "label": 2}} of a class."""

import sys
from pathlib import Path

from PIL import Image


class EndpointHandler:
    """Called by the endpoint toolkit: once with the folder, then with each request."""

    def __init__(self, path: str = "") -> None:
        sys.path.insert(0, str(Path(path or ".").resolve()))
        import generator

        self.generator = generator.load(path or ".")

    def __call__(self, data: dict) -> Image.Image:
        inputs = data.get("inputs") or {}
        inputs = inputs if isinstance(inputs, dict) else {"seed": inputs}
        seed, label = int(inputs.get("seed", 0)), inputs.get("label")
        if not 0 <= seed < 2**53:
            raise ValueError("seed: must be from 0 to 2 ** 53 - 1")
        if label is not None and not 0 <= int(label) < len(self.generator.class_names):
            raise ValueError(f"label: must be from 0 to {len(self.generator.class_names) - 1}")
        picture = self.generator.sample([seed], None if label is None else [int(label)])[0]
        if picture.dtype != "uint8":
            picture = (picture >> 8).astype("uint8")
        if picture.shape[-1] not in (1, 3, 4):
            picture = picture[..., :1]
        return Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture)
'''
