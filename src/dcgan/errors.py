"""UserError: the one exception whose message is written for a person, and the exit codes of the command line."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command line's exit status means."""

    OK = 0
    USAGE = 2
    DATA = 10
    CHECKPOINT = 11
    DISK = 12
    DIVERGED = 13
    MEMORY = 14
    BUSY = 15
    PEER = 16
    UNSAFE = 17
    INTERRUPTED = 130
    TERMINATED = 143


class UserError(Exception):
    """Something that the person at the keyboard can mend.

    The message says what was given, what was expected and what to do, the option or file to blame first.
    """

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


LESS_MEMORY = "Lower --set training.batch_size=…, --size or --width, in another folder (--out)."
"""What to do when memory runs out."""


def lacks_memory(error: BaseException) -> bool:
    """Whether memory ran out: torch says so by a RuntimeError, whose words differ between processors and GPUs."""
    told = ("out of memory", "allocate memory", "ALLOC_FAILED")
    return isinstance(error, MemoryError) or any(words in str(error) for words in told)
