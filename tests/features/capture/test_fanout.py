"""Claims about scans and how widely hosts connect."""

from __future__ import annotations

import pytest

from ptml.features.build import capture_features
from tests.features.frames import conn, conn_row

NAMES = (
    "widest_horizontal",
    "widest_vertical",
    "destination_hosts",
    "destination_ports",
    "most_destinations",
)


def test_horizontal_scan() -> None:
    """Five hosts on one port are a horizontal scan of width five."""
    rows = [conn_row(f"C{n}", n, id__resp_h=f"10.0.1.{n}", id__resp_p=22) for n in range(5)]
    assert capture_features({"conn": conn(*rows)}).select(NAMES).collect().row(0) == (5, 1, 5, 1, 5)


def test_vertical_scan() -> None:
    """Five ports of one host are a vertical scan of width five."""
    rows = [conn_row(f"C{n}", n, id__resp_p=20 + n) for n in range(5)]
    assert capture_features({"conn": conn(*rows)}).select(NAMES).collect().row(0) == (1, 5, 1, 5, 1)


def test_icmp_codes_are_not_ports() -> None:
    """ICMP writes a code where a port stands: it counts as no port."""
    row = conn_row("C1", proto="icmp", id__orig_p=8, id__resp_p=0)
    assert capture_features({"conn": conn(row)}).select(NAMES).collect().row(0) == (None, None, 1, None, 1)


def test_scan_that_failed() -> None:
    """Of four hosts scanned on a port three do not answer; one of these does when asked again."""
    states = ("S0", "REJ", "S0", "SF")
    rows = [
        conn_row(f"C{n}", n, id__resp_h=f"10.0.1.{n}", id__resp_p=22, conn_state=state)
        for n, state in enumerate(states)
    ]
    again = conn_row("D", 9, id__resp_h="10.0.1.0", id__resp_p=22, conn_state="SF")
    names = ("horizontal_failed_share", "vertical_failed_share", "scanned_port_share")
    assert capture_features({"conn": conn(*rows)}).select(names).collect().row(0) == (0.75, 1.0, 0.0)
    assert capture_features({"conn": conn(*rows, again)}).select(names).collect().row(0) == (0.5, 1.0, 0.0)


def test_parts_of_hosts() -> None:
    """Of three hosts the middle one is contacted and contacts: a third; two are private."""
    rows = (
        conn_row("C1", 0, id__orig_h="10.0.0.1", id__resp_h="10.0.0.2"),
        conn_row("C2", 9, id__orig_h="10.0.0.2", id__resp_h="203.0.113.9", resp_bytes=0),
    )
    names = (
        "hosts",
        "private_hosts",
        "public_destinations",
        "mute_destination_share",
        "late_destination_share",
    )
    table = capture_features({"conn": conn(*rows)}).select(*names, "two_way_host_share").collect()
    assert table.row(0) == pytest.approx((3, 2, 1, 0.5, 0.5, 1 / 3))


def test_bytes_by_destination_pair_and_service() -> None:
    """Of 80 payload bytes 60 go between one pair, which sends 45 of them; its service has all of 60."""
    rows = (
        conn_row("C1", id__resp_h="10.0.0.2", orig_bytes=45, resp_bytes=15, service="ssl"),
        conn_row("C2", id__resp_h="10.0.0.3", orig_bytes=5, resp_bytes=15, service="dns", id__resp_p=53),
    )
    names = ("top_destination_byte_share", "top_pair_byte_share", "top_pair_upload_share", "services")
    table = capture_features({"conn": conn(*rows)}).select(*names, "most_sent_pair_share").collect()
    assert table.row(0) == pytest.approx((0.75, 0.75, 0.75, 2, 0.9))


def test_without_counts_of_bytes_the_shares_of_bytes_are_null() -> None:
    """A conn.log without byte counts leaves what needs them null, and the rest as it is."""
    frame = conn(conn_row("C1")).drop("orig_bytes", "resp_bytes")
    names = (
        "top_destination_byte_share",
        "top_pair_byte_share",
        "mute_destination_share",
        "destination_hosts",
    )
    assert capture_features({"conn": frame}).select(names).collect().row(0) == (None, None, None, 1)
