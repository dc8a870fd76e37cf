"""The page in a real browser: it keeps to itself, a link brings it back, everybody can use it."""

import io
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import browser, drawn, opened
from networks import generator
from PIL import Image

import dcgan
from dcgan.export.page import WEB, page_export
from dcgan.interfaces.cli import main
from dcgan.models.build import build_blank
from dcgan.runs.folder import RunFolder
from dcgan.runs.generator import TrainedGenerator

__all__ = ["browser"]  # a fixture


def written(folder: Path, made: TrainedGenerator, title: str = "creatures", *, judged: bool = False) -> Path:
    judge = build_blank(made.config.model, made.config.data.height, made.config.data.width)[1] if judged else None
    (content,) = page_export(made, title, encoding="fp32", discriminator=judge).files.values()
    path = folder / "page.html"
    path.write_bytes(content)
    return path


@pytest.mark.promise("The page loads nothing from anywhere, and its content policy forbids it.")
def test_the_page_cannot_send_or_load_anything(browser: Any, tmp_path: Path) -> None:
    with opened(browser, written(tmp_path, generator())) as page:
        refused = page.evaluate(
            """async () => {
              const refused = [];
              addEventListener("securitypolicyviolation", ({ effectiveDirective }) => refused.push(effectiveDirective));
              await fetch("https://example.org/").catch(() => {});
              new Image().src = "https://example.org/pixel.png";
              const script = document.createElement("script");
              script.src = "https://example.org/script.js";
              document.head.append(script);
              await new Promise((resolve) => setTimeout(resolve, 50));
              return refused;
            }"""
        )
    assert {"connect-src", "img-src", "script-src-elem"} <= set(refused)


def test_names_from_outside_stay_text(browser: Any, tmp_path: Path) -> None:
    evil = "</script><script>document.title='caught'</script><img src=x onerror=alert(1)>"
    made = generator(num_classes=3)
    made.class_names = (evil, "<!-- <script>", "b")
    with opened(browser, written(tmp_path, made, evil)) as page:
        assert page.title() == evil
        assert page.inner_text("#title") == evil
        assert page.inner_text("#classes button:nth-child(2)") == evil
        assert page.locator("script").count() == 4
        assert page.locator("img").count() == 0


def test_a_link_brings_back_the_grid_the_kept_images_and_the_one_looked_at(browser: Any, tmp_path: Path) -> None:
    path = written(tmp_path, generator(num_classes=3))
    state = (
        """async () => [dcgan.state.kept, dcgan.tiles, [dcgan.state.chosen]].map((all) => all.map((one) => one.code))"""
    )
    with opened(browser, path, "#seeds=1000") as page:
        assert page.input_value("#seed") == "1000"
        for tile in (1, 4):
            page.click(f"#grid li:nth-child({tile}) .tile")
            page.click("#keep")
        page.click("#more")
        page.click("#grid li:nth-child(5) .tile")
        page.click("#keep")
        page.keyboard.press("b")
        page.click("#grid li:nth-child(9) .tile")
        link, before = page.evaluate("location.hash"), page.evaluate(state)
        pixels = page.evaluate("dcgan.painter.paint(dcgan.state.chosen).then(({ pixels }) => [...pixels])")
    with opened(browser, path, link) as page:
        assert page.evaluate(state) == before
        assert len(before[0]) == 3
        assert page.evaluate("dcgan.painter.paint(dcgan.state.chosen).then(({ pixels }) => [...pixels])") == pixels


@pytest.mark.parametrize(
    "link", ["#seeds=-1&kept=~AAAA,x,99:7", "#near=nothing", "#parents=1", "#class=99&image=~", "#%%%"]
)
def test_a_broken_link_opens_the_page(browser: Any, tmp_path: Path, link: str) -> None:
    with opened(browser, written(tmp_path, generator(num_classes=3)), link) as page:
        assert page.locator("#grid .painted").count() == 24


def test_the_browsers_back_button_brings_the_last_grid_back(browser: Any, tmp_path: Path) -> None:
    with opened(browser, written(tmp_path, generator())) as page:
        page.click("#new")
        assert page.inner_text("#grid-name") == "Seeds 24 to 47"
        page.go_back()
        page.wait_for_selector("#grid-name:text('Seeds 0 to 23')")


@pytest.mark.parametrize("channels", [1, 3, 4, 5])
def test_a_walk_is_saved_as_a_gif_whose_frames_are_the_images(browser: Any, tmp_path: Path, channels: int) -> None:
    made = generator(height=16, width=24, channels=channels)
    with opened(browser, written(tmp_path, made)) as page:
        with page.expect_download() as download:
            page.click("#gif")
        gif = Image.open(io.BytesIO(Path(download.value.path()).read_bytes()))
        (pixels,) = drawn(page, [0])
    assert (gif.size, gif.n_frames) == ((240, 160), 64)
    for number in range(gif.n_frames):
        gif.seek(number)
        gif.load()
    gif.seek(0)
    small = np.array(gif.convert("RGBA"))[5::10, 5::10].astype(int)
    first = np.array(pixels).reshape(16, 24, channels)
    colours = first[..., :3] if channels in (3, 4) else first[..., :1].repeat(3, axis=2)
    seen = first[..., 3] >= 128 if channels == 4 else np.full((16, 24), True)
    assert np.array_equal(small[..., 3] > 0, seen)
    assert np.abs(small[..., :3] - colours)[seen].mean() < 12


def test_an_image_is_saved_as_a_png_of_its_pixels(browser: Any, tmp_path: Path) -> None:
    made = generator()
    with opened(browser, written(tmp_path, made)) as page:
        with page.expect_download() as download:
            page.click("#png")
        assert download.value.suggested_filename == "creatures-Seed-0.png"
        saved = np.array(Image.open(download.value.path()).convert("RGB")).astype(int)
    assert np.abs(saved - made.sample([0])[0].permute(1, 2, 0).numpy()).max() <= 1


def test_a_walk_is_saved_as_a_video(browser: Any, tmp_path: Path) -> None:
    with opened(browser, written(tmp_path, generator())) as page:
        page.evaluate("document.getElementById('speed').value = 3")
        with page.expect_download() as download:
            page.click("#video")
        assert Path(download.value.path()).read_bytes()[:4] == b"\x1a\x45\xdf\xa3"  # Matroska


def test_sliders_change_the_image_and_reset_brings_it_back(browser: Any, tmp_path: Path) -> None:
    with opened(browser, written(tmp_path, generator())) as page:
        page.fill("#sliders .direction:nth-child(2) input", "2")
        assert page.evaluate("dcgan.state.chosen.code").startswith("~")
        page.click("#reset")
        assert page.evaluate("dcgan.state.chosen.code") == "0"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_nobody_is_kept_out(browser: Any, tmp_path: Path, theme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    path = written(tmp_path, generator(num_classes=3), judged=True)
    with opened(browser, path, viewport={"width": width, "height": 900}, color_scheme=theme) as page:
        for link in ("#seeds=0", "#parents=1,2&kept=1,2,3"):
            page.evaluate("(link) => { location.hash = link; }", link)
            page.click("#about summary")
            page.wait_for_timeout(300)  # colours fade in
            found = axe.run(page)
            assert found.violations_count == 0, found.generate_report()


def test_a_page_without_workers_draws_too(browser: Any, tmp_path: Path) -> None:
    path = written(tmp_path, generator())
    path.write_text(path.read_text().replace("<head>", "<head>", 1))
    inside = browser.new_context()
    inside.add_init_script("delete window.Worker")
    page = inside.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#grid .painted").count() == 24
    inside.close()


def test_both_languages_have_the_same_words_with_the_same_gaps() -> None:
    source = (WEB / "words.js").read_text(encoding="utf-8")
    tables = [dict(re.findall(r'^    (\w+): "(.*)",$', part, re.M)) for part in source.split("\n  pt: {")]
    gaps = [{name: sorted(re.findall(r"\{\w+\}", text)) for name, text in table.items()} for table in tables]
    assert gaps[0] == gaps[1]
    assert len(gaps[0]) > 50
    others = [
        file.read_text(encoding="utf-8") for file in WEB.iterdir() if file.name.endswith(("e.js", "k.js", ".html"))
    ]
    used = {name for text in others for name in re.findall(r'(?:word\(|data-word=|data-name=)"(\w+)"', text)}
    assert len(used) > 30
    assert used <= set(gaps[0])


def test_the_committed_kernel_is_what_its_source_compiles_to(tmp_path: Path) -> None:
    source = WEB / "kernel.c"
    command = " ".join(re.findall(r"^//   (?:  )?(.*?)\\?$", source.read_text(), re.M)).split()
    committed = (WEB / "kernel.wasm").read_bytes()
    try:
        version = subprocess.run(["clang", "--version"], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("needs clang and lld")
    number = re.search(r"version ([\d.]+)", version)[1]
    if number.encode() not in committed:
        pytest.skip(f"clang {number} is not the version that the kernel was built with")
    command[command.index("kernel.wasm")] = str(tmp_path / "kernel.wasm")
    command[command.index("kernel.c")] = str(source)
    subprocess.run(command, check=True)
    assert (tmp_path / "kernel.wasm").read_bytes() == committed


def test_the_page_tells_the_difference_that_was_measured() -> None:
    made = page_export(generator(), "creatures", encoding="fp32")
    text = made.files["page.html"].decode()
    model = json.loads(re.search(r'id="model">(.*?)</script>', text)[1])
    assert model["checked"] == {"seeds": 64, "levels": round(made.difference, 3)}


def test_directions_that_were_explored_become_named_sliders(browser: Any, run: Path, tmp_path: Path) -> None:
    there = tmp_path / "demo"
    shutil.copytree(run, there)
    size = dcgan.load(run).config.model.latent_size
    vector = [2.0, *[0.0] * (size - 1)]
    listed = [
        {"name": "<b>warmth</b>", "vector": vector, "ends": ["bluer", "redder"], "effect": {}},
        {"name": "too short", "vector": [1.0]},
        {"name": "no numbers", "vector": [None] * size},
    ]
    directions = RunFolder(there).directions
    directions.parent.mkdir(exist_ok=True)
    directions.write_text(json.dumps({"latent_size": size, "directions": listed}))
    assert main(["export", str(there), "--to", "page", "--out", str(tmp_path / "page.html")]) == 0
    with opened(browser, tmp_path / "page.html") as page:
        assert page.locator("#sliders .direction").count() == 1
        assert page.inner_text("#sliders .direction-name") == "<b>warmth</b>"
        before = page.evaluate("[...dcgan.state.chosen.latent]")
        page.fill("#sliders input", "1.5")
        moved = np.subtract(page.evaluate("[...dcgan.state.chosen.latent]"), before)
    assert np.abs(moved - [1.5, *[0.0] * (size - 1)]).max() <= 1 / 4096


def test_kept_latents_are_what_sample_reads(browser: Any, run: Path, tmp_path: Path) -> None:
    assert main(["export", str(run), "--to", "page", "--weights", "fp32", "--out", str(tmp_path / "page.html")]) == 0
    with opened(browser, tmp_path / "page.html") as page:
        page.click("#grid li:nth-child(3) .tile")
        page.click("#keep")
        with page.expect_download() as download:
            page.click("#latents")
        download.value.save_as(tmp_path / "latents.json")
    out = tmp_path / "images"
    assert main(["sample", str(run), "--latents", str(tmp_path / "latents.json"), "--out", str(out)]) == 0
    (drawn_file,) = [path for path in out.iterdir() if path.name != "sheet.png"]
    expected = dcgan.load(run).sample([2])[0].permute(1, 2, 0).numpy()
    assert np.abs(np.array(Image.open(drawn_file)).astype(int) - expected).max() <= 1
