"""The scores equal those that RITA's own tests expect, to within the thousandth that they allow.

The numbers are facts from RITA v5's analysis/beacons_test.go; code and text are not taken over.
"""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median as median_of
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.features import rita
from ptml.features.compiled import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 1517338924
NEAR = 0.001


def array(values: Sequence[float]) -> rita.Floats:
    """Sort values as the functions want them."""
    return np.sort(np.array(values, dtype=np.float64))


def gaps_of(times: Sequence[int]) -> rita.Floats:
    """Give the sorted positive gaps of times."""
    return array([after - before for before, after in pairwise(times) if after > before])


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (range(1, 11), 1.0),
        (range(DAY, DAY + 600, 60), 1.0),
        ([DAY + t for t in (0, 98, 197, 296, 396, 496, 596, 697, 798, 900)], 0.995),
        ([DAY + t for t in (0, 98, 398, 496, 796, 894, 1194, 1292, 1592, 1690, 1990)], 0.746),
        ([DAY + t for t in (0, 1, 300, 325, 5300, 5390, 5392, 5434, 5934, 7434)], 0.083),
    ],
)
def test_timestamp_scores_are_ritas(times: Sequence[int], expected: float) -> None:
    """Clockworks have 1, jitter takes little, two alternating gaps and random ones much."""
    assert rita.statistical_score(gaps_of(list(times)), 1.0) == pytest.approx(expected, abs=NEAR)


@pytest.mark.parametrize(
    ("sizes", "otherwise", "expected"),
    [
        (range(1, 11), 0, 0.773),
        ([60] * 9, 0, 1.0),
        ([98, 99, 99, 100, 100, 100, 101, 101, 102], 0, 0.995),
        ([524885, 1, 5000, 98654, 50, 41, 965842, 3], 0, 0.008),
        ([0] * 10, 0, 0.5),
        ([0] * 10, 1, 1.0),
        ([-n for n in range(1, 11)], 0, 0.5),
        ([7, 8, 7, 8, 7, 8, 7, 8, 7], 1, 1.0),
        ([1, 1, 2, 2, 2, 2], 1, 1.0),
        ([1, 299, 25, 4975, 90, 2, 42, 500, 1500], 1, 0.083),
    ],
)
def test_data_size_scores_are_ritas(sizes: Sequence[float], otherwise: float, expected: float) -> None:
    """Equal sizes have 1, sizes of all orders nearly 0, and where all are 0 only symmetry counts."""
    assert rita.statistical_score(array(list(sizes)), otherwise) == pytest.approx(expected, abs=NEAR)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(1, 11), 0.0),
        ([60] * 9, 0.0),
        ([98, 99, 99, 100, 100, 100, 101, 101, 102], 0.0),
        ([1, 299, 25, 4975, 90, 2, 42, 500, 1500], 0.845),
        ([524885, 1, 5000, 98654, 50, 41, 965842, 3], 0.984),
        ([7, 8, 7, 8, 7, 8, 7, 8, 7], 0.0),
        ([1, 1, 2, 2, 2, 2], 0.0),
        ([7.7, 6.6, 4.4, 1.1, 5.5, 3.3, 2.2], 0.0),
    ],
)
def test_skewness_is_ritas(values: Sequence[float], expected: float) -> None:
    """Bowley's skewness by medians of halves, and 0 where quartiles lie close or two of them are equal."""
    assert rita.skewness(array(list(values))) == pytest.approx(expected, abs=NEAR)


@pytest.mark.parametrize(
    ("values", "mad", "score"),
    [
        ([1, 2, 2, 3, 3, 3, 4, 5, 5], 1.0, 0.6667),
        ([11, 12, 12, 14, 15, 16], 1.5, 0.8846),
        (range(1000, 6000, 500), 1250.0, 0.6154),
    ],
)
def test_deviations_are_ritas(values: Sequence[float], mad: float, score: float) -> None:
    """The median absolute deviation, and the share of the median that it leaves."""
    assert rita.deviation(array(list(values))) == pytest.approx(mad, abs=NEAR)
    assert rita.regularity(array(list(values)), 1.0) == pytest.approx(score, abs=NEAR)


HISTOGRAMS = [
    ((1, 11, 10), [n for n in range(1, 11) for _ in range(n)], list(range(1, 11)), 10, 10, 0.478),
    ((DAY, DAY + 86400, 24), [DAY + 3600 * n for n in range(24)], [1] * 24, 24, 24, 1.0),
    ((98, 102, 8), [98, 99, 99, 100, 100, 100, 101, 101, 102], [1, 0, 2, 0, 3, 0, 2, 1], 5, 3, 0.064),
    (
        (0, 1_000_000, 10),
        [524885, 1, 5000, 98654, 50, 41, 965842, 3, 12001, 200400, 104001, 199999],
        [7, 2, 1, 0, 0, 1, 0, 0, 0, 1],
        5,
        4,
        0.0,
    ),
    (
        (0, 100, 10),
        [n + 20 * k for k in range(5) for n in (1, 2, 3, 4, 15)],
        [4, 1] * 5,
        10,
        10,
        1.0,
    ),
    ((0, 250, 5), [10, 20, 100, 110, 110, 220], [2, 0, 3, 0, 1], 3, 2, 0.028),
    ((DAY, DAY + 86400, 24), [DAY + 60 * n for n in range(10)], [10] + [0] * 23, 1, 1, 0.0),
]


@pytest.mark.parametrize("case", HISTOGRAMS)
def test_histogram_scores_are_ritas(
    case: tuple[tuple[int, int, int], list[int], list[int], int, int, float],
) -> None:
    """Bars, the longest run around the end, and the better of flatness and of two heights (from six bars)."""
    span, times, counts, bars, run, score = case
    found = rita.histogram(np.array(times), *span)
    assert found.tolist() == counts
    assert (found > 0).sum() == bars
    assert rita.longest_run(found) == run
    fit = rita.bimodal_fit(rita.group_bars(found, 0.05), bars, 1, 11 if span[2] == 24 else 6)
    assert max(rita.flatness(found), fit) == pytest.approx(score, abs=NEAR)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([1] * 10, 1.0),
        ([950, 970, 990, 1010, 1030, 1050, 1070], 0.96),
        (range(1000, 1010), 0.9971406),
        ([1, 5, 10, 50, 100, 500, 1000, 5000, 10000], 0.0),
    ],
)
def test_flatness_is_ritas(counts: Sequence[int], expected: float) -> None:
    """1 less the coefficient of variation, and 0 where that is above 1."""
    assert rita.flatness(np.array(counts)) == pytest.approx(expected, abs=NEAR)


@pytest.mark.parametrize(
    ("counts", "sensitivity", "groups"),
    [
        ([2] * 10 + [4] * 10, 0.05, {2: 10, 4: 10}),
        ([2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 0], 0.05, {2: 5, 4: 4}),
        ([900, 901, 899, 900, 899, 902, 900, 901], 0.05, {874: 8}),
        ([100, 105, 100, 300, 305, 300], 0.1, {93: 3, 279: 3}),
        ([100, 105, 100, 300, 305, 300, 500, 505, 500, 700, 705, 700], 0.1, {71: 3, 284: 3, 497: 3, 639: 3}),
        ([9, 10, 11, 10, 11, 9, 10, 11, 10, 9], 0.2, {9: 10}),
        ([9, 10, 11, 10, 11, 9, 10, 11, 10, 9, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2], 0.3, {0: 10, 8: 10}),
        ([100, 100, 101, 200, 202, 302], 0.001, {100: 2, 101: 1, 200: 1, 202: 1, 302: 1}),
    ],
)
def test_groups_of_bars_are_ritas(counts: list[int], sensitivity: float, groups: dict[int, int]) -> None:
    """Bars are grouped by height in steps of a share of the tallest."""
    width = math.ceil(max(counts) * sensitivity)
    found = rita.group_bars(np.array(counts), sensitivity)
    assert {place * width: size for place, size in enumerate(found.tolist()) if size} == groups


@pytest.mark.parametrize(
    ("groups", "bars", "least", "expected"),
    [
        ([10], 10, 10, 1.0),
        ([50, 5], 60, 10, 0.932),
        ([10, 1], 11, 10, 1.0),
        ([50, 1, 1], 56, 10, 0.927),
        ([10, 10], 20, 10, 1.0),
        ([50, 30, 1, 2], 83, 10, 0.976),
        ([10, 10, 1], 21, 10, 1.0),
        ([50, 30, 1, 2, 1], 84, 10, 0.964),
        ([2, 3], 5, 11, 0.0),
    ],
)
def test_bimodal_fits_are_ritas(groups: list[int], bars: int, least: int, expected: float) -> None:
    """The two largest groups over all bars but one."""
    assert rita.bimodal_fit(np.array(groups), bars, 1, least) == pytest.approx(expected, abs=NEAR)


@pytest.mark.parametrize(
    ("hours", "bars", "run", "expected"),
    [
        (24, 24, 24, 1),
        (24, 6, 0, 1),
        (12, 6, 0, 0.5),
        (18, 6, 0, 0.75),
        (12, 12, 12, 1),
        (6, 6, 6, 0.5),
        (12, 12, 6, 0.5),
        (12, 3, 1, 0),
    ],
)
def test_duration_scores_are_ritas(hours: int, bars: int, run: int, expected: float) -> None:
    """The larger of coverage of the day and longest run over 12, and 0 for fewer than six bars."""
    assert rita.duration_score(hours / 24, bars, run) == pytest.approx(expected, abs=NEAR)


def bowley(values: list[float]) -> float:
    """Compute the skewness from the definition."""
    half = len(values) // 2
    low, middle, high = median_of(values[:half]), median_of(values), median_of(values[len(values) - half :])
    close = high - low < 10 or middle in (low, high)
    return 0.0 if close else (low + high - 2 * middle) / (high - low)


def naive(values: list[float], otherwise: float) -> float:
    """Compute a statistical score from the definition."""
    values = sorted(values)
    middle = median_of(values)
    mad = median_of(abs(value - middle) for value in values)
    kept = max((middle - mad) / middle, 0) if middle >= 1 else otherwise
    return (1 - abs(bowley(values)) + kept) / 2


def expected_scores(times: list[int], sizes: list[float], span: tuple[int, int]) -> dict[str, float | None]:
    """Compute RITA's scores, each from its definition, with nothing shared with the package."""
    gaps = [float(b - a) for a, b in pairwise(times) if b > a]
    none = dict.fromkeys(("beacon_score", "ts_score", "ds_score", "hist_score", "dur_score"))
    if len(times) < 4 or len(gaps) < 3:
        return none
    first, last = span
    bars = [0] * 24
    for time in times:
        inside = [n for n in range(24) if first * 24 + n * (last - first) <= time * 24]
        bars[inside[-1]] += 1
    mean = len(times) / 24
    cv = math.sqrt(sum((bar - mean) ** 2 for bar in bars) / 24) / mean
    flat = max(1 - cv, 0)
    filled = [bar for bar in bars if bar]
    width = math.ceil(0.05 * max(bars))
    heights = [bar // width for bar in filled]
    sizes_of_groups = sorted((heights.count(height) for height in set(heights)), reverse=True)
    fit = min(sum(sizes_of_groups[:2]) / (len(filled) - 1), 1) if len(filled) >= 11 else 0
    runs = "".join("x" if bar else " " for bar in bars * 2).split()
    run = min(max(map(len, runs)), 24)
    coverage = math.ceil((times[-1] - times[0]) / (last - first) * 1000) / 1000
    duration = max(min(coverage, 1), min(math.ceil(run / 12 * 1000) / 1000, 1)) if len(filled) >= 6 else 0
    ts, hist = naive(gaps, 1), max(flat, fit)
    ds = naive(sizes, 0) if len(sizes) >= 3 else None
    beacon = None if ds is None else (ts + ds + hist + duration) / 4
    return {"beacon_score": beacon, "ts_score": ts, "ds_score": ds, "hist_score": hist, "dur_score": duration}


TIMES = st.lists(st.integers(0, 40) | st.integers(0, 90_000), min_size=1, max_size=40).map(sorted)


@given(
    st.lists(TIMES, min_size=1, max_size=4),
    st.lists(st.floats(0, 2e4, allow_nan=False).map(round) | st.just(math.nan), min_size=160, max_size=160),
    st.integers(0, 10),
)
def test_scores_are_what_the_definitions_say(pairs: list[list[int]], sizes: list[float], later: int) -> None:
    """For random pairs every score is that of a naive computation, within the roundings that RITA makes."""
    span = (min(times[0] for times in pairs), max(times[-1] for times in pairs) + later)
    bounds = np.cumsum([0, *map(len, pairs)])
    drawn = np.array([sizes[: bounds[-1]]] * 3, dtype=np.float64)
    table = np.full((len(pairs), len(rita.SCORES)), np.nan)
    spans = (np.full(len(pairs), span[0]), np.full(len(pairs), span[1]))
    rita.score_pairs(bounds, np.concatenate(pairs), drawn, spans, table)
    for number, times in enumerate(pairs):
        mine = [size for size in sizes[bounds[number] : bounds[number + 1]] if not math.isnan(size)]
        for name, expected in expected_scores(times, mine, span).items():
            found = table[number, rita.SCORES.index(name)]
            if expected is None:
                assert math.isnan(found), name
            else:
                assert found == pytest.approx(expected, abs=0.0011 if name == "beacon_score" else 0.00051)


def test_compiled_and_plain_agree_to_the_last_bit() -> None:
    """What numba makes of the functions gives the same floats, so that the way of running never shows."""
    draw = np.random.default_rng(7)
    bounds = np.cumsum([0, *draw.integers(1, 40, 60)])
    number = int(bounds[-1])
    seconds = draw.integers(0, 5_000, number)
    for start, end in pairwise(bounds):
        seconds[start:end].sort()
    sizes = draw.integers(0, 300, (3, number)).astype(np.float64)
    sizes[draw.random(sizes.shape) < 0.1] = np.nan
    spans = (np.zeros(60, dtype=np.int64), np.full(60, 5_000))
    plain, fast = (np.full((60, len(rita.SCORES)), np.nan) for _ in range(2))
    rita.score_pairs(bounds, seconds, sizes, spans, plain)
    compiled(rita.score_pairs, *rita.HELPERS)(bounds, seconds, sizes, spans, fast)
    assert np.isnan(plain).mean() < 0.5
    np.testing.assert_array_equal(plain, fast)
