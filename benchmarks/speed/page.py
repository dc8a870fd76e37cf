"""The exported page beside onnxruntime-web: size, time to the first image, images a second, one thread each.

    npm install onnxruntime-web@1.30.0      # in any folder, for this comparison alone
    python -m benchmarks.speed.page --onnxruntime-web node_modules/onnxruntime-web

Both run in one headless Chromium from file://, in turns, in batches of four, and their images are compared. Networks
have random weights: only their sizes matter here. Needs playwright, Chromium, and the extra [onnx].
"""

import argparse
import base64
import json
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from dcgan.export.onnx_file import onnx_export
from dcgan.export.page import page_export
from dcgan.models.build import build_generator
from dcgan.runs.generator import TrainedGenerator
from dcgan.settings.config import Config

BATCH, ROUNDS, RUNS = 4, 6, 12
SYSTEMS = ("page", "onnxruntime-web")
NETWORKS = {
    "defaults, 64x64 (width 32)": {"model.generator_width": 32, "data.height": 64, "data.width": 64},
    "the chapter's, 64x64 (width 64)": {"model.generator_width": 64, "data.height": 64, "data.width": 64},
    "defaults, 32x32 (width 64)": {"model.generator_width": 64, "data.height": 32, "data.width": 32},
}
FIRST_IMAGE = """
const watch = new MutationObserver(() => {
  if (document.querySelector("#grid .painted")) { window.firstImage = performance.now(); watch.disconnect(); }
});
watch.observe(document, { subtree: true, attributes: true, childList: true });
"""
OURS = """async (runs) => {
  const { latentSize } = dcgan.model;
  const latents = new Float32Array(4 * latentSize);
  for (let i = 0; i < 4; i++) latents.set(dcgan.images.ofSeed(BigInt(i)).latent, i * latentSize);
  const times = [];
  for (let run = 0; run < runs; run++) {
    const made = await dcgan.painter.ask({ task: "images", latents, labels: [0, 0, 0, 0], judged: false });
    times.push(made.milliseconds);
    window.pixels = [...made.pixels];
  }
  return times;
}"""
THEIRS_START = """async ([module, binary, model]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const glue = URL.createObjectURL(new Blob([module], { type: "text/javascript" }));
  Object.assign(ort.env.wasm, { numThreads: 1, wasmBinary: bytes(binary).buffer, wasmPaths: { mjs: glue } });
  const began = performance.now();
  window.session = await ort.InferenceSession.create(bytes(model));
  return performance.now() - began;
}"""
THEIRS = """async ([runs, latents]) => {
  const input = new ort.Tensor("float32", Float32Array.from(latents), [4, latents.length / 4]);
  const times = [];
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    const { images } = await session.run({ latents: input });
    times.push((performance.now() - began) / 4);
    window.pixels = [...images.data];
  }
  return times;
}"""


def generator_of(settings: dict[str, Any]) -> TrainedGenerator:
    """A generator of this size with its first weights."""
    config = Config().asked({**settings, "model.image_channels": 3, "model.num_classes": 0})
    return TrainedGenerator(build_generator(config.model, config.data.height, config.data.width), config)


def measure(browser: Any, name: str, settings: dict[str, Any], package: Path, folder: Path) -> dict[str, Any]:
    """Both on one network, in turns."""
    generator = generator_of(settings)
    packed = page_export(generator, "benchmark").files["page.html"]
    (folder / "ours.html").write_bytes(page_export(generator, "benchmark", encoding="fp32").files["page.html"])
    (folder / "packed.html").write_bytes(packed)
    (folder / "theirs.html").write_text("<!doctype html><title>theirs</title>")
    first = [first_image(browser, folder / "packed.html") for _ in range(5)]
    ours, theirs = browser.new_page(), browser.new_page()
    ours.goto((folder / "ours.html").as_uri())
    ours.wait_for_selector("html[data-ready]")
    theirs.goto((folder / "theirs.html").as_uri())
    dist = package / "dist"
    theirs.add_script_tag(content=(dist / "ort.wasm.min.js").read_text())
    module = (dist / "ort-wasm-simd-threaded.mjs").read_text()
    binary = (dist / "ort-wasm-simd-threaded.wasm").read_bytes()
    (model,) = onnx_export(generator).files.values()
    theirs.evaluate(THEIRS_START, [module, *(base64.b64encode(part).decode() for part in (binary, model))])
    latents = generator.latents(range(BATCH)).flatten().tolist()
    times: dict[str, list[float]] = {system: [] for system in SYSTEMS}
    for _ in range(ROUNDS):
        times[SYSTEMS[0]] += ours.evaluate(OURS, RUNS)
        times[SYSTEMS[1]] += theirs.evaluate(THEIRS, [RUNS, latents])
    pixels = [page.evaluate("pixels") for page in (ours, theirs)]
    assert max(abs(a - b) for a, b in zip(*pixels, strict=True)) <= 1
    ours.close()
    theirs.close()
    return {
        "network": name,
        "page_megabytes": len(packed) / 1e6,
        "first_image_milliseconds": statistics.median(first),
        "milliseconds": {who: statistics.median(all_) for who, all_ in times.items()},
        "least_milliseconds": {who: min(all_) for who, all_ in times.items()},
        "their_runtime_megabytes": (len(binary) + len(module) + (dist / "ort.wasm.min.js").stat().st_size) / 1e6,
    }


def first_image(browser: Any, file: Path) -> float:
    """Milliseconds from the start of loading to the first image that is seen."""
    context = browser.new_context()
    context.add_init_script(FIRST_IMAGE)
    page = context.new_page()
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-ready]", timeout=60_000)
    milliseconds: float = page.evaluate("firstImage")
    context.close()
    return milliseconds


def main() -> None:
    """Measure every network and print a table; ``--out`` keeps the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--onnxruntime-web", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        package, place = options.onnxruntime_web, Path(folder)
        rows = [measure(browser, name, settings, package, place) for name, settings in NETWORKS.items()]
        browser.close()
    print("| network | page, MB | first image, ms | ms an image, page | onnxruntime-web |")
    print("| --- | --- | --- | --- | --- |")
    for row in rows:
        ours, theirs = (f"{row['milliseconds'][who]:.1f} ({row['least_milliseconds'][who]:.1f})" for who in SYSTEMS)
        first = f"{row['page_megabytes']:.2f} | {row['first_image_milliseconds']:.0f}"
        print(f"| {row['network']} | {first} | {ours} | {theirs} |")
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
