"""Which network addresses may be connected to.

A name is resolved once, what it resolves to is checked, and that very address is connected to: a name that
gives another address when it is asked again gets nobody anywhere.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any, TypeAlias

import httpcore

from ptml.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Resolve: TypeAlias = Callable[[str, int], Iterable[str]]

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
NAT64 = ipaddress.ip_network("64:ff9b::/96")
UNKNOWN_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


class AddressRefused(DownloadError):
    """An address is one that ptml does not connect to."""


def resolve(host: str, port: int) -> Iterator[str]:
    """Ask the system for the addresses of a host.

    >>> list(resolve("127.0.0.1", 80))
    ['127.0.0.1']

    Raises:
        DownloadError: There is no such host.
        httpcore.ConnectError: It could not be asked; asking again may help.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise DownloadError(f"{host!r} is no host name", hint="check the address") from error
    except socket.gaierror as error:
        if error.errno in UNKNOWN_NAME:
            raise DownloadError(
                f"the host {host!r} is unknown ({error.strerror})", hint="check the address and the network"
            ) from error
        raise httpcore.ConnectError(f"{host!r} could not be resolved ({error.strerror})") from error
    return (str(address[0]) for *_, address in found)


def refusal(text: str, *, allow_private: bool) -> str | None:
    """Tell why an address is not connected to; None if it may be.

    Addresses within others (IPv4 in IPv6, 6to4, Teredo, NAT64) are looked at as well.

    >>> refusal("169.254.169.254", allow_private=True)
    'link-local, which is never connected to'
    >>> refusal("::ffff:10.0.0.1", allow_private=False)
    'private; --allow-private permits it'
    >>> refusal("192.0.43.8", allow_private=False) is None
    True
    """
    for address in _within(ipaddress.ip_address(text.partition("%")[0])):
        if address.is_link_local:
            return "link-local, which is never connected to"
        if address.is_multicast or address.is_unspecified:
            return "no address of one host, and never connected to"
        if not allow_private and (address.is_loopback or not address.is_global):
            kind = "loopback" if address.is_loopback else "private"
            return f"{kind}; --allow-private permits it"
    return None


def _within(address: Address) -> Iterator[Address]:
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        yield from (one for one in inner if one is not None)


def check_literal(host: str, *, allow_private: bool) -> None:
    """Refuse a host that is itself such an address: all that can be seen where a proxy resolves the names.

    Raises:
        AddressRefused: It is one.
    """
    try:
        reason = refusal(host, allow_private=allow_private)
    except ValueError:
        own = host.rstrip(".").lower().rpartition(".")[2] == "localhost"
        reason = "loopback; --allow-private permits it" if own and not allow_private else None
    if reason:
        raise AddressRefused(f"{host} is {reason}; it was not connected to")


class CheckedBackend(httpcore.NetworkBackend):
    """Connects to nothing but addresses that were checked.

    Args:
        allow_private: Whether private and loopback addresses may be connected to.
        resolver: Gives the addresses of a host; asked once a connection.
        inner: Opens the connection to an address that was checked.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        resolver: Resolve = resolve,
        inner: httpcore.NetworkBackend | None = None,
    ) -> None:
        self.allow_private = allow_private
        self.resolver = resolver
        self.inner = inner or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of a host's addresses that may be connected to and answers.

        Raises:
            AddressRefused: It has none that may be.
            httpcore.ConnectError: None answers.
        """
        options = list(socket_options or ())
        refused: list[str] = []
        failure: Exception | None = None
        for address in dict.fromkeys(self.resolver(host, port)):
            if reason := refusal(address, allow_private=self.allow_private):
                refused.append(f"{address} ({reason})")
                continue
            try:
                return self.inner.connect_tcp(address, port, timeout, local_address, options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        if failure is not None:
            raise failure
        raise AddressRefused(
            f"{host} has no address that may be connected to: {', '.join(refused) or 'it has none'}",
            hint="check where the address comes from",
        )
