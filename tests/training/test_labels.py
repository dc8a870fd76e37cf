"""Labels are learned: what is asked for is what comes."""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from dcgan.data.batches import Batches
from dcgan.data.pixels import to_images
from dcgan.data.sources.critters import draw, label
from dcgan.settings.recipes import recipe
from dcgan.training.feed import Feed
from dcgan.training.loop import advance_by, train_steps
from dcgan.training.setup import new_state, rules_of

COUNT, CLASSES = 600, 8
CONFIG = recipe("modern").asked({
    "data.height": 16, "data.width": 16, "model.image_channels": 3, "model.num_classes": CLASSES,
    "model.generator_width": 16, "model.discriminator_width": 16, "model.latent_size": 16, "training.images": 6400,
    "training.generator_learning_rate": 1e-3, "training.discriminator_learning_rate": 1e-3,
    "training.average_width": 0.1, "hardware.precision": "fp32",
})  # fmt: skip


def classifier(images: Tensor, labels: Tensor) -> Tensor:
    """Ridge regression from pixels to one-hot classes."""
    pixels, targets = images.flatten(1).double(), torch.nn.functional.one_hot(labels, CLASSES).double()
    moments = pixels.T @ pixels + 100 * torch.eye(pixels.shape[1]).double()
    return torch.linalg.solve(moments, pixels.T @ targets)


def agreement(weights: Tensor, images: Tensor, labels: Tensor) -> float:
    return ((images.flatten(1).double() @ weights).argmax(dim=1) == labels).double().mean().item()


def test_a_generator_draws_the_class_that_it_is_asked_for() -> None:
    torch.set_num_threads(1)
    pixels = np.stack([draw(index, 16, 16)[..., :3] for index in range(COUNT)])
    labels = np.array([label(index) for index in range(COUNT)])
    images = to_images(torch.from_numpy(pixels).permute(0, 3, 1, 2))
    weights = classifier(images[:400], torch.from_numpy(labels[:400]))
    of_real = agreement(weights, images[400:], torch.from_numpy(labels[400:]))
    state = new_state(CONFIG, torch.device("cpu"))
    feed = Feed(Batches(pixels, np.arange(COUNT), batch_size=32, seed=0, labels=labels), torch.device("cpu"), seed=0,
                latent_size=16)  # fmt: skip
    advance = partial(advance_by, state, rules_of(CONFIG, torch.device("cpu")))
    for _ in train_steps(state, feed, advance, training=CONFIG.training):
        pass
    asked = torch.arange(400) % CLASSES
    noise = torch.randn(400, 16, generator=torch.Generator().manual_seed(0))
    assert state.average is not None
    with torch.no_grad():
        of_fake = agreement(weights, state.average(noise, asked), asked)
    assert of_real > 0.9, "what is asked of the generator can be told"
    assert of_fake > 0.7, "one in eight by chance"
