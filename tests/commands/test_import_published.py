"""The 2015 authors' own networks: files in their layout are read, and draw what their arithmetic draws."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

import dcgan
from dcgan.commands.import_published import BATCH, BATCHES
from dcgan.interfaces.cli import main
from dcgan.randomness import balanced_latents

WIDTH, LATENT, CHANNELS = 4, 10, 3


def arrays_like_theirs(doublings: int = 3, seed: int = 0) -> list[np.ndarray]:
    """What ``gen_params`` of their code holds, for images of 4 x 2 ** doublings."""
    rng = np.random.default_rng(seed)

    def drawn(*shape: int, mean: float = 0.0, deviation: float = 0.2) -> np.ndarray:
        return rng.normal(mean, deviation, shape).astype(np.float32)

    channels = [WIDTH << stage for stage in reversed(range(doublings))]
    units = channels[0] * 16
    found = [drawn(LATENT, units), drawn(units, mean=1), drawn(units)]
    for before, after in pairwise(channels):
        found += [drawn(before, after, 5, 5), drawn(after, mean=1), drawn(after)]
    return [*found, drawn(WIDTH, CHANNELS, 5, 5)]


def saved(folder: Path, arrays: list[np.ndarray], epoch: int = 200) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, array in enumerate(arrays, 1):
        np.save(folder / f"{epoch}_gen_params.jl_{number:02}.npy", array)
    return folder


def deconvolved(features: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Their ``deconv`` of stride 2 and border 2: what a convolution's gradient by its input is, kernels turned."""
    count, _, height, width = features.shape
    turned = kernel[:, :, ::-1, ::-1].astype(np.float64)
    out = np.zeros((count, kernel.shape[1], 2 * height + 5, 2 * width + 5))
    for row in range(height):
        for column in range(width):
            spread = np.einsum("nc,cokl->nokl", features[:, :, row, column], turned)
            out[:, :, 2 * row : 2 * row + 5, 2 * column : 2 * column + 5] += spread
    return out[:, :, 2 : 2 + 2 * height, 2 : 2 + 2 * width]


def drawn_by_hand(arrays: list[np.ndarray], latents: np.ndarray, batches: list[np.ndarray]) -> np.ndarray:
    """Their ``gen`` in float64, with the statistics of each layer as means over batches that normalise themselves."""

    def run(latents: np.ndarray, statistics: list | None) -> tuple[np.ndarray, list]:
        hidden, seen = latents.astype(np.float64), []
        for number in range((len(arrays) - 1) // 3):
            kernel, gain, bias = arrays[3 * number : 3 * number + 3]
            hidden = deconvolved(hidden, kernel) if number else hidden @ kernel
            axes = (0, 2, 3) if number else (0,)
            shape = (1, -1, 1, 1) if number else (1, -1)
            mean, variance = hidden.mean(axis=axes), hidden.var(axis=axes)
            seen.append((mean, variance))
            if statistics is not None:
                mean, variance = statistics[number]
            hidden = (hidden - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + 1e-8)
            hidden = np.maximum(hidden * gain.reshape(shape) + bias.reshape(shape), 0)
            if not number:
                hidden = hidden.reshape(len(hidden), -1, 4, 4)
        return np.tanh(deconvolved(hidden, arrays[-1])), seen

    of_batches = [run(batch, None)[1] for batch in batches]
    statistics = [
        tuple(np.mean([seen[layer][which] for seen in of_batches], axis=0) for which in (0, 1))
        for layer in range(len(of_batches[0]))
    ]
    return run(latents, statistics)[0]


def test_the_images_are_those_of_the_published_codes_arithmetic(tmp_path: Path) -> None:
    arrays = arrays_like_theirs(2)
    folder = saved(tmp_path / "svhn_100z_gaussian", arrays)
    assert main(["import", "newmu", str(folder), "--out", str(tmp_path / "made")]) == 0
    generator = dcgan.load(tmp_path / "made")
    latents = generator.latents([1, 2, 3])
    batches = balanced_latents(BATCH * BATCHES, LATENT, seed=0, stream="statistics")
    expected = drawn_by_hand(arrays, latents.numpy(), [part.numpy() for part in torch.split(batches, BATCH)])
    with torch.no_grad():
        found = generator.generator(latents)
    assert found.shape == (3, CHANNELS, 16, 16)
    assert np.abs(found.numpy() - expected).max() < 1e-5
    assert expected.std() > 0.1  # there is something to compare


def test_the_newest_of_several_epochs_is_taken_and_the_name_tells_the_prior(tmp_path: Path) -> None:
    for name, prior in (("faces_uncond", "uniform"), ("svhn_gaussian", "normal")):
        saved(tmp_path / name, arrays_like_theirs(2, seed=1), epoch=5)
        folder = saved(tmp_path / name, arrays_like_theirs(2, seed=2), epoch=25)
        newest = saved(tmp_path / f"{name}_alone", arrays_like_theirs(2, seed=2), epoch=25)
        assert main(["import", "newmu", str(folder), "--out", str(tmp_path / f"{name}-1")]) == 0
        assert main(["import", "newmu", str(newest), "--out", str(tmp_path / f"{name}-2")]) == 0
        first, second = (dcgan.load(tmp_path / f"{name}-{number}") for number in (1, 2))
        assert first.config.model.prior == prior
        assert torch.equal(first.sample([7]), second.sample([7]))


def test_an_imported_network_is_sampled_and_explored_like_any_other(tmp_path: Path) -> None:
    folder = saved(tmp_path / "gaussian", arrays_like_theirs(2))
    made = tmp_path / "made"
    assert main(["import", "newmu", str(folder), "--out", str(made)]) == 0
    assert main(["sample", str(made), "--seeds", "0-3", "--out", str(tmp_path / "images")]) == 0
    result = dcgan.explore.units(made, samples=16, each=2, out=tmp_path / "units.png")
    assert {unit["layer"] for unit in result.found["units"]} == {1, 2}
    dcgan.explore.directions(made, methods="effect,sefa,pca", count=1, out=tmp_path / "directions.png")


FOURTH = "200_gen_params.jl_04.npy"


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda folder: (folder / FOURTH).unlink(), f"{FOURTH} missing"),
        (lambda folder: (folder / FOURTH).write_bytes(b"no array"), f"{FOURTH}: is no array"),
        (lambda folder: np.save(folder / FOURTH, np.zeros((4, 4, 3, 3))), "are no generator of theirs"),
        (lambda folder: np.save(folder / FOURTH, np.zeros((8, 4, 5, 5), int)), "numbers with a point"),
        (lambda folder: [path.unlink() for path in folder.iterdir()], "no *_gen_params.jl_NN.npy in it"),
        (lambda folder: np.save(folder / FOURTH, np.full((8, 4, 5, 5), np.nan)), "not finite"),
    ],
)
def test_files_of_another_kind_are_refused_in_one_line(
    spoil: Callable[[Path], object], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(tmp_path / "gaussian", arrays_like_theirs(2))
    spoil(folder)
    assert main(["import", "newmu", str(folder), "--out", str(tmp_path / "made")]) != 0
    told = capsys.readouterr().err
    assert re.search(re.escape(expected), told), told
    assert told.count("\n") == 1
    assert not (tmp_path / "made").exists()


def test_what_cannot_be_done_with_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = tmp_path / "made"
    assert main(["import", "newmu", str(saved(tmp_path / "gaussian", arrays_like_theirs(2))), "--out", str(made)]) == 0
    for form in ("numpy", "onnx", "page", "hub"):
        assert main(["export", str(made), "--to", form, "--out", str(tmp_path / form)]) == 2
        assert "dcgan import newmu made" in capsys.readouterr().err
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (120, 16, 16, 3), np.uint8))
    words = f"train {tmp_path / 'images.npy'} --size 16 --budget 64 --set model.family=published"
    assert main([*words.split(), "--out", str(tmp_path / "run")]) == 2
    assert "nothing trains it" in capsys.readouterr().err
