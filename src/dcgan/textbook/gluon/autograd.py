"""``mxnet.autograd``: recording, which is also what turns training on."""

from dcgan.textbook.absent import refuse_other_names
from dcgan.textbook.gluon.tape import is_recording, record

__all__ = ["is_recording", "record"]

__getattr__ = refuse_other_names("mxnet.autograd")
