"""The examples do what their first lines say."""

import dataclasses
import importlib.util
import math
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from patience import patient
from PIL import Image

from dcgan.interfaces.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"


def load(name: str) -> ModuleType:
    """An example as a module: they are scripts, in no package."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


whole_gan, basic_gan, leaky_relu = load("whole_gan"), load("basic_gan"), load("leaky_relu")
ring_of_gaussians, paper = load("ring_of_gaussians"), load("paper")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """These networks are too small to share, and the numbers should not depend on the number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
    torch.set_num_threads(before)


def test_the_whole_gan_leaves_pictures_that_others_can_open(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLES / "whole_gan.py"), "--images", "80", "--out", str(tmp_path)]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=patient(120),
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["fake_0000032.png", "fake_0000064.png", "fake_0000096.png", "real.png"]
    for name in names:
        with Image.open(tmp_path / name) as picture:
            picture.load()
            assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (256, 256))
    assert done.stdout.count("images in") == 3


def test_the_whole_gan_writes_exactly_the_pixels_it_was_given(tmp_path: Path) -> None:
    pixels = torch.randint(0, 256, (6, 3, 4, 5))
    whole_gan.save_grid(tmp_path / "grid.png", pixels / 127.5 - 1, columns=3)
    with Image.open(tmp_path / "grid.png") as picture:
        grid = torch.from_numpy(np.array(picture))  # 2 rows of 3 images, each 4 high and 5 wide
    for index, image in enumerate(pixels):
        row, column = divmod(index, 3)
        assert torch.equal(grid[4 * row : 4 * row + 4, 5 * column : 5 * column + 5].permute(2, 0, 1).long(), image)


def test_the_whole_gans_real_images_are_shapes_on_white_half_of_them_rings() -> None:
    images = whole_gan.draw_real(400)
    assert images.shape == (400, 3, 32, 32)
    assert images.min() >= -1
    assert images.max() <= 1
    assert (images[:, :, 0, :] == 1).all()
    coloured = (images != 1).any(dim=1)
    assert coloured.flatten(1).any(dim=1).all()
    # The middle of a shape's outline is white in a ring and coloured in a disc.
    rings = 0
    for mask in coloured:
        rows, columns = mask.nonzero().unbind(dim=1)
        rings += not mask[(rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2]
    assert 160 < rings < 240  # four standard deviations


def test_the_whole_gans_networks_mirror_each_other() -> None:
    generator, discriminator = whole_gan.build_networks()
    images = generator(torch.randn(5, 64, 1, 1))
    assert images.shape == (5, 3, 32, 32)
    assert discriminator(images).shape == (5, 1, 1, 1)
    sizes = [layer.shape[2:] for layer in shapes_through(generator, torch.randn(2, 64, 1, 1))]
    assert sizes == [(4, 4), (8, 8), (16, 16), (32, 32), (32, 32)]


def shapes_through(network: torch.nn.Sequential, value: torch.Tensor) -> Iterator[torch.Tensor]:
    for layer in network:
        value = layer(value)
        yield value


def test_the_whole_gans_average_moves_a_hundredth_of_the_way_and_copies_counters() -> None:
    average, network = torch.nn.BatchNorm2d(2), torch.nn.BatchNorm2d(2)
    network.weight.data.fill_(3)
    network.num_batches_tracked.fill_(7)
    whole_gan.follow(average, network)
    torch.testing.assert_close(average.weight.data, torch.full((2,), 1.02))
    assert average.num_batches_tracked == 7


def test_the_linear_generator_finds_the_gaussian_in_the_median_of_five_seeds() -> None:
    outcomes = [basic_gan.train(basic_gan.SETTINGS["ours"], seed) for seed in range(5)]
    assert statistics.median(outcome.mean_error for outcome in outcomes) < 0.3
    assert statistics.median(outcome.spread_error for outcome in outcomes) < 1.5


def test_points_on_a_line_are_far_off_though_their_covariance_nearly_fits() -> None:
    target = basic_gan.TARGET_COVARIANCE
    values, vectors = torch.linalg.eigh(target)
    line = values[1] * torch.outer(vectors[:, 1], vectors[:, 1])
    assert (line - target).norm() < 0.1 * target.norm()
    empty = torch.zeros(0, 2)
    outcome = basic_gan.Outcome(empty, empty, [], [], basic_gan.TARGET_MEAN, line + 0.02**2 * torch.eye(2))
    assert outcome.spread_error == pytest.approx(values[0].sqrt().item() / 0.02, rel=0.01)
    assert not outcome.is_good
    assert dataclasses.replace(outcome, covariance=target).is_good
    assert dataclasses.replace(outcome, covariance=4 * target).spread_error == pytest.approx(2)


def test_the_chapters_settings_are_the_chapters_and_end_near_the_draw() -> None:
    chapter = basic_gan.SETTINGS["chapter"]
    assert dataclasses.astuple(chapter) == (20, 8, 0.05, 0.005, 0.9, 0.02)
    assert dataclasses.replace(basic_gan.SETTINGS["ours"], momentum=0.9, first_weights=0.02) == chapter
    outcome = basic_gan.train(chapter, seed=0)
    assert len(outcome.discriminator_losses) == len(outcome.generator_losses) == 20
    # A discriminator that can no longer tell says 1/2 to everything, which costs log 2 in both turns.
    assert outcome.discriminator_losses[-1] == pytest.approx(math.log(2), abs=0.05)
    assert outcome.generator_losses[-1] == pytest.approx(math.log(2), abs=0.05)


def test_the_exact_mean_and_covariance_are_those_of_the_generated_points() -> None:
    outcome = basic_gan.train(basic_gan.Settings(num_epochs=4, momentum=0.5), seed=0)
    assert outcome.fake.shape == (1000, 2)
    scale = outcome.covariance.diagonal().max().item()
    torch.testing.assert_close(outcome.fake.mean(dim=0), outcome.mean, rtol=0, atol=5 * math.sqrt(scale / 1000))
    torch.testing.assert_close(torch.cov(outcome.fake.T), outcome.covariance, rtol=0, atol=5 * scale * math.sqrt(2e-3))


def test_the_same_seed_trains_the_same_generator_and_another_seed_another() -> None:
    brief = basic_gan.Settings(num_epochs=1)
    first, again, other = (basic_gan.train(brief, seed) for seed in (3, 3, 4))
    assert torch.equal(first.fake, again.fake)
    assert not torch.equal(first.fake, other.fake)


def test_basic_gan_prints_a_table_and_leaves_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    brief = {"chapter": basic_gan.Settings(num_epochs=1), "ours": basic_gan.Settings(num_epochs=1, momentum=0.5)}
    monkeypatch.setattr(basic_gan, "SETTINGS", brief)
    monkeypatch.setattr(sys, "argv", ["basic_gan.py", "--seeds", "2", "--out", str(tmp_path / "points.png")])
    basic_gan.main()
    printed = capsys.readouterr().out
    assert "spreads of the real points: [0.31, 2.27]" in printed
    assert printed.count("of 2 within 0.3 and a factor of 1.5") == 2
    with Image.open(tmp_path / "points.png") as picture:
        picture.verify()


def test_the_leaky_relus_are_six_different_curves_that_equal_the_closed_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["leaky_relu.py", "--out", str(tmp_path / "curves.png")])
    leaky_relu.main()
    with Image.open(tmp_path / "curves.png") as picture:
        picture.verify()
    lines = leaky_relu.draw().axes[0].get_lines()
    leaky_relu.plt.close("all")
    assert [line.get_label() for line in lines] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    for line in lines:
        x, slope = np.asarray(line.get_xdata()), float(line.get_label())
        assert (x[0], x[-1], len(x)) == (-2, pytest.approx(0.9), 30)
        np.testing.assert_allclose(line.get_ydata(), np.where(x > 0, x, slope * x), atol=1e-6)
    assert len({tuple(line.get_color()) for line in lines}) == 6
    assert len({line.get_linewidth() for line in lines}) == 6


def test_with_penalties_a_generator_finds_the_whole_ring_in_a_quarter_of_the_steps() -> None:
    short = dataclasses.replace(ring_of_gaussians.SETTINGS["ours"], num_steps=1000, batch_size=128)
    outcome = ring_of_gaussians.train(ring_of_gaussians.MIXTURES["ring"], short, 0)
    assert outcome.modes.num_hit == 8
    assert outcome.modes.high_quality > 0.3
    assert outcome.points.shape == (2500, 2)


def test_the_penalties_of_the_example_are_those_of_their_definition() -> None:
    """D(x) = |x|² has the gradient 2 x."""

    class Squares(torch.nn.Module):
        def forward(self, points: torch.Tensor) -> torch.Tensor:
            return points.square().sum(dim=1, keepdim=True)

    points = torch.tensor([[1.0, 2.0], [0.0, 3.0]])
    scores, penalty = ring_of_gaussians.penalised_scores(Squares(), points, 0.1)
    assert scores.tolist() == [5, 9]
    assert penalty.item() == pytest.approx(0.05 * (4 * 5 + 4 * 9) / 2)
    assert ring_of_gaussians.penalised_scores(Squares(), points, 0.0)[1] == 0


def test_the_ring_example_prints_a_table_and_leaves_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    brief = {name: dataclasses.replace(each, num_steps=3) for name, each in ring_of_gaussians.SETTINGS.items()}
    monkeypatch.setattr(ring_of_gaussians, "SETTINGS", brief)
    picture = tmp_path / "points.png"
    monkeypatch.setattr(sys, "argv", ["ring_of_gaussians.py", "--seeds", "2", "--out", str(picture)])
    ring_of_gaussians.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 2 * 2 * 3 + 1
    assert lines[1].split()[:4] == ["ring", "chapter", "0", "0/8"]
    with Image.open(picture) as plot:
        assert plot.format == "PNG"


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one step on images of 16 x 16: whole files, no pictures to speak of."""
    root = tmp_path_factory.mktemp("paper")
    np.save(root / "images.npy", np.random.default_rng(0).integers(0, 256, (120, 16, 16, 3), dtype=np.uint8))
    words = f"train {root / 'images.npy'} --size 16 --width 8 --budget 64 --threads 1 --precision fp32"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DCGAN_CACHE", str(root / "cache"))
        assert main([*words.split(), "--set", "runs.evaluations=0", "--out", str(root / "run")]) == 0
    return root / "run"


def test_the_figures_of_the_paper_are_on_one_page_that_loads_nothing(
    small_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paper.main([str(small_run), "--out", str(tmp_path / "paper.html")])
    page = (tmp_path / "paper.html").read_text()
    shown = [int(number) for number in re.findall(r"\d", capsys.readouterr().out.split(":")[0])]
    assert shown == sorted(shown)
    assert {2, 3, 4, 5, 7, 8} <= set(shown)  # noise may have no colour to forget
    for number in shown:
        assert f"<h2>Figure {number}. " in page
    assert page.count("<img src=") == page.count('<img src="data:image/png;base64,') == len(shown)


def test_guided_gradients_of_positive_features_are_the_gradients_and_others_stop() -> None:
    features = torch.tensor([[2.0, -1.0, 3.0]], requires_grad=True)
    weights = torch.tensor([[1.0, 1.0, -1.0]])
    (gradient,) = torch.autograd.grad((paper._Guided.apply(features) * weights).sum(), features)
    assert gradient.tolist() == [[1.0, 0.0, 0.0]]


def test_the_commonest_strong_colour_is_found_whatever_the_background() -> None:
    pixels = torch.full((2, 3, 10, 10), 255, dtype=torch.uint8)
    pixels[:, :, :3, :5] = torch.tensor([230, 110, 20], dtype=torch.uint8)[:, None, None]
    pixels[:, :, 8:, :2] = torch.tensor([20, 110, 230], dtype=torch.uint8)[:, None, None]
    assert paper.common_colour(pixels) == "#f07010"
    assert paper.common_colour(pixels[:, 1:2]) == "#707070"


def test_exemplars_are_the_samples_of_the_highest_score() -> None:
    assert paper.exemplars(torch.tensor([0.0, 5.0, 1.0, 4.0, 3.0])) == [1, 3, 4]


def test_the_paper_of_no_run_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="nowhere"):
        paper.main([str(tmp_path / "nowhere")])
