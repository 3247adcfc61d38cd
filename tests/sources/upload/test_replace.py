"""A copy with other addresses: what the tests' own builder would have made of them in the first place."""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.errors import BadData
from ptml.sources.upload.frames import ETHERNET, layers
from ptml.sources.upload.reading import packets
from ptml.sources.upload.replace import AddressBook, replaced, with_other_addresses
from ptml.sources.upload.reveal import is_private, reveal
from tests.packettotal.packets import (
    ACK,
    IPV4,
    LINK,
    TCP,
    UDP,
    Talk,
    arp_request,
    checksum,
    dns_answer,
    frames,
    ip_frame,
    pcap,
    tcp_segment,
    udp_segment,
)

if TYPE_CHECKING:
    from pathlib import Path

BOOK = AddressBook(b"a secret of thirty-two bytes ....")
V4 = st.ip_addresses(v=4).map(str)
V6 = st.ip_addresses(v=6).map(str)
NETWORKS = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "8.0.0.0/8",
    "93.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "2000::/8",
]
PAIRS = st.one_of(st.tuples(V4, V4), st.tuples(V6, V6))
PORT = st.integers(1, 65535).filter(lambda port: port != 4789)


def other(address: str) -> str:
    """Give the address that stands for another."""
    return str(ipaddress.ip_address(BOOK.ip(ipaddress.ip_address(address).packed)))


def linked(frame: bytes) -> bytes:
    """Give a frame with the hardware addresses that stand for the builder's."""
    return BOOK.mac(LINK[:6]) + BOOK.mac(LINK[6:]) + frame[12:]


@given(PAIRS, PORT, PORT, st.binary(max_size=60))
def test_frames_are_as_if_built_with_the_other_addresses(
    pair: tuple[str, str], orig_p: int, resp_p: int, payload: bytes
) -> None:
    """Addresses are replaced and every checksum is right: the builder makes the same of the new addresses.

    Where an address of IPv6 may hold one of IPv4, the packet is left out.
    """

    def built(orig: str, resp: str) -> list[bytes]:
        ends = (orig, orig_p), (resp, resp_p)
        segment = tcp_segment(*ends, seq=1, ack=2, flags=ACK, payload=payload)
        return [
            ip_frame(orig, resp, TCP, segment),
            ip_frame(orig, resp, UDP, udp_segment(*ends, payload)),
        ]

    if any(
        old.version == 6 and not old.packed[0] and int(old) > 1 for old in map(ipaddress.ip_address, pair)
    ):
        assert [replaced(ETHERNET, frame, BOOK) for frame in built(*pair)] == [None, None]
        return
    before, after = built(*pair), built(other(pair[0]), other(pair[1]))
    for old, new in zip(before, after, strict=True):
        found = replaced(ETHERNET, old, BOOK)
        assert found is not None
        assert same_but_for_zero_checksums(found, linked(new))


def same_but_for_zero_checksums(one: bytes, two: bytes) -> bool:
    """Compare frames; where a checksum is 0xffff in one it may be 0 in the other: they mean the same sum."""
    differing = [at for at in range(len(one)) if one[at] != two[at]]
    return len(one) == len(two) and all({one[at], two[at]} == {0, 255} for at in differing)


@given(st.sampled_from(NETWORKS), st.data())
def test_networks_stay_together_and_private_stays_private(network: str, data: st.DataObject) -> None:
    """Two addresses of a network share as many leading bits as their originals; its kind stays."""
    one, two = (str(data.draw(st.ip_addresses(network=network))) for _ in range(2))
    assert common_bits(other(one), other(two)) == common_bits(one, two)
    assert is_private(ipaddress.ip_address(other(one))) == is_private(ipaddress.ip_address(one))


def common_bits(one: str, two: str) -> int:
    """Count the leading bits that two addresses share."""
    first, second = ipaddress.ip_address(one), ipaddress.ip_address(two)
    return first.max_prefixlen - (int(first) ^ int(second)).bit_length()


def test_icmp_quotes_and_tunnels_are_followed() -> None:
    """The packet that an ICMP error quotes, and one in a tunnel, get other addresses and right checksums."""

    def quoting(router: str, orig: str, resp: str) -> bytes:
        inner = ip_frame(orig, resp, UDP, udp_segment((orig, 5), (resp, 6), b"abcd"))[14:]
        body = struct.pack("!BBHI", 3, 3, 0, 0) + inner
        return ip_frame(router, orig, 1, body[:2] + struct.pack("!H", checksum(body)) + body[4:])

    def tunnel(one: str, two: str, orig: str, resp: str) -> bytes:
        inner = ip_frame(orig, resp, UDP, udp_segment((orig, 5), (resp, 6), b"abcd"))[14:]
        return ip_frame(one, two, 47, struct.pack("!HH", 0, IPV4) + inner)

    addresses = ["10.0.0.1", "10.0.0.5", "93.184.216.34"]
    assert replaced(ETHERNET, quoting(*addresses), BOOK) == linked(quoting(*map(other, addresses)))
    four = ["93.184.216.1", "93.184.216.2", "10.0.0.5", "10.0.0.6"]
    assert replaced(ETHERNET, tunnel(*four), BOOK) == linked(tunnel(*map(other, four)))


def test_a_wrong_checksum_stays_wrong() -> None:
    """Damage is carried over as it was: both checksums are wrong by the same amount."""
    before = ("10.0.0.5", 5), ("10.0.0.6", 6)
    after = (other("10.0.0.5"), 5), (other("10.0.0.6"), 6)
    old, right = (ip_frame(a[0], b[0], UDP, udp_segment(a, b, b"abcd")) for a, b in (before, after))
    damaged = old[:40] + bytes([old[40] ^ 0x55]) + old[41:]
    found = replaced(ETHERNET, damaged, BOOK)
    assert found is not None
    assert (sum_of(found) - sum_of(right)) % 0xFFFF == (sum_of(damaged) - sum_of(old)) % 0xFFFF != 0


def sum_of(frame: bytes) -> int:
    """Give the checksum of a UDP datagram in IPv4."""
    return int.from_bytes(frame[40:42])


def test_arp_tells_other_addresses_too() -> None:
    """Both kinds of address in an ARP request are others."""
    found = replaced(ETHERNET, arp_request("10.0.0.5", "10.0.0.1"), BOOK)
    wanted = arp_request(other("10.0.0.5"), other("10.0.0.1")).replace(LINK[6:], BOOK.mac(LINK[6:]))
    assert found == wanted


@given(st.binary(max_size=80), st.sampled_from([0x0800, 0x86DD, 0x0806, 0x8100, 0x8864, 0x8847]))
def test_no_frame_is_too_odd(noise: bytes, ethertype: int) -> None:
    """Whatever a frame holds, it comes out as long as it was, or is left out."""
    frame = LINK + struct.pack("!H", ethertype) + noise
    found = replaced(ETHERNET, frame, BOOK)
    assert found is None or len(found) == len(frame)
    assert len(layers(ETHERNET, frame)) < 12


def test_copy_is_counted_and_looked_through(tmp_path: Path) -> None:
    """Other protocols are left out, and payloads that spell out an address of the original are told."""
    answer = dns_answer(7, "printer.corp.example", "10.0.0.9")
    path, out = tmp_path / "a.pcap", tmp_path / "copies" / "b.pcap"
    talks = (
        Talk(1, ("10.0.0.5", 4000), ("10.0.0.1", 53), "udp", [b"", answer]),
        Talk(1, ("10.0.0.5", 4001), ("10.0.0.9", 80), said=[b"hello from 10.0.0.5"]),
    )
    spanning_tree = b"\x01\x80\xc2\0\0\0" + LINK[6:] + struct.pack("!H", 38) + bytes(38)
    ospf = ip_frame("10.0.0.1", "224.0.0.5", 89, bytes(44))
    sent = [(one.time, one.frame) for talk in talks for one in frames(talk)]
    path.write_bytes(pcap([*sent, (3.0, spanning_tree), (4.0, ospf)]))
    done = with_other_addresses(path, out, book=BOOK)
    assert (done.packets, done.left_out, done.still) == (len(sent), 2, 2)
    old, new = reveal(path), reveal(out)
    assert set(new.private) == {other(one) for one in ("10.0.0.5", "10.0.0.1", "10.0.0.9")}
    assert new.names == old.names
    times = [time for time, _, _ in packets(out)]
    assert times == pytest.approx([time for time, _ in sorted(sent)])
    assert sorted(file.name for file in out.parent.iterdir()) == ["b.pcap"]


def test_copy_of_what_is_no_capture_is_not_begun(tmp_path: Path) -> None:
    """What cannot be read leaves nothing behind."""
    path, out = tmp_path / "a.pcap", tmp_path / "copies" / "b.pcap"
    path.write_text("no capture")
    with pytest.raises(BadData, match="is no packet capture"):
        with_other_addresses(path, out)
    assert list(out.parent.iterdir()) == []


@pytest.mark.real
def test_real_captures_keep_their_packets(real_data: Path, tmp_path: Path) -> None:
    """Every IP packet comes out, none with a private address of before."""
    refused = []
    for path in sorted((real_data / "pcap").iterdir()):
        try:
            done = with_other_addresses(path, tmp_path / "copy.pcap")
        except BadData as error:
            refused.append(error.message.partition(":")[0])
            continue
        before, after = reveal(path), reveal(tmp_path / "copy.pcap")
        assert done.packets + done.left_out == before.packets, path.name
        assert after.packets == done.packets
        assert set(before.private) & set(after.private) == set(), path.name
    assert refused == ["a capture of link type 239"]


def test_packets_that_hold_addresses_in_their_options_are_left_out() -> None:
    """A route that IPv4's options record, and one that an IPv6 routing header prescribes, would remain."""
    plain = ip_frame("10.0.0.5", "10.0.0.6", 59, b"")
    recording = plain[:14] + b"\x47" + plain[15:] + b"\x07\x07\x04\x0a\x00\x00\x07\x00"
    six = ip_frame("fe80::1", "fe80::2", 43, bytes([59, 2, 0, 1]) + bytes(4) + b"\xfe\x80" + bytes(14))
    assert replaced(ETHERNET, plain, BOOK) is not None
    assert [replaced(ETHERNET, frame, BOOK) for frame in (recording, six)] == [None, None]
