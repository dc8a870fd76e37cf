"""Write torchvision_golden.json with the real torchvision: what its ImageFolder and transforms make of our files.

    python tests/textbook/make_torchvision_golden.py

It needs torchvision beside torch. Where only a CPU build of torch is installed, torchvision's compiled part may not
load; its datasets and transforms do not need it, and OPERATORS (a Python file that declares the missing operators)
is run first if that variable names one.
"""

import hashlib
import json
import os
import runpy
import tempfile
from pathlib import Path

import numpy as np
import PIL
import torch
from files_of_all_modes import write_tree

GOLDEN = Path(__file__).parent / "torchvision_golden.json"
SIZES = [(64, 64), (16, 16), (9, 30), (8,), 24]


def facts(vision: object) -> dict[str, object]:
    """Order, classes, and a hash of each file's numbers at several sizes."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write_tree(root)
        folder = vision.datasets.ImageFolder(root)  # type: ignore[attr-defined]
        out: dict[str, object] = {
            "classes": folder.classes,
            "class_to_idx": folder.class_to_idx,
            "samples": [[str(Path(path).relative_to(root)), target] for path, target in folder.samples],
            "targets": folder.targets,
        }
        transforms = vision.transforms  # type: ignore[attr-defined]
        for size in SIZES:
            steps = [transforms.Resize(size), transforms.ToTensor(), transforms.Normalize(0.5, 0.5)]
            folder.transform = transforms.Compose(steps)
            out[f"resized to {size}"] = [digest(image) for image, _ in folder]
        return out


def digest(tensor: torch.Tensor) -> str:
    """Shape, mean, and a hash of the exact numbers."""
    assert tensor.dtype == torch.float32, tensor.dtype
    hashed = hashlib.blake2b(np.ascontiguousarray(tensor.numpy()).tobytes(), digest_size=12).hexdigest()
    return f"{list(tensor.shape)} {float(tensor.mean()):+.4f} {hashed}"


if __name__ == "__main__":
    if operators := os.environ.get("OPERATORS"):
        runpy.run_path(operators)
    import torchvision

    made_with = {"torchvision": torchvision.__version__, "pillow": PIL.__version__, "torch": torch.__version__}
    GOLDEN.write_text(json.dumps({"made with": made_with, **facts(torchvision)}, indent=1) + "\n")
