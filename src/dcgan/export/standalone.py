"""New images from a trained generator, with NumPy alone.

    python generator.py --seeds 0-15             seed_00000.png … seed_00015.png in this folder
    python generator.py --help

    import generator
    pixels = generator.load().sample([0, 1, 2])  # 3 images: n x height x width x channels, whole numbers

config.json and model.safetensors must be beside this file. A seed is the same image every time, within one grey level
of what PyTorch draws. Features are n x height x width x channels throughout.
"""

import argparse
import hashlib
import json
import struct
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

Weights = dict[str, np.ndarray]


class Generator:
    """Seeds or latents become images."""

    def __init__(self, config: dict[str, Any], weights: Weights) -> None:
        self.config, self.weights = config, weights
        self.class_names: list[str] = config["class_names"]

    def latents(self, seeds: Sequence[int]) -> np.ndarray:
        """One latent for each seed: len(seeds) x latent size."""
        return np.stack([latent(seed, self.config["latent_size"], self.config["prior"]) for seed in seeds])

    def labels(self, seeds: Sequence[int]) -> np.ndarray | None:
        """The class number of each seed, one class after the other; None in a generator without classes."""
        return np.array(seeds) % len(self.class_names) if self.class_names else None

    def sample(self, seeds: Sequence[int], labels: Sequence[int] | None = None) -> np.ndarray:
        """One image for each seed, uint8 or uint16; ``labels`` are class numbers."""
        return self.draw(self.latents(seeds), self.labels(seeds) if labels is None else np.array(labels))

    def draw(self, latents: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """One image for each latent."""
        white = 2 ** self.config["bits"] - 1
        drawn = []
        for start in range(0, len(latents), 16):  # to bound memory
            part = None if labels is None else labels[start : start + 16]
            images = self.images(latents[start : start + 16], part)
            drawn.append(((images + 1) * np.float32(white / 2)).round().clip(0, white))
        return np.concatenate(drawn).astype(np.uint8 if white == 255 else np.uint16)

    def images(self, latents: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
        """One image for each latent, -1 … 1."""
        inputs = latents.astype(np.float32)
        if labels is not None:
            inputs = np.concatenate([inputs, np.eye(len(self.class_names), dtype=np.float32)[labels]], axis=1)
        if self.config["architecture"] == "dcgan":
            return self._dcgan(inputs)
        return self._residual(inputs)

    def _dcgan(self, inputs: np.ndarray) -> np.ndarray:
        """A product, then transposed convolutions; each is normalised and rectified but the last."""
        weights = self.weights
        features = inputs @ weights["blocks.0.product.weight"].T
        features = self._normalised("blocks.0", features.reshape(-1, *self.config["base"]))
        number = 1
        while f"blocks.{number}.convolution.weight" in weights:
            features = doubled(np.maximum(features, 0), weights[f"blocks.{number}.convolution.weight"])
            features = self._normalised(f"blocks.{number}", features)
            number += 1
        images: np.ndarray = np.tanh(doubled(np.maximum(features, 0), weights["to_image.weight"]))
        return images

    def _normalised(self, block: str, features: np.ndarray) -> np.ndarray:
        """Batch normalisation by the statistics that are stored."""
        gain, bias, mean, variance = (
            self.weights[f"{block}.norm.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
        )
        factor = gain / np.sqrt(variance + np.float32(1e-5))
        result: np.ndarray = features * factor + (bias - mean * factor)
        return result

    def _residual(self, inputs: np.ndarray) -> np.ndarray:
        """A product, then blocks of two convolutions beside a shortcut, each at twice the size of the one before."""
        weights = self.weights
        features = inputs @ weights["product.weight"].T + weights["product.bias"]
        features = features.reshape(-1, *self.config["base"])
        number = 0
        while f"blocks.{number}.first.weight" in weights:
            features = enlarged(features)
            change = self._convolved(f"blocks.{number}.first", leaky(features))
            change = self._convolved(f"blocks.{number}.last", leaky(change))
            if f"blocks.{number}.shortcut.weight" in weights:
                features = self._convolved(f"blocks.{number}.shortcut", features)
            features = features + change
            number += 1
        images: np.ndarray = self._convolved("to_image", leaky(features)).clip(-1, 1)
        return images

    def _convolved(self, layer: str, features: np.ndarray) -> np.ndarray:
        return convolved(features, self.weights[f"{layer}.weight"]) + self.weights[f"{layer}.bias"]


def latent(seed: int, size: int, prior: str) -> np.ndarray:
    """The latent of a seed: ``size`` numbers, standard normal or uniform from -1 to 1.

    Philox is a counter-based generator: the words of one seed can be had without those of the others.
    """
    blocks = -(-size // 4)
    key = np.frombuffer(hashlib.blake2b(b"0/sample/0", digest_size=16).digest(), dtype="<u8")
    words = np.random.Philox(key=key, counter=seed * blocks).random_raw(4 * blocks)
    uniform = ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53  # strictly between 0 and 1
    if prior == "uniform":
        return (2 * uniform - 1)[:size].astype(np.float32)
    radius, angle = np.sqrt(-2 * np.log(uniform[0::2])), 2 * np.pi * uniform[1::2]  # Box and Muller (1958)
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:size].astype(np.float32)


def doubled(features: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Transposed convolution with kernel 4, stride 2, padding 1; weight: in x out x 4 x 4.

    Each of the four positions of a block of 2 x 2 outputs sees 2 x 2 inputs, through 2 x 2 of the kernel's numbers.
    """
    count, height, width, _ = features.shape
    padded = np.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)))
    result = np.empty((count, 2 * height, 2 * width, weight.shape[1]), dtype=np.float32)
    taps = [(row, column) for row in (0, 1) for column in (0, 1)]
    for top, left in taps:
        seen = [padded[:, top + y : top + y + height, left + x : left + x + width] for y, x in taps]
        kernel = [weight[:, :, 3 - top - 2 * y, 3 - left - 2 * x] for y, x in taps]
        result[:, top::2, left::2] = np.concatenate(seen, axis=3) @ np.concatenate(kernel)
    return result


def convolved(features: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Convolution that keeps the size; weight: out x in x side x side, side 1 or 3."""
    _, height, width, _ = features.shape
    side = weight.shape[-1]
    border = (side // 2, side // 2)
    padded = np.pad(features, ((0, 0), border, border, (0, 0)))
    taps = [(row, column) for row in range(side) for column in range(side)]
    seen = [padded[:, y : y + height, x : x + width] for y, x in taps]
    result: np.ndarray = np.concatenate(seen, axis=3) @ np.concatenate([weight[:, :, y, x].T for y, x in taps])
    return result


def enlarged(features: np.ndarray) -> np.ndarray:
    """Twice the height and width, bilinear."""
    for axis in (1, 2):
        first, last = features.take([0], axis), features.take([-1], axis)
        count = features.shape[axis]
        padded = np.concatenate([first, features, last], axis)
        before, after = padded.take(range(count), axis), padded.take(range(2, count + 2), axis)
        pairs = np.stack([0.75 * features + 0.25 * before, 0.75 * features + 0.25 * after], axis + 1)
        shape = list(features.shape)
        shape[axis] *= 2
        features = pairs.reshape(shape).astype(np.float32)
    return features


def leaky(features: np.ndarray) -> np.ndarray:
    """Leaky ReLU."""
    result: np.ndarray = np.maximum(features, np.float32(0.2) * features)
    return result


def load(folder: str | Path | None = None) -> Generator:
    """The generator in a folder (default: the one of this file)."""
    place = Path(__file__).parent if folder is None else Path(folder)
    config = json.loads((place / "config.json").read_text(encoding="utf-8"))
    return Generator(config, read_safetensors((place / "model.safetensors").read_bytes()))


def read_safetensors(content: bytes) -> Weights:
    """The float32 tensors of a file: 8 bytes of length, that much JSON (name → type, shape, place), then the data."""
    length = int.from_bytes(content[:8], "little")
    data = memoryview(content)[8 + length :]
    weights = {}
    for name, entry in json.loads(content[8 : 8 + length]).items():
        if entry.get("dtype") == "F32":
            start, end = entry["data_offsets"]
            weights[name] = np.frombuffer(data[start:end], dtype="<f4").reshape(entry["shape"])
    return weights


def png(picture: np.ndarray) -> bytes:
    """One image of 1, 3 or 4 channels, 8 or 16 bits → the bytes of a PNG file."""
    height, width, channels = picture.shape
    bits = 8 * picture.itemsize
    rows = picture.astype(">u2" if bits == 16 else "u1").reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, bits, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def parse_seeds(text: str) -> list[int]:
    """``0-3,7`` → [0, 1, 2, 3, 7]."""
    ends = [part.split("-") for part in text.split(",")]
    return [seed for pair in ends for seed in range(int(pair[0]), int(pair[-1]) + 1)]


def main() -> None:
    """Write one file for each seed: PNG, or .npy where an image has neither 1, 3 nor 4 channels."""
    parser = argparse.ArgumentParser(description="New images from a trained generator.")
    parser.add_argument("--seeds", default="0-15", type=parse_seeds, help="such as 0-63 or 1,5,10-20 (default: 0-15)")
    parser.add_argument("--label", help="the name of a class; without it, classes follow one another")
    parser.add_argument("--out", default=".", type=Path, help="a folder (default: this one)")
    options = parser.parse_args()
    generator = load()
    if options.label is not None and options.label not in generator.class_names:
        parser.error(f"--label {options.label}: known are {', '.join(generator.class_names) or 'none'}")
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        label = None if options.label is None else [generator.class_names.index(options.label)]
        picture = generator.sample([seed], label)[0]
        if picture.shape[-1] in (1, 3, 4):
            (options.out / f"seed_{seed:05d}.png").write_bytes(png(picture))
        else:
            np.save(options.out / f"seed_{seed:05d}.npy", picture)
    print(f"{len(options.seeds)} images in {options.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
