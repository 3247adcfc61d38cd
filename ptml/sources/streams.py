"""Connections that can be told to stop while they wait."""

from __future__ import annotations

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
        return _Stoppable(stream, self.stopping)


class _Stoppable(httpcore.NetworkStream):
    """Waits for bytes a little at a time, and looks up in between."""

    def __init__(self, inner: httpcore.NetworkStream, stopping: threading.Event) -> None:
        self.inner = inner
        self.stopping = stopping

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = SLICE if end is None else end - time.monotonic()
            try:
                return self.inner.read(max_bytes, max(min(left, SLICE), 0.001))
            except httpcore.ReadTimeout:
                if self.stopping.is_set() or (end is not None and time.monotonic() >= end):
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.inner.write(buffer, timeout)

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stoppable(self.inner.start_tls(ssl_context, server_hostname, timeout), self.stopping)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's own type
        return self.inner.get_extra_info(info)
