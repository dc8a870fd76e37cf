"""The command line: one word chooses the command; nothing heavy is imported before that."""

import io
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from dcgan.errors import LESS_MEMORY, ExitCode, UserError, lacks_memory

HELP = """\
dcgan: deep convolutional GANs on your own images

  dcgan train [SOURCE]   learn from a folder, a zip or a named data set;
                         the same command again continues
  dcgan sample RUN       new images from what was learned
  dcgan play RUN         a page in the browser: breed, walk, change images
  dcgan export RUN       the generator as files for others: --to page, onnx, …
  dcgan push RUN NAME    to the Hugging Face hub: shown first, sent with --yes
  dcgan serve RUN        images by seed over HTTP
  dcgan track RUN        its numbers in TensorBoard, W&B, MLflow or Trackio
  dcgan import FILE      weights of the textbook chapter's own generator
  dcgan evaluate RUN     how good they are, in numbers that can be trusted
  dcgan compare RUN RUN  side by side; --vary trains what is missing
  dcgan exercise 1       the textbook chapter's exercises 1 and 2, answered
  dcgan explore METHOD   what it has learned: walk from image to image, …
  dcgan data SOURCE      what is in there, and what is wrong with it
  dcgan doctor           what this machine can do, and how to mend the rest

Examples:
  dcgan train photos/ --size 64 --budget 1h --out demo
  dcgan sample demo --seeds 0-63 --out creatures

dcgan COMMAND --help tells the rest; --debug shows where an error came from;
dcgan --completion SHELL prints what bash, zsh or fish completes words with.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code says how it went (see ``dcgan.errors.ExitCode``)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        _show_all(stream)
    try:
        return _dispatch(words)
    except UserError as error:
        if debug:
            raise
        return _complain(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _complain("Stopped at once.", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        return ExitCode.OK
    except Exception as error:  # whatever it is, a person gets one line
        if debug:
            raise
        if lacks_memory(error):
            return _complain(f"Not enough memory. {LESS_MEMORY}", ExitCode.MEMORY)
        return _complain(f"Unexpected: {type(error).__name__}: {error}. Add --debug to see where.", 1)


def _require_folder() -> None:
    """Refuse a current folder that has been removed."""
    try:
        Path.cwd()
    except OSError as error:
        told = "This folder no longer exists: cd to another one, and give the same command."
        raise UserError(told, ExitCode.DISK) from error


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return ExitCode.OK if words else ExitCode.USAGE
    if words[0] == "--version":
        print(f"dcgan {version('dcgan')}")
        return ExitCode.OK
    if words[0] == "--completion":
        from dcgan.interfaces.completion import completion

        print(completion(" ".join(words[1:])), end="")
        return ExitCode.OK
    _require_folder()
    known = commands()
    if words[0] not in known:
        import difflib

        nearest = difflib.get_close_matches(words[0], known, n=1)
        hint = f"Did you mean {nearest[0]}?" if nearest else f"Known: {', '.join(known)}."
        raise UserError(f"{words[0]}: no such command. {hint}")
    return known[words[0]](words[1:])


def commands() -> dict[str, Callable[[list[str]], int]]:
    """What may be typed first, and the function that answers the words after it."""
    from dcgan.interfaces import importing, sharing, verbs

    return {
        "train": verbs.train,
        "sample": verbs.sample,
        "export": verbs.export,
        "import": importing.import_weights,
        "play": sharing.play,
        "push": sharing.push,
        "serve": sharing.serve,
        "track": sharing.track,
        "evaluate": verbs.evaluate,
        "exercise": verbs.exercise,
        "data": verbs.data,
        "compare": verbs.compare,
        "doctor": verbs.doctor,
        "explore": verbs.explore,
    }


def _complain(message: str, code: int) -> int:
    """One line for each of the message's, and nothing in them that would steer a terminal."""
    from dcgan.wording import plain

    with suppress(OSError, ValueError):  # its reader may be gone: the exit code remains
        for number, line in enumerate(message.split("\n")):
            print(plain(line) if number else f"dcgan: {plain(line)}", file=sys.stderr)
    return int(code)


def _show_all(stream: object) -> None:
    """From now on the stream shows as an escape what its encoding lacks, instead of failing."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
