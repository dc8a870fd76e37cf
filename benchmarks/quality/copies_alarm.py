"""How often does the copies alarm ring, on images that are copies and on images that are not?

    .venv/bin/python -m benchmarks.quality.copies_alarm FASHION_MNIST_FOLDER [--draws 8]

Images of Fashion-MNIST in the features of a random convolutional network; every draw takes other training, held-out
and sample images. The table is in docs/measuring.md.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.data.sources.idx_and_cifar import find_idx, read_idx
from dcgan.evaluation.measures.copies import find_copies
from dcgan.tensors import Features

NUM_IMAGES, NUM_SAMPLES = 20_000, 1_000
SPLITS = ((5000, 500), (10_000, 1000), (1000, 100), (500, 0), (2000, 0))  # trained on, held out


def features(images: Tensor, weights: tuple[Tensor, Tensor]) -> Features:
    """n h w → n 256: two random layers, means over quarters of the image."""
    hidden = F.relu(F.conv2d(images[:, None], weights[0], stride=2))
    return F.adaptive_avg_pool2d(F.relu(F.conv2d(hidden, weights[1], stride=2)), 2).flatten(1)


def blurred(images: Tensor) -> Tensor:
    """Each pixel becomes the mean of its 3 x 3 neighbours."""
    return F.avg_pool2d(F.pad(images[:, None], (1, 1, 1, 1), mode="replicate"), 3, 1)[:, 0]


def kinds_of_samples(real: Tensor, copies: Tensor, mean: Tensor) -> dict[str, Tensor]:
    """What a generator may have made."""

    def mixed(others: Tensor, share: float) -> Tensor:
        count = round(share * len(real))
        return torch.cat([others[:count], real[count:]])

    return {
        "other real images": real,
        "blurred": blurred(real),
        "drawn to the mean": 0.7 * real + 0.3 * mean,
        "one in ten a copy": mixed(copies, 0.1),
        "one in twenty a copy": mixed(copies, 0.05),
        "one in ten a blurred copy": mixed(blurred(copies), 0.1),
    }


def main() -> None:
    """Read the command line, draw, print a table."""
    parser = argparse.ArgumentParser(description="How often does the copies alarm ring?")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=8)
    options = parser.parse_args()
    path = find_idx(options.folder)
    if path is None:
        parser.error(f"{options.folder} holds no train-images-idx3-ubyte")
    images = torch.from_numpy(read_idx(path)[:NUM_IMAGES].copy()).float() / 255
    for num_train, num_held_out in SPLITS:
        rung: dict[str, int] = {}
        for draw in range(options.draws):
            random = torch.Generator().manual_seed(draw)
            weights = (
                0.3 * torch.randn(32, 1, 5, 5, generator=random),
                0.1 * torch.randn(64, 32, 3, 3, generator=random),
            )
            order = torch.randperm(NUM_IMAGES, generator=random)
            train = images[order[:num_train]]
            held_out = images[order[num_train : num_train + num_held_out]]
            chosen = torch.randint(num_train, (NUM_SAMPLES,), generator=random)
            samples = kinds_of_samples(images[order[-NUM_SAMPLES:]], train[chosen], images.mean(dim=0))
            known, new = features(train, weights), features(held_out, weights) if num_held_out else None
            for kind, made in samples.items():
                rung[kind] = rung.get(kind, 0) + find_copies(features(made, weights), known, new).alarm
        for kind, count in rung.items():
            print(f"{num_train:6,} trained on, {num_held_out:5,} held out, {kind:26}: {count} of {options.draws} ring")


if __name__ == "__main__":
    main()
