"""Where the addresses lie in a captured frame: link layers, IP within IP, and what ICMP quotes.

Only places are told here; nothing is decoded, and a frame that breaks off ends the search.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ptml.errors import BadData

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["ipv4", "ipv6", "arp"]

ETHERNET, NULL, LOOP, RAW, LINUX_COOKED, LINUX_COOKED_2 = 1, 0, 108, 101, 113, 276
RAW_LINKS = {RAW, 12, 14}
KNOWN_LINKS = {ETHERNET, NULL, LOOP, LINUX_COOKED, LINUX_COOKED_2, *RAW_LINKS}
TAGS = {0x8100, 0x88A8, 0x9100}
PPPOE, MPLS, BRIDGED = 0x8864, {0x8847, 0x8848}, 0x6558
IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
PPP = {0x0021: IPV4, 0x0057: IPV6}
ICMP, IP_IN_IP, TCP, UDP, IP6_IN_IP, GRE, ICMP6 = 1, 4, 6, 17, 41, 47, 58
ROUTING, FRAGMENT, AUTHENTICATION = 43, 44, 51
OPTIONS = {0, 60, 135, ROUTING, FRAGMENT, AUTHENTICATION}
QUOTING = {ICMP: {3, 4, 5, 11, 12}, ICMP6: {1, 2, 3, 4}}
IP_VERSION, IP6_VERSION = 4, 6
VXLAN_PORT = 4789
PLAIN_WORDS = 5
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Layer:
    """A header with addresses.

    Attributes:
        kind: Which.
        start: Where it begins in the frame.
        body: Where what it carries begins.
        protocol: What it carries, by its number; 0 for ARP.
        first: Whether that begins here, rather than in an earlier fragment.
        routed: Whether it may hold further addresses: options of IPv4, a routing header of IPv6.
    """

    kind: Kind
    start: int
    body: int
    protocol: int = 0
    first: bool = True
    routed: bool = False

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Give the places of its addresses, source first: where each begins and ends."""
        offset, size, step = {"ipv4": (12, 4, 4), "ipv6": (8, 16, 16), "arp": (14, 4, 10)}[self.kind]
        first = self.start + offset
        return (first, first + size), (first + step, first + step + size)


def layers(link: int, frame: bytes | bytearray) -> list[Layer]:
    """Find the headers with addresses in a frame, the outermost first; none where there are none.

    Args:
        link: The capture's link type, as tcpdump numbers them.
        frame: The bytes, as far as they were captured.

    Raises:
        BadData: The link type is not known.

    >>> frame = bytes(12) + bytes.fromhex("0800 45000014 00000000 40060000 0a000005 cb007109")
    >>> [(layer.kind, layer.start, layer.protocol) for layer in layers(ETHERNET, frame)]
    [('ipv4', 14, 6)]
    """
    return list(_of_link(link, frame, 0, 0))


def check_link(link: int) -> None:
    """Insist on a link type that can be read.

    Raises:
        BadData: It cannot.
    """
    if link not in KNOWN_LINKS:
        raise BadData(
            f"a capture of link type {link}: addresses can be found in Ethernet, raw IP, loopback and Linux "
            "cooked captures; nothing was written or sent",
            hint="convert it, for example with editcap of Wireshark",
        )


def _of_link(link: int, frame: bytes | bytearray, at: int, depth: int) -> Iterator[Layer]:
    check_link(link)
    if link == ETHERNET:
        yield from _of_ethertype(frame, at + 12, at + 14, depth)
    elif link == LINUX_COOKED:
        yield from _of_ethertype(frame, at + 14, at + 16, depth)
    elif link == LINUX_COOKED_2:
        yield from _of_ethertype(frame, at, at + 20, depth)
    else:
        yield from _of_version(frame, at + (0 if link in RAW_LINKS else 4), depth)


def _of_ethertype(frame: bytes | bytearray, told: int, body: int, depth: int) -> Iterator[Layer]:
    kind = _number(frame, told, 2)
    while kind in TAGS:
        kind, body = _number(frame, body + 2, 2), body + 4
    if kind == PPPOE:
        kind, body = PPP.get(_number(frame, body + 6, 2), 0), body + 8
    if kind in MPLS:
        while body + 4 <= len(frame) and not frame[body + 2] & 1:
            body += 4
        yield from _of_version(frame, body + 4, depth)
    elif kind == BRIDGED:
        yield from _of_link(ETHERNET, frame, body, depth)
    elif kind == ARP:
        # Only of IPv4 over Ethernet: other kinds have their addresses elsewhere.
        if frame[body : body + 6] == b"\0\1\x08\0\6\4" and len(frame) >= body + 28:
            yield Layer("arp", body, body + 28)
    elif kind in {IPV4, IPV6}:
        yield from _of_version(frame, body, depth)


def _of_version(frame: bytes | bytearray, at: int, depth: int) -> Iterator[Layer]:
    version = frame[at] >> 4 if at < len(frame) else 0
    if depth > DEEPEST:
        return
    if version == IP_VERSION and at + 20 <= len(frame):
        layer = _ipv4(frame, at)
    elif version == IP6_VERSION and at + 40 <= len(frame):
        layer = _ipv6(frame, at)
    else:
        return
    yield layer
    if layer.first:
        yield from _within(frame, layer, depth + 1)


def _ipv4(frame: bytes | bytearray, at: int) -> Layer:
    words = frame[at] & 15
    first = not _number(frame, at + 6, 2) & 0x1FFF
    return Layer("ipv4", at, at + 4 * words, frame[at + 9], first, routed=words != PLAIN_WORDS)


def _ipv6(frame: bytes | bytearray, at: int) -> Layer:
    protocol, body, first, routed = frame[at + 6], at + 40, True, False
    while protocol in OPTIONS and body + 8 <= len(frame):
        routed |= protocol == ROUTING
        if protocol == FRAGMENT:
            first = first and not _number(frame, body + 2, 2) & 0xFFF8
            size = 8
        else:
            size = (frame[body + 1] + 2) * 4 if protocol == AUTHENTICATION else (frame[body + 1] + 1) * 8
        protocol, body = frame[body], body + size
    return Layer("ipv6", at, body, protocol, first, routed)


def _within(frame: bytes | bytearray, layer: Layer, depth: int) -> Iterator[Layer]:
    body = layer.body
    if layer.protocol in {IP_IN_IP, IP6_IN_IP}:
        yield from _of_version(frame, body, depth)
    elif layer.protocol == GRE:
        flags = _number(frame, body, 2)
        size = 4 + 4 * sum(bool(flags & bit) for bit in (0x8000, 0x2000, 0x1000))
        yield from _of_ethertype(frame, body + 2, body + size, depth)
    elif quotes(frame, layer):
        yield from _of_version(frame, body + 8, depth)
    elif layer.protocol == UDP and _number(frame, body + 2, 2) == VXLAN_PORT:
        yield from _of_ethertype(frame, body + 28, body + 30, depth)


def quotes(frame: bytes | bytearray, layer: Layer) -> bool:
    """Tell whether a layer carries an ICMP message that quotes the packet that it is about."""
    return layer.body < len(frame) and frame[layer.body] in QUOTING.get(layer.protocol, ())


def _number(frame: bytes | bytearray, at: int, size: int) -> int:
    return int.from_bytes(frame[at : at + size])
