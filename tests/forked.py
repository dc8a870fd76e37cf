"""``dcgan`` in a process of its own, but without its seconds of imports: a server has made them, and forks.

    python forked.py SOCKET WORD …     the client: a command with this process's folder, environment, input and outputs

The child is what ``python -m dcgan`` would be. Only tests of how a process starts need that one.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONGEST = 1 << 20  # bytes of a request


def serve(listener: socket.socket) -> None:
    """Until stdin closes. Returns in every child, whose command it is to run."""
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if listener not in ready:
            os._exit(0)
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            if os.fork() == 0:
                return _become(connection)
            os._exit(0)
        os.wait()
        connection.close()


def _become(connection: socket.socket) -> None:
    """Fork once more: the child is the command, the parent tells the client how it ended."""
    message, descriptors, _, _ = socket.recv_fds(connection, LONGEST, 3)
    asked = json.loads(message)
    child = os.fork()
    if child == 0:
        connection.close()
        for place, descriptor in enumerate(descriptors):
            os.dup2(descriptor, place)
            os.close(descriptor)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.argv = ["dcgan", *asked["words"]]
        sys.stdin, sys.stdout, sys.stderr = (  # the server's own are of files that are not these
            open(place, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
            for place, mode, errors in ((0, "r", "strict"), (1, "w", "strict"), (2, "w", "backslashreplace"))
        )
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return
    for descriptor in descriptors:
        os.close(descriptor)
    connection.send(f"{child}\n".encode())
    ended = os.pidfd_open(child)
    ready, _, _ = select.select([connection, ended], [], [])
    if ended not in ready:  # the client is gone
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):
        connection.send(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def main() -> int:
    """The client: ends as the command ends, and hands on the signals that it gets."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(sys.argv[1])
        asked = {"words": sys.argv[2:], "folder": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109
        socket.send_fds(connection, [json.dumps(asked).encode()], [0, 1, 2])
        answers = connection.makefile()
        child = int(answers.readline())
        for number in PASSED_ON:
            signal.signal(number, lambda number, _: os.kill(child, number))
        code = int(answers.readline())
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main())
