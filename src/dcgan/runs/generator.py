"""TrainedGenerator, the one door from training to all that comes after it: seeds in, pixels out.

``load_generator`` finds the weights of a run or of a checkpoint file. Where the config asks, sampling normalises by
statistics that are estimated anew from the weights (``model.statistics_batches`` forward passes of fixed latents).
Checkpoints hold them; those of format 1 do not, and loading estimates them.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from dcgan.data.pixels import grid, png, to_pixels, viewable
from dcgan.errors import ExitCode, UserError
from dcgan.foreign import is_regular
from dcgan.hardware import upload
from dcgan.models.build import AnyGenerator, build_generator
from dcgan.models.statistics import reestimated
from dcgan.pickles import refuse_pickle
from dcgan.randomness import balanced_latents, latents_of_seeds
from dcgan.runs.asked import Numbers, classes_of, numbers_of
from dcgan.runs.checkpoint import Checkpoint, newest, read
from dcgan.runs.facts import parse_config
from dcgan.runs.folder import RunFolder
from dcgan.runs.hub import fetch, is_on_hub
from dcgan.runs.portable import WEIGHTS, is_portable, unpacked
from dcgan.runs.shelf import best
from dcgan.runs.tensor_file import require_fit
from dcgan.settings.config import Config
from dcgan.tensors import Labels, Latents, Pixels, as_labels, as_pixels

CHUNK = 16  # samples are always drawn so many at a time, so that a seed's image does not depend on its neighbours

Which = Literal["last", "best"]


class TrainedGenerator:
    """A generator and its config: the one door from training to all that comes after it."""

    def __init__(
        self,
        generator: AnyGenerator,
        config: Config,
        *,
        class_names: Sequence[str] = (),
        bits: int = 8,
        path: Path | None = None,
    ) -> None:
        """``bits``: 8 or 16 a channel, as the training images had. ``path``: the checkpoint, None in training."""
        self.generator, self.config, self.class_names = generator.eval(), config, tuple(class_names)
        self.path = path
        self.dtype = torch.uint16 if bits == 16 else torch.uint8

    def latents(self, seeds: Numbers) -> Latents:
        """The latent of each seed: the same on every machine and whatever its neighbours."""
        return latents_of_seeds(numbers_of("seeds", seeds), self.config.model.latent_size, self.config.model.prior)

    def labels(self, seeds: Sequence[int]) -> Labels | None:
        """The class of each seed, one after the other through all; None without classes."""
        num_classes = self.generator.num_classes
        if not num_classes:
            return None
        return as_labels(torch.tensor([seed % num_classes for seed in seeds], dtype=torch.int64))

    def sample(self, seeds: Numbers, labels: Numbers | str | Sequence[str] | None = None) -> Pixels:
        """One image for each seed: n c h w, uint8 (uint16 after 16-bit data), on the CPU, drawn in float32.

        ``labels`` are names or numbers of classes, one for each seed or one for all; without them a generator of
        classes cycles through all.

        Raises:
            UserError: No seeds, or classes that the generator does not know.
        """
        chosen = numbers_of("seeds", seeds)
        if labels is None:
            return self.decode(self.latents(chosen), self.labels(chosen))
        classes = classes_of(labels, self.class_names or range(self.generator.num_classes), len(chosen))
        return self.decode(self.latents(chosen), torch.tensor(classes, dtype=torch.int64))

    def __repr__(self) -> str:
        data, channels = self.config.data, self.config.model.image_channels
        classes = f", {len(self.class_names)} classes" if self.class_names else ""
        origin = "in training" if self.path is None else f"from {self.path}"
        return (
            f"<dcgan.TrainedGenerator of {data.height} x {data.width} images, {channels} channels{classes}, {origin}>"
        )

    def _repr_png_(self) -> bytes:
        """What a notebook shows of it: the images of the seeds 0 to 39."""
        pictures = self.sample(range(40)).permute(0, 2, 3, 1).numpy()
        return png(grid(viewable(pictures), 10))

    def as_configured(self) -> "TrainedGenerator":
        """The same generator with the statistics that its config asks for: whatever is drawn of it is drawn of this."""
        batches = self.config.model.statistics_batches
        return self.reestimated(batches) if batches else self

    def reestimated(self, num_batches: int) -> "TrainedGenerator":
        """The same generator with statistics of normalisation estimated anew, from batches as in training."""
        training, model = self.config.training, self.config.model
        count, parts = num_batches * training.batch_size, num_batches * training.shards  # each normalised by itself
        drawn = balanced_latents(count, model.latent_size, seed=0, stream="statistics", prior=model.prior)
        return self.normalised_by(drawn, parts)

    def normalised_by(self, latents: Latents, num_batches: int) -> "TrainedGenerator":
        """The same generator with the statistics of these latents in so many batches; classes are equally frequent."""
        device, classes = self.generator.to_image.weight.device, self.generator.num_classes
        labels = torch.arange(len(latents), device=device) % classes if classes else None
        parts = repeat(None) if labels is None else torch.chunk(labels, num_batches)
        batches = zip(torch.chunk(latents.to(device), num_batches), parts, strict=False)
        generator, bits = reestimated(self.generator, batches), 8 * self.dtype.itemsize
        return TrainedGenerator(generator, self.config, class_names=self.class_names, bits=bits, path=self.path)

    def decode(self, latents: Latents, labels: Labels | None = None) -> Pixels:
        """One image for each latent: n c h w.

        Raises:
            UserError: The generator knows classes, and there is not a label for each latent.
        """
        chunks = [pixels.cpu() for pixels in self.paint(latents, labels)]
        shape = (0, self.config.model.image_channels or 0, self.config.data.height, self.config.data.width)
        return as_pixels(torch.cat(chunks)) if chunks else torch.empty(shape, dtype=self.dtype)

    @torch.inference_mode()
    def paint(self, latents: Latents, labels: Labels | None = None) -> Iterator[Pixels]:
        """The same chunk by chunk, left where the generator is: nothing waits for it.

        Raises:
            UserError: The generator knows classes, and there is not a label for each latent.
        """
        self._require_labels(latents, labels)
        device = self.generator.to_image.weight.device
        for start in range(0, len(latents), CHUNK):
            chunk, size = _padded(latents[start : start + CHUNK])
            of_chunk = None if labels is None else upload(_padded(labels[start : start + CHUNK])[0], device)
            yield to_pixels(self.generator(upload(chunk, device), of_chunk)[:size], self.dtype)

    def _require_labels(self, latents: Latents, labels: Labels | None) -> None:
        classes, given = self.generator.num_classes, None if labels is None else len(labels)
        if classes and given != len(latents):
            number = "none" if given is None else f"{given:,}"
            raise UserError(
                f"labels: {number} for {len(latents):,} latents; this generator was trained with {classes} classes and "
                f"needs a class number (0 … {classes - 1}) for each. generator.labels(seeds) gives one for each seed."
            )


def load_generator(path: Path, which: Which | None = "last") -> TrainedGenerator:
    """The generator of a run folder, of a checkpoint file, of an exported folder or of ``hub:user/name``, on the CPU.

    Its ``path`` says which file it came from. Of a run folder, ``last`` is the newest good checkpoint, ``best`` the
    marked one; None: the marked one if there is any. The average is taken where the recipe has one, the last weights
    elsewhere.

    Raises:
        UserError: No run, no such checkpoint, or damaged.
    """
    if is_on_hub(str(path)):
        return _of_portable(fetch(str(path)))
    if is_portable(path):
        return _of_portable(path)
    if is_regular(path):
        checkpoint = read(path) if path.suffix == ".safetensors" else None
    elif os.path.isdir(path):  # noqa: PTH112  # takes any name
        run = RunFolder(path)
        which = which or ("last" if best(run) is None else "best")
        checkpoint = newest(run) if which == "last" else _best_of(run)
    else:
        checkpoint = None
    if checkpoint is None:
        if _just_begun(path):
            told = "this run has saved nothing yet: its first checkpoint comes a few seconds after its first step"
            raise UserError(f"{path}: {told}. Let it train on, then give the same command.", ExitCode.CHECKPOINT)
        refuse_pickle(path, "the folder that dcgan train made, or one of its .safetensors checkpoints")
        raise UserError(f"{path}: {_absence(path)}. Give the folder that dcgan train made.", ExitCode.CHECKPOINT)
    facts = checkpoint.facts
    config = parse_config(path, facts)
    chosen = "average." if any(name.startswith("average.") for name in checkpoint.tensors) else "generator."
    weights = dict(_stripped(checkpoint.tensors, chosen)) | dict(checkpoint.sampling)
    generator = _filled(config, weights, f"{path}: {chosen.removesuffix('.')}")
    names, bits = facts["class_names"], facts["bits"]
    found = TrainedGenerator(generator, config, class_names=names, bits=bits, path=checkpoint.path)
    return found if checkpoint.sampling else found.as_configured()


def _of_portable(folder: Path) -> TrainedGenerator:
    """The generator that was exported, its statistics as they are stored."""
    found = unpacked(folder)
    generator = _filled(found.config, found.tensors, str(folder / WEIGHTS))
    names, bits = found.class_names, found.bits
    return TrainedGenerator(generator, found.config, class_names=names, bits=bits, path=folder / WEIGHTS)


def _filled(config: Config, weights: Mapping[str, Tensor], what: str) -> AnyGenerator:
    """The config's generator with these weights; ``what`` says where they came from."""
    with torch.device("meta"):  # no memory before it is known that the weights fit
        expected = build_generator(config.model, config.data.height, config.data.width).state_dict()
    require_fit(expected, weights, what)
    generator = build_generator(config.model, config.data.height, config.data.width)
    generator.load_state_dict(weights)
    return generator


def _best_of(run: RunFolder) -> Checkpoint:
    marked = best(run)
    found = None if marked is None else read(marked[0])
    if found is None:
        reason = "none was marked" if marked is None else f"{marked[0].name} is damaged"
        raise UserError(f"{run.root}: no best checkpoint ({reason}). The last one may do.", ExitCode.CHECKPOINT)
    return found


def _absence(path: Path) -> str:
    """Why there is no checkpoint in or at ``path``."""
    if path.suffix == ".safetensors" and is_regular(path):
        return "damaged, or renamed: its name does not end in the sha256 of its content"
    if is_regular(path):
        return "not a checkpoint"
    return "no run with a checkpoint" if os.path.isdir(path) else "no such folder"  # noqa: PTH112  # as above


def _just_begun(path: Path) -> bool:
    """Whether a run is there that has no checkpoint yet."""
    return is_regular(RunFolder(path).config) or is_regular(RunFolder(path).lock)


def _stripped(tensors: Mapping[str, Tensor], prefix: str) -> Iterator[tuple[str, Tensor]]:
    return ((name.removeprefix(prefix), tensor) for name, tensor in tensors.items() if name.startswith(prefix))


def _padded(rows: Tensor) -> tuple[Tensor, int]:
    """The rows filled up to a chunk with zeros, and how many count."""
    missing = CHUNK - len(rows)
    return torch.cat([rows, rows.new_zeros(missing, *rows.shape[1:])]) if missing else rows, len(rows)
