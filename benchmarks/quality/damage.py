"""Five kinds of known damage to a set of images, each in steps: what a detector must put in order.

Images are n h w 3, uint8. None of this code is shared with the training of ``tiny``.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

SHARES = (0.25, 0.5, 0.75, 1.0)
"""Steps of strength."""


def blur(images: np.ndarray, strength: float) -> np.ndarray:
    """Gaussian, of up to 4 % of the width."""
    gaussian = ImageFilter.GaussianBlur(0.04 * strength * images.shape[2])
    return np.stack([np.asarray(Image.fromarray(image).filter(gaussian)) for image in images])


def noise(images: np.ndarray, strength: float) -> np.ndarray:
    """Normal, of up to 40 grey levels."""
    generator = np.random.default_rng(7)
    return _bytes(images + 40 * strength * generator.standard_normal(images.shape, np.float32))


def colour_shift(images: np.ndarray, strength: float) -> np.ndarray:
    """Towards blue: red down to 60 %, blue a little up."""
    gains = np.array([1 - 0.4 * strength, 1.0, 1 - 0.1 * strength])
    return _bytes(images * gains + np.array([0, 0, 24 * strength]))


def jpeg(images: np.ndarray, strength: float) -> np.ndarray:
    """Quality 80 down to 5."""
    rows = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format="JPEG", quality=round(80 - 75 * (strength - 0.25) / 0.75))
        rows.append(np.asarray(Image.open(buffer)))
    return np.stack(rows)


DAMAGES: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "blur": blur,
    "noise": noise,
    "colour shift": colour_shift,
    "jpeg": jpeg,
}


def kept_modes(labels: np.ndarray, strength: float) -> np.ndarray:
    """Mode drop: of the classes in a fixed random order, the first 100, 80, 60, 40 or 20 %; True where kept."""
    order = np.random.default_rng(7).permutation(np.unique(labels))
    return np.isin(labels, order[: round(len(order) * (1 - 0.8 * strength))])


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 255).astype(np.uint8)
