"""Make of the published Inception weights a safetensors file that ``--detector inception:FILE`` reads.

    python -m detectors.convert_inception pt_inception-2015-12-05-6726825d.pth inception.safetensors

The published file is a pickle; it is opened with ``weights_only=True``, which runs no code of it, and only when its
sha256 begins as its name says. Nothing is downloaded. Batch normalisation is folded into the convolutions in float64.
The sha256 of the file and of the tensors go into the new file, which is refused later if its tensors have changed.
"""

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from dcgan.evaluation.detectors.inception import Inception, tensors_hash

PUBLISHED = "6726825d"
"""The first digits of the file's sha256, which its publisher puts into its name."""
EPSILON = 0.001

STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
FINE = ("branch1x1", "branch5x5_1", "branch5x5_2", "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3", "branch_pool")
HALVING = ("branch3x3", "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")
MIDDLE = (
    "branch1x1",
    *(f"branch7x7_{number}" for number in (1, 2, 3)),
    *(f"branch7x7dbl_{number}" for number in (1, 2, 3, 4, 5)),
    "branch_pool",
)
HALVING_AGAIN = ("branch3x3_1", "branch3x3_2", *(f"branch7x7x3_{number}" for number in (1, 2, 3, 4)))
COARSE = (
    "branch1x1",
    *(f"branch3x3_{number}" for number in ("1", "2a", "2b")),
    *(f"branch3x3dbl_{number}" for number in ("1", "2", "3a", "3b")),
    "branch_pool",
)
BLOCKS = {
    **dict.fromkeys(("Mixed_5b", "Mixed_5c", "Mixed_5d"), FINE),
    "Mixed_6a": HALVING,
    **dict.fromkeys(("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"), MIDDLE),
    "Mixed_7a": HALVING_AGAIN,
    **dict.fromkeys(("Mixed_7b", "Mixed_7c"), COARSE),
}
NAMES = (*STEM, *(f"{block}.{branch}" for block, branches in BLOCKS.items() for branch in branches))
"""The published names of the 94 convolutions, in the order in which ``Inception`` has them."""


def fold(published: Mapping[str, Tensor]) -> Inception:
    """The network with the published tensors, batch normalisation folded into its convolutions."""
    network = Inception()
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    for name, convolution in zip(NAMES, convolutions, strict=True):
        weight, gain, bias, mean, variance = (
            published[f"{name}.{part}"].double()
            for part in ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
        )
        factor = gain / (variance + EPSILON).sqrt()
        assert weight.shape == convolution.weight.shape, (name, weight.shape, convolution.weight.shape)
        assert convolution.bias is not None
        convolution.weight.data = (weight * factor[:, None, None, None]).float()
        convolution.bias.data = (bias - mean * factor).float()
    return network


def main() -> None:
    """Check, convert, say the hash."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    if not digest.startswith(PUBLISHED):
        sys.exit(f"{source}: its sha256 is {digest}. Expected the published file, whose begins with {PUBLISHED}.")
    network = fold(torch.load(source, map_location="cpu", weights_only=True))
    metadata = {"source_sha256": digest, "tensors_sha256": tensors_hash(network)}
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, target, metadata)
    print(f"{target}: tensors {metadata['tensors_sha256']}")


if __name__ == "__main__":
    main()
