"""How the API is reached: base URL, key, recording."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ptml.errors import SettingsError
from ptml.sources.http import Client
from ptml.sources.packettotal.api import PacketTotal
from ptml.sources.packettotal.live import Live
from ptml.sources.packettotal.record import Recorder, Replayer
from ptml.sources.packettotal.waiting import Patience

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ptml.sources.packettotal.calls import Carrier

KEY_VARIABLE = "PACKETTOTAL_API_KEY"
URL_VARIABLE = "PTML_PACKETTOTAL_URL"
OWN_URL = "https://api.packettotal.com/v1"
PACE = 0.25
"""Seconds between two requests; what the service allowed is not known."""
GONE = "the service was reported down in 2021"


@dataclass(frozen=True, slots=True)
class Access:
    """What a user says of how to reach the API.

    Attributes:
        url: The base URL, with the version; else that of the environment, else the service's own.
        record: A folder to keep every call in.
        replay: A folder to answer from, without a network and without a key.
        wait: Seconds to wait for what is not ready.
        allow_private: Whether the base URL may lead to a private address, or to this machine.
        ca: A file of certificates to trust in place of all others.
    """

    url: str | None = None
    record: Path | None = None
    replay: Path | None = None
    wait: float = 600.0
    allow_private: bool = False
    ca: Path | None = None

    @property
    def named_url(self) -> str | None:
        """Give the base URL that was named, by option or in the environment."""
        return self.url or os.environ.get(URL_VARIABLE) or None


@contextlib.contextmanager
def connect(access: Access, *, named_only: bool = False) -> Iterator[PacketTotal]:
    """Lend the API.

    Args:
        access: How to reach it.
        named_only: Whether a base URL has to be named; the service's own does not count then.

    Raises:
        SettingsError: The key is missing, the URL is none, or options contradict each other.
        MissingInput: There is no recording to answer from.
    """
    if access.replay is not None:
        if access.record is not None:
            raise SettingsError("--record and --replay exclude each other", hint="choose one")
        yield PacketTotal(Replayer(access.replay), Patience(access.wait))
        return
    base, key = _base(access, named_only=named_only), _key()
    # A server on one's own network is not asked to be spared.
    pace = 0.0 if access.allow_private else PACE
    with Client(allow_private=access.allow_private, pace=pace, ca=access.ca) as client:
        carrier: Carrier = Live(client, base, key)
        if access.record is not None:
            carrier = Recorder(carrier, access.record, key)
        yield PacketTotal(carrier, Patience(access.wait), key)


def _key() -> str:
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise SettingsError(
            f"PacketTotal wants a key, and {KEY_VARIABLE} does not hold one; nothing was asked",
            hint=f"export {KEY_VARIABLE}=…; a key cannot be given as an option, where others could see it",
        )
    return key


def _base(access: Access, *, named_only: bool) -> str:
    if named_only and access.named_url is None:
        raise SettingsError(
            "an upload needs a base URL that was named; nothing was sent",
            hint=f"--url URL or {URL_VARIABLE}; {OWN_URL} was the service's own, and {GONE}",
        )
    base = (access.named_url or OWN_URL).rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(
            f"{base!r} is no base URL of an API", hint=f"such as {OWN_URL}: http or https, host, version"
        )
    return base
