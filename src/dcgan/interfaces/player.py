"""A loopback server for the page of one run: it serves the page, and saves images that the page asks for."""

import json
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dcgan.commands.playing import Saver
from dcgan.errors import UserError

LONGEST_REQUEST = 10_000_000  # bytes
SECONDS = 20  # that a request may take to come in


class Player(ThreadingHTTPServer):
    """Serves ``GET /`` and ``POST /save`` on 127.0.0.1 until it is shut down."""

    daemon_threads = True

    def __init__(self, saver: Saver, port: int) -> None:
        self.saver, self.token = saver, secrets.token_urlsafe(24)
        self.page = saver.page(self.token)
        try:
            super().__init__(("127.0.0.1", port), _Request)
        except OSError as error:
            raise UserError(f"--port {port}: cannot be had ({error.strerror}). Leave it out to take any.") from error
        self.port = int(self.server_address[1])
        self.hosts = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        self.address = f"http://127.0.0.1:{self.port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is nothing to talk about."""


class _Request(BaseHTTPRequestHandler):
    server: Player
    timeout = SECONDS
    server_version, sys_version = "dcgan", ""

    def do_GET(self) -> None:  # the name that http.server calls
        if self._is_for_us():
            if self.path.split("?")[0] == "/":
                self._answer(HTTPStatus.OK, self.server.page, "text/html; charset=utf-8")
            else:
                self._refuse(HTTPStatus.NOT_FOUND, "There is only / and, to save, POST /save.")

    def do_POST(self) -> None:
        if not self._is_for_us():
            return
        if self.path != "/save" or not secrets.compare_digest(self.headers.get("X-Dcgan", ""), self.server.token):
            self._refuse(HTTPStatus.FORBIDDEN, "Only the page itself may save.")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or int(length) > LONGEST_REQUEST:
            self._refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {LONGEST_REQUEST:,} bytes, their number said first."
            )
            return
        try:
            names = self.server.saver.save(json.loads(self.rfile.read(int(length))))
        except (UserError, ValueError, RecursionError) as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
            return
        self._tell(HTTPStatus.OK, {"folder": str(self.server.saver.folder), "names": names})

    def _is_for_us(self) -> bool:
        """Whether the Host header names this server: a page elsewhere may resolve a name of its own to this machine."""
        if self.headers.get("Host") in self.server.hosts:
            return True
        self._refuse(HTTPStatus.FORBIDDEN, "This address is not served here.")
        return False

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self.close_connection = True
        self._tell(status, {"error": message})

    def _tell(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        self._answer(status, json.dumps(content).encode(), "application/json")

    def _answer(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal belongs to the person."""
