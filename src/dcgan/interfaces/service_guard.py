"""What every request must pass before the service looks at it: host, token, size, time.

A page of another site can make a browser ask a server on this machine, under a name of that site's choice (DNS
rebinding): a name that was not declared is refused, whatever the address.
"""

import asyncio
import hmac
import ipaddress
import time
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dcgan.interfaces.service_connections import MOST_HEAD_BYTES
from dcgan.interfaces.service_drawing import Metrics

MOST_BODY_BYTES = 1_000_000
BODY_SECONDS = 10.0
ANSWER_SECONDS = 30.0
OPEN_PATHS = ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready")
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
}


class Guard:
    """Middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, token: str | None, hosts: Collection[str]) -> None:
        """``token``: None where none is asked for. ``hosts``: names that may be used besides local ones."""
        self.app, self.metrics, self.token, self.hosts = app, metrics, token, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on with a body that has been read, and count."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, codes = time.perf_counter(), list[int]()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                codes.append(message["status"])
                message["headers"] = [*message.get("headers", []), *HEADERS.items()]
            await send(message)

        try:
            refusal = self._refusal(scope)
            if refusal is None:
                body = await _body(receive)
                refusal = (408, "the body took too long", "slow body") if body is None else None
                if body is not None and len(body) > MOST_BODY_BYTES:
                    refusal = (413, f"the body may have {MOST_BODY_BYTES:,} bytes", "large body")
            if refusal is None:
                assert body is not None
                await asyncio.wait_for(self.app(scope, _again(body, receive), counted), ANSWER_SECONDS)
            else:
                self.metrics.refused.labels(refusal[2]).inc()
                answer = JSONResponse({"error": refusal[1]}, refusal[0], {"Connection": "close"})
                await answer(scope, receive, counted)
        except TimeoutError:
            if not codes:
                await JSONResponse({"error": "the answer took too long"}, 503)(scope, receive, counted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self.metrics.requests.labels(route, str(codes[0] if codes else 0)).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - started)

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        """Status, words for the client, and the reason that is counted."""
        headers = Headers(scope=scope)
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if size + len(scope["raw_path"]) + len(scope["query_string"]) > MOST_HEAD_BYTES:
            return 431, f"the head may have {MOST_HEAD_BYTES:,} bytes", "large head"
        if not is_host_allowed(headers.getlist("host"), self.hosts):
            return 403, "this host name is not served; --host-name declares one", "host"
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return 403, "requests of other sites are not served", "cross-site"
        if self.token is not None and scope["path"] not in OPEN_PATHS:
            given = headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
                return 401, "a token is required: Authorization: Bearer …", "token"
        return None


def is_host_allowed(values: list[str], declared: Collection[str]) -> bool:
    """Whether a request's one Host header is an address, localhost or a declared name."""
    if len(values) != 1:
        return False
    host = values[0].strip().lower()
    if host.startswith("[") and "]" not in host:
        return False
    name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    if name in ("localhost", *declared) or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _body(receive: Receive) -> bytes | None:
    """The whole body, a little more than is allowed of a longer one; None when it does not come in time."""
    parts, size = list[bytes](), 0
    deadline = asyncio.get_running_loop().time() + BODY_SECONDS
    while size <= MOST_BODY_BYTES:
        try:
            message = await asyncio.wait_for(receive(), deadline - asyncio.get_running_loop().time())
        except TimeoutError:
            return None
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, for the application."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
