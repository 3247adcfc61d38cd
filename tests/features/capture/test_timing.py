"""Claims about the gaps, bursts and pairs of a capture, beside computations in plain Python."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from statistics import fmean, median, pstdev, pvariance

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptml.features.build import capture_features
from tests.features.frames import conn, conn_row

starts_in_ms = st.lists(st.integers(0, 200_000), min_size=2, max_size=12)
SCALES = {
    "second_fano_factor": 1,
    "ten_second_fano_factor": 10,
    "minute_fano_factor": 60,
    "ten_minute_fano_factor": 600,
}


def described(starts: list[int]) -> pl.DataFrame:
    """Describe a capture whose connections start at these milliseconds."""
    rows = [conn_row(f"C{n}", start / 1000) for n, start in enumerate(starts)]
    return capture_features({"conn": conn(*rows)}).collect()


@settings(max_examples=30)
@given(starts_in_ms)
def test_gaps_are_those_of_plain_python(starts: list[int]) -> None:
    """Median, burstiness, longest and entropy of the gaps follow from their definitions, term by term."""
    table = described(starts)
    gaps = [(later - earlier) / 1000 for earlier, later in pairwise(sorted(starts))]
    assert table["median_gap"].item() == pytest.approx(median(gaps), rel=1e-6)
    scales = Counter(math.floor(math.log2(round(gap * 1e6))) if gap else -1 for gap in gaps)
    bits = -sum(n / len(gaps) * math.log2(n / len(gaps)) for n in scales.values())
    assert table["gap_entropy"].item() == pytest.approx(bits, rel=1e-6, abs=1e-7)
    if not any(gaps):
        assert table.select("burstiness", "longest_gap_share", "gap_gini").row(0) == (None, None, None)
        return
    mean, deviation = fmean(gaps), pstdev(gaps)
    burst = (deviation - mean) / (deviation + mean)
    assert table["burstiness"].item() == pytest.approx(burst, rel=1e-5, abs=1e-6)
    assert table["longest_gap_share"].item() == pytest.approx(max(gaps) / sum(gaps), rel=1e-6)
    differences = sum(abs(one - other) for one in gaps for other in gaps)
    gini = differences / (2 * len(gaps) ** 2 * mean)
    assert table["gap_gini"].item() == pytest.approx(gini, rel=1e-5, abs=1e-6)


@settings(max_examples=30)
@given(starts_in_ms)
def test_bursts_are_those_of_plain_python(starts: list[int]) -> None:
    """At every scale the Fano factor is population variance over mean of all steps, empty ones included."""
    table = described(starts)
    for name, seconds in SCALES.items():
        steps = Counter((start - min(starts)) // (1000 * seconds) for start in starts)
        counts = [steps[number] for number in range(max(steps) + 1)]
        expected = pvariance(counts) / fmean(counts)
        assert table[name].item() == pytest.approx(expected, rel=1e-5, abs=1e-6), name


@settings(max_examples=15)
@given(starts_in_ms, st.integers(1, 3000))
def test_days_later_it_is_the_same(starts: list[int], days: int) -> None:
    """What day it was does not matter to any feature of a capture."""
    day = 86_400_000
    assert described(starts).equals(described([start + days * day for start in starts]))


def test_one_connection_has_no_gaps() -> None:
    """A single connection has no gaps: null, not zero."""
    names = ("median_gap", "gap_p10", "gap_p90", "longest_gap_share", "burstiness", "gap_gini", "gap_entropy")
    assert described([0]).select(names).row(0) == (None,) * 7


def test_gaps_do_not_span_captures() -> None:
    """The last start of one capture and the first of the next are no gap."""
    both = pl.concat(
        [
            conn(conn_row("C1", start), conn_row("C2", start + 1), capture_id=name)
            for name, start in (("a", 0), ("b", 500))
        ]
    )
    table = capture_features({"conn": both}).select("capture_id", "median_gap", "longest_gap_share").collect()
    assert table.rows() == [("a", 1.0, 1.0), ("b", 1.0, 1.0)]


def test_busy_and_regular_pairs() -> None:
    """A pair of ten connections with equal payload beats time; two others have one connection each."""
    beacon = [conn_row(f"B{n}", 60.0 * n) for n in range(10)]
    others = [conn_row(f"O{n}", 7.0, id__resp_h=f"198.51.100.{n}") for n in range(2)]
    names = ("clockwork_pairs", "least_sent_dispersion", "least_answer_dispersion")
    table = capture_features({"conn": conn(*beacon, *others)}).collect()
    assert table.select(names).row(0) == (1, 0.0, 0.0)
    assert table.select("busy_pair_share", "single_pair_share").row(0) == pytest.approx((10 / 12, 2 / 3))
