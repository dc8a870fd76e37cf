"""The benchmarks measure what they say: counts against closed forms, the plain loop against the product's step."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from benchmarks import machine
from benchmarks.speed import cases, gpu, limits, plain_loops, product, train_speed
from dcgan.models.build import build
from dcgan.runs.folder import RunFolder
from dcgan.training.setup import new_state, rules_of
from dcgan.training.step import update_both

CHAPTER = cases.CASES["chapter"]
TINY = cases.tiny(CHAPTER)
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return cases.write_pictures(TINY, tmp_path / "pictures", 40)


def test_a_layer_counts_two_operations_for_every_weight_at_every_place() -> None:
    down = cases.Layer(3, 64, 4, 2, 1, 64, 32, transposed=False, normed=True)
    up = cases.Layer(64, 3, 4, 2, 1, 32, 64, transposed=True, normed=False)
    assert down.operations == up.operations == 2 * (3 * 64 * 4 * 4) * (32 * 32)
    assert (down.in_numbers, down.out_numbers, down.weights) == (3 * 64**2, 64 * 32**2, 3 * 64 * 16 + 2 * 64)


def test_the_chapters_networks_need_the_published_operations_and_parameters() -> None:
    assert cases.operations_per_image(CHAPTER) / 1e9 == pytest.approx(2.29, abs=0.005)
    assert cases.operations_per_image(CHAPTER, cases.CHAPTER_PASSES) / 1e9 == pytest.approx(2.71, abs=0.005)
    generator, discriminator = cases.layers(CHAPTER)
    assert sum(layer.weights for layer in generator) == 3_576_704
    assert sum(layer.weights for layer in discriminator) == 2_765_696


@pytest.mark.parametrize("name", cases.CASES)
def test_the_counted_layers_are_those_of_the_products_networks(name: str) -> None:
    case = cases.CASES[name]
    config = product.config_of(case, "fp32", "cpu")
    networks = build(config.model, case.size, case.size, seed=0)
    seen: list[tuple[tuple[int, ...], ...]] = []

    def look(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        seen.append((tuple(module.weight.shape), tuple(inputs[0].shape[1:]), tuple(output.shape[1:])))

    for network, counted in zip(networks, cases.layers(case), strict=True):
        seen.clear()
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                module.register_forward_hook(look)
        size = (100,) if network is networks[0] else (case.channels, case.size, case.size)
        network(torch.zeros(2, *size))
        assert len(seen) == len(counted)
        for (weight, came, went), layer in zip(seen, counted, strict=True):
            if len(weight) == 2:  # a matrix product stands for a convolution from or to one pixel
                assert weight == (layer.out_numbers, layer.in_numbers)
                continue
            assert set(weight[:2]) == {layer.in_channels, layer.out_channels}
            assert weight[2:] == (layer.kernel, layer.kernel)
            assert came == (layer.in_channels, layer.in_side, layer.in_side)
            assert went == (layer.out_channels, layer.out_side, layer.out_side)


def as_kernel(own: torch.Tensor, plain: torch.Tensor) -> torch.Tensor:
    """The product's matrices (rows h w c) as the plain networks' kernels (c h w); anything else as it is."""
    if own.shape == plain.shape:
        return own
    side = plain.shape[-1]
    if plain.shape[0] == 1:
        return own.unflatten(1, (side, side, -1)).permute(0, 3, 1, 2)
    return own.unflatten(0, (side, side, -1)).permute(3, 2, 0, 1)


@pytest.mark.parametrize("draw_again", [True, False])
def test_the_plain_loop_takes_the_steps_of_the_product(draw_again: bool) -> None:
    config = product.config_of(TINY, "fp32", "cpu")
    state, rules = new_state(config, CPU), rules_of(config, CPU)
    pair = plain_loops.make_pair(TINY, CPU, tuned=not draw_again)
    both = ((pair.generator, state.generator), (pair.discriminator, state.discriminator))
    for plain, own in both:
        with torch.no_grad():
            for mine, its in zip(plain.parameters(), own.parameters(), strict=True):
                mine.copy_(as_kernel(its, mine))
    start = [parameter.detach().clone() for parameter in pair.generator.parameters()]
    random = torch.Generator().manual_seed(0)
    for _ in range(2):
        real, noise = torch.rand(8, 3, 16, 16, generator=random) * 2 - 1, torch.randn(8, 100, generator=random)
        expected = update_both(state, real, noise, None, rules)[:2]
        losses = plain_loops.take_turns(pair, real, noise[:, :, None, None], draw_again=draw_again)
        torch.testing.assert_close(torch.stack(losses), torch.stack(expected), rtol=1e-5, atol=1e-5)
    for plain, own in both:
        for mine, its in zip(plain.parameters(), own.parameters(), strict=True):
            torch.testing.assert_close(mine, as_kernel(its, mine), rtol=1e-3, atol=1e-4)  # a step is 5e-3
    moved = zip(start, pair.generator.parameters(), strict=True)
    assert all((before - after).abs().max() > 4e-3 for before, after in moved)
    if draw_again:  # the product says momentum 0.19 where the chapter moves its statistics twice
        names = dict(state.generator.named_buffers()).values()
        for mine, its in zip(pair.generator.buffers(), names, strict=True):
            if mine.is_floating_point():
                torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-6)


def test_the_chapters_loader_decodes_converts_and_resizes(pictures: Path) -> None:
    files = plain_loops.PictureFiles(pictures, 16, 3)
    assert len(files) == 40
    with Image.open(files.paths[3]) as picture:
        assert (picture.size, picture.mode) == ((20, 20), "RGBA")
        wanted = np.asarray(picture.convert("RGB").resize((16, 16), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(files[3].permute(1, 2, 0).numpy(), wanted / 127.5 - 1, atol=1e-6)
    assert files[3].is_contiguous()
    assert plain_loops.PictureFiles(pictures, 16, 1)[0].shape == (1, 16, 16)


def test_the_timed_convolutions_are_the_counted_passes_less_the_gradients_that_nobody_wants() -> None:
    rows = limits.convolutions(TINY, torch.float32, CPU, repeats=1)
    generator, discriminator = cases.layers(TINY)
    unwanted = generator[0].operations + 2 * discriminator[0].operations
    counted = sum(row["operations"] for row in rows)
    assert counted == TINY.batch * (cases.operations_per_image(TINY) - unwanted)
    assert all(row["seconds"] > 0 for row in rows)
    assert limits.matrix_rate(torch.float32, 64, CPU) > 0


def test_what_is_there_is_not_measured_again(tmp_path: Path) -> None:
    path, calls = tmp_path / "results.json", []

    def system(name: str) -> dict[str, Any]:
        calls.append(name)
        if calls.count("b") == 2:
            raise KeyboardInterrupt
        return {"images_per_second": 1.0}

    def measure(measured: dict[str, Any], rounds: int) -> None:
        results = machine.read_results(path)
        entry = machine.entry_of(results, "case", measured)
        systems: dict[str, Callable[[], dict[str, Any]]] = {name: partial(system, name) for name in "ab"}
        machine.run_rounds(entry, rounds, systems, partial(machine.write_results, path, results))

    with pytest.raises(KeyboardInterrupt):
        measure({"code": "1"}, 2)
    assert calls == ["a", "b", "b"], "the second round goes backwards"
    measure({"code": "1"}, 2)
    assert calls[3:] == ["b", "a"], "both were missing from it"
    measure({"code": "1"}, 2)
    assert len(calls) == 5
    measure({"code": "2"}, 1)
    assert calls[5:] == ["a", "b"], "other code is another measurement"


def test_results_have_medians_and_every_rounds_ratios() -> None:
    def measured(speed: float) -> dict[str, Any]:
        return {"images_per_second": speed, "memory_mb": 100 * speed}

    limit = {"matrix_images_per_second": 8.0, "convolution_images_per_second": 5.0, "passes": []}
    rounds = [
        {"chapter": measured(slow), "plain": measured(2.0), "dcgan-bf16": measured(4.0), "limits-bf16": limit}
        for slow in (1.0, 2.0, 4.0)
    ]
    summary = train_speed.summarize_claim(TINY, rounds)
    ratios = summary["ratios"]
    assert summary["rounds"] == 3
    assert summary["medians"]["chapter"]["images_per_second"] == 2.0
    assert ratios["images_per_second: dcgan-bf16 / chapter"] == {"median": 2.0, "least": 1.0, "largest": 4.0}
    assert ratios["images_per_second: dcgan-bf16 / plain"]["median"] == 2.0
    assert ratios["memory_mb: dcgan-bf16 / chapter"]["median"] == 2.0
    assert ratios["share of the matrix limit: bf16"]["median"] == 0.5
    assert ratios["share of the convolution limit: bf16"]["median"] == 0.8
    assert len(train_speed.told(summary)) == 4 + len(ratios)
    assert train_speed.images_of_run([{"plain": measured(200.0)}], 30.0) == 1024 * (1 + 6)


def test_a_start_is_held_against_import_torch_of_the_same_round() -> None:
    rounds = [
        {"import torch": {"seconds": torch_}, "start: run continued": {"seconds": start}}
        for torch_, start in ((2.0, 3.0), (1.0, 2.5), (4.0, 4.25))
    ]
    rounds.append({"start: run continued": {"seconds": 9.0}})  # stopped before torch's turn, backwards
    found = train_speed.summarize_around(rounds)["beyond_torch"]
    assert found == {"start: run continued, less import torch": {"median": 1.0, "least": 0.25, "largest": 1.5}}


def test_the_machine_and_the_sources_are_told() -> None:
    facts, sources = machine.facts(2), machine.sources()
    assert facts["threads"] == 2
    assert {"processor", "torch", "numpy", "pillow", "memory_gb"} <= facts.keys()
    assert sources.keys() == {"commit", "clean", "code"}
    assert machine.slug({"processor": "AMD EPYC 9", "accelerator": "cpu", "threads": 2}) == "amd-epyc-9-2-threads"


def test_memory_is_summed_over_a_process_and_its_children() -> None:
    child = "import time; block = bytearray(60_000_000); time.sleep(0.6)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    done = machine.watch([sys.executable, "-c", parent], threads=1)
    assert done.exit_code == 0
    assert 60 < done.memory_mb < 200
    assert done.main_memory_mb < 60


def test_a_fresh_process_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import json, sys; print(json.dumps(json.loads(sys.argv[1]) | {'speed': 3.0})); print('goodbye')"
    (tmp_path / "script.py").write_text(script)
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    answer = machine.ask("script", {"what": "all"}, threads=2)
    assert {"what": "all", "threads": 2, "speed": 3.0}.items() <= answer.items()
    (tmp_path / "script.py").write_text("raise SystemExit('no such thing')")
    with pytest.raises(RuntimeError, match="no such thing"):
        machine.ask("script", {}, threads=1)


@pytest.mark.parametrize("name", ["chapter", "plain"])
def test_the_plain_loops_count_what_they_train_on(name: str, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = plain_loops.endless
    monkeypatch.setattr(plain_loops, "endless", lambda folder, case, workers: endless(folder, case, 0 * workers))
    monkeypatch.setattr(plain_loops, "keep_big_blocks", lambda: False)  # not in the process of the tests
    result = getattr(plain_loops, name)(cases.to_words(TINY), str(pictures), seconds=0.05, threads=1)
    assert result["steps"] >= 3
    assert result["images"] == TINY.batch * result["steps"]
    assert result["images_per_second"] == pytest.approx(result["images"] / result["seconds"], rel=0.01)


def test_the_product_is_measured_by_its_own_journal(pictures: Path, tmp_path: Path) -> None:
    run, settings = RunFolder(tmp_path / "run"), {"runs.journal_every_images": 64}
    words = product.command(TINY, pictures, run.root, precision="fp32", threads=1, images=256, **settings)
    done, arrived = product.train(words, run, threads=1, cache=tmp_path / "cache")
    assert 0 < arrived - done.started <= done.seconds
    measured = product.throughput(run)
    # A short run has a line every 16 images, of batches of 8, so that it has a curve: the first is not counted.
    assert measured["images"] == 240
    assert measured["images_per_second"] == pytest.approx(240 / measured["seconds"])


BARE_MACHINE = """
import importlib.abc, importlib.metadata, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tyro", "tomli_w", "rich", "matplotlib", "scipy", "tifffile", "typeguard"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

version = importlib.metadata.version

def version_of(name):
    if name == "dcgan":  # src is on the path, nothing is installed
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)

sys.meta_path.insert(0, Missing())
importlib.metadata.version = version_of
"""


def test_all_that_is_measured_on_a_gpu_runs_on_a_processor_with_four_packages(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BARE_MACHINE)  # Python runs it first
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHON": sys.executable}
    command = ["bash", str(machine.HERE / "speed" / "gpu.sh"), str(tmp_path), "--smoke", "--seconds", "0.01"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.glob("gpu-smoke-*.json")
    entry = json.loads(path.read_text())["gpu"]
    (measured,) = entry["rounds"]
    assert [(name, result["missing"]) for name, result in measured.items() if "missing" in result] == []
    ways = {name.partition(" d2l ")[0] for name in measured if " d2l " in name}
    assert {"graph", "compiled", "eager", "train", "bare", "penalised", "penalised twice differentiated"} <= ways
    steps = [result for name, result in measured.items() if name.startswith(("graph", "compiled", "eager", "train"))]
    assert all(0 < result["roofline"]["share"] <= result["roofline"]["share_of_sum"] for result in steps)
    assert all(result["different"] == 0 for name, result in measured.items() if name.startswith("same bits"))
    ratios = entry["summary"]["ratios"]
    for one, other in (("train", "loop chapter"), ("train", "loop plain"), ("bare", "penalised"), ("graph", "eager")):
        assert any(name.startswith(one) and f"/ {other} " in name for name in ratios), (one, other)
    assert "roofline: operations " in done.stdout


def test_what_a_gpu_cannot_do_is_missing_and_the_rest_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> dict[str, Any]:
        raise RuntimeError("no compiler\nand a page about it")

    later = time.monotonic() + 60
    assert gpu.attempted("graph", lambda: {"images_per_second": 1.0}, later) == {"images_per_second": 1.0}
    assert gpu.attempted("graph", broken, later)["missing"].startswith("RuntimeError: no compiler")
    assert gpu.attempted("graph", broken, time.monotonic())["missing"] == "the time was over"
    soon = time.monotonic() + 30
    assert gpu.attempted("compiled", broken, soon)["missing"] == "the time was over", "compiling takes half a minute"
    assert "a page" not in capsys.readouterr().out


def test_the_roofline_and_the_ratios_by_hand() -> None:
    case = cases.to_words(CHAPTER)
    needs = limits.roofline_seconds(CHAPTER, "bf16", rate=1e12, bandwidth=1e12)
    seconds = 2 * max(needs["operations_seconds"], needs["bytes_seconds"])
    speed = CHAPTER.batch / seconds
    done = {
        "rate bf16": {"operations_per_second": 1e12},
        "rate copy": {"bytes_per_second": 1e12},
        "graph d2l bf16 batch 256": {"images_per_second": speed, "case": case, "precision": "bf16"},
        "eager d2l bf16 batch 256": {"images_per_second": speed / 4, "case": case, "precision": "bf16"},
        "penalised d2l bf16 batch 256": {"images_per_second": speed / 2, "case": case, "precision": "bf16"},
        "compiled d2l bf16 batch 256": {"missing": "the time was over"},
    }
    entry: dict[str, Any] = {"rounds": [done]}
    told = list(gpu.conclude(entry))
    assert entry["summary"]["best"] == {
        "name": "graph d2l bf16 batch 256", "images_per_second": speed, "share": pytest.approx(0.5),
        "share_of_sum": pytest.approx(sum(needs[f"{part}_seconds"] for part in ("operations", "bytes")) / seconds),
    }  # fmt: skip
    assert entry["summary"]["ratios"] == {
        "graph d2l bf16 batch 256 / eager d2l bf16 batch 256": 4.0,
        "graph d2l bf16 batch 256 / penalised d2l bf16 batch 256": 2.0,
    }
    assert told[-1] == "compiled d2l bf16 batch 256: missing (the time was over)"
