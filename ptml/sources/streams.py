"""Connections that can be told to stop while they wait."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import httpcore

if TYPE_CHECKING:
    import ssl
    import threading
    from collections.abc import Iterable

SLICE = 0.25


class StoppableBackend(httpcore.NetworkBackend):
    """Connects by way of another backend; once it is told to stop, nothing waits on its connections.

    Args:
        inner: What connects.
        stopping: Set when it is to stop.
    """

    def __init__(self, inner: httpcore.NetworkBackend, stopping: threading.Event) -> None:
        self.inner = inner
        self.stopping = stopping

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect."""
        stream = self.inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return StoppableStream(stream, self.stopping)


class StoppableStream(httpcore.NetworkStream):
    """Waits for bytes a little at a time, and looks up in between."""

    def __init__(self, inner: httpcore.NetworkStream, stopping: threading.Event) -> None:
        self.inner = inner
        self.stopping = stopping

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some bytes; none at the end."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = SLICE if end is None else end - time.monotonic()
            try:
                return self.inner.read(max_bytes, max(min(left, SLICE), 0.001))
            except httpcore.ReadTimeout:
                if self.stopping.is_set() or (end is not None and time.monotonic() >= end):
                    raise

    def fill(self, buffer: memoryview, timeout: float | None = None) -> int:
        """Read into a buffer until it is full, the host pauses, or a moment has passed; 0 at the end.

        Reading, writing and hashing many small pieces costs more in turns of Python's threads than in work.
        """
        have = self._read_into(buffer, timeout)
        end = time.monotonic() + SLICE
        with contextlib.suppress(httpcore.ReadTimeout, httpcore.ReadError):  # what is here comes first
            while 0 < have < len(buffer) and time.monotonic() < end:
                more = self._read_into(buffer[have:], SLICE)
                if not more:
                    break
                have += more
        return have

    def _read_into(self, buffer: memoryview, timeout: float | None) -> int:
        socket = self.inner.get_extra_info("socket")
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = SLICE if end is None else end - time.monotonic()
            wait = max(min(left, SLICE), 0.001)
            if socket.gettimeout() != wait:  # setting it is a system call
                socket.settimeout(wait)
            try:
                return int(socket.recv_into(buffer))
            except TimeoutError as error:
                if self.stopping.is_set() or (end is not None and time.monotonic() >= end):
                    raise httpcore.ReadTimeout(str(error)) from error
            except OSError as error:
                raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all bytes."""
        self.inner.write(buffer, timeout)

    def close(self) -> None:
        """Close the connection."""
        self.inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Encrypt it from now on."""
        return StoppableStream(self.inner.start_tls(ssl_context, server_hostname, timeout), self.stopping)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's own type
        """Tell of the connection."""
        return self.inner.get_extra_info(info)
