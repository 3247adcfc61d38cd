"""Which certificates are trusted."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING

import httpx

from ptml.errors import MissingInput, SettingsError

if TYPE_CHECKING:
    from pathlib import Path


class Certificates:
    """What is trusted, read when a connection first needs it: the usual list takes as long as many downloads.

    Args:
        ca: A file of certificates to trust in place of all others, which is read at once; the environment
            names others (SSL_CERT_FILE, SSL_CERT_DIR).

    Raises:
        MissingInput: The file of certificates is not there.
        SettingsError: It holds none.
    """

    def __init__(self, ca: Path | None = None) -> None:
        self._context = None if ca is None else _own(ca)
        self._lock = threading.Lock()

    def context(self) -> ssl.SSLContext:
        """Give them in the form that connections take."""
        with self._lock:
            if self._context is None:
                self._context = httpx.create_ssl_context()
            return self._context


def _own(ca: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except FileNotFoundError as error:
        raise MissingInput(f"{ca} does not exist", hint="--ca names a file of certificates (PEM)") from error
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(f"{ca} holds no certificates in PEM: {error}") from error
