"""What makes a step fast: memory layout, precision, and an optimiser that updates all weights in one pass."""

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn
from torch.optim import Adam

from dcgan.settings.knobs import TrainingConfig
from dcgan.training.mxnet_adam import MxnetAdam


def to_device(network: nn.Module, device: torch.device) -> None:
    """Move the network there, channels last: ten times faster through batch normalisation on a CPU."""
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]


class QuickAdam(Adam):
    """Torch's Adam, its methods out of the wrappers that import torch's compiler to hide them from it: a second."""

    add_param_group = inspect.unwrap(Adam.add_param_group)
    zero_grad = inspect.unwrap(Adam.zero_grad)
    step = torch.no_grad()(inspect.unwrap(Adam.step))


def adam(network: nn.Module, learning_rate: float, training: TrainingConfig) -> Adam:
    """Kingma, Ba 2015 (arXiv 1412.6980), in one pass over the weights; its learning rate can be refilled."""
    device = next(network.parameters()).device
    # On a processor float64, so that it is the same as a number; elsewhere the kernels read float32.
    rate = torch.tensor(learning_rate, dtype=torch.float64 if device.type == "cpu" else torch.float32, device=device)
    betas = (training.beta1, training.beta2)
    if training.adam == "mxnet":
        return MxnetAdam(network.parameters(), rate, betas)
    optimizer = QuickAdam(network.parameters(), lr=rate, betas=betas, fused=True, capturable=device.type == "cuda")
    # Else torch warns of the steps that come before the recording, which are meant.
    optimizer._warned_capturable_if_run_uncaptured = True
    return optimizer


def precision_context(precision: str, device: torch.device) -> Callable[[], AbstractContextManager[object]]:
    """bf16: convolutions in bfloat16, weights and sums in float32."""
    if precision != "bf16":
        return nullcontext
    return lambda: torch.autocast(device.type, dtype=torch.bfloat16)


def can_use_bf16(device: torch.device) -> bool:
    """Whether the device has units for bfloat16: what a library can merely imitate is slower than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        has_units = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return bool(has_units) and torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return False
