"""Recognises what this program wrote itself: runs, exported generators and samples are not images to learn from."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from dcgan.data.decoding.formats import is_image_name
from dcgan.data.sources.class_labels import Parts

_MARKS = (  # files of a folder, all of which are there; tests/data/test_own_files.py compares them with real ones
    ({"config.toml", "about.json"}, "a run of dcgan"),
    ({"config.toml", "journal.jsonl"}, "a run of dcgan"),
    ({"config.json", "model.safetensors"}, "a trained generator"),
)
_SHEET = "sheet.png"
_SAMPLE = re.compile(r"(seed|latent)_[0-9]{5,}\.(png|webp|npy)")


def own_files(paths: Sequence[Parts]) -> list[tuple[Parts, str]]:
    """The folders and files of a source that are not its images, each with what it is.

    Samples are left out beside other images only: whoever names a folder of them wants to look at them. The sheet of
    all samples is never one of them.
    """
    inside: defaultdict[Parts, set[str]] = defaultdict(set)
    for parts in paths:
        inside[parts[:-1]].add(parts[-1])
    found = [(folder, what) for folder, names in inside.items() for marks, what in _MARKS if marks <= names]
    outer = [folder for folder, _ in found]
    samples = [folder for folder, names in inside.items() if _is_of_samples(names) and not is_within(folder, outer)]
    others = any(is_image_name(parts[-1]) and not is_within(parts[:-1], [*outer, *samples]) for parts in paths)
    if others:
        return [*dict(found).items(), *((folder, "samples of dcgan") for folder in samples)]
    return [*dict(found).items(), *(((*folder, _SHEET), "a sheet of the samples") for folder in samples)]


def is_within(folder: Parts, folders: Iterable[Parts]) -> bool:
    """Whether a folder or file is one of these or lies in one of them."""
    return any(folder[: len(other)] == other for other in folders)


def _is_of_samples(names: set[str]) -> bool:
    """Whether ``dcgan sample`` filled this folder, and nobody else added an image."""
    images = {name for name in names if is_image_name(name)}
    return _SHEET in names and len(images) > 1 and all(_SAMPLE.fullmatch(name) for name in images - {_SHEET})
