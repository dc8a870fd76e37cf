"""The stand-in for torchvision against what the real one made of the same files."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import make_torchvision_golden as made
import PIL
import pytest
from PIL import Image

from dcgan.textbook import vision
from dcgan.textbook.vision.datasets import ImageFolder

GOLDEN: dict[str, Any] = json.loads(made.GOLDEN.read_text())


@pytest.mark.promise("The chapter's ImageFolder and transforms give torchvision's numbers, to the bit, without it.")
def test_every_mode_and_size_gives_the_numbers_of_the_real_torchvision() -> None:
    if GOLDEN["made with"]["pillow"] != PIL.__version__:
        pytest.skip(f"the values were made with Pillow {GOLDEN['made with']['pillow']}, whose resizing may differ")
    ours = json.loads(json.dumps(made.facts(vision)))
    for name, value in ours.items():
        assert value == GOLDEN[name], name


def test_the_real_torchvision_agrees_where_it_is_installed() -> None:
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    import torchvision

    assert made.facts(vision) == made.facts(torchvision)


def test_folders_and_files_come_in_the_order_of_the_real_torchvision(tmp_path: Path) -> None:
    from files_of_all_modes import write_tree

    write_tree(tmp_path)
    folder = ImageFolder(tmp_path)
    assert folder.classes == GOLDEN["classes"]
    assert [[str(Path(path).relative_to(tmp_path)), label] for path, label in folder.samples] == GOLDEN["samples"]
    image, label = folder[0]
    assert (image.mode, label) == ("RGB", 0)


def test_a_folder_without_classes_is_refused_in_words(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "loose.png")
    with pytest.raises(FileNotFoundError, match="one sub-folder of images for each class"):
        ImageFolder(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no images"):
        ImageFolder(tmp_path)


def test_other_names_of_torchvision_are_refused_by_name() -> None:
    with pytest.raises(AttributeError, match=r"torchvision.transforms.CenterCrop: not part of this chapter"):
        vision.transforms.CenterCrop  # noqa: B018
    with pytest.raises(AttributeError, match="install torchvision itself"):
        vision.models  # noqa: B018
