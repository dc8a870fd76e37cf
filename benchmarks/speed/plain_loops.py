"""The other side of the comparison: training loops as people write them by hand, in plain PyTorch.

``chapter`` does the operations of the chapter's PyTorch tab: float32, channels first, image files decoded and resized
one by one in a DataLoader, fakes drawn again for the generator's turn, losses read after every step. ``plain`` is what
somebody writes who knows the usual advice: images decoded once, channels last, a fused Adam, fakes used again, glibc
told to keep big blocks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.data import DataLoader, Dataset, RandomSampler

from benchmarks.machine import answer, timed
from benchmarks.speed.cases import Case
from dcgan.hardware import keep_big_blocks
from dcgan.notation import stages

LATENT_SIZE = 100
EPOCH_IMAGES = 40_597  # of the chapter's data set: its DataLoader starts its workers again after so many
CrossEntropy = nn.BCEWithLogitsLoss(reduction="sum")


@dataclass
class Pair:
    """Two networks and their optimisers."""

    generator: nn.Module
    discriminator: nn.Module
    generator_adam: Adam
    discriminator_adam: Adam


def make_pair(case: Case, device: torch.device, *, tuned: bool) -> Pair:
    """The case's networks with every parameter from N(0, 0.02); ``tuned``: channels last and a fused Adam."""
    generator, discriminator = make_networks(case)
    for network in (generator, discriminator):
        for parameter in network.parameters():
            nn.init.normal_(parameter, 0, 0.02)
        network.to(device)
        if tuned:
            network.to(memory_format=torch.channels_last)
    options: dict[str, Any] = {"lr": case.learning_rate, "betas": (0.5, 0.999), "fused": tuned or None}
    adams = (Adam(network.parameters(), **options) for network in (generator, discriminator))
    return Pair(generator, discriminator, *adams)


def make_networks(case: Case) -> tuple[nn.Sequential, nn.Sequential]:
    """A generator and its mirror."""
    doublings = stages(case.size, case.size)
    base = case.size >> doublings
    widths = [case.width * min(2**stage, 8) for stage in range(doublings)]
    up: list[nn.Module] = []
    down: list[nn.Module] = []
    before = LATENT_SIZE
    for index, after in enumerate(reversed(widths)):
        shape = (base, 1, 0) if index == 0 else (4, 2, 1)
        up += [nn.ConvTranspose2d(before, after, *shape, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        before = after
    up += [nn.ConvTranspose2d(before, case.channels, 4, 2, 1, bias=False), nn.Tanh()]
    before = case.channels
    for index, after in enumerate(widths):
        norm = [nn.BatchNorm2d(after)] if index > 0 or case.norm_first else []
        down += [nn.Conv2d(before, after, 4, 2, 1, bias=False), *norm, nn.LeakyReLU(0.2, inplace=True)]
        before = after
    down += [nn.Conv2d(before, 1, base, bias=False)]
    return nn.Sequential(*up), nn.Sequential(*down)


def take_turns(pair: Pair, real: Tensor, noise: Tensor, *, draw_again: bool) -> tuple[Tensor, Tensor]:
    """One step of both: the losses. ``draw_again`` runs the generator a second time on the same noise."""
    ones, zeros = torch.ones(len(real), device=real.device), torch.zeros(len(real), device=real.device)
    pair.discriminator_adam.zero_grad()
    real_scores = pair.discriminator(real).flatten()
    fake = pair.generator(noise)
    fake_scores = pair.discriminator(fake.detach()).flatten()
    first = (CrossEntropy(real_scores, ones) + CrossEntropy(fake_scores, zeros)) / 2
    first.backward()
    pair.discriminator_adam.step()

    pair.generator_adam.zero_grad()
    if draw_again:
        fake = pair.generator(noise)
    second = CrossEntropy(pair.discriminator(fake).flatten(), ones)
    second.backward()
    pair.generator_adam.step()
    return first.detach(), second.detach()


class PictureFiles(Dataset[Tensor]):
    """Decodes, converts and resizes a file each time it is asked for."""

    def __init__(self, folder: Path, size: int, channels: int) -> None:
        self.paths, self.size, self.mode = sorted(folder.rglob("*.png")), size, "L" if channels == 1 else "RGB"

    def __len__(self) -> int:
        return len(self.paths)

    def pixels(self, index: int) -> np.ndarray:
        """H w c, uint8."""
        with Image.open(self.paths[index]) as file:
            picture = file.convert(self.mode).resize((self.size, self.size), Image.Resampling.BILINEAR)
        return np.array(picture).reshape(self.size, self.size, -1)

    def __getitem__(self, index: int) -> Tensor:
        shares = torch.from_numpy(self.pixels(index)).permute(2, 0, 1).contiguous().float() / 255
        return (shares - 0.5) / 0.5


def endless(folder: Path, case: Case, workers: int) -> Iterator[Tensor]:
    """Shuffled batches from files, as long as anybody asks; an epoch is as long as the chapter's, whatever is there."""
    files = PictureFiles(folder, case.size, case.channels)
    sampler = RandomSampler(files, num_samples=EPOCH_IMAGES // case.batch * case.batch)
    while True:
        yield from DataLoader(files, batch_size=case.batch, sampler=sampler, num_workers=workers)


def chapter(case: dict[str, Any], folder: str, seconds: float, threads: int, device: str = "cpu") -> dict[str, Any]:
    """Images a second of the loop that the chapter shows."""
    torch.set_num_threads(threads)
    shape, place = Case(**case), torch.device(device)
    pair, batches = make_pair(shape, place, tuned=False), endless(Path(folder), shape, workers=threads)
    sums = [0.0, 0.0, 0]

    def step() -> int:
        real = next(batches)
        noise = torch.normal(0, 1, size=(len(real), LATENT_SIZE, 1, 1))
        first, second = take_turns(pair, real.to(place), noise.to(place), draw_again=True)
        for index, value in enumerate((first, second, len(real))):
            sums[index] += float(value)  # the chapter's accumulator reads every loss
        return len(real)

    return timed(step, seconds, wait=waiter(place))


def plain(case: dict[str, Any], folder: str, seconds: float, threads: int, device: str = "cpu") -> dict[str, Any]:
    """Images a second of a loop by somebody who knows the usual advice; all images on the device."""
    kept = keep_big_blocks() if device == "cpu" else False
    torch.set_num_threads(threads)
    shape, place = Case(**case), torch.device(device)
    pair = make_pair(shape, place, tuned=True)
    files = PictureFiles(Path(folder), shape.size, shape.channels)
    everything = torch.from_numpy(np.stack([files.pixels(index) for index in range(len(files))])).to(place)
    sums = torch.zeros(2, device=place)

    def step() -> int:
        chosen = torch.randint(len(everything), (shape.batch,), device=place)
        real = everything[chosen].permute(0, 3, 1, 2).float() / 127.5 - 1
        noise = torch.randn(shape.batch, LATENT_SIZE, 1, 1, device=place)
        sums.add_(torch.stack(take_turns(pair, real, noise, draw_again=False)))
        return shape.batch

    return timed(step, seconds, wait=waiter(place)) | {"allocator_kept": kept}


def waiter(device: torch.device) -> Callable[[], None]:
    """What makes the clock honest: waits until the device has done all that it was told."""
    return torch.cuda.synchronize if device.type == "cuda" else lambda: None


def reading(case: dict[str, Any], folder: str, seconds: float, threads: int) -> dict[str, Any]:
    """Images a second of the chapter's DataLoader alone."""
    shape = Case(**case)
    batches = endless(Path(folder), shape, workers=threads)
    return timed(lambda: len(next(batches)), seconds)


if __name__ == "__main__":
    answer({"chapter": chapter, "plain": plain, "reading": reading})
