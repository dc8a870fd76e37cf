"""The d2l recipe against the chapter's formulas, written out by hand in float64: no modules, no torch optimiser."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.data.batches import Batches
from dcgan.data.pixels import to_images
from dcgan.randomness import latents
from dcgan.settings.recipes import recipe
from dcgan.training.accelerate import adam
from dcgan.training.setup import new_state, rules_of
from dcgan.training.step import update_both

NUM_IMAGES, BATCH, STEPS, SIZE = 20, 8, 20, 32


def transposed_convolution(inputs: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    """Every input pixel paints the kernel onto the output."""
    count, channels, height, width = inputs.shape
    side = kernel.shape[-1]
    columns = torch.einsum("nip,ik->nkp", inputs.reshape(count, channels, -1), kernel.reshape(channels, -1))
    out = [side + stride * (length - 1) - 2 * padding for length in (height, width)]
    return F.fold(columns, out, side, padding=padding, stride=stride)


def convolution(inputs: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    count, _, height, width = inputs.shape
    side = kernel.shape[-1]
    columns = F.unfold(inputs, side, padding=padding, stride=stride)
    out = [(length - side + 2 * padding + stride) // stride for length in (height, width)]
    return torch.einsum("nkp,ok->nop", columns, kernel.flatten(1)).reshape(count, -1, *out)


def as_kernels(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our two matrix products (rows h w c) as the chapter's convolutions with a 4 x 4 kernel (c h w)."""
    kernels = {name.replace("product", "convolution"): tensor.double().clone() for name, tensor in tensors.items()}
    if "to_score.weight" in kernels:
        kernels["to_score.weight"] = kernels["to_score.weight"].unflatten(1, (4, 4, -1)).permute(0, 3, 1, 2)
    else:
        first = kernels["blocks.0.convolution.weight"]
        kernels["blocks.0.convolution.weight"] = first.unflatten(0, (4, 4, -1)).permute(3, 2, 0, 1)
    return kernels


class ByHand:
    """One network of the chapter as a list of tensors."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        tensors = {name: tensor.contiguous() for name, tensor in as_kernels(tensors).items()}
        self.running = {name: tensor for name, tensor in tensors.items() if "running" in name}
        self.weights = {
            name: tensor.requires_grad_()
            for name, tensor in tensors.items()
            if name not in self.running and "num_batches" not in name
        }
        self.first = {name: torch.zeros_like(weight) for name, weight in self.weights.items()}
        self.second = {name: torch.zeros_like(weight) for name, weight in self.weights.items()}
        self.steps = 0
        self.blocks = 1 + max(int(name.split(".")[1]) for name in self.weights if name.startswith("blocks"))

    def norm(self, features: Tensor, block: int) -> Tensor:
        name = f"blocks.{block}.norm"
        mean = features.mean(dim=(0, 2, 3))
        variance = ((features - mean[:, None, None]) ** 2).mean(dim=(0, 2, 3))
        count = features.numel() / features.shape[1]
        for key, now in (("mean", mean), ("var", variance * count / (count - 1))):
            running = self.running[f"{name}.running_{key}"]
            self.running[f"{name}.running_{key}"] = 0.9 * running + 0.1 * now.detach()
        normal = (features - mean[:, None, None]) / torch.sqrt(variance + 1e-5)[:, None, None]
        gain, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return normal * gain[:, None, None] + bias[:, None, None]

    def generate(self, noise: Tensor) -> Tensor:
        features = noise[:, :, None, None]
        for block in range(self.blocks):
            stride, padding = (1, 0) if block == 0 else (2, 1)
            kernel = self.weights[f"blocks.{block}.convolution.weight"]
            features = self.norm(transposed_convolution(features, kernel, stride, padding), block).clamp(min=0)
        return torch.tanh(transposed_convolution(features, self.weights["to_image.weight"], 2, 1))

    def score(self, images: Tensor) -> Tensor:
        features = images
        for block in range(self.blocks):
            features = self.norm(convolution(features, self.weights[f"blocks.{block}.convolution.weight"], 2, 1), block)
            features = torch.where(features > 0, features, 0.2 * features)
        return convolution(features, self.weights["to_score.weight"], 1, 0).flatten()

    def adam(self, loss: Tensor, learning_rate: float = 0.005, beta1: float = 0.5, beta2: float = 0.999) -> None:
        self.steps += 1
        gradients = torch.autograd.grad(loss, list(self.weights.values()))
        for (name, weight), gradient in zip(self.weights.items(), gradients, strict=True):
            self.first[name] = beta1 * self.first[name] + (1 - beta1) * gradient
            self.second[name] = beta2 * self.second[name] + (1 - beta2) * gradient**2
            first = self.first[name] / (1 - beta1**self.steps)
            second = self.second[name] / (1 - beta2**self.steps)
            weight.data -= learning_rate * first / (second.sqrt() + 1e-8)


def cross_entropy(scores: Tensor, target: float) -> Tensor:
    """Summed over the batch, as the chapter does."""
    probability = torch.sigmoid(scores)
    return -(target * torch.log(probability) + (1 - target) * torch.log(1 - probability)).sum()


@pytest.mark.promise("The recipe d2l takes the very steps of the textbook chapter, written out by hand in float64.")
def test_twenty_steps_of_the_d2l_recipe_are_those_of_the_formulas() -> None:
    torch.set_num_threads(1)
    config = recipe("d2l").asked({
        "data.height": SIZE, "data.width": SIZE, "training.batch_size": BATCH, "model.image_channels": 3,
        "model.num_classes": 0, "model.generator_width": 8, "model.discriminator_width": 8,
    })  # fmt: skip
    state = new_state(config, torch.device("cpu"))
    generator, discriminator = ByHand(state.generator.state_dict()), ByHand(state.discriminator.state_dict())
    state.generator.double()
    state.discriminator.double()
    state.generator_optimizer = adam(state.generator, 0.005, config.training)
    state.discriminator_optimizer = adam(state.discriminator, 0.005, config.training)
    pixels = np.random.default_rng(0).integers(0, 256, (NUM_IMAGES, SIZE, SIZE, 3), dtype=np.uint8)
    batches = Batches(pixels, np.arange(NUM_IMAGES), batch_size=BATCH, seed=0, short_last_batch=True)
    rules, sizes = rules_of(config, torch.device("cpu")), []

    for _ in range(STEPS):
        real = to_images(torch.from_numpy(pixels[batches.rows(state.images_seen)]).permute(0, 3, 1, 2)).double()
        noise = latents(state.images_seen, len(real), 100, seed=0).double()
        first, second, _, _ = update_both(state, real, noise, None, rules)

        fake = generator.generate(noise)
        scores = discriminator.score(real), discriminator.score(fake.detach())
        loss_of_discriminator = (cross_entropy(scores[0], 1.0) + cross_entropy(scores[1], 0.0)) / 2
        discriminator.adam(loss_of_discriminator)
        loss_of_generator = cross_entropy(discriminator.score(generator.generate(noise)), 1.0)
        generator.adam(loss_of_generator)

        assert float(first) == pytest.approx(loss_of_discriminator.item(), rel=1e-9)
        assert float(second) == pytest.approx(loss_of_generator.item(), rel=1e-9)
        state.images_seen += len(real)
        sizes.append(len(real))

    assert sizes[:4] == [8, 8, 4, 8], "the short last batch is kept, then the next epoch starts"
    for ours, by_hand in ((state.generator, generator), (state.discriminator, discriminator)):
        kernels = as_kernels(ours.state_dict())
        for name, tensor in {**by_hand.weights, **by_hand.running}.items():
            torch.testing.assert_close(kernels[name], tensor.detach(), rtol=1e-9, atol=1e-9)
