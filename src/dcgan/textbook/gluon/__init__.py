"""What the chapter's Gluon tab uses of MXNet 1.9.1, on torch: the same names, conventions and numbers.

The conventions that differ from torch, each as a run of MXNet on a processor shows it:
 * what runs outside of ``autograd.record()`` is inference: no gradients, and normalisation by running statistics;
 * ``backward`` replaces gradients, and moves the running statistics, by the biased variance, of the layers it passes;
 * ``Trainer.step(n)`` divides gradients by n, and its Adam is ``dcgan.training.mxnet_adam``;
 * an initialiser draws weights only: gains start at 1 and biases at 0;
 * the number of input channels is settled by the first batch.
Random numbers come from torch's generator, so that draws are not those of MXNet.
"""

from dcgan.textbook.absent import refuse_other_names
from dcgan.textbook.gluon import autograd, gluon, init, np, npx
from dcgan.textbook.gluon.arrays import cpu, gpu

__all__ = ["autograd", "cpu", "gluon", "gpu", "init", "np", "npx"]

__getattr__ = refuse_other_names("mxnet")
