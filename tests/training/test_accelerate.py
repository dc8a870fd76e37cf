"""What makes a step, and a start, fast: the same numbers as without it."""

import subprocess
import sys
from pathlib import Path

import torch
from torch.optim import Adam

from dcgan.settings.recipes import recipe
from dcgan.training.accelerate import adam


def test_the_optimizer_is_torchs_own_to_the_bit() -> None:
    torch.set_num_threads(1)
    training = recipe("modern").training
    ours, theirs = (torch.nn.Linear(7, 5) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    rate = torch.tensor(0.01, dtype=torch.float64)
    optimizers = adam(ours, 0.01, training), Adam(theirs.parameters(), lr=rate, betas=(0.5, 0.999), fused=True)
    for seed in range(5):
        inputs = torch.randn(3, 7, generator=torch.Generator().manual_seed(seed))
        for network, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad(set_to_none=True)
            network(inputs).square().sum().backward()
            optimizer.step()
    assert torch.equal(ours.weight, theirs.weight)
    assert torch.equal(ours.bias, theirs.bias)


def test_the_first_steps_import_neither_the_compiler_nor_what_draws_curves(critters_npy: Path, tmp_path: Path) -> None:
    """Together they would be most of a start."""
    program = (
        f"import sys, dcgan; steps = dcgan.train({str(critters_npy)!r}, size=16, budget='64', threads=1, out='run',"
        "precision='fp32', settings={'model.generator_width': 4, 'model.discriminator_width': 4});"
        "next(steps); next(steps); print([name for name in ('torch._dynamo', 'sympy', 'matplotlib', 'rich', 'tifffile')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
