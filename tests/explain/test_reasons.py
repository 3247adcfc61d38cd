"""Claims about reasons for verdicts on captures: what a stack of scores is shared out to."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ptml.artifact import CaptureStack
from ptml.explain.contributions import Contributions
from ptml.explain.pools import pool_phrase
from ptml.explain.reasons import _stacked

STACK = CaptureStack(
    inputs=("features", "median"), middles=(1.0, 0.5), spreads=(2.0, 4.0), weights=(3.0, 2.0), intercept=-0.25
)


def test_a_stack_is_shared_out_to_features_and_pools() -> None:
    """Features by 3/2 of their own contributions, the median by 2/4 of its distance: the whole score."""
    own = Contributions(0.2, np.array([[1.0, -2.0], [0.0, 4.0]]), ("a", "b"))
    table = pl.DataFrame({"median": [2.5, None]})
    found = _stacked(STACK, table, own)
    assert found.features == ("a", "b", "median")
    assert found.values.tolist() == [[1.5, -3.0, 1.0], [0.0, 6.0, 0.0]]
    scores = table.with_columns(features=pl.Series(own.expected + own.values.sum(axis=1)))
    assert found.expected + found.values.sum(axis=1) == pytest.approx(STACK.log_odds(scores))


def test_pools_are_said_as_probabilities() -> None:
    """Log-odds of nothing are one half, of twenty more than any three digits can say."""
    assert pool_phrase("highest", 0.0) == "its riskiest connection has a probability of 0.500"
    assert pool_phrase("median", 20.0) == "half of its connections have a probability of >0.999 or more"
