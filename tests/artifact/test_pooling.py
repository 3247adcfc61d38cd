from __future__ import annotations

import math
from random import Random  # noqa: TC003 - hypothesis reads it

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from ptml.artifact import CaptureStack, pool
from ptml.artifact.pooling import CERTAIN, POOLS

ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1)), max_size=40)


def pooled(rows: list[tuple[str, float]]) -> pl.DataFrame:
    """Pool pairs of capture and probability."""
    captures = pl.Series("capture_id", [capture for capture, _ in rows], pl.String)
    return pool(captures, np.array([share for _, share in rows], np.float64))


def odds(share: float) -> float:
    """Give the log-odds of a probability, drawn in from certainty."""
    share = min(max(share, CERTAIN), 1 - CERTAIN)
    return math.log(share / (1 - share))


def test_noisy_or_of_a_half_and_a_fifth() -> None:
    """That one of the two is malicious has probability 1 - 0.5 x 0.8 = 0.6, which is log-odds log 1.5."""
    assert pooled([("a", 0.5), ("a", 0.2)])["noisy_or"][0] == pytest.approx(math.log(1.5), abs=1e-12)


def test_the_ten_highest_of_twelve() -> None:
    """Of twelve log-odds 0 to 11 the mean of the ten highest is 6.5, the median 5.5, 90 % lie below 9.9."""
    shares = [("a", 1 / (1 + math.exp(-value))) for value in range(12)]
    [row] = pooled(shares[::-1]).rows(named=True)
    assert row["top_10_mean"] == pytest.approx(6.5, abs=1e-9)
    assert row["median"] == pytest.approx(5.5, abs=1e-9)
    assert row["p90"] == pytest.approx(9.9, abs=1e-9)
    assert row["highest"] == pytest.approx(11, abs=1e-9)


@given(ROWS, st.randoms())
def test_pools_are_those_of_a_slow_loop(rows: list[tuple[str, float]], random: Random) -> None:
    """They equal what a loop over each capture finds, in any order of the rows to the last bit."""
    found = pooled(rows)
    assert found["capture_id"].to_list() == sorted({capture for capture, _ in rows})
    for row in found.rows(named=True):
        values = sorted(odds(share) for capture, share in rows if capture == row["capture_id"])
        none = math.prod(1 - 1 / (1 + math.exp(-value)) for value in values)
        assert row["noisy_or"] == pytest.approx(math.log((1 - none) / none), rel=1e-6, abs=1e-6)
        assert row["top_10_mean"] == pytest.approx(np.mean(values[-10:]), abs=1e-9)
        assert row["median"] == pytest.approx(np.quantile(values, 0.5), abs=1e-9)
        assert row["p90"] == pytest.approx(np.quantile(values, 0.9), abs=1e-9)
        assert row["highest"] == pytest.approx(values[-1], abs=1e-9)
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert_frame_equal(pooled(shuffled), found, check_exact=True)


@given(ROWS.filter(bool), st.integers(0, 39), st.floats(0, 1))
def test_a_more_suspicious_connection_never_lowers_a_pool(
    rows: list[tuple[str, float]], at: int, share: float
) -> None:
    """Raising the probability of one connection raises its capture's pools, or leaves them."""
    at %= len(rows)
    capture, before = rows[at]
    raised = [*rows[:at], (capture, max(before, share)), *rows[at + 1 :]]
    differences = pooled(raised).select(POOLS).to_numpy() - pooled(rows).select(POOLS).to_numpy()
    assert differences.min() >= -1e-9


def test_no_connections_give_an_empty_typed_table() -> None:
    """Nothing to pool is no error."""
    assert pooled([]).schema == pooled([("a", 0.5)]).schema
    assert pooled([]).is_empty()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"weights": (1.0,)}, "not of one length"),
        ({"spreads": (0.0, 1.0)}, "spreads"),
        ({"inputs": ("median", "median")}, "named twice"),
        ({"inputs": ("median", "uid")}, "inputs"),
        ({"intercept": float("nan")}, "intercept"),
        ({"inputs": (), "middles": (), "spreads": (), "weights": ()}, "inputs"),
    ],
)
def test_an_edited_stack_is_refused(change: dict[str, object], fault: str) -> None:
    """Numbers that do not fit, or an input that is none, are named."""
    whole = {
        "inputs": ("median", "highest"),
        "middles": (0.0, 0.0),
        "spreads": (1.0, 1.0),
        "weights": (1.0, 2.0),
        "intercept": 0.0,
    }
    assert CaptureStack.model_validate(whole).log_odds(
        pl.DataFrame({"median": [1.0], "highest": [3.0]})
    ).tolist() == [7.0]
    with pytest.raises(ValidationError, match=fault):
        CaptureStack.model_validate({**whole, **change})
