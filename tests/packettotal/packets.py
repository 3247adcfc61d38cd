"""Packet captures made of bytes, written by code that shares nothing with any reader of them."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ETHERNET = 1
LINK = bytes.fromhex("02005e000001 02005e000002")
IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
TCP, UDP = 6, 17
SYN, ACK, PSH, FIN = 2, 16, 8, 1
SEGMENT = 1200
GAP = 0.004
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, ETHERNET)


@dataclass(frozen=True, slots=True)
class Talk:
    """One connection: who speaks with whom, and what each says.

    Attributes:
        start: When, in seconds since 1970.
        orig: Address and port of who began.
        resp: Address and port of who was called.
        proto: Its transport.
        said: Payloads in turn, the originator's first.
    """

    start: float
    orig: tuple[str, int]
    resp: tuple[str, int]
    proto: Literal["tcp", "udp"] = "tcp"
    said: Sequence[bytes] = field(default=())


@dataclass(frozen=True, slots=True)
class Packet:
    """A frame with its time, and what of it the connection's counters count."""

    time: float
    frame: bytes
    from_orig: bool
    ip_bytes: int
    payload: int


def pcap(packets: Iterable[tuple[float, bytes]]) -> bytes:
    """Give a capture file of Ethernet frames, in the order of their times."""
    parts = [PCAP_HEADER]
    for time, frame in sorted(packets):
        seconds, micros = divmod(round(time * 1_000_000), 1_000_000)
        parts += [struct.pack("<IIII", seconds, micros, len(frame), len(frame)), frame]
    return b"".join(parts)


def frames(talk: Talk) -> list[Packet]:
    """Give a connection's packets: handshake, payloads with acknowledgements, and the end of it."""
    return _tcp(talk) if talk.proto == "tcp" else _udp(talk)


def ip_frame(orig: str, resp: str, protocol: int, segment: bytes) -> bytes:
    """Wrap a segment into IP, of the version of its addresses, and Ethernet."""
    source, target = ipaddress.ip_address(orig), ipaddress.ip_address(resp)
    if source.version == 6:
        head = struct.pack("!IHBB", 6 << 28, len(segment), protocol, 64) + source.packed + target.packed
        return LINK + struct.pack("!H", IPV6) + head + segment
    plain = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 1, 0x4000, 64, protocol, 0)
    total = checksum(plain + source.packed + target.packed)
    head = plain[:10] + struct.pack("!H", total) + source.packed + target.packed
    return LINK + struct.pack("!H", IPV4) + head + segment


def udp_segment(orig: tuple[str, int], resp: tuple[str, int], payload: bytes) -> bytes:
    """Give a UDP datagram with its checksum."""
    head = struct.pack("!HHHH", orig[1], resp[1], 8 + len(payload), 0)
    total = checksum(_pseudo(orig[0], resp[0], UDP, len(head + payload)) + head + payload) or 0xFFFF
    return head[:6] + struct.pack("!H", total) + payload


def tcp_segment(
    orig: tuple[str, int], resp: tuple[str, int], *, seq: int, ack: int, flags: int, payload: bytes = b""
) -> bytes:
    """Give a TCP segment with its checksum."""
    head = struct.pack("!HHIIBBHHH", orig[1], resp[1], seq, ack, 5 << 4, flags, 64240, 0, 0)
    total = checksum(_pseudo(orig[0], resp[0], TCP, len(head + payload)) + head + payload)
    return head[:16] + struct.pack("!H", total) + head[18:] + payload


def arp_request(asks: str, about: str) -> bytes:
    """Ask on the local network who has an address."""
    packed = [ipaddress.IPv4Address(one).packed for one in (asks, about)]
    body = struct.pack("!HHBBH", 1, IPV4, 6, 4, 1) + LINK[6:] + packed[0] + bytes(6) + packed[1]
    return b"\xff" * 6 + LINK[6:] + struct.pack("!H", ARP) + body


def checksum(data: bytes) -> int:
    """Give the Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(padded[at : at + 2]) for at in range(0, len(padded), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def dns_query(number: int, name: str) -> bytes:
    """Ask for the address of a name."""
    return struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + _qname(name) + struct.pack("!HH", 1, 1)


def dns_answer(number: int, name: str, address: str) -> bytes:
    """Answer with one address."""
    head = struct.pack("!HHHHHH", number, 0x8180, 1, 1, 0, 0) + _qname(name) + struct.pack("!HH", 1, 1)
    return head + struct.pack("!HHHIH", 0xC00C, 1, 1, 300, 4) + ipaddress.IPv4Address(address).packed


def client_hello(name: str) -> bytes:
    """Begin TLS with a server that has this name."""
    host = name.encode()
    entry = struct.pack("!BH", 0, len(host)) + host
    server_name = struct.pack("!HHH", 0, len(entry) + 2, len(entry)) + entry
    extensions = struct.pack("!H", len(server_name)) + server_name
    body = b"\x03\x03" + bytes(range(32)) + b"\0" + b"\0\x02\xc0\x2f" + b"\x01\0" + extensions
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack("!H", len(hello)) + hello


def _qname(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return labels + b"\0"


def _pseudo(orig: str, resp: str, protocol: int, length: int) -> bytes:
    source, target = ipaddress.ip_address(orig), ipaddress.ip_address(resp)
    return source.packed + target.packed + struct.pack("!II", length, protocol)


def _udp(talk: Talk) -> list[Packet]:
    packets = []
    for number, payload in enumerate(talk.said):
        from_orig = number % 2 == 0
        ends = (talk.orig, talk.resp) if from_orig else (talk.resp, talk.orig)
        frame = ip_frame(ends[0][0], ends[1][0], UDP, udp_segment(*ends, payload))
        packets.append(Packet(talk.start + number * GAP, frame, from_orig, len(frame) - 14, len(payload)))
    return packets


def _tcp(talk: Talk) -> list[Packet]:
    seq = {True: 1000, False: 7000}
    packets: list[Packet] = []

    def send(from_orig: bool, flags: int, payload: bytes = b"") -> None:
        ends = (talk.orig, talk.resp) if from_orig else (talk.resp, talk.orig)
        ack = seq[not from_orig] if flags & ACK else 0
        segment = tcp_segment(*ends, seq=seq[from_orig], ack=ack, flags=flags, payload=payload)
        frame = ip_frame(ends[0][0], ends[1][0], TCP, segment)
        time = talk.start + len(packets) * GAP
        packets.append(Packet(time, frame, from_orig, len(frame) - 14, len(payload)))
        seq[from_orig] += len(payload) + (1 if flags & (SYN | FIN) else 0)

    send(True, SYN)
    if not talk.said:
        return packets  # nobody answered
    send(False, SYN | ACK)
    send(True, ACK)
    for number, payload in enumerate(talk.said):
        from_orig = number % 2 == 0
        for at in range(0, len(payload), SEGMENT):
            send(from_orig, ACK | PSH, payload[at : at + SEGMENT])
        send(not from_orig, ACK)
    send(True, FIN | ACK)
    send(False, FIN | ACK)
    send(True, ACK)
    return packets
