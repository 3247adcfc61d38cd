"""Claims about the rhythm of pairs."""

from __future__ import annotations

from ptml.features.build import connection_features
from tests.features.frames import conn, conn_row

NAMES = (
    "pair_connections",
    "pair_span",
    "pair_gap_median",
    "pair_gap_dispersion",
    "pair_orig_bytes_dispersion",
)


def test_beacon_stands_out_from_browsing() -> None:
    """A clockwork with one pause has no dispersion; connections by hand to another server have much."""
    beacon = [conn_row(f"B{n}", t, orig_bytes=100) for n, t in enumerate((0, 60, 120, 180, 900, 960, 1020))]
    human = [
        conn_row(f"H{n}", t, orig_bytes=size, id__resp_h="192.0.2.7")
        for n, (t, size) in enumerate(((0, 10), (2, 40), (50, 90), (58, 20)))
    ]
    table = connection_features({"conn": conn(*beacon, *human)}).select(NAMES).collect()
    assert table.row(0) == (7, 1020.0, 60.0, 0.0, 0.0)
    # gaps 2, 48, 8: median 8, deviations 6, 40, 0; sizes 10, 20, 40, 90: median 30, deviations 20, 10, 10, 60
    assert table.row(7) == (4, 58.0, 8.0, 0.75, 0.5)


def test_single_connection_has_no_rhythm() -> None:
    """One connection has a count and a span, and nothing else of a pair."""
    table = connection_features({"conn": conn(conn_row("C1"))}).select(NAMES).collect()
    assert table.row(0) == (1, 0.0, None, None, None)
