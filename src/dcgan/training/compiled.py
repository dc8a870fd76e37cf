"""Both networks under ``torch.compile``: elementwise chains become single kernels, convolutions stay what they are."""

import torch

from dcgan.training.penalties import has_adjoint
from dcgan.training.state import TrainingState
from dcgan.training.step import Rules

BACKEND = "inductor"


def compile_networks(state: TrainingState, rules: Rules, backend: str = BACKEND) -> None:
    """From their first call on both networks are compiled, in place; copies of them are not.

    A discriminator that penalties differentiate twice stays as it is: what is compiled can be differentiated once.
    Each shape is compiled for itself, and no kernel is chosen by the clock where that could change a result: which
    shape came first, and how fast it was, must not reach the weights.
    """
    options = {"deterministic": True} if backend == BACKEND else None
    twice = bool(rules.real_gamma or rules.fake_gamma) and not has_adjoint(state.discriminator)
    for network in (state.generator,) if twice else (state.generator, state.discriminator):
        network.compile(backend=backend, dynamic=False, options=options)


def trouble_with_compiling(device: torch.device) -> str | None:
    """Why nothing can be compiled for this device, in a line; None when the smallest program could."""
    try:
        torch.compile(torch.sin, backend=BACKEND, dynamic=False)(torch.zeros(1, device=device))
    except Exception as error:  # a compiler that is missing, or broken in any way
        return why(error)
    return None


def why(error: Exception) -> str:
    """The first line of what went wrong."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
