"""What a packet capture would reveal of the network where it was taken.

Looked for: private addresses, hardware addresses, names in DNS, multicast DNS, LLMNR, NetBIOS, DHCP, TLS and
HTTP, and logins in the clear. Not looked for: names in other protocols (SMB, Kerberos, LDAP, …), content,
anything that is spread over several packets.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dpkt

from ptml.sources.upload.frames import ETHERNET, TCP, UDP, layers
from ptml.sources.upload.reading import packets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ptml.sources.upload.frames import Layer
    from ptml.types import JsonObject

PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Networks that are somebody's own; Python's `is_private` also counts those that belong to nobody."""
DNS_PORTS, NETBIOS, DHCP_PORTS = {53, 5353, 5355}, 137, {67, 68}
DHCP_NAME, DHCP_DOMAIN, DHCP_FULL_NAME = 12, 15, 81
MAC_BYTES = 6
HOST = re.compile(rb"\r\nHost:[ \t]*([^\r\n]{1,255})\r\n", re.IGNORECASE)
SERVER_NAME = re.compile(rb"\0\0(..)(..)\0(..)([A-Za-z0-9_.-]{1,255})", re.DOTALL)
HELLO = b"\x16\x03"
LOGIN = re.compile(
    rb"^(?:USER|PASS|AUTH|LOGIN)[ \t]|\r\n(?:Proxy-)?(?:Authorization|Cookie|Set-Cookie):", re.IGNORECASE
)
UNDECODABLE = (dpkt.Error, struct.error, IndexError, ValueError, UnicodeError)


@dataclass(slots=True)
class Revealed:
    """What was found.

    Attributes:
        packets: All packets.
        private: Private addresses, by how many packets have them.
        hardware: Hardware addresses, likewise.
        public: Number of other addresses.
        names: Names, by where they were found: ``(protocol, name)``.
        logins: Packets with what looks like a login or a cookie in the clear.
    """

    packets: int = 0
    private: Counter[str] = field(default_factory=Counter)
    hardware: Counter[str] = field(default_factory=Counter)
    public: set[str] = field(default_factory=set)
    names: Counter[tuple[str, str]] = field(default_factory=Counter)
    logins: int = 0

    def to_dict(self) -> JsonObject:
        """Give it as plain JSON values."""
        names: dict[str, list[str]] = {}
        for protocol, name in sorted(self.names):
            names.setdefault(protocol, []).append(name)
        return {
            "packets": self.packets,
            "private_addresses": dict(sorted(self.private.items())),
            "hardware_addresses": dict(sorted(self.hardware.items())),
            "public_addresses": len(self.public),
            "names": {protocol: list(found) for protocol, found in names.items()},
            "logins": self.logins,
        }


def reveal(path: Path) -> Revealed:
    """Look through a capture.

    Raises:
        MissingInput: It cannot be opened.
        BadData: It is no packet capture, breaks off, or is of a link that is not known.
    """
    found = Revealed()
    for _, link, frame in packets(path):
        found.packets += 1
        if link == ETHERNET:
            found.hardware.update({mac for mac in (_mac(frame[:6]), _mac(frame[6:12])) if mac})
        seen = layers(link, frame)
        found_here = {ipaddress.ip_address(frame[a:b]) for layer in seen for a, b in layer.spans}
        for address in found_here:
            if is_private(address):
                found.private[str(address)] += 1
            elif address.is_global and not address.is_multicast:
                found.public.add(str(address))
        if seen and seen[-1].first:
            _look_into(found, seen[-1], frame)
    return found


def is_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether an address belongs to somebody's own network.

    >>> [is_private(ipaddress.ip_address(a)) for a in ("10.0.0.5", "8.8.8.8", "0.0.0.0", "fe80::1", "::1")]
    [True, False, False, True, False]
    """
    return any(address.version == network.version and address in network for network in PRIVATE)


def _mac(raw: bytes) -> str | None:
    """Spell a hardware address; those of groups and of nobody tell nothing."""
    return raw.hex(":") if len(raw) == MAC_BYTES and any(raw) and not raw[0] & 1 else None


def _look_into(found: Revealed, layer: Layer, frame: bytes) -> None:
    ports = {int.from_bytes(frame[at : at + 2]) for at in (layer.body, layer.body + 2)}
    if layer.protocol == UDP:
        payload = frame[layer.body + 8 :]
        for one in _datagram_names(ports, payload):
            found.names[one] += 1
    elif layer.protocol == TCP and layer.body + 20 <= len(frame):
        payload = frame[layer.body + 4 * (frame[layer.body + 12] >> 4) :]
        if payload:
            found.logins += bool(LOGIN.search(payload))
            for one in _stream_names(ports, payload):
                found.names[one] += 1


def _datagram_names(ports: set[int], payload: bytes) -> Iterator[tuple[str, str]]:
    try:
        if ports & DNS_PORTS:
            yield from (("DNS", name) for name in _dns_names(payload))
        elif NETBIOS in ports:
            coded = [question.name for question in dpkt.dns.DNS(payload).qd]
            yield from (("NetBIOS", dpkt.netbios.decode_name(name).strip("\0 ")) for name in coded)
        elif ports & DHCP_PORTS:
            options = dpkt.dhcp.DHCP(payload).opts
            for number, value in options:
                if number in {DHCP_NAME, DHCP_DOMAIN, DHCP_FULL_NAME}:
                    text = value[3:] if number == DHCP_FULL_NAME else value
                    yield "DHCP", text.decode("utf-8", errors="replace").strip("\0")
    except UNDECODABLE:
        return  # whatever spoke on this port, it was not this protocol


def _stream_names(ports: set[int], payload: bytes) -> Iterator[tuple[str, str]]:
    if payload.startswith(HELLO):
        for match in SERVER_NAME.finditer(payload):
            extension, entries, name = (int.from_bytes(match[number]) for number in (1, 2, 3))
            if extension == entries + 2 == name + 5 and name <= len(match[4]):
                yield "TLS", match[4][:name].decode()
        return
    host = HOST.search(payload)
    if host is not None:
        yield "HTTP", host[1].decode("utf-8", errors="replace")
    elif ports & DNS_PORTS:
        try:
            yield from (("DNS", name) for name in _dns_names(payload[2:]))
        except UNDECODABLE:
            return


def _dns_names(payload: bytes) -> set[str]:
    message = dpkt.dns.DNS(payload)
    return {record.name for record in (*message.qd, *message.an) if record.name}
