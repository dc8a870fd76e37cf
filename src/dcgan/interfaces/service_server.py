"""``dcgan serve``: addresses, tokens, signals, and the server around the service."""

import ipaddress
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dcgan.commands.sharing_options import ServeOptions
from dcgan.errors import UserError

if TYPE_CHECKING:
    import uvicorn

    from dcgan.interfaces.service_guard import Guard

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
    try:
        import fastapi
        import prometheus_client
        import uvicorn
    except ImportError as error:
        raise UserError(f"dcgan serve: needs FastAPI and more ({error}): pip install 'dcgan[serve]'") from error
    assert fastapi and prometheus_client
    import torch

    from dcgan.export.page import page_export
    from dcgan.files import user_path
    from dcgan.interfaces.service import application
    from dcgan.runs.generator import TrainedGenerator, load_generator

    if options.threads is not None:
        torch.set_num_threads(options.threads)
    generators: Mapping[str, TrainedGenerator] = {
        name: load_generator(user_path(run), options.checkpoint) for name, run in named(options.runs).items()
    }
    title, first = next(iter(generators.items()))
    (page,) = page_export(first, title).files.values()
    token = token_of(options)
    app = application(generators, token=token, hosts=[name.lower() for name in options.host_names], page=page)
    config = _configured(app, options)
    listening = _listening(config, options)
    address, port = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in str(address) else address
    say(f"Serving {', '.join(generators)} on http://{shown}:{port} (the page), …/docs (the rest). Ctrl-C stops.")
    if not is_loopback(options.host):
        say("Everybody who reaches this address and has the token can ask for images. Use TLS in front of it.")
    if token is not None and TOKEN_VARIABLE not in os.environ:
        say(f"Token: {token} (Authorization: Bearer …)")
    uvicorn.Server(config).run([listening])
    say("Stopped; every accepted request was answered.")


def _configured(app: "Guard", options: ServeOptions) -> "uvicorn.Config":
    """The server's limits; it neither logs requests nor believes what proxies say."""
    import uvicorn

    from dcgan.interfaces.service_guard import BoundedProtocol

    return uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=STOPPING_SECONDS,
        h11_max_incomplete_event_size=16_384,
    )


def _listening(config: "uvicorn.Config", options: ServeOptions) -> socket.socket:
    """The socket, open already: who asks before the server has started waits a moment.

    Raises:
        UserError: The address cannot be had.
    """
    try:
        listening = config.bind_socket()
    except SystemExit as error:  # uvicorn ends the process where an address is taken
        raise UserError(
            f"--port {options.port}: {options.host} cannot be listened on. Choose another --port."
        ) from error
    listening.listen()
    return listening
