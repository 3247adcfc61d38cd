"""What carries requests: through the environment's proxies, else straight to addresses that were checked."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from ptml.errors import SettingsError
from ptml.sources.addresses import check_literal
from ptml.sources.certificates import Certificates
from ptml.sources.connection import Pool
from ptml.sources.streams import StoppableBackend

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.sources.addresses import CheckedBackend

IDLE_SECONDS = 30.0


class _By(httpx.HTTPTransport):
    """Connects by way of a pool of ours; httpx has no other place to put a backend."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool


class Transport(httpx.BaseTransport):
    """Carries requests, each by the way that the environment and its URL choose.

    Args:
        backend: Connects, and checks what it connects to.
        stopping: Set when nothing is to be waited for any more.
        connections: How many may be open at a time.
        ca: A file of certificates to trust in place of all others; the environment names others
            (SSL_CERT_FILE, SSL_CERT_DIR).

    Raises:
        MissingInput: The file of certificates is not there.
        SettingsError: It holds none.
    """

    def __init__(
        self,
        backend: CheckedBackend,
        stopping: threading.Event,
        *,
        connections: int,
        ca: Path | None = None,
    ) -> None:
        self.allow_private = backend.allow_private
        self.stopping = stopping
        self.connections = connections
        self.certificates = Certificates(ca)
        stoppable = StoppableBackend(backend, stopping)
        self.straight = _By(Pool(self.certificates, stoppable, connections=connections, idle=IDLE_SECONDS))
        self.proxies = getproxies()
        self.proxied: dict[str, _By] = {}
        self.lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Carry a request.

        Raises:
            AddressRefused: It leads to an address that is not connected to.
        """
        proxy = self._proxy_for(request.url)
        if proxy is None:
            return self.straight.handle_request(request)
        check_literal(request.url.host, allow_private=self.allow_private)
        return self._by(proxy).handle_request(request)

    def _proxy_for(self, url: httpx.URL) -> str | None:
        proxy = self.proxies.get(url.scheme) or self.proxies.get("all")
        if not proxy or proxy_bypass(url.host):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    def _by(self, proxy: str) -> httpx.HTTPTransport:
        with self.lock:
            if proxy not in self.proxied:
                self.proxied[proxy] = _By(self._proxy_pool(proxy))
            return self.proxied[proxy]

    def _proxy_pool(self, proxy: str) -> httpcore.ConnectionPool:
        try:
            parts = httpx.Proxy(proxy)
        except (ValueError, httpx.InvalidURL):
            parts = None
        if parts is None or parts.url.scheme not in {"http", "https"}:
            raise SettingsError(
                "the environment's proxy cannot be used: one at http:// or https:// was expected",
                hint="see HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY",
            )
        return httpcore.HTTPProxy(
            str(parts.url),
            proxy_auth=parts.raw_auth,
            network_backend=StoppableBackend(httpcore.SyncBackend(), self.stopping),
            ssl_context=self.certificates.context(),
            max_connections=self.connections,
            max_keepalive_connections=self.connections,
            keepalive_expiry=IDLE_SECONDS,
        )

    def close(self) -> None:
        """Close all connections."""
        for transport in (self.straight, *self.proxied.values()):
            transport.close()
