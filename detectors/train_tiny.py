"""Train ``tiny``, the detector that ships with the package.

    DCGAN_TEST_DATA=FOLDER python -m detectors.train_tiny [OUT.safetensors]

Three tasks at once, so that the features know what is in an image, where its colours are and how good a picture it
is: the class among the 38 of all sets; a thumbnail of 8 x 8 pixels; the kind and the strength of damage done to half
of the images. The heads that answer are thrown away. One thread, about 8 minutes of processor time; the same data and
machine give the same weights.
"""

import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.evaluation.detectors.network import resize
from dcgan.evaluation.detectors.tiny import NUM_FEATURES, SIZE, TAPS, Tiny
from detectors.augment import DAMAGES, SIZES, damage, view
from detectors.sets import ImageSet, test_sets, training_sets, unseen_sets

SEED = 5
NUM_STEPS = 3_200
SHARES = {"critters": 24, "fashion-mnist": 24, "mnist": 8, "cifar10-subset": 40}
"""Images of each set in a batch."""
LEARNING_RATE = 3e-3
THUMBNAIL = 8


class Pupil(nn.Module):
    """``Tiny`` with batch normalisation, and a linear head for each task."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.tiny = Tiny()
        self.norms = nn.ModuleList(nn.BatchNorm2d(layer.out_channels) for layer in self.tiny.convolutions)
        self.balance = nn.BatchNorm1d(NUM_FEATURES, affine=False)
        self.classes = nn.Linear(NUM_FEATURES, num_classes)
        self.thumbnail = nn.Linear(NUM_FEATURES, 3 * THUMBNAIL**2)
        self.damages = nn.Linear(NUM_FEATURES, len(DAMAGES))

    def forward(self, images: Tensor) -> Tensor:
        """Images (n 3 48 48, −1 … 1) → features (n 224), balanced by the batch."""
        maps, features = images, []
        for index, (convolution, norm) in enumerate(zip(self.tiny.convolutions, self.norms, strict=True)):
            maps = torch.relu(norm(convolution(maps)))
            if index in TAPS:
                features.append(maps.float().mean((2, 3)))
        return self.balance(torch.cat(features, dim=1))

    def folded(self) -> Tiny:
        """The same function without normalisation layers: their running statistics become weights."""
        tiny = Tiny()
        for plain, convolution, norm in zip(tiny.convolutions, self.tiny.convolutions, self.norms, strict=True):
            gain = norm.weight / (norm.running_var + norm.eps).sqrt()
            plain.weight.data = convolution.weight.data * gain.data[:, None, None, None]
            plain.bias.data = (norm.bias + (convolution.bias - norm.running_mean) * gain).data
        tiny.mean.copy_(self.balance.running_mean)
        tiny.deviation.copy_((self.balance.running_var + self.balance.eps).sqrt())
        return tiny.eval()


def batch(sets: list[ImageSet], numbers: np.random.Generator, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Images ready for the network, classes, thumbnails of the undamaged images, damage done."""
    images, labels, thumbnails, damages, offset = [], [], [], [], 0
    for images_of in sets:
        rows = numbers.choice(len(images_of.pixels), SHARES[images_of.name], replace=False)
        pixels = torch.from_numpy(images_of.pixels[rows]).permute(0, 3, 1, 2).float() / 255
        for part in pixels.split(8):
            seen = view(part, int(numbers.choice(SIZES)), flips=images_of.flips, generator=generator)
            done = torch.zeros(len(part), len(DAMAGES))
            thumbnails.append(F.adaptive_avg_pool2d(seen, THUMBNAIL).flatten(1))
            if numbers.random() < 0.5:
                kind, strength = int(numbers.integers(len(DAMAGES))), float(numbers.random())
                seen, done[:, kind] = damage(seen, DAMAGES[kind], strength, generator), strength
            images.append(resize(seen, SIZE) * 2 - 1)
            damages.append(done)
        labels.append(torch.from_numpy(images_of.labels[rows] + offset))
        offset += images_of.num_classes
    return torch.cat(images), torch.cat(labels), torch.cat(thumbnails), torch.cat(damages)


def loss_of(pupil: Pupil, batch_of: tuple[Tensor, ...]) -> Tensor:
    """Class, thumbnail and damage: weighed so that each matters."""
    images, labels, thumbnails, damages = batch_of
    with torch.autocast("cpu", torch.bfloat16):
        features = pupil(images.contiguous(memory_format=torch.channels_last))
    features = features.float()
    thumbnail = F.mse_loss(pupil.thumbnail(features), thumbnails * 2)
    return torch.stack(
        [
            F.cross_entropy(pupil.classes(features), labels, label_smoothing=0.1),
            thumbnail,
            10 * F.mse_loss(pupil.damages(features), damages),
        ]
    )


@torch.inference_mode()
def accuracy(pupil: Pupil, images_of: ImageSet, offset: int) -> float:
    """Share of images whose class, among those of their own set, is found."""
    pupil.eval()
    hits = 0
    for start in range(0, len(images_of.pixels), 500):
        pixels = torch.from_numpy(images_of.pixels[start : start + 500].copy()).permute(0, 3, 1, 2)
        images = resize((pixels.float() / 127.5 - 1).expand(-1, 3, -1, -1), SIZE)
        scores = pupil.classes(pupil(images))[:, offset : offset + images_of.num_classes]
        hits += int((scores.argmax(1) == torch.from_numpy(images_of.labels[start : start + 500])).sum())
    pupil.train()
    return hits / len(images_of.pixels)


def accuracies(pupil: Pupil, sets: list[ImageSet]) -> dict[str, float]:
    """``accuracy`` of each set, in the order of training."""
    found, offset = {}, 0
    for images_of in sets:
        found[images_of.name] = round(accuracy(pupil, images_of, offset), 4)
        offset += images_of.num_classes
    return found


def main() -> None:
    """Train, say how well it went, write the weights."""
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "src/dcgan/evaluation/detectors/weights/tiny.safetensors")
    folder = Path(os.environ["DCGAN_TEST_DATA"])
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    numbers, generator = np.random.default_rng(SEED), torch.Generator().manual_seed(SEED)
    sets = training_sets(folder)
    unseen = [replace(some, pixels=some.pixels[::20], labels=some.labels[::20]) for some in unseen_sets(folder)]
    print({images_of.name: len(images_of.pixels) for images_of in sets}, flush=True)
    pupil = Pupil(sum(images_of.num_classes for images_of in sets)).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(pupil.parameters(), LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=NUM_STEPS, pct_start=0.1)
    started, averages = time.monotonic(), torch.zeros(3)
    for step in range(1, NUM_STEPS + 1):
        losses = loss_of(pupil, batch(sets, numbers, generator))
        optimiser.zero_grad()
        losses.sum().backward()
        optimiser.step()
        schedule.step()
        averages += (losses.detach() - averages) / min(step, 100)
        if step % 100 == 0 or step == NUM_STEPS:
            shown = ", ".join(f"{value:.3f}" for value in averages)
            print(f"step {step}: {shown}, {time.monotonic() - started:.0f} s", flush=True)
        assert math.isfinite(losses.detach().sum().item()), step
        if step % 1000 == 0:
            print(f"  found of the unseen half: {accuracies(pupil, unseen)}", flush=True)
    print(f"  found of the test images: {accuracies(pupil, test_sets(folder))}", flush=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.half().contiguous() for name, tensor in pupil.folded().state_dict().items()}, out)


if __name__ == "__main__":
    main()
