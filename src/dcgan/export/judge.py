"""The discriminator that a generator was trained against, from the same checkpoint."""

from dcgan.errors import UserError
from dcgan.models.build import AnyDiscriminator, build_blank
from dcgan.runs.checkpoint import read
from dcgan.runs.generator import TrainedGenerator
from dcgan.runs.tensor_file import require_fit

PREFIX = "discriminator."


def load_discriminator(generator: TrainedGenerator) -> AnyDiscriminator:
    """The discriminator of the checkpoint that the generator came from, in inference mode.

    Raises:
        UserError: There is none in it.
    """
    checkpoint = None if generator.path is None else read(generator.path)
    named = {} if checkpoint is None else checkpoint.tensors
    weights = {name.removeprefix(PREFIX): tensor for name, tensor in named.items() if name.startswith(PREFIX)}
    if not weights:
        raise UserError("--with-discriminator: needs the run that the generator was trained in, which keeps it.")
    data = generator.config.data
    discriminator = build_blank(generator.config.model, data.height, data.width)[1]
    require_fit(discriminator.state_dict(), weights, f"{generator.path}: discriminator")
    discriminator.load_state_dict(weights)
    return discriminator.eval()
