"""RITA's beacon scores of one pair of hosts, and what ptml measures beside them, over sorted arrays.

The definitions are those of RITA v5: https://github.com/activecm/rita. Times are whole seconds, as RITA takes
them. The functions run as they are and compiled by numba (see :mod:`ptml.features.compiled`), so they use
plain loops and only what numba knows. NaN stands for what cannot be told.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

Floats: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
Ints: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
Table: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.float64]]

BINS = 24
"""Bars of the histogram: an hour each where the capture is a day."""
SENSITIVITY, OUTLIERS, LEAST_BIMODAL = 0.05, 1, 11
LEAST_BARS, IDEAL_RUN = 6, 12
LEAST_CONNECTIONS, LEAST_VALUES = 4, 3
LEAST_SPREAD = 10
JITTER = 1.25
"""Gaps count as the same where the longest is at most so many times the shortest."""
STROBE_SECONDS = 60

SCORES = (
    "beacon_score",
    "ts_score",
    "ds_score",
    "hist_score",
    "dur_score",
    "periodicity",
    "fano",
    "gap_entropy",
    "orig_bytes_mode",
    "resp_bytes_mode",
    "strobe",
    "gap_median",
    "gap_mode",
    "gap_mode_count",
)
"""Columns of the table that :func:`score_pairs` fills."""


def rounded(value: float) -> float:
    """Round to three decimals, halves up, as RITA does at each step.

    >>> rounded(0.0825)
    0.083
    """
    return math.floor(value * 1000 + 0.5) / 1000


def rounded_up(value: float) -> float:
    """Round up to three decimals.

    >>> rounded_up(1 / 12)
    0.084
    """
    return math.ceil(value * 1000) / 1000


def median(ordered: Floats) -> float:
    """Median of sorted values.

    >>> median(np.array([1.0, 2.0, 4.0, 9.0]))
    3.0
    """
    half = ordered.size // 2
    if ordered.size % 2 == 1:
        return float(ordered[half])
    return float((ordered[half - 1] + ordered[half]) / 2)


def skewness(ordered: Floats) -> float:
    """Bowley's skewness of at least three sorted values; 0 where quartiles say too little.

    Quartiles are medians of the halves, without the middle of an odd number. Of 1 2 25 42 90 299 500 1500
    4975 they are 13.5, 90 and 1000, and the skewness 833.5 / 986.5.

    >>> round(skewness(np.array([1.0, 2, 25, 42, 90, 299, 500, 1500, 4975])), 3)
    0.845
    """
    half = ordered.size // 2
    low, middle, high = median(ordered[:half]), median(ordered), median(ordered[ordered.size - half :])
    if high - low < LEAST_SPREAD or middle in (low, high):
        return 0.0
    return (low + high - 2 * middle) / (high - low)


def deviation(ordered: Floats) -> float:
    """Median absolute deviation of sorted values.

    >>> deviation(np.array([11.0, 12, 12, 14, 15, 16]))
    1.5
    """
    return median(np.sort(np.abs(ordered - median(ordered))))


def regularity(ordered: Floats, otherwise: float) -> float:
    """Share of the median that the median absolute deviation leaves; `otherwise` if the median is below 1.

    >>> regularity(np.array([98.0, 100, 101]), 1.0)
    0.99
    """
    middle = median(ordered)
    if middle < 1:
        return otherwise
    return max((middle - deviation(ordered)) / middle, 0.0)


def statistical_score(ordered: Floats, otherwise: float) -> float:
    """Mean of symmetry (1 - skewness) and regularity of at least three sorted values.

    >>> statistical_score(np.array([1.0, 2, 25, 42, 90, 299, 500, 1500, 4975]), 1.0)
    0.083
    """
    return rounded((1.0 - abs(skewness(ordered)) + regularity(ordered, otherwise)) / 2)


def histogram(seconds: Ints, first: int, last: int, bins: int) -> Ints:
    """Count times in equal bins from first to last; what lies at the end counts in the last bin.

    >>> histogram(np.array([10, 20, 100, 110, 110, 220]), 0, 250, 5).tolist()
    [2, 0, 3, 0, 1]
    """
    counts = np.zeros(bins, dtype=np.int64)
    for time in seconds:
        place = int((time - first) * bins // (last - first))
        counts[min(max(place, 0), bins - 1)] += 1
    return counts


def spread_of(counts: Ints) -> int:
    """Variance of counts times the square of their number: an integer, so that no order of adding matters.

    >>> spread_of(np.array([4, 1, 4, 1]))
    36
    """
    total, squares = 0, 0
    for count in counts:
        total += int(count)
        squares += int(count * count)
    return int(counts.size * squares - total * total)


def dispersion(counts: Ints) -> float:
    """Variance of counts over their mean: Fano's factor. 0: all equal; 1: chance; above: bursts.

    >>> dispersion(np.array([4, 1, 4, 1]))
    0.9
    """
    return float(spread_of(counts) / (counts.sum() * counts.size))


def flatness(counts: Ints) -> float:
    """1 minus the coefficient of variation of counts, at least 0.

    >>> flatness(np.array([2, 0, 3, 0, 1]))
    0.028
    """
    variation = math.sqrt(spread_of(counts)) / counts.sum()
    return rounded(1.0 - variation) if variation <= 1 else 0.0


def longest_run(counts: Ints) -> int:
    """Longest run of bars, from the last one on to the first.

    >>> longest_run(np.array([2, 0, 3, 0, 1]))
    2
    """
    longest, run = 0, 0
    for place in range(2 * counts.size):
        run = run + 1 if counts[place % counts.size] > 0 else 0
        longest = max(longest, run)
    return min(longest, counts.size)


def group_bars(counts: Ints, sensitivity: float) -> Ints:
    """Sizes of the groups of bars of like height: bins as wide as a share of the tallest bar.

    >>> sizes = group_bars(np.array([100, 105, 100, 300, 305, 300]), 0.1)
    >>> sizes[sizes > 0].tolist()
    [3, 3]
    """
    width = math.ceil(counts.max() * sensitivity)
    groups = np.zeros(counts.max() // width + 1, dtype=np.int64)
    for count in counts:
        if count > 0:
            groups[count // width] += 1
    return groups


def bimodal_fit(groups: Ints, bars: int, outliers: int, least: int) -> float:
    """Share of the bars that the two largest groups hold, some outliers forgiven; 0 for too few bars.

    >>> bimodal_fit(np.array([50, 30, 1, 2, 1]), 84, 1, 10)
    0.964
    """
    if bars < least:
        return 0.0
    largest, second = 0, 0
    for group in groups:
        size = int(group)
        if size > largest:
            largest, second = size, largest
        elif size > second:
            second = size
    return min(rounded((largest + second) / max(bars - outliers, 1)), 1.0)


def duration_score(part: float, bars: int, run: int) -> float:
    """Larger of the part of the capture's time that is covered and of the longest run of bars over 12.

    >>> duration_score(0.25, 6, 6), duration_score(0.25, 5, 5)
    (0.5, 0.0)
    """
    if bars < LEAST_BARS:
        return 0.0
    return max(min(rounded_up(part), 1.0), min(rounded_up(run / IDEAL_RUN), 1.0))


def periodicity(ordered: Floats) -> float:
    """Share of sorted gaps that lie together: the longest at most a quarter longer than the shortest.

    A beacon that waits 60 seconds less up to a fifth at random has 1 and a clockwork that pauses a little
    less. People's gaps spread over orders of magnitude.

    >>> periodicity(np.array([1.0, 48, 50, 55, 60]))
    0.8
    """
    most, start = 0, 0
    for end in range(ordered.size):
        while ordered[end] > JITTER * ordered[start]:
            start += 1
        most = max(most, end - start + 1)
    return most / ordered.size


def octave_entropy(ordered: Floats) -> float:
    """Shannon entropy in bits of sorted gaps, those in the same octave taken as one: 1, 2-3, 4-7 seconds.

    >>> octave_entropy(np.array([1.0, 1.0, 4.0, 7.0]))
    1.0
    """
    result, start, number = 0.0, 0, ordered.size
    while start < number:
        end, limit = start, 1.0
        while limit <= ordered[start]:
            limit *= 2
        while end < number and ordered[end] < limit:
            end += 1
        share = (end - start) / number
        result -= share * math.log2(share)
        start = end
    return rounded(max(result, 0.0))


def longest_equal(ordered: Floats) -> tuple[float, int]:
    """Most common of sorted values, the smallest of several, and how often it occurs.

    >>> longest_equal(np.array([1.0, 3.0, 3.0, 4.0, 4.0]))
    (3.0, 2)
    """
    best, most, start = ordered[0], 0, 0
    for place in range(ordered.size):
        if ordered[place] != ordered[start]:
            start = place
        if place - start + 1 > most:
            best, most = ordered[place], place - start + 1
    return float(best), most


def score_pair(seconds: Ints, sizes: Floats, first: int, last: int, row: Floats) -> None:
    """Fill in the scores of a pair that RITA would look at: four connections and three gaps at least.

    Args:
        seconds: Sorted times of its connections.
        sizes: Sorted known sizes of what the originator sent.
        first: Start of the capture's first connection.
        last: Start of its last.
        row: One value for each of `SCORES`, NaN until it is known.

    >>> row = np.full(len(SCORES), np.nan)
    >>> score_pair(np.arange(24) * 3600, np.full(24, 60.0), 0, 86_400, row)
    >>> row[:8].tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    """
    if seconds.size < LEAST_CONNECTIONS:
        return
    gaps = np.diff(seconds).astype(np.float64)
    gaps = np.sort(gaps[gaps > 0])
    if gaps.size < LEAST_VALUES:
        return
    counts = histogram(seconds, first, last, BINS)
    bars = int((counts > 0).sum())
    fit = bimodal_fit(group_bars(counts, SENSITIVITY), bars, OUTLIERS, LEAST_BIMODAL)
    row[1] = statistical_score(gaps, 1.0)
    row[3] = max(flatness(counts), fit)
    row[4] = duration_score((seconds[-1] - seconds[0]) / (last - first), bars, longest_run(counts))
    if sizes.size >= LEAST_VALUES:
        row[2] = statistical_score(sizes, 0.0)
        row[0] = rounded((row[1] + row[2] + row[3] + row[4]) / 4)
    row[5] = periodicity(gaps)
    row[6] = dispersion(counts)
    row[7] = octave_entropy(gaps)
    row[11] = median(gaps)
    row[12], row[13] = longest_equal(gaps)


def score_pairs(bounds: Ints, seconds: Ints, sizes: Table, spans: tuple[Ints, Ints], table: Table) -> None:
    """Fill in the scores of all pairs.

    Args:
        bounds: Where each pair's connections start, and after the last where they end.
        seconds: Times of the connections, sorted within each pair.
        sizes: Three rows, NaN where unknown: size for the data size score, payload sent, payload received.
        spans: Start of the first and of the last connection of each pair's capture.
        table: A row a pair, a column for each of `SCORES`, NaN throughout.

    >>> table = np.full((1, len(SCORES)), np.nan)
    >>> sizes = np.array([[1.0, 1.0, 3.0]] * 3)
    >>> score_pairs(np.array([0, 3]), np.arange(3), sizes, (np.array([0]), np.array([9])), table)
    >>> dict(zip(SCORES, table[0].round(2).tolist()))["orig_bytes_mode"]
    0.67
    """
    for pair in range(bounds.size - 1):
        start, end = bounds[pair], bounds[pair + 1]
        first, last = spans[0][pair], spans[1][pair]
        row = table[pair]
        row[10] = 1.0 if end - start >= max(last - first, STROBE_SECONDS) else 0.0
        if end - start == 1:
            continue
        for way in range(1, 3):
            known = sizes[way, start:end]
            known = np.sort(known[~np.isnan(known)])
            if known.size > 1:
                row[8 + way - 1] = longest_equal(known)[1] / known.size
        known = sizes[0, start:end]
        score_pair(seconds[start:end], np.sort(known[~np.isnan(known)]), first, last, row)


HELPERS: tuple[Callable[..., object], ...] = (
    rounded,
    rounded_up,
    median,
    skewness,
    deviation,
    regularity,
    statistical_score,
    histogram,
    spread_of,
    dispersion,
    flatness,
    longest_run,
    group_bars,
    bimodal_fit,
    duration_score,
    periodicity,
    octave_entropy,
    longest_equal,
    score_pair,
)
"""What :func:`score_pairs` calls, each after those that it calls itself."""
