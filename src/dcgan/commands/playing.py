"""Play: the page of a run at full precision, and images of it saved into a folder."""

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dcgan.commands.export import exportable
from dcgan.commands.looks import encoded
from dcgan.commands.options import PlayOptions
from dcgan.commands.page_facts import page_facts
from dcgan.errors import UserError
from dcgan.export.judge import load_discriminator
from dcgan.export.page import page_export
from dcgan.files import write_atomically

MOST_IMAGES = 256  # in one request


class Saver:
    """A generator, its page, and the folder into which the page saves."""

    def __init__(self, options: PlayOptions) -> None:
        """Load the run.

        Raises:
            UserError: No run, or a damaged one.
        """
        self.run = Path(options.run)
        self.generator = exportable(self.run, None)
        self.name = self.run.absolute().name.removesuffix(".safetensors")
        self.folder = Path(options.out or f"{self.name}-played")

    def page(self, token: str) -> bytes:
        """The page with weights in full, and the discriminator if the run keeps it; ``token`` allows it to save."""
        try:
            judge = load_discriminator(self.generator)
        except UserError:  # an exported folder has none
            judge = None
        facts = page_facts(self.run, self.generator) | {"saving": token}
        made = page_export(self.generator, self.name, encoding="fp32", discriminator=judge, facts=facts)
        (content,) = made.files.values()
        return content

    def save(self, request: Any) -> list[str]:
        """Draw the images of a request and write them; the names of the files.

        Raises:
            UserError: Not what the page sends.
        """
        images = request.get("images") if isinstance(request, dict) else None
        if not isinstance(images, list) or not 1 <= len(images) <= MOST_IMAGES:
            raise UserError(f"images: must be a list of 1 to {MOST_IMAGES}.")
        return [self._save(image) for image in images]

    def _save(self, image: Any) -> str:
        if not isinstance(image, dict):
            raise UserError("images: each must be an object with seed or latent, and label.")
        latent, name = self._latent(image)
        label = self._label(image)
        labels = None if label is None else torch.tensor([label])
        pixels = self.generator.decode(latent, labels)[0].permute(1, 2, 0).numpy()
        name += "" if label is None else f"_class{label}"
        for suffix, content in encoded(pixels).items():
            write_atomically(self.folder / f"{name}{suffix}", content)
        return f"{name}.png"

    def _latent(self, image: dict[str, Any]) -> tuple[torch.Tensor, str]:
        seed = image.get("seed")
        if isinstance(seed, str) and seed.isascii() and seed.isdigit() and len(seed) <= 18:
            return self.generator.latents([int(seed)]), f"seed_{int(seed):05d}"
        size, numbers = self.generator.config.model.latent_size, image.get("latent")
        if not isinstance(numbers, list) or len(numbers) != size or not all(map(_is_small, numbers)):
            raise UserError(f"latent: must be {size} finite numbers.")
        latent = np.array([numbers], dtype=np.float32)
        return torch.from_numpy(latent), f"latent_{hashlib.sha256(latent.tobytes()).hexdigest()[:12]}"

    def _label(self, image: dict[str, Any]) -> int | None:
        classes = self.generator.generator.num_classes
        if not classes:
            return None
        label = image.get("label")
        if not isinstance(label, int) or not 0 <= label < classes:
            raise UserError(f"label: must be 0 to {classes - 1}.")
        return label


def _is_small(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 1e3
