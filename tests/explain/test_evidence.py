"""Claims about evidence: which earlier connections a reason rests on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from ptml.explain.evidence import evidence

START = datetime(2026, 1, 1, tzinfo=UTC)


def connections() -> pl.DataFrame:
    """Make ten connections: even ones of the pair to port 443, odd ones to port 80, one a second."""
    return pl.DataFrame(
        {
            "uid": [f"C{n}" for n in range(10)],
            "ts": [START + timedelta(seconds=n) for n in range(10)],
            "id.orig_h": ["10.0.0.1"] * 10,
            "id.resp_h": ["203.0.113.7"] * 10,
            "id.resp_p": [443, 80] * 5,
        }
    )


def told(family: str | None) -> list[list[str] | None]:
    """Give the evidence of the last two connections, whose first reason is of a family."""
    reasons = None if family is None else [{"family": "volume"}, {"family": family}]
    rows = connections().tail(2).with_columns(contributions=pl.Series([reasons, reasons]))
    return evidence(rows, connections()).to_list()


def test_a_beacon_rests_on_the_same_pair_and_port() -> None:
    """Itself and the four latest before it, the latest first."""
    assert told("beacon") == [["C8", "C6", "C4", "C2", "C0"], ["C9", "C7", "C5", "C3", "C1"]]


def test_the_past_of_a_source_is_that_of_all_its_connections() -> None:
    """Five at most, whatever their port."""
    assert told("moment of the source") == [["C8", "C7", "C6", "C5", "C4"], ["C9", "C8", "C7", "C6", "C5"]]


def test_what_looks_at_the_connection_alone_rests_on_it() -> None:
    """Bytes and flags need no other connection; without reasons there is no evidence."""
    assert told("volume") == [["C8"], ["C9"]]
    assert told(None) == [None, None]
