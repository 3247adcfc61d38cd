"""Claims about choosing among scores."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from ptml.errors import SettingsError
from ptml.score.choice import Choice, moment

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T05:30", datetime(2026, 11, 23, 5, 30, tzinfo=UTC)),
        ("2026-11-23T05:30+02:00", datetime(2026, 11, 23, 3, 30, tzinfo=UTC)),
        ("90m", datetime(2026, 11, 23, 10, 30, tzinfo=UTC)),
        ("24h", datetime(2026, 11, 22, 12, tzinfo=UTC)),
        ("2w", datetime(2026, 11, 9, 12, tzinfo=UTC)),
    ],
)
def test_a_moment_is_a_day_a_time_or_how_long_ago(text: str, expected: datetime) -> None:
    """Days and times without a zone are UTC."""
    assert moment(text, NOON) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "24", "-1h", "2026-13-01", "999999w"])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    """The error says what to write."""
    with pytest.raises(SettingsError, match="write 2026-11-23"):
        moment(text, NOON)


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_a_probability_lies_between_0_and_1(probability: float) -> None:
    """Anything else is refused before work is done."""
    with pytest.raises(SettingsError, match="between 0 and 1"):
        Choice(probability)


def test_alerts_that_are_likely_and_new_count() -> None:
    """Both limits hold, ends included; an alert without a time is not known to be new."""
    rows = [(0.9, 13), (0.9, 11), (0.7, 13), (0.8, 12), (0.9, None)]
    frame = pl.LazyFrame(
        [(p, None if hour is None else NOON.replace(hour=hour)) for p, hour in rows],
        schema={"probability": pl.Float64, "ts": pl.Datetime("us", "UTC")},
        orient="row",
    )
    kept = Choice(0.8, NOON).of_alerts(frame).collect()
    assert [(p, ts.hour) for p, ts in kept.iter_rows()] == [(0.9, 13), (0.8, 12)]


@pytest.mark.parametrize(
    ("probability", "top", "hour", "shown"),
    [(0.9, 0.1, 13, True), (0.5, 0.9, 13, False), (None, 0.9, 13, True), (0.9, 0.9, 11, False)],
)
def test_a_capture_counts_by_its_own_probability_if_it_has_one(
    probability: float | None, top: float, hour: int, *, shown: bool
) -> None:
    """Without one its riskiest connection speaks for it; an old capture does not count."""
    capture = {"probability": probability, "top_probability": top}
    assert Choice(0.8, NOON).shows(capture, NOON.replace(hour=hour)) is shown


def test_a_capture_without_connections_is_not_among_the_risky() -> None:
    """It is shown where nothing is asked for, and not otherwise."""
    capture = {"probability": None, "top_probability": None}
    assert Choice().shows(capture, None)
    assert not Choice(0.1).shows(capture, None)
    assert not Choice(0.0, NOON).shows(capture, None)
