"""A copy of a packet capture in which every address is another, alike where the originals were alike.

The addresses in the headers of IP, ARP and Ethernet are replaced, in tunnels and in what ICMP quotes too:
private ones stay private, two of one network stay in one network, those of groups, loopback and documentation
stay, and checksums that were right stay right. Payloads are left as they are: names, and addresses that are
spelled out there, remain, so the copy is looked through again.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dpkt
from ipanon import Anonymizer

from ptml.io import replace_atomically, writing
from ptml.sources.upload.frames import ETHERNET, ICMP, ICMP6, TCP, UDP, layers, quotes
from ptml.sources.upload.reading import packets
from ptml.sources.upload.reveal import is_private

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.sources.upload.frames import Layer
    from ptml.types import JsonObject

SUM_AT = {TCP: 16, UDP: 6, ICMP6: 2}
NEIGHBOURS = range(130, 138)
"""ICMPv6 messages whose bodies hold addresses of the network."""
REDIRECT = 5
CARRIED = {ICMP, 4, TCP, UDP, 41, 47, 50, 51, ICMP6, 59, 132}
"""Protocols whose own headers hold no address, or where it can be found; OSPF and IGMP, say, are none."""
OUI = 3


@dataclass(slots=True)
class Replaced:
    """What became of a capture.

    Attributes:
        packets: Packets in the copy.
        left_out: Packets that are not in it, as their protocol may hold addresses elsewhere.
        still: Packets in it whose payload still holds a private address of the original.
        addresses: Number of different addresses that were replaced.
    """

    packets: int = 0
    left_out: int = 0
    still: int = 0
    addresses: int = 0

    def to_dict(self) -> JsonObject:
        """Give it as plain JSON values."""
        return {
            "packets": self.packets,
            "left_out": self.left_out,
            "still_with_original_address": self.still,
            "addresses_replaced": self.addresses,
        }


@dataclass(slots=True)
class AddressBook:
    """Which address stands for which: the same all through a copy, and never told.

    >>> book = AddressBook(b"k" * 32)
    >>> one, two = (book.ip(bytes([10, 1, 2, n])) for n in (3, 4))
    >>> one[0], one[:3] == two[:3], one == two
    (10, True, False)
    """

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    ips: dict[bytes, bytes] = field(default_factory=dict)
    kept: Anonymizer = field(init=False)

    def __post_init__(self) -> None:
        self.kept = Anonymizer(salt=self.secret.hex(), quiet=True)

    def ip(self, raw: bytes) -> bytes:
        """Give the address that stands for another."""
        if raw not in self.ips:
            told = self.kept.anonymize(str(ipaddress.ip_address(raw)))
            self.ips[raw] = ipaddress.ip_address(told).packed
        return self.ips[raw]

    def mac(self, raw: bytes) -> bytes:
        """Give the hardware address that stands for another of the same maker; groups stay as they are."""
        if raw[0] & 1 or not any(raw):
            return raw
        return raw[:OUI] + hmac.digest(self.secret, raw, hashlib.sha256)[: 6 - OUI]


def with_other_addresses(path: Path, out: Path, *, book: AddressBook | None = None) -> Replaced:
    """Write the copy, whole or not at all, as a pcap.

    Raises:
        MissingInput: The capture cannot be opened.
        BadData: It is no packet capture, breaks off, or is of a link that is not known.
        CannotWrite: The operating system refused.
    """
    book = book or AddressBook()
    temporary = out.with_name(f".{out.name}.part")
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            done = _copy(path, temporary, book)
            done.still = _still_there(temporary, book) if done.packets else 0
            replace_atomically(temporary, out)
        finally:
            temporary.unlink(missing_ok=True)
    return done


def _copy(path: Path, temporary: Path, book: AddressBook) -> Replaced:
    done = Replaced()
    with temporary.open("wb") as file:
        writer = None
        for time, link, frame in packets(path):
            writer = writer or dpkt.pcap.Writer(file, linktype=link)
            changed = replaced(link, frame, book)
            if changed is None:
                done.left_out += 1
                continue
            done.packets += 1
            writer.writepkt(changed, time)
        if writer is None:
            dpkt.pcap.Writer(file)
    done.addresses = sum(old != new for old, new in book.ips.items())
    return done


def replaced(link: int, frame: bytes, book: AddressBook) -> bytes | None:
    """Give a frame with other addresses; None where its protocol may hold addresses that cannot be found."""
    found = layers(link, frame)
    if not found or any(_may_hold_more(frame, layer) for layer in found):
        return None
    changed = bytearray(frame)
    for layer in found:
        _replace_layer(changed, layer, book)
    for layer in reversed(found):
        if quotes(frame, layer):
            _sum_up_again(changed, layer)
    if link == ETHERNET:
        changed[:12] = book.mac(frame[:6]) + book.mac(frame[6:12])
    return bytes(changed)


def _may_hold_more(frame: bytes, layer: Layer) -> bool:
    if layer.kind == "ipv6" and any(_holds_another(frame[start:end]) for start, end in layer.spans):
        return True
    tells = layer.protocol == ICMP6 and layer.body < len(frame) and frame[layer.body] in NEIGHBOURS
    return tells or layer.routed or (layer.kind != "arp" and layer.protocol not in CARRIED)


def _holds_another(raw: bytes) -> bool:
    """Tell whether an IPv6 address may hold one of IPv4, which would come through unchanged."""
    address = ipaddress.IPv6Address(raw)
    return not raw[0] and not address.is_unspecified and not address.is_loopback


def _replace_layer(frame: bytearray, layer: Layer, book: AddressBook) -> None:
    sums = []
    if layer.kind == "ipv4":
        sums.append(layer.start + 10)
    if layer.first and layer.protocol in SUM_AT:
        at = layer.body + SUM_AT[layer.protocol]
        unused = layer.protocol == UDP and not any(frame[at : at + 2])
        if at + 2 <= len(frame) and not unused:
            sums.append(at)
    for start, end in layer.spans:
        old, new = bytes(frame[start:end]), book.ip(bytes(frame[start:end]))
        frame[start:end] = new
        if layer.kind != "arp":
            for at in sums:
                frame[at : at + 2] = _moved(bytes(frame[at : at + 2]), old, new)
    if layer.kind == "arp":
        for at in (layer.start + 8, layer.start + 18):
            frame[at : at + 6] = book.mac(bytes(frame[at : at + 6]))
    if layer.protocol == ICMP and quotes(frame, layer) and frame[layer.body] == REDIRECT:
        at = layer.body + 4
        frame[at : at + 4] = book.ip(bytes(frame[at : at + 4]))


def _moved(checksum: bytes, old: bytes, new: bytes) -> bytes:
    r"""Carry a change over into a checksum (RFC 1624): right stays right, and wrong stays wrong.

    >>> _moved(b"\x12\x34", b"\0\1", b"\0\3").hex()
    '1232'
    """
    total = ~int.from_bytes(checksum) & 0xFFFF
    for at in range(0, len(old), 2):
        total += (~int.from_bytes(old[at : at + 2]) & 0xFFFF) + int.from_bytes(new[at : at + 2])
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2)


def _sum_up_again(frame: bytearray, layer: Layer) -> None:
    """Make the checksum of an ICMP message again, as what it quotes has changed."""
    at = layer.body + 2
    if layer.kind == "ipv4":
        end = layer.start + int.from_bytes(frame[layer.start + 2 : layer.start + 4])
        pseudo = b""
    else:
        end = layer.start + 40 + int.from_bytes(frame[layer.start + 4 : layer.start + 6])
        length = (end - layer.body).to_bytes(4)
        pseudo = bytes(frame[layer.start + 8 : layer.start + 40]) + length + bytes([0, 0, 0, ICMP6])
    if end > len(frame):
        return  # not all of it was captured, so it cannot be checked either
    frame[at : at + 2] = b"\0\0"
    data = pseudo + bytes(frame[layer.body : end])
    frame[at : at + 2] = (dpkt.in_cksum(data)).to_bytes(2)


def _still_there(copy: Path, book: AddressBook) -> int:
    """Count packets whose last layer carries a private address that was replaced, in bytes or as text."""
    private = [raw for raw in book.ips if is_private(ipaddress.ip_address(raw))]
    spelled = [form for raw in private for form in (raw, str(ipaddress.ip_address(raw)).encode())]
    if not spelled:
        return 0
    one = re.compile(b"|".join(re.escape(form) for form in spelled))
    return sum(
        one.search(frame, layers(link, frame)[-1].body) is not None for _, link, frame in packets(copy)
    )
