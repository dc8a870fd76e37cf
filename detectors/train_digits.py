"""Train the digit classifier that counts the modes of Stacked-MNIST.

    DCGAN_TEST_DATA=FOLDER python -m detectors.train_digits [OUT.safetensors]

On all official training images of MNIST, turned, scaled and shifted a little. One thread, about 8 minutes; the same
data and machine give the same weights.
"""

import os
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from dcgan.evaluation.detectors.digits import SIZE, DigitClassifier
from detectors.sets import load

SEED, BATCH, NUM_STEPS, LEARNING_RATE = 5, 128, 7_000, 3e-3


def view(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turned by up to 11 degrees, 0.8 to 1.2 times as large, shifted by up to 2 pixels."""
    count = len(images)
    angle, scale, across, down = (torch.rand(4, count, generator=generator) * 2 - 1).unbind()
    angle, scale = 0.2 * angle, 1.2**-scale
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    matrix = torch.stack([cosine, -sine, across / 7, sine, cosine, down / 7], dim=1).reshape(-1, 2, 3)
    grid = F.affine_grid(matrix, [count, 1, SIZE, SIZE], align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


@torch.inference_mode()
def accuracy(network: DigitClassifier, pixels: Tensor, labels: Tensor) -> float:
    """Share of images (0 … 1) whose digit is found."""
    hits = sum(
        int((network(part * 2 - 1).argmax(1) == wanted).sum())
        for part, wanted in zip(pixels.split(500), labels.split(500), strict=True)
    )
    return hits / len(pixels)


def main() -> None:
    """Train, say how well it went, write the weights."""
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "src/dcgan/evaluation/detectors/weights/digits.safetensors")
    folder = Path(os.environ["DCGAN_TEST_DATA"])
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    numbers, generator = np.random.default_rng(SEED), torch.Generator().manual_seed(SEED)
    train, test = (load(folder, "mnist", split) for split in ("train", "test"))
    pixels, unseen = (torch.tensor(some.pixels).permute(0, 3, 1, 2).float() / 255 for some in (train, test))
    labels, unseen_labels = torch.tensor(train.labels), torch.tensor(test.labels)
    network = DigitClassifier()
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=NUM_STEPS, pct_start=0.1)
    for step in range(1, NUM_STEPS + 1):
        rows = torch.from_numpy(numbers.integers(len(pixels), size=BATCH))
        loss = F.cross_entropy(network(view(pixels[rows], generator) * 2 - 1), labels[rows], label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 500 == 0:
            print(f"step {step}: {loss.item():.4f}", flush=True)
    print(f"test images: {accuracy(network, unseen, unseen_labels):.4f}")
    print(f"padded to 32: {accuracy(network, F.pad(unseen, (2, 2, 2, 2)), unseen_labels):.4f}")
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}, out)


if __name__ == "__main__":
    main()
