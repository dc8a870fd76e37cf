"""One HTML file in which the generator runs: it loads nothing, and its content policy allows it nothing else.

The source of the page is in web/: page.html, page.css, plain JavaScript and one WebAssembly kernel.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
import torch

from dcgan.data.pixels import to_pixels
from dcgan.export.interpreter import run_program
from dcgan.export.packing import Encoding, packed, unpacked
from dcgan.export.plain_layers import PlainDcgan, plain_layers
from dcgan.export.product import CHECKED_SEEDS, Export, largest_difference, require_equal
from dcgan.export.program import Program, Rows, discriminator_program, generator_program
from dcgan.models.build import AnyDiscriminator
from dcgan.models.layers import with_classes
from dcgan.randomness import key_of
from dcgan.runs.generator import TrainedGenerator
from dcgan.wording import plain

WEB = files("dcgan.export") / "web"
SCRIPTS = (
    *("words", "randomness", "latents", "links", "plain", "network", "gif", "worker"),
    *("painter", "pictures", "stage", "walk", "shelf", "page"),
)
STREAMS = ("sample", "page", "choices")  # of random numbers: that of dcgan sample, and two of the page's own
VISIBLE = 5.0  # grey levels that stored weights may change without a word


def page_export(
    generator: TrainedGenerator,
    title: str,
    *,
    encoding: Encoding = "int8",
    discriminator: AnyDiscriminator | None = None,
    facts: Mapping[str, Any] | None = None,
    name: str = "page.html",
) -> Export:
    """The page as one file, what it will draw compared with the generator. ``facts``: what else it tells of the run."""
    layers, rows = plain_layers(generator.generator), list[Rows]()
    program = generator_program(layers, rows)
    description = _description(generator, title) | {
        "generator": program.to_json(),
        "bounded": isinstance(layers, PlainDcgan),
        "weights": sum(layer.weight.size for layer in rows),
        "encoding": encoding,
    }
    if discriminator is not None:
        size = (generator.config.data.height, generator.config.data.width)
        judge, bias = discriminator_program(discriminator.eval(), size, rows)
        description |= {"discriminator": judge.to_json(), "scoreBias": bias}
    content, description["tensors"] = packed(rows, encoding)
    drawn = _drawn(generator, program, unpacked(content, description["tensors"]), bounded=description["bounded"])
    difference = largest_difference(generator, drawn)
    if encoding == "fp32":
        require_equal(difference, "page")
    remark = f"--weights {encoding} changes some pixel by {difference:.2g} grey levels; --weights fp32 changes none."
    remarks = (remark,) if difference > VISIBLE else ()
    description |= {"checked": {"seeds": len(CHECKED_SEEDS), "levels": round(difference, 3)}, **(facts or {})}
    return Export({name: _document(description, content).encode()}, difference, remarks)


def _description(generator: TrainedGenerator, title: str) -> dict[str, Any]:
    """What the page knows of the generator besides its weights."""
    data, model = generator.config.data, generator.config.model
    return {
        "title": plain(title),
        "width": data.width,
        "height": data.height,
        "channels": model.image_channels,
        "bits": 8 * generator.dtype.itemsize,
        "latentSize": model.latent_size,
        "prior": model.prior,
        "classes": [plain(name) for name in generator.class_names],
        "streams": {name: [str(word) for word in key_of(name, seed=0)] for name in STREAMS},
        "directions": [],
    }


def _drawn(generator: TrainedGenerator, program: Program, rows: list[Rows], *, bounded: bool) -> np.ndarray:
    """What the page will draw of the checked seeds, by the same operations and weights."""
    labels = generator.labels(CHECKED_SEEDS)
    inputs = with_classes(generator.latents(CHECKED_SEEDS), labels, generator.generator.num_classes)
    images = torch.from_numpy(run_program(program, rows, inputs[:, :, None, None].numpy()))
    return to_pixels(images.tanh() if bounded else images, generator.dtype).permute(0, 2, 3, 1).numpy()


def _document(description: Mapping[str, Any], weights: bytes) -> str:
    style, body = _read("page.css"), _read("page.html")
    scripts = "\n".join(_read(f"{name}.js") for name in SCRIPTS)
    script = f'(() => {{\n"use strict";\n{scripts}\n}})();'
    model = json.dumps(description, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    server = "connect-src 'self'; " if "saving" in description else ""
    policy = (
        f"default-src 'none'; {server}script-src '{_digest(script)}' 'wasm-unsafe-eval'; style-src '{_digest(style)}'; "
        "worker-src blob:; img-src data: blob:; media-src blob:; base-uri 'none'; form-action 'none'"
    )
    kernel = base64.b64encode((WEB / "kernel.wasm").read_bytes()).decode()
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="referrer" content="no-referrer">\n<title>{escape(description["title"])}</title>\n'
        f"<style>{style}</style>\n</head>\n<body>\n{body}"
        f'<script type="application/json" id="model">{model}</script>\n'
        f'<script type="text/plain" id="kernel">{kernel}</script>\n'
        f'<script type="text/plain" id="weights">{base64.b64encode(weights).decode()}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _read(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
