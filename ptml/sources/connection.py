"""Connections of HTTP/1.1 whose bodies pass through as they come.

h11 reads heads, and bodies whose length is not told. It copies what it reads three times, which costs as much
as all else of a download, so a body of known length is read past it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import h11
import httpcore

from ptml.sources.streams import StoppableStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.sources.certificates import Certificates

PIECE_BYTES = 1 << 16
BUFFER_BYTES = 1 << 19
BUFFER = "ptml.buffer"
"""The extension of a request that lends a buffer for the body; a piece is gone once the next is read."""
LARGEST_HEAD = 100 << 10
BODILESS = frozenset({204, 304})
SWITCHING = 101
READABLE = "is_readable"
Event = h11.Event | type[h11.PAUSED] | type[h11.NEED_DATA]


class Pool(httpcore.ConnectionPool):
    """Keeps connections of this kind, and no proxies.

    Args:
        certificates: What is trusted.
        backend: What connects.
        connections: How many may be open at a time.
        idle: Seconds after which one that is not used is closed.
    """

    def __init__(
        self,
        certificates: Certificates,
        backend: httpcore.NetworkBackend,
        *,
        connections: int,
        idle: float,
    ) -> None:
        super().__init__(max_connections=connections, max_keepalive_connections=connections)
        self.certificates, self.backend, self.idle = certificates, backend, idle

    def create_connection(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        """Make one, not connected yet."""
        return Connection(origin, self.certificates, self.backend, self.idle)


@dataclass(slots=True)
class Connection(httpcore.ConnectionInterface):
    """One connection, for one request after the other.

    Attributes:
        origin: What it leads to.
        certificates: What is trusted there.
        backend: What connects.
        idle: Seconds after which it is closed if it is not used.
        wire: Its bytes; None before the first request.
        state: ``new``, ``active``, ``idle`` or ``closed``.
        until: When it is to be closed if it stays idle.
    """

    origin: httpcore.Origin
    certificates: Certificates
    backend: httpcore.NetworkBackend
    idle: float
    wire: httpcore.NetworkStream | None = None
    state: str = "new"
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request and read the head of its answer.

        Raises:
            httpcore.ConnectionNotAvailable: It carries another one.
        """
        with self.lock:
            if self.state not in {"new", "idle"}:
                raise httpcore.ConnectionNotAvailable
            self.state = "active"
        try:
            return self._exchange(request)
        except BaseException:
            self.close()
            raise

    def _exchange(self, request: httpcore.Request) -> httpcore.Response:
        if self.wire is None:
            self.wire = self._connect(_timeouts(request).get("connect"))
        exchange = _Exchange(self.wire, request)
        exchange.send(request)
        head = exchange.head()
        body = _Body(self, exchange, head)
        extensions = {"http_version": b"HTTP/" + head.http_version, "reason_phrase": bytes(head.reason)}
        return httpcore.Response(
            head.status_code, headers=head.headers.raw_items(), content=body, extensions=extensions
        )

    def _connect(self, timeout: float | None) -> httpcore.NetworkStream:
        host = self.origin.host.decode("ascii")
        stream = self.backend.connect_tcp(host, self.origin.port, timeout)
        if self.origin.scheme != b"https":
            return stream
        context = self.certificates.context()
        context.set_alpn_protocols(["http/1.1"])
        return stream.start_tls(context, host, timeout)

    def done(self, *, again: bool) -> None:
        """Take note that an answer has been read, and whether another request may follow."""
        with self.lock:
            if again and self.state == "active":
                self.state, self.until = "idle", time.monotonic() + self.idle
                return
        self.close()

    def close(self) -> None:
        """Close it."""
        self.state = "closed"
        if self.wire is not None:
            self.wire.close()

    def info(self) -> str:
        """Tell of it."""
        return f"{self.origin}, HTTP/1.1, {self.state}"

    def can_handle_request(self, origin: httpcore.Origin) -> bool:
        """Tell whether it leads there."""
        return origin == self.origin

    def is_available(self) -> bool:
        """Tell whether it may carry another request."""
        return self.state == "idle"

    def has_expired(self) -> bool:
        """Tell whether it has been idle for long, or the host has closed it: then it can be read at once."""
        if self.state != "idle" or self.wire is None:
            return False
        return time.monotonic() > self.until or bool(self.wire.get_extra_info(READABLE))

    def is_idle(self) -> bool:
        """Tell whether nothing is on its way."""
        return self.state == "idle"

    def is_closed(self) -> bool:
        """Tell whether it is closed."""
        return self.state == "closed"


class _Exchange:
    """A request and its answer."""

    def __init__(self, stream: httpcore.NetworkStream, request: httpcore.Request) -> None:
        self.stream = stream
        self.method = request.method
        self.timeouts = _timeouts(request)
        self.buffer: bytearray | None = request.extensions.get(BUFFER)
        self.http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)

    def send(self, request: httpcore.Request) -> None:
        with contextlib.suppress(httpcore.WriteError):  # a host may refuse early, and say so
            with _translating(h11.LocalProtocolError, httpcore.LocalProtocolError):
                head = h11.Request(method=request.method, target=request.url.target, headers=request.headers)
            self._send(head)
            for piece in request.stream:  # type: ignore[union-attr]  # the pool is a synchronous one
                self._send(h11.Data(data=piece))
            self._send(h11.EndOfMessage())

    def _send(self, event: h11.Event) -> None:
        with _translating(h11.LocalProtocolError, httpcore.LocalProtocolError):
            data = self.http.send(event)
        if data:
            self.stream.write(data, self.timeouts.get("write"))

    def head(self) -> h11.Response:
        while True:
            event = self.event()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse) or event.status_code == SWITCHING:
                raise httpcore.RemoteProtocolError("the host answered with no answer")

    def event(self) -> Event:
        """Give the next part of the answer."""
        while True:
            with _translating(h11.RemoteProtocolError, httpcore.RemoteProtocolError):
                event = self.http.next_event()
            if event is not h11.NEED_DATA:
                return event
            data = self.read()
            if not data and self.http.their_state == h11.SEND_RESPONSE:
                raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
            self.http.receive_data(data)

    def read(self) -> bytes:
        return self.stream.read(PIECE_BYTES, self.timeouts.get("read"))

    def some(self, left: int) -> bytes:
        """Read some of a body: as much as a lent buffer holds, unless that takes long."""
        stream, timeout = self.stream, self.timeouts.get("read")
        if self.buffer is None or not isinstance(stream, StoppableStream):
            return stream.read(min(left, PIECE_BYTES), timeout)
        view = memoryview(self.buffer)[:left]
        return cast("bytes", view[: stream.fill(view, timeout)])

    def length(self, head: h11.Response) -> int | None:
        """Give the bytes of a body that may be read past h11: it is there, and its length is told and all."""
        headers = {bytes(name): bytes(value) for name, value in head.headers}
        plain = self.method == b"GET" and head.status_code not in BODILESS
        known = b"content-length" in headers and b"transfer-encoding" not in headers
        stays = head.http_version == b"1.1" and b"connection" not in headers
        return int(headers[b"content-length"]) if plain and known and stays else None


class _Body:
    """The body of an answer, piece by piece."""

    def __init__(self, connection: Connection, exchange: _Exchange, head: h11.Response) -> None:
        self.connection = connection
        self.exchange = exchange
        self.length = exchange.length(head)
        self.whole = False
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._through_h11() if self.length is None else self._as_it_comes(self.length)
        except BaseException:
            self.close()
            raise

    def _as_it_comes(self, length: int) -> Iterator[bytes]:
        first, _ = self.exchange.http.trailing_data
        left = max(length - len(first), 0)
        self.whole = len(first) == length
        yield first[:length]  # a host that sent more is not asked again over this connection
        while left:
            piece = self.exchange.some(left)
            if not piece:
                raise httpcore.RemoteProtocolError(
                    "peer closed connection without sending complete message body "
                    f"(received {length - left} bytes, expected {length})"
                )
            left -= len(piece)
            self.whole = not left
            yield piece

    def _through_h11(self) -> Iterator[bytes]:
        while not isinstance(event := self.exchange.event(), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                break
            yield bytes(event.data)
        http = self.exchange.http
        self.whole = http.our_state is h11.DONE and http.their_state is h11.DONE

    def close(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        if not self.closed:
            self.closed = True
            self.connection.done(again=self.whole)


def _timeouts(request: httpcore.Request) -> dict[str, Any]:
    timeouts: dict[str, Any] = request.extensions.get("timeout", {})
    return timeouts


@contextlib.contextmanager
def _translating(theirs: type[Exception], ours: type[Exception]) -> Iterator[None]:
    try:
        yield
    except theirs as error:
        raise ours(str(error)) from error
