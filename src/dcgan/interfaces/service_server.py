"""``dcgan serve``: addresses, tokens, signals, and the server around the service."""

import ipaddress
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dcgan.commands.sharing_options import ServeOptions
from dcgan.commands.spelling import require_least
from dcgan.errors import UserError
from dcgan.limits import available_threads

if TYPE_CHECKING:
    import uvicorn

    from dcgan.interfaces.service_guard import Guard

SHARED_COUNTS = "PROMETHEUS_MULTIPROC_DIR"
TOKEN_VARIABLE = "DCGAN_TOKEN"
STOPPING_SECONDS = 30
MOST_CONNECTIONS = 512


def token_of(options: ServeOptions) -> str | None:
    """The token that requests must bring: from the environment, else made up off this machine's own address.

    Raises:
        UserError: A token that is too short to keep anybody out.
    """
    given = os.environ.get(TOKEN_VARIABLE)
    if given is not None and len(given) < 16:
        raise UserError(f"{TOKEN_VARIABLE}: must have at least 16 characters; such as: openssl rand -hex 24")
    return given or (None if is_loopback(options.host) else secrets.token_hex(24))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def named(runs: Sequence[str]) -> dict[str, Path]:
    """The runs by the names of their folders.

    Raises:
        UserError: None, or two of one name.
    """
    if not runs:
        raise UserError("dcgan serve: name a run, the folder that dcgan train made.")
    found: dict[str, Path] = {}
    for run in runs:
        name = Path(run).absolute().name if not run.startswith("hub:") else run.removeprefix("hub:").partition("@")[0]
        if name in found:
            raise UserError(f"{run}: {name} is the name of another run, too. Rename one of the folders.")
        found[name] = Path(run)
    return found


def serve(options: ServeOptions, say: Callable[[str], object]) -> None:
    """Serve until a signal asks to stop: what was accepted is answered, for 30 seconds at most.

    Raises:
        UserError: A run that cannot be loaded, a package that is missing, or an address that is taken.
    """
    if not 0 <= options.port <= 65_535:
        raise UserError(f"--port {options.port}: must be 0 … 65535.")
    require_least(options, workers=1)
    runs = named(options.runs)
    with ExitStack() as stack:
        if options.workers > 1:  # before the client of Prometheus is imported: it looks once
            os.environ[SHARED_COUNTS] = stack.enter_context(TemporaryDirectory(prefix="dcgan-counts-"))
            stack.callback(os.environ.pop, SHARED_COUNTS)
        _require_packages()
        token = token_of(options)
        listening = stack.enter_context(_listening(options))
        _introduce(options, runs, listening, token, say)
        if options.workers == 1:
            _answer(options, runs, token, listening, lambda: say("Ready."))
        else:
            from dcgan.interfaces.service_workers import Workers

            Workers(options.workers, lambda ready: _answer(options, runs, token, listening, ready)).run(say)
    say("Stopped; every accepted request was answered.")


def _require_packages() -> None:
    """Refuse to start without them.

    Raises:
        UserError: Says what to install.
    """
    try:
        import fastapi
        import prometheus_client
        import uvicorn
    except ImportError as error:
        raise UserError(f"dcgan serve: needs FastAPI and more ({error}): pip install 'dcgan[serve]'") from error
    assert fastapi and prometheus_client and uvicorn


def _answer(
    options: ServeOptions,
    runs: Mapping[str, Path],
    token: str | None,
    listening: socket.socket,
    ready: Callable[[], object],
) -> None:
    """Load the runs, say that they are ready, and answer until a signal asks to stop."""
    import torch
    import uvicorn

    from dcgan.export.page import page_export
    from dcgan.files import user_path
    from dcgan.interfaces.service import application
    from dcgan.runs.generator import load_generator

    torch.set_num_threads(options.threads or max(1, available_threads() // options.workers))
    generators = {name: load_generator(user_path(run), options.checkpoint) for name, run in runs.items()}
    title, first = next(iter(generators.items()))
    (page,) = page_export(first, title).files.values()
    app = application(generators, token=token, hosts=[name.lower() for name in options.host_names], page=page)
    ready()
    uvicorn.Server(_configured(app, options)).run([listening])


def _introduce(
    options: ServeOptions,
    runs: Mapping[str, Path],
    listening: socket.socket,
    token: str | None,
    say: Callable[[str], object],
) -> None:
    """Where the service is; who asks before the runs are loaded waits."""
    address, port = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in str(address) else address
    say(f"Serving {', '.join(runs)} on http://{shown}:{port} (the page), …/docs (the rest). Ctrl-C stops.")
    if not is_loopback(options.host):
        say("Everybody who reaches this address and has the token can ask for images. Use TLS in front of it.")
    if token is not None and TOKEN_VARIABLE not in os.environ:
        say(f"Token: {token} (Authorization: Bearer …)")


def _configured(app: "Guard", options: ServeOptions) -> "uvicorn.Config":
    """The server's limits; it neither logs requests nor believes what proxies say."""
    import uvicorn

    from dcgan.interfaces.service_connections import MOST_HEAD_BYTES, fastest_protocol

    return uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        http=fastest_protocol(),
        ws="none",
        lifespan="on",
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=STOPPING_SECONDS,
        h11_max_incomplete_event_size=MOST_HEAD_BYTES,
    )


def _listening(options: ServeOptions) -> socket.socket:
    """The socket, open already: who asks before the server has started waits a moment.

    Raises:
        UserError: The address cannot be had.
    """
    import uvicorn

    try:
        listening = uvicorn.Config("", host=options.host, port=options.port, log_level="critical").bind_socket()
    except SystemExit as error:  # uvicorn ends the process where an address is taken
        raise UserError(
            f"--port {options.port}: {options.host} cannot be listened on. Choose another --port."
        ) from error
    listening.listen()
    return listening
