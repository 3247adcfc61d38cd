from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import auc

from ptml.evaluate.bootstrap import draw
from ptml.evaluate.judge import area_under_time
from ptml.evaluate.outcome import Outcome
from ptml.evaluate.parts import AlertLoad, FamilyResult, SourceResult
from ptml.evaluate.tables import (
    alert_load,
    calibration_bins,
    curves,
    detection,
    per_family,
    per_source,
    per_split,
)
from ptml.train.splits import Split
from tests.evaluate.builders import START, dataset, outcome_of

PREDICTIONS = pl.DataFrame(
    {
        "capture_id": ["c1", "c1", "c2", "c3", "c3", "c4"],
        "source": ["lab", "lab", "lab", "trap", "trap", "trap"],
        "family": ["mirai", "mirai", None, "mirai", None, None],
        "label": ["malicious", "malicious", "benign", "malicious", "malicious", "malicious"],
        "probability": [0.9, 0.3, 0.4, 0.2, 0.8, 0.1],
        "verdict": ["malicious", "benign", "benign", "benign", "malicious", "benign"],
    }
)


def timed() -> pl.DataFrame:
    """Add when each row was, by whom, in which fold and by which threshold."""
    seconds = [0, 60, 0, 10, 40, 0]
    return PREDICTIONS.with_columns(
        uid=pl.Series(["1", "2", "3", "4", "5", "6"]),
        ts=pl.Series([START + timedelta(seconds=at) for at in seconds], dtype=pl.Datetime("us", "UTC")),
        host=pl.lit("10.0.0.1"),
        fold=pl.Series([1, 1, 0, 0, 0, 1], dtype=pl.UInt16),
        threshold=pl.Series([0.5, 0.5, 0.45, 0.45, 0.45, 0.5]),
    )


def test_sources_by_hand() -> None:
    """Each source counts its own rows; what it has no rows for is null."""
    assert per_source(PREDICTIONS) == (
        SourceResult(
            source="lab", captures=2, rows=3, malicious=2, recall=0.5, false_positive_rate=0.0, roc_auc=0.5
        ),
        SourceResult(
            source="trap",
            captures=2,
            rows=3,
            malicious=3,
            recall=1 / 3,
            false_positive_rate=None,
            roc_auc=None,
        ),
    )


def test_families_by_hand() -> None:
    """Each family counts its malicious rows and captures; those nobody named are together."""
    assert per_family(PREDICTIONS) == (
        FamilyResult(family="mirai", captures=2, captures_detected=1, rows=3, recall=1 / 3),
        FamilyResult(family="unnamed", captures=2, captures_detected=1, rows=2, recall=0.5),
    )


def test_splits_by_hand() -> None:
    """Each split counts what it learned from and what it held out, and when that was."""
    data = dataset([1, 1, 0, 1, 1, 1], [0, 0, 1, 2, 2, 3])
    splits = tuple(
        Split(name, np.array(learn), np.array(test))
        for name, learn, test in (("one", [0, 1, 5], [2, 3, 4]), ("two", [2, 3, 4], [0, 1, 5]))
    )
    one, two = per_split(timed(), splits, data)
    assert (one.name, one.learn_captures, one.learn_rows, one.captures, one.rows) == ("one", 2, 3, 2, 3)
    assert (one.malicious, one.threshold, one.recall, one.false_positive_rate) == (2, 0.45, 0.5, 0.0)
    assert one.roc_auc == 0.5
    assert one.pr_auc == pytest.approx((1 + 2 / 3) / 2)
    assert (one.starts, one.ends) == ("2024-01-01T00:00:00+00:00", "2024-01-01T00:00:40+00:00")
    assert (two.rows, two.malicious, two.roc_auc, two.false_positive_rate) == (3, 3, None, None)
    assert two.recall == pytest.approx(1 / 3)


def test_detection_by_hand() -> None:
    """Captures c1, c3, c4 are malicious; c1 is called at once, c3 30 s after its first connection."""
    found = detection(timed())
    assert (found.captures, found.detected) == (3, 2)
    assert found.seconds == pytest.approx({"p10": 3, "p25": 7.5, "p50": 15, "p75": 22.5, "p90": 27})


def test_a_benign_connection_called_malicious_detects_nothing() -> None:
    """What is called must be malicious: a false alarm in an infected capture is no detection."""
    rows = timed().filter(pl.col("capture_id") == "c3").with_columns(label=pl.Series(["malicious", "benign"]))
    found = detection(rows)
    assert (found.captures, found.detected, found.seconds) == (1, 0, None)


def test_whole_captures_have_no_time_to_detection() -> None:
    """Where a row is a capture, nothing is known of when within it it was detected."""
    assert detection(timed().drop("uid")).seconds is None


def test_alert_load_by_hand() -> None:
    """A host-day is a host's day in a capture; without hosts there is none."""
    assert alert_load(Outcome.of(timed())) == AlertLoad(
        host_days=4, benign_host_days=1, alerts=2, false_alarms=0
    )
    assert alert_load(Outcome.of(PREDICTIONS)) is None


@given(st.integers(2, 3000), st.integers(0, 9))
def test_curves_are_thin_monotone_and_whole(rows: int, seed: int) -> None:
    """However many rows: few points, both ends there, the ROC never falling, its area kept."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, rows).astype(np.int8)
    y[:2] = 0, 1
    outcome = outcome_of(rng.random(rows), y, np.arange(rows))
    drawn = draw(outcome, outcome.ones, draws=1, bands=True)
    roc, precision_recall = curves(outcome, drawn.sweep)
    assert len(roc.x) <= 201
    assert len(precision_recall.x) <= 201
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
    assert (np.diff(roc.x) >= 0).all()
    assert (np.diff(roc.y) >= 0).all()
    assert (np.diff(precision_recall.x) >= 0).all()
    assert precision_recall.x[-1] == 1
    assert auc(roc.x, roc.y) == pytest.approx(drawn.values[0], abs=0.02)
    assert len(roc.band_x) == len(roc.low) == len(roc.high) == 101


def test_one_class_has_no_curve() -> None:
    """Where all is malicious there is nothing to draw."""
    outcome = outcome_of(np.array([0.1, 0.9]), np.ones(2, np.int8), np.arange(2))
    drawn = draw(outcome, outcome.ones, draws=2, bands=True)
    assert [curve.x for curve in curves(outcome, drawn.sweep)] == [(), ()]


def test_calibration_by_hand() -> None:
    """Probabilities fall into tenths, 1 into the last; empty tenths are left out."""
    p, y, weights = (
        np.array([0.05, 0.09, 0.95, 1.0]),
        np.array([0, 1, 1, 1], np.int8),
        np.array([3.0, 1, 1, 1]),
    )
    bins = calibration_bins(p, y, weights)
    assert [(b.low, b.high, b.rows, b.malicious_share) for b in bins] == [(0, 0.1, 2, 0.25), (0.9, 1, 2, 1)]
    assert bins[0].mean_probability == pytest.approx(0.06)


def test_the_area_under_time_is_tesseracts() -> None:
    """AUT of three windows: (f1 + f2)/2 and (f2 + f3)/2, averaged; a window without a figure leaves none."""
    data = dataset([1, 1, 0, 1, 1, 1], [0, 0, 1, 2, 2, 3])
    rows = np.arange(6)
    (split,) = per_split(timed().with_columns(fold=pl.lit(0)), (Split("all", rows, rows),), data)
    windows = [split.model_copy(update={"roc_auc": area}) for area in (0.9, 0.7, 0.6)]
    assert area_under_time(windows)["roc_auc"] == pytest.approx(((0.9 + 0.7) / 2 + (0.7 + 0.6) / 2) / 2)
    assert area_under_time([*windows, split.model_copy(update={"roc_auc": None})])["roc_auc"] is None
    assert area_under_time(windows[:1])["roc_auc"] is None
