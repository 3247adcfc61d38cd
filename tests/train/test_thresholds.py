from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.train.thresholds import budget_thresholds, host_days

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def keys(rows: int, days: int, hosts: int = 1) -> pl.DataFrame:
    """Spread rows evenly over the days and hosts of one capture."""
    at = np.arange(rows)
    return pl.DataFrame(
        {
            "capture_id": ["c"] * rows,
            "ts": [NOON + timedelta(days=int(i) % days) for i in at],
            "host": [f"10.0.0.{(int(i) // days) % hosts}" for i in at],
        }
    )


def test_a_rate_is_kept_and_not_undercut() -> None:
    """Of 3000 benign rows, three may lie above the threshold of one per thousand, and three do."""
    benign = np.arange(3000) / 3000
    probability, y = np.append(benign, [0.9, 0.99999]), np.repeat([0, 1], [3000, 2]).astype(np.int8)
    found = budget_thresholds(probability, y, np.ones(3002), keys(3002, 30))
    threshold = found["1 of 1000 connections"].threshold
    assert threshold is not None
    assert int((benign >= threshold).sum()) == 3


def test_alerts_of_a_host_and_day_are_counted() -> None:
    """Ten hosts on three days are thirty host-days: thirty alerts at one each, three at a tenth."""
    benign = np.arange(600) / 600
    found = budget_thresholds(benign, np.zeros(600, np.int8), np.ones(600), keys(600, 3, 10))
    for name, alerts in (("1 alert per host and day", 30), ("1 alert per 10 hosts and day", 3)):
        threshold = found[name].threshold
        assert threshold is not None
        assert int((benign >= threshold).sum()) == alerts


def test_a_budget_above_all_alerts_lets_all_through() -> None:
    """Where benign hosts open fewer connections than may alert, the threshold is as low as can be."""
    found = budget_thresholds(np.array([0.2, 0.3, 0.4]), np.zeros(3, np.int8), np.ones(3), keys(3, 3))
    assert found["1 alert per host and day"].threshold == pytest.approx(0.1)


def test_too_few_rows_say_so() -> None:
    """A rate of 1/10000 takes 30000 benign rows, and a tenth of an alert thirty host-days."""
    found = budget_thresholds(np.zeros(2999), np.zeros(2999, np.int8), np.ones(2999), keys(2999, 2))
    assert found["1 of 1000 connections"].reason == (
        "2999 benign connections held out; a false positive rate of 0.001 takes 3000"
    )
    assert found["1 of 10000 connections"].threshold is None
    assert found["1 alert per 10 hosts and day"].reason == (
        "2 host-days of benign traffic held out; it takes 30"
    )


def test_drawn_connections_cannot_count_a_days_alerts() -> None:
    """With connections left out over the cap, alerts of a day are refused with the reason."""
    found = budget_thresholds(np.zeros(600), np.zeros(600, np.int8), np.ones(600), keys(600, 30), drawn=True)
    assert "left out" in str(found["1 alert per host and day"].reason)


def test_malicious_rows_have_no_days() -> None:
    """Days on which only malicious connections were opened do not stretch the budget."""
    rows = keys(60, 30)
    y = np.array([i % 30 > 0 for i in range(60)], np.int8)
    found = budget_thresholds(np.zeros(60), y, np.ones(60), rows)
    assert found["1 alert per host and day"].reason == "1 host-days of benign traffic held out; it takes 3"


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.integers(0, 72) | st.none(), st.sampled_from(["h", "g"]) | st.none()
        ),
        max_size=30,
    )
)
def test_host_days_are_those_of_a_set(rows: list[tuple[str, int | None, str | None]]) -> None:
    """They are the distinct captures, hosts and days of rows that have all three."""
    at = [(c, None if hours is None else NOON + timedelta(hours=hours), host) for c, hours, host in rows]
    frame = pl.DataFrame(
        at,
        schema={"capture_id": pl.String, "ts": pl.Datetime("us", "UTC"), "host": pl.String},
        orient="row",
    )
    assert host_days(frame) == len({(c, h, ts.date()) for c, ts, h in at if ts is not None and h is not None})
