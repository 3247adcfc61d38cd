from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.evaluate.parts import FamilyResult, SourceResult
from ptml.evaluate.tables import calibration_bins, curves, per_family, per_source

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


@given(st.integers(2, 3000), st.integers(0, 9))
def test_curves_are_thin_monotone_and_whole(rows: int, seed: int) -> None:
    """However many rows: few points, both ends there, the ROC never falling."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, rows).astype(np.int8)
    y[:2] = 0, 1
    roc, precision_recall = curves(rng.random(rows), y)
    assert len(roc.x) <= 201
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
    assert (np.diff(roc.x) >= 0).all()
    assert (np.diff(roc.y) >= 0).all()
    assert precision_recall.x[-1] == 1


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
