"""Small pieces that several features share: ratios, shares, and measures of a string."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

BYTE_CAP = 1 << 40
"""Counts above 1 TiB are taken as 1 TiB in totals: after a sequence-number gap Zeek can report any count."""

BYTE, SHORT = 2**8 - 1, 2**16 - 1
"""The greatest counts that UInt8 and UInt16 hold."""

PRIVATE = (
    r"^(::ffff:)?(10\.|127\.|192\.168\.|169\.254\.|172\.(1[6-9]|2[0-9]|3[01])\."
    r"|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.)"
    r"|^f[cd][0-9a-f]{2}:|^fe[89ab][0-9a-f]:|^::1$"
)
"""RFC 1918, RFC 6598, loopback, link-local and unique local addresses, as they are written in lower case."""

MULTICAST = r"^(::ffff:)?(22[4-9]|23[0-9])\.|^ff[0-9a-f]{2}:"
BROADCAST = r"^(::ffff:)?255\.255\.255\.255$"
ADDRESS = r"^\[?([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)\]?(:[0-9]+)?$"
"""An IPv4 or IPv6 address, perhaps in brackets, perhaps with a port: what stands where a name should."""

_ROWS = 4096  # strings measured at once: their table of counts stays in the processor's cache
_SCALE = 2.0**32
_LONGEST = 4096  # characters measured: a hostile string may be any length


def number(column: str) -> pl.Expr:
    """Return a count as Float64, so that adding two of them cannot overflow.

    >>> pl.DataFrame({"orig_bytes": [2**64 - 1]}).select(number("orig_bytes") * 2).item() == 2.0**65
    True
    """
    return pl.col(column).cast(pl.Float64)


def ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Divide, with null instead of infinity where the divisor is not positive.

    >>> frame = pl.DataFrame({"a": [1, 1, None], "b": [4, 0, 2]})
    >>> frame.select(ratio(pl.col("a"), pl.col("b"))).to_series().to_list()
    [0.25, None, None]
    """
    return pl.when(whole > 0).then(part / whole)


def not_negative(span: pl.Expr) -> pl.Expr:
    """Null where a span of time is negative: the clock jumped back, and how long it was is not known.

    >>> pl.DataFrame({"duration": [2.0, -1.0]}).select(not_negative(pl.col("duration"))).to_series().to_list()
    [2.0, None]
    """
    return pl.when(span >= 0).then(span)


def share(condition: pl.Expr) -> pl.Expr:
    """Share of the rows, among those where the condition is known, for which it holds.

    >>> pl.DataFrame({"a": [True, False, None, True, True]}).select(share(pl.col("a"))).item()
    0.75
    """
    return ratio(condition.sum().cast(pl.Float64), condition.count())


def total(column: str) -> pl.Expr:
    """Exact sum of a count, each taken as at most 1 TiB; null when no row knows it.

    >>> pl.DataFrame({"a": [1, 2, None], "b": [None, None, None]}, schema={"a": pl.UInt64, "b": pl.UInt64}
    ... ).select(total("a"), total("b")).row(0)
    (3, None)
    """
    value = pl.col(column)
    return pl.when(value.count() > 0).then(value.clip(upper_bound=BYTE_CAP).sum())


def at_most(count: pl.Expr, most: int) -> pl.Expr:
    """Take a count above the greatest that its type holds as that one: it saturates, it does not turn null.

    >>> pl.DataFrame({"n": [7, 300, None]}).select(at_most(pl.col("n"), BYTE)).to_series().to_list()
    [7, 255, None]
    """
    return count.clip(upper_bound=most)


def distinct(values: pl.Expr) -> pl.Expr:
    """Count the different values that are known.

    >>> pl.DataFrame({"name": ["a", "b", "a", None]}).select(distinct(pl.col("name"))).item()
    2
    """
    return values.drop_nulls().n_unique()


def evenness(counts: pl.Expr) -> pl.Expr:
    """Shannon entropy in bits of counts, over the greatest possible: 1 when all are equal; null for one.

    The counts are sorted first: a float sum depends on its order, and groups come in any.

    >>> pl.DataFrame({"n": [5, 5]}).select(evenness(pl.col("n"))).item()
    1.0
    """
    ordered = counts.sort()
    return ratio(ordered.entropy(base=2.0, normalize=True), ordered.len().cast(pl.Float64).log(2.0))


def gini(amounts: pl.Expr) -> pl.Expr:
    """Gini coefficient: 0 when all amounts are equal, near 1 when one has all; null if they sum to nothing.

    With n amounts in ascending order it is (2 * sum of rank * amount) / (n * sum) - (n + 1) / n. The amounts
    are sorted first: a float sum depends on its order, and groups come in any.

    >>> pl.DataFrame({"n": [1, 3, None]}).select(gini(pl.col("n"))).item()
    0.25
    """
    ordered = amounts.drop_nulls().sort().cast(pl.Float64)
    n, sums = ordered.len().cast(pl.Float64), ordered.sum()
    weighted = (ordered * ordered.cum_count()).sum()
    return ratio(2 * weighted, n * sums).sub((n + 1) / n).clip(lower_bound=0)


def top_share(amounts: pl.Expr) -> pl.Expr:
    """Share of the sum that the greatest amount has; null where the sum is not positive.

    >>> pl.DataFrame({"n": [3, 1]}).select(top_share(pl.col("n"))).item()
    0.75
    """
    return ratio(amounts.max().cast(pl.Float64), amounts.sum())


def entropy(text: pl.Expr) -> pl.Expr:
    """Shannon entropy of the bytes of a string (of its first 4096 characters), in bits a byte.

    >>> frame = pl.DataFrame({"query": ["aabb", "aaaa", "", None]})
    >>> frame.select(entropy(pl.col("query"))).to_series().to_list()
    [1.0, 0.0, None, None]
    """
    return text.str.head(_LONGEST).map_batches(byte_entropy, return_dtype=pl.Float32, is_elementwise=True)


def digits(text: pl.Expr) -> pl.Expr:
    """Count of the decimal digits of a string.

    >>> pl.DataFrame({"query": ["a1b22", "", None]}).select(digits(pl.col("query"))).to_series().to_list()
    [3, 0, None]
    """
    letters = text.str.replace_many([str(digit) for digit in range(10)], [""])
    return text.str.len_bytes() - letters.str.len_bytes()


def byte_entropy(strings: pl.Series) -> pl.Series:
    """Entropy of each string of a series; null for null and for the empty string.

    With n bytes of which value v occurs k(v) times, the entropy is log2(n) - sum(k log2 k) / n. The terms are
    summed as integers (in units of 2**-32 bit), so the result does not depend on how a column is cut up.

    >>> byte_entropy(pl.Series(["abcd"])).to_list()
    [2.0]
    """
    filled = strings.replace("", None)
    values = filled.drop_nulls()
    result = pl.Series(strings.name, [None], dtype=pl.Float32).new_from_index(0, len(strings))
    if values.is_empty():
        return result
    pieces = [_entropy_of_rows(values[start : start + _ROWS]) for start in range(0, len(values), _ROWS)]
    return result.scatter(filled.is_not_null().arg_true(), np.concatenate(pieces))


def _entropy_of_rows(values: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    sizes = values.str.len_bytes().to_numpy()
    content = np.frombuffer("".join(values.to_list()).encode(), dtype=np.uint8)
    alphabet = np.flatnonzero(np.bincount(content, minlength=256))
    code = np.zeros(256, dtype=np.int64)
    code[alphabet] = np.arange(alphabet.size)
    cells = np.repeat(np.arange(sizes.size) * alphabet.size, sizes) + code[content]
    counts = np.bincount(cells, minlength=sizes.size * alphabet.size).reshape(sizes.size, alphabet.size)
    sums = _k_log_k(int(counts.max()).bit_length())[counts].sum(axis=1)
    bits: np.ndarray[tuple[int], np.dtype[np.float64]] = np.log2(sizes) - sums / _SCALE / sizes
    return np.maximum(bits, 0.0).astype(np.float32)


@cache
def _k_log_k(bits: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Table of k log2 k in units of 2**-32 for k of so many bits."""
    k = np.arange(1 << bits, dtype=np.float64)
    return np.rint(k * np.log2(np.maximum(k, 1.0)) * _SCALE).astype(np.int64)
