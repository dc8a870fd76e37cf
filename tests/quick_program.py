"""Starts the server of ``forked.py``, and writes the little program that asks it."""

import os
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = """
import socket, sys
sys.path.insert(0, {folder!r})
import forked
import dcgan.commands.evaluate, dcgan.commands.export, dcgan.commands.sample, dcgan.commands.train
import dcgan.interfaces.verbs, dcgan.reporting.plots, dcgan.training.fastest
import tyro, typeguard
from dcgan.interfaces.cli import main
main(['train', 'nowhere'])  # so that whatever is made once is made
forked.serve(socket.socket(fileno={descriptor}))
sys.exit(main())
"""


@contextmanager
def quick_program() -> Iterator[Path]:
    """An executable ``dcgan`` that starts in a fiftieth of a second."""
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory(prefix="dcgan-") as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/socket")
        listener.listen(8)
        words = [sys.executable, "-c", SERVER.format(folder=str(here), descriptor=listener.fileno())]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        with subprocess.Popen(
            words, stdin=subprocess.PIPE, pass_fds=[listener.fileno()], env=environment, stderr=subprocess.DEVNULL
        ) as server:
            program = Path(folder) / "dcgan"
            client = shlex.join([sys.executable, "-I", "-S", str(here / "forked.py"), f"{folder}/socket"])
            program.write_text(f'#!/bin/sh\nexec {client} "$@"\n')
            program.chmod(0o755)
            yield program
            server.stdin.close()
