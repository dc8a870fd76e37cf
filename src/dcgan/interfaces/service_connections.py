"""HTTP/1.1 connections with limits: the size of a request's head, and the time until a request is whole."""

from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

IDLE_SECONDS = 10.0
MOST_HEAD_BYTES = 16_384


class Bounded:
    """A protocol of uvicorn whose connection is closed when it holds no whole request for ``IDLE_SECONDS``."""

    cycle: Any
    transport: Any
    loop: Any

    def connection_made(self, transport: Any) -> None:
        """Start to watch it."""
        super().connection_made(transport)  # type: ignore[misc]  # uvicorn's
        self._watch(None)

    def _watch(self, before: Any) -> None:
        """Close the connection if it is where it was a while ago, and nothing is being answered."""
        answering = self.cycle is not None and not self.cycle.response_complete
        if self.transport.is_closing():
            return
        if before is not None and before == (id(self.cycle), False) and not answering:
            self.transport.close()
            return
        self.loop.call_later(IDLE_SECONDS / 2, self._watch, (id(self.cycle), answering))


class BoundedProtocol(Bounded, H11Protocol):
    """The one in plain Python; the size of a head is bounded by ``h11_max_incomplete_event_size``."""


def fastest_protocol() -> type[Any]:
    """The one on llhttp where httptools is installed: it takes less time for a request."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return BoundedProtocol

    class FastBoundedProtocol(Bounded, HttpToolsProtocol):
        """It counts the bytes of a head itself: the parser keeps whatever comes."""

        _head_bytes = 0

        def data_received(self, data: bytes) -> None:
            """Feed the parser; close a connection whose head grows too long."""
            self._head_bytes += len(data)
            super().data_received(data)
            if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too long.")

        def on_headers_complete(self) -> None:
            """What follows is a body, which the service bounds."""
            super().on_headers_complete()
            self._head_bytes = -(1 << 62)

        def on_message_complete(self) -> None:
            """The next head begins."""
            super().on_message_complete()
            self._head_bytes = 0

    return FastBoundedProtocol
