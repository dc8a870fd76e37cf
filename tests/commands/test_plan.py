"""What is decided before step 0, and what may change between two starts of a run."""

import zipfile
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

import dcgan
from dcgan.commands.plan import settle
from dcgan.data.pixels import png
from dcgan.errors import UserError
from dcgan.runs import checkpoint
from dcgan.runs.config_file import as_toml
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import Config, flatten

TINY = {
    "model.generator_width": 4, "model.discriminator_width": 4, "training.batch_size": 8,
    "hardware.precision": "fp32",
}  # fmt: skip


def zip_of_classes(path: Path, count: int, pictures: np.ndarray) -> Path:
    """Each name has 15,000 quotation marks, which take four bytes each in a checkpoint's header."""
    marks = '"' * 15_000
    with zipfile.ZipFile(path, "w") as archive:
        for number, picture in enumerate(pictures[:count]):
            archive.writestr(f"{number}{marks}/x.png", png(picture))
    return path


def test_names_that_no_checkpoint_can_hold_are_refused_before_the_first_step(
    critters_npy: Path, tmp_path: Path
) -> None:
    pictures = np.load(critters_npy)
    words: dict[str, Any] = {"size": 16, "threads": 1, "budget": "8", "labels": True, "settings": TINY}
    few, many = (zip_of_classes(tmp_path / f"{count}.zip", count, pictures) for count in (49, 60))
    with pytest.raises(UserError, match=r"the names of 60 classes take 3\.6 MB, a checkpoint has room for 3 MB\. Give"):
        dcgan.train(many, out=tmp_path / "run", **words)
    list(dcgan.train(few, out=tmp_path / "run", **words))
    found = checkpoint.newest(RunFolder(tmp_path / "run"))
    assert found is not None
    assert len(found.facts["class_names"]) == 49


def test_settings_that_could_not_be_read_back_are_refused() -> None:
    with pytest.raises(UserError, match=r"data\.classes = 1,\d{3},\d{3} letters: choose fewer of them"):
        as_toml(Config().asked({"data.classes": [f"class {number:06}" for number in range(70_000)]}))


SAVED = Config().asked(  # any other setting goes with these
    {"model.discriminator_norm": False, "training.planned_at": (10,), "training.planned_images": (100,)}
)
MAY_CHANGE = (
    "runs.", "hardware.", "training.budget", "training.images", "training.replan", "training.rollbacks", "data.source",
)  # fmt: skip
OTHERS = {
    "recipe": "d2l", "data.source": "mnist", "data.height": 32, "data.width": 128, "data.background": "#123456",
    "data.classes": ("cat",), "training.budget": "7min", "training.augmentation": ("colour",),
    "training.average_width": 0.1, "hardware.device": "cuda", "training.replan": True, "training.planned_at": (20,),
    "training.planned_images": (200,),
}  # fmt: skip


BOOKKEEPING = ("undecided", "reasons")  # of the rules, see test_choosing.py


def other(key: str, value: Any) -> Any:
    """A legal value that is not ``value``."""
    section, _, name = key.rpartition(".")
    options = get_args(get_type_hints(type(getattr(SAVED, section) if section else SAVED))[name])
    if key in OTHERS:
        return OTHERS[key]
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return next(option for option in options if option not in (value, "auto"))
    if isinstance(value, float):
        return 0.9 * value or 0.1
    return 5 if value is None else value + 1


@pytest.mark.parametrize(("key", "value"), [leaf for leaf in flatten(SAVED) if leaf[0] not in BOOKKEEPING])
def test_of_a_runs_settings_only_those_may_change_that_say_nothing_of_what_is_learned(key: str, value: Any) -> None:
    saved = Config() if key == "model.discriminator_bias" else SAVED  # the one that goes with normalisation only
    requested = saved.asked({key: other(key, value)})
    if key.startswith(MAY_CHANGE):
        assert dict(flatten(settle(requested, saved)))[key] == other(key, value)
    else:
        with pytest.raises(UserError, match=rf"other settings: {key} was .*, is "):
            settle(requested, saved)
