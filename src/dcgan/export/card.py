"""The README of a generator on the model hub: metadata that the hub reads, then text and code that people read.

The metadata's fields: https://huggingface.co/docs/hub/model-cards. Every code block of the card runs as it stands in
the folder.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dcgan.runs.generator import TrainedGenerator
from dcgan.wording import plain

SHOWN_SEEDS = range(8)


@dataclass(frozen=True)
class RunFacts:
    """What a card says of a run beyond the generator itself."""

    name: str
    """Name of the run."""
    data: str
    """Name of the training images."""
    images_seen: int | None = None
    """Training images that the generator had seen, repeats included."""
    sentences: Sequence[str] = ()
    """The settings in words."""
    measurements: Sequence[Mapping[str, Any]] = ()
    """As ``evaluation.json`` has them; of this very checkpoint."""
    rows: Sequence[Sequence[str]] = ()
    """The same as a table, its head first."""
    remarks: Sequence[str] = field(default=())
    """What else the evaluation said."""


def card(generator: TrainedGenerator, facts: RunFacts, difference: float, of_page: float | None = None) -> str:
    """The whole README. ``difference``: the largest one of the files that draw, in grey levels of 255.

    ``of_page``: that of ``index.html``; None without such a page.
    """
    data, model = generator.config.data, generator.config.model
    size = f"{data.height} x {data.width} pixels, {model.image_channels} channels"
    classes = f" of {len(generator.class_names)} classes" if generator.class_names else ""
    seen = f" It had seen {facts.images_seen:,} training images, repeats included." if facts.images_seen else ""
    parts = [
        front_matter(generator, facts),
        f"# {_text(facts.name)}",
        f"A generator of new images{classes}, {size}, trained on {_text(facts.data)} by `dcgan`.{seen}",
        "![Images of the seeds 0 to 63, row by row](samples.png)",
        "**Licence: not chosen yet.** Whoever publishes this decides, in the first lines of this file; the licence of "
        "the training images may limit the choice.",
        "## Use it",
        _use(generator, difference),
        ""
        if of_page is None
        else "To play with it, open `index.html` in a browser: the generator runs in the page, without a server. "
        f"Its images of the seeds 0 to 63 differ by at most {of_page:.2g} of 255 grey levels.",
        "## How it was trained",
        "\n".join(f"- {_text(sentence)}" for sentence in facts.sentences) or "Not known: no run folder was given.",
        "## Measurements",
        _measured(facts),
        "## Limits",
        f"It draws only what resembles {_text(facts.data)}, with the gaps and biases of those images. "
        "A generated image is evidence of nothing.",
        _classes(generator),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def front_matter(generator: TrainedGenerator, facts: RunFacts) -> str:
    """The metadata between two lines of dashes. JSON values are YAML values."""
    tags = ["gan", "dcgan", "image-generation", "onnx", "safetensors"]
    lines = [
        "library_name: dcgan",
        "pipeline_tag: unconditional-image-generation",
        "license: unknown  # FILL IN before you publish, such as cc-by-4.0, mit or other",
        f"tags: {json.dumps(tags)}",
        "widget:",
    ]
    for seed in SHOWN_SEEDS:
        lines += [f'- text: "seed {seed}"', "  output:", f"    url: samples/seed_{seed:05d}.png"]
    if facts.measurements:
        lines += _model_index(facts)
    return "\n".join(["---", *lines, "---"])


def _model_index(facts: RunFacts) -> list[str]:
    """The measurements in the hub's own form: one result for each set of images that was compared with."""
    results: dict[tuple[str, str], list[str]] = {}
    for one in facts.measurements:
        protocol = one["protocol"]
        if str(one["name"]).endswith("]"):
            continue  # single classes are in the run's own report
        known = {key: value for key, value in protocol.items() if key not in ("reference", "split", "seconds")}
        metric = {"type": one["name"], "name": one["name"], "value": one["value"], "args": known}
        place = (str(protocol["reference"]), str(protocol["split"]))
        results.setdefault(place, []).append(f"    - {json.dumps(metric, ensure_ascii=False)}")
    lines = ["model-index:", f"- name: {json.dumps(facts.name, ensure_ascii=False)}", "  results:"]
    task = {"type": "unconditional-image-generation", "name": "Unconditional image generation"}
    for (name, split), metrics in results.items():
        dataset = json.dumps({"type": name, "name": name, "split": split}, ensure_ascii=False)
        lines += [f"  - task: {json.dumps(task)}", f"    dataset: {dataset}", "    metrics:", *metrics]
    return lines


def _measured(facts: RunFacts) -> str:
    if not facts.rows:
        return "None: this generator was not measured (`dcgan evaluate`)."
    head, *rows = [[_text(cell).replace("|", "\\|") for cell in row] for row in facts.rows]
    table = [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]]
    explained = "A measure's name holds its detector and the number of images; only equal names can be compared."
    return "\n".join(table) + f"\n\n{explained}\n\n" + "\n".join(f"- {_text(remark)}" for remark in facts.remarks)


def _classes(generator: TrainedGenerator) -> str:
    if not generator.class_names:
        return ""
    rows = (f"| {number} | {_text(name)} |" for number, name in enumerate(generator.class_names))
    return "\n".join(["## Classes", "", "| number | class |", "| --- | --- |", *rows])


def _use(generator: TrainedGenerator, difference: float) -> str:
    labelled = bool(generator.class_names)
    blocks = {
        "With NumPy alone; seed 7 is the same image every time:": NUMPY,
        "With onnxruntime:": ONNX_LABELLED if labelled else ONNX,
        "With PyTorch, the whole network in a few lines:": torch_lines(generator),
        "With the package `dcgan`:": PACKAGE,
    }
    same = "All four draw the same images" + (
        f"; the largest difference is {difference:.2g} of 255 grey levels (seeds 0 to 63)." if difference else "."
    )
    return "\n\n".join(f"{title}\n\n```python\n{code}```" for title, code in blocks.items()) + f"\n\n{same}"


def torch_lines(generator: TrainedGenerator) -> str:
    """A program that draws seeds 0 to 63 with PyTorch and the weights, without this package."""
    classes = len(generator.class_names)
    body = DCGAN_BODY if generator.config.model.family == "dcgan" else RESIDUAL_BODY
    blocks = len(generator.generator.blocks)
    start = f"\nlabels = torch.arange(64) % {classes}\nx = torch.cat([x, F.one_hot(labels, {classes})], 1)" * bool(
        classes
    )
    white = int(2 ** (8 * generator.dtype.itemsize)) - 1
    ending = f"images = ((x + 1) * {white / 2}).round()  # 64 x channels x height x width, 0 ... {white}\n"
    return TORCH_START + start + body.format(blocks=blocks) + ending


def _text(words: object) -> str:
    """A name that may hold anything, as Markdown that shows it and does nothing."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#!&" else sign for sign in plain(words))


NUMPY = """\
import generator  # generator.py of this folder

pixels = generator.load().sample([7])  # n x height x width x channels
"""
ONNX = """\
import generator
import onnxruntime

latents = generator.load().latents(range(64))  # or any standard normal numbers
(pixels,) = onnxruntime.InferenceSession("model.onnx").run(None, {"latents": latents})
"""
ONNX_LABELLED = """\
import generator
import onnxruntime

inputs = {"latents": generator.load().latents(range(64)), "labels": generator.load().labels(range(64))}
(pixels,) = onnxruntime.InferenceSession("model.onnx").run(None, inputs)
"""
PACKAGE = """\
import dcgan

pixels = dcgan.load(".").sample([7])  # n x channels x height x width
"""
TORCH_START = """\
import generator, json, torch
from safetensors.torch import load_file
from torch.nn import functional as F

w, base = load_file("model.safetensors"), json.load(open("config.json"))["base"]
x = torch.from_numpy(generator.load().latents(range(64)))"""
DCGAN_BODY = """
x = (x @ w["blocks.0.product.weight"].T).unflatten(1, base).permute(0, 3, 1, 2)
for k in range({blocks}):
    if k > 0:
        x = F.conv_transpose2d(x, w[f"blocks.{{k}}.convolution.weight"], stride=2, padding=1)
    names = "running_mean", "running_var", "weight", "bias"
    x = F.relu(F.batch_norm(x, *(w[f"blocks.{{k}}.norm.{{name}}"] for name in names)))
x = F.conv_transpose2d(x, w["to_image.weight"], stride=2, padding=1).tanh()
"""
RESIDUAL_BODY = """
x = (x @ w["product.weight"].T + w["product.bias"]).unflatten(1, base).permute(0, 3, 1, 2)
layer = lambda x, name, border=1: F.conv2d(x, w[f"{{name}}.weight"], w[f"{{name}}.bias"], padding=border)
for k in range({blocks}):
    x = F.interpolate(x, scale_factor=2, mode="bilinear")
    change = layer(F.leaky_relu(x, 0.2), f"blocks.{{k}}.first")
    change = layer(F.leaky_relu(change, 0.2), f"blocks.{{k}}.last")
    x = change + (layer(x, f"blocks.{{k}}.shortcut", 0) if f"blocks.{{k}}.shortcut.weight" in w else x)
x = layer(F.leaky_relu(x, 0.2), "to_image").clamp(-1, 1)
"""
