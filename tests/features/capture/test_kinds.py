"""Claims about what kinds of connections a capture holds, which way they run, and how large they are."""

from __future__ import annotations

import pytest

from ptml.features.build import capture_features
from tests.features.frames import conn, conn_row


def test_kinds_by_service_protocol_and_port() -> None:
    """Of four connections one is UDP DNS, two are TLS (one of them on port 4444), one is not recognised."""
    rows = (
        conn_row("C1", proto="udp", service="dns", id__resp_p=53, orig_bytes=10, resp_bytes=30),
        conn_row("C2", service="ssl", id__resp_p=443, orig_bytes=20, resp_bytes=20),
        conn_row("C3", service="ssl,http", id__resp_p=4444, orig_bytes=20, resp_bytes=60),
        conn_row("C4", service=None, id__resp_p=50_000, orig_bytes=0, resp_bytes=0),
    )
    names = (
        "udp_share",
        "dns_share",
        "encrypted_share",
        "http_share",
        "shell_share",
        "well_known_port_share",
        "dynamic_port_share",
        "dns_byte_share",
    )
    table = capture_features({"conn": conn(*rows)}).select(names).collect()
    assert table.row(0) == (0.25, 0.25, 0.5, 0.25, 0.0, 0.5, 0.25, 0.25)


def test_ways_and_ends() -> None:
    """Each way out of four, and each end out of four, is a quarter."""
    rows = (
        conn_row("C1", conn_state="SF"),
        conn_row("C2", conn_state="RSTO", id__orig_h="203.0.113.9", id__resp_h="10.0.0.5"),
        conn_row("C3", conn_state="S1", id__resp_h="224.0.0.251"),
        conn_row("C4", conn_state="OTH", id__orig_h="fe80::1", id__resp_h="fe80::2"),
    )
    names = (
        "inbound_share",
        "group_share",
        "ipv6_share",
        "normal_end_share",
        "reset_share",
        "unclosed_share",
        "midstream_share",
    )
    assert capture_features({"conn": conn(*rows)}).select(names).collect().row(0) == (0.25,) * 7


def test_sizes() -> None:
    """Payloads 0, 10, 20, 30 and 40 have a ninth decile of 36; two of the four that are not empty upload."""
    sent = (0, 10, 20, 30, 40)
    got = (0, 20, 20, 20, 20)
    rows = [
        conn_row(f"C{n}", orig_bytes=a, resp_bytes=b) for n, (a, b) in enumerate(zip(sent, got, strict=True))
    ]
    names = (
        "orig_bytes_p90",
        "median_resp_bytes",
        "largest_orig_bytes",
        "no_payload_share",
        "upload_connection_share",
    )
    assert capture_features({"conn": conn(*rows)}).select(names).collect().row(0) == pytest.approx(
        (36, 20, 40, 0.2, 0.5)
    )


def test_lengths() -> None:
    """A probe of one packet, and three connections of 9 packets that last 2, 600 and 3600 seconds."""
    probe = conn_row("C1", orig_pkts=1, resp_pkts=0, orig_bytes=0, resp_bytes=0, duration=None)
    longer = [conn_row(f"D{n}", duration=duration) for n, duration in enumerate((2.0, 600.0, 3600.0))]
    names = ("median_packets", "one_packet_share", "over_10_minutes_share")
    table = capture_features({"conn": conn(probe, *longer)}).select(*names, "median_byte_rate").collect()
    assert table.row(0) == pytest.approx((9.0, 0.25, 2 / 3, 40 / 600))


def test_byte_counts_of_2_to_the_64_neither_overflow_nor_lead() -> None:
    """Two counts of 2^64 - 1 are taken as 1 TiB each, so they share the payload evenly."""
    rows = [conn_row(f"C{n}", orig_bytes=2**64 - 1, resp_bytes=2**64 - 1) for n in range(2)]
    names = ("byte_gini", "top_destination_byte_share", "top_pair_upload_share")
    assert capture_features({"conn": conn(*rows)}).select(names).collect().row(0) == (0.0, 1.0, 1.0)
