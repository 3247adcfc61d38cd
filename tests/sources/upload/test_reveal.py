"""What a capture would reveal: addresses of one's own network, and names."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from ptml.errors import BadData, MissingInput
from ptml.sources.upload.reveal import reveal
from tests.packettotal.packets import (
    LINK,
    Talk,
    arp_request,
    client_hello,
    dns_answer,
    dns_query,
    frames,
    ip_frame,
    pcap,
    udp_segment,
)

if TYPE_CHECKING:
    from pathlib import Path

HOST = ("192.168.7.20", 50000)
VLAN = bytes.fromhex("8100 0007")


def written(path: Path, *parts: bytes, talks: tuple[Talk, ...] = ()) -> Path:
    """Write a capture of frames and connections."""
    packets = [(one.time, one.frame) for talk in talks for one in frames(talk)]
    path.write_bytes(pcap([*packets, *((2.0 + number, frame) for number, frame in enumerate(parts))]))
    return path


def test_names_are_found_where_they_are_said(tmp_path: Path) -> None:
    """DNS, TLS and HTTP each give the name that they speak of; a cookie and a password count as logins."""
    web = b"GET / HTTP/1.1\r\nHost: intranet.corp.example\r\nCookie: id=1\r\n\r\n"
    path = written(
        tmp_path / "a.pcap",
        talks=(
            Talk(1, HOST, ("192.168.7.1", 53), "udp", [dns_query(7, "mail.corp.example")]),
            Talk(1, HOST, ("192.0.2.9", 443), said=[client_hello("vpn.corp.example")]),
            Talk(1, HOST, ("192.0.2.9", 80), said=[web]),
            Talk(1, HOST, ("192.0.2.9", 110), said=[b"USER anna\r\n", b"+OK\r\n", b"PASS secret\r\n"]),
        ),
    )
    found = reveal(path)
    assert sorted(found.names) == [
        ("DNS", "mail.corp.example"),
        ("HTTP", "intranet.corp.example"),
        ("TLS", "vpn.corp.example"),
    ]
    assert found.logins == 3


def test_private_addresses_are_counted_by_packet(tmp_path: Path) -> None:
    """Addresses of one's own network are listed, in ARP and VLANs too; those of others are only counted."""
    datagram = ip_frame("10.0.0.5", "8.8.8.8", 17, udp_segment(("10.0.0.5", 1), ("8.8.8.8", 9), b"x"))
    tagged = datagram[:12] + VLAN + datagram[12:]
    six = ip_frame("fe80::1", "2606:4700::1111", 17, b"\0\1\0\x09\0\x08\0\0")
    found = reveal(written(tmp_path / "a.pcap", datagram, tagged, six, arp_request("10.0.0.5", "10.0.0.1")))
    assert found.packets == 4
    assert found.private == {"10.0.0.5": 3, "fe80::1": 1, "10.0.0.1": 1}
    assert found.public == {"8.8.8.8", "2606:4700::1111"}
    assert found.hardware == {LINK[:6].hex(":"): 3, LINK[6:].hex(":"): 4}


def test_dhcp_and_netbios_tell_the_names_of_hosts(tmp_path: Path) -> None:
    """A host that asks for an address says its name, and Windows says it to everybody."""
    head = bytes([1, 1, 6, 0]) + bytes(232) + b"\x63\x82\x53\x63"
    asks = head + b"\x35\x01\x01" + b"\x0c\x09ANNAS-PC1" + b"\x0f\x0ccorp.example" + b"\xff"
    coded = "".join(chr(65 + (ord(c) >> 4)) + chr(65 + (ord(c) & 15)) for c in "ANNAS-PC1".ljust(15) + "\0")
    names = dns_query(1, coded)
    path = written(
        tmp_path / "a.pcap",
        ip_frame(
            "0.0.0.0", "255.255.255.255", 17, udp_segment(("0.0.0.0", 68), ("255.255.255.255", 67), asks)
        ),
        ip_frame("10.0.0.5", "10.0.0.255", 17, udp_segment(("10.0.0.5", 137), ("10.0.0.255", 137), names)),
    )
    found = reveal(path)
    assert sorted(found.names) == [("DHCP", "ANNAS-PC1"), ("DHCP", "corp.example"), ("NetBIOS", "ANNAS-PC1")]
    assert list(found.private) == ["10.0.0.255", "10.0.0.5"] or set(found.private) == {
        "10.0.0.5",
        "10.0.0.255",
    }


def test_noise_on_a_known_port_is_no_name_and_no_error(tmp_path: Path) -> None:
    """What does not decode as the port's protocol is passed over."""
    noise = [
        ip_frame("10.0.0.5", "10.0.0.6", 17, udp_segment(("10.0.0.5", port), ("10.0.0.6", port), data))
        for port in (53, 67, 137, 5353)
        for data in (b"", b"\xff" * 40, bytes(300), b"\xc0\x0c" * 30)
    ]
    found = reveal(written(tmp_path / "a.pcap", *noise, *(frame[:37] for frame in noise), b"", b"\x08\x00"))
    assert found.packets == 34
    assert found.names == {}


def test_compressed_capture_is_read(tmp_path: Path) -> None:
    """A capture that was packed with gzip is looked through as well."""
    answer = dns_answer(1, "a.example", "10.1.1.1")
    frame = ip_frame("10.0.0.1", "10.0.0.5", 17, udp_segment(("10.0.0.1", 53), ("10.0.0.5", 4), answer))
    path = tmp_path / "a.pcap.gz"
    path.write_bytes(gzip.compress(pcap([(1.0, frame)])))
    assert list(reveal(path).names) == [("DNS", "a.example")]


def test_what_is_no_capture_is_refused(tmp_path: Path) -> None:
    """Text, a link type that is not known, and nothing at all each say what is wrong."""
    text, radio = (tmp_path / name for name in ("text", "radio"))
    text.write_text("no capture")
    radio.write_bytes(pcap([(1.0, b"x")])[:20] + b"\x7f\0\0\0" + pcap([(1.0, b"x")])[24:])
    with pytest.raises(BadData, match="text is no packet capture, or breaks off"):
        reveal(text)
    with pytest.raises(BadData, match=r"link type 127.*nothing was written or sent"):
        reveal(radio)
    with pytest.raises(MissingInput, match="cannot be read"):
        reveal(tmp_path / "nothing")


def test_capture_that_breaks_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """The last packet counts with the bytes that are there."""
    whole = pcap([(1.0, ip_frame("10.0.0.5", "10.0.0.6", 59, bytes(40)))])
    (tmp_path / "cut.pcap").write_bytes(whole[:-30])
    assert set(reveal(tmp_path / "cut.pcap").private) == {"10.0.0.5", "10.0.0.6"}


def test_later_fragment_has_no_ports(tmp_path: Path) -> None:
    """What a later fragment carries is not taken for a header: it could look like anything."""
    whole = ip_frame(
        "10.0.0.5", "10.0.0.1", 17, udp_segment(("10.0.0.5", 9), ("10.0.0.1", 53), dns_query(1, "a.example"))
    )
    later = whole[:20] + b"\x00\x01" + whole[22:]
    assert list(reveal(written(tmp_path / "a.pcap", whole)).names) == [("DNS", "a.example")]
    assert reveal(written(tmp_path / "a.pcap", later)).names == {}
