"""Claims about scans and how widely hosts connect."""

from __future__ import annotations

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
