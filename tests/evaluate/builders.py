"""Outcomes and datasets made without a workspace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.artifact import FeatureContract
from ptml.evaluate.outcome import Outcome
from ptml.train.dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Sequence

START = datetime(2024, 1, 1, tzinfo=UTC)


def outcome_of(p: np.ndarray, y: np.ndarray, groups: np.ndarray, cut: float = 0.5) -> Outcome:
    """Make an outcome whose captures are its groups."""
    return Outcome.of(
        pl.DataFrame(
            {
                "capture_id": [f"c{group:05d}" for group in groups],
                "group": groups,
                "label": np.where(y == 1, "malicious", "benign"),
                "probability": p,
                "verdict": np.where(p >= cut, "malicious", "benign"),
            }
        )
    )


def dataset(  # noqa: PLR0917 - columns of a table
    y: Sequence[int],
    groups: Sequence[int],
    source: Sequence[str] | None = None,
    family: Sequence[str | None] | None = None,
    days: Sequence[float | None] | None = None,
    values: np.ndarray | None = None,
) -> Dataset:
    """Make a dataset of connections with one feature; each group is a capture."""
    size = len(y)
    numbers = np.array(groups)
    values = np.random.default_rng(0).normal(size=size) + 3 * np.array(y) if values is None else values
    moments = [None if day is None else START + timedelta(days=day) for day in days or [0.0] * size]
    keys = pl.DataFrame(
        {
            "capture_id": [f"c{group:05d}" for group in groups],
            "uid": [f"C{number}" for number in range(size)],
            "source": source or ["lab"] * size,
            "family": pl.Series(family or [None] * size, dtype=pl.String),
            "ts": pl.Series(moments, dtype=pl.Datetime("us", "UTC")),
            "host": ["10.0.0.1"] * size,
            "period": pl.Series([None] * size, dtype=pl.String),
        }
    )
    return Dataset(
        level="connection",
        contracts=(FeatureContract(name="duration", dtype="Float32"),),
        inputs=pl.DataFrame({"duration": values.astype(np.float32)}),
        y=np.array(y, np.int8),
        keys=keys,
        groups=np.unique(numbers, return_inverse=True)[1].astype(np.int64),
        weights=np.ones(size),
        captures={},
        available=size,
        excluded={},
        unit="file",
        unknown=np.zeros(size, np.bool_),
    )
