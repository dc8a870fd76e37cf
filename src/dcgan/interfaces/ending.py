"""What is said of a run that ends at once: never more than is on disk."""

from collections.abc import Iterator
from contextlib import contextmanager

from dcgan.commands.options import TrainOptions
from dcgan.errors import LESS_MEMORY, ExitCode, UserError, lacks_memory


@contextmanager
def telling_what_is_left(options: TrainOptions) -> Iterator[None]:
    """Say of a run that ends at once what of it is on disk."""
    from dcgan.commands.train import left_of

    try:
        yield
    except KeyboardInterrupt as error:
        raise UserError(f"Stopped at once. {left_of(options)}", ExitCode.INTERRUPTED) from error
    except Exception as error:
        if lacks_memory(error):
            raise UserError(f"Not enough memory. {LESS_MEMORY} {left_of(options)}", ExitCode.MEMORY) from error
        raise
