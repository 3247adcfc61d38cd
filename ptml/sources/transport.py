"""What carries requests: through the environment's proxies, else straight to addresses that were checked."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from ptml.errors import MissingInput, SettingsError
from ptml.sources.addresses import check_literal
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
        self.options: dict[str, Any] = {
            "ssl_context": _context(ca),
            "max_connections": connections,
            "max_keepalive_connections": connections,
            "keepalive_expiry": IDLE_SECONDS,
        }
        stoppable = StoppableBackend(backend, stopping)
        self.straight = _By(httpcore.ConnectionPool(**self.options, network_backend=stoppable))
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
            **self.options,
        )

    def close(self) -> None:
        """Close all connections."""
        for transport in (self.straight, *self.proxied.values()):
            transport.close()


def _context(ca: Path | None) -> ssl.SSLContext:
    if ca is None:
        return httpx.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=ca)
    except FileNotFoundError as error:
        raise MissingInput(f"{ca} does not exist", hint="--ca names a file of certificates (PEM)") from error
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(f"{ca} holds no certificates in PEM: {error}") from error
