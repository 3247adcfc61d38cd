"""Connections sorted by a key and by end, and what lies within reach of each: exact, in microseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.features.compiled import runner
from ptml.features.moment import kernels
from ptml.features.moment.columns import US_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptml.features.moment.kernels import Array


@dataclass(frozen=True, slots=True)
class Codes:
    """Values numbered from 0 on: the number of each row, -1 where the value is unknown, and how many."""

    values: Array
    count: int


class Connections:
    """Connections as arrays.

    Args:
        table: Columns as :func:`ptml.features.moment.columns.prepared` makes them; with ``end``.
        tied_by: Columns that order what ended at the same instant, for sums that depend on the order.

    >>> table = pl.DataFrame({"source": [9, 9, 4], "end": [30, 10, 20]})
    >>> view = Connections(table).by("source")
    >>> view.rows.tolist(), view.end.tolist()
    ([2, 1, 0], [20, 10, 30])
    """

    def __init__(self, table: pl.DataFrame, *tied_by: str) -> None:
        self.table = table
        self.height = table.height
        self._end = table["end"].fill_null(0).to_numpy()
        self._known = table["end"].is_not_null().to_numpy()
        ties = [table[name].fill_null(-1).to_numpy() for name in tied_by if name in table]
        order = np.lexsort((*ties, self._end)) if ties else np.argsort(self._end, kind="stable")
        self._order = order.astype(np.int32)
        self._codes: dict[tuple[str, ...], Codes] = {}

    def codes(self, *names: str) -> Codes:
        """Number the distinct values of a column, or of several together; unknown if one of them is."""
        if names not in self._codes:
            self._codes[names] = self._numbered(names[0]) if len(names) == 1 else self._together(names)
        return self._codes[names]

    def by(self, *names: str) -> View:
        """Sort by key and end; connections without end or key are left out."""
        codes = self.codes(*names)
        there = (codes.values >= 0) & self._known
        rows = self._placed(self._order[there[self._order]], codes)
        return View(self, rows, codes.values[rows], self._end[rows])

    def values(self, name: str) -> Array:
        """Give a column of integers as numbers, NaN where it is unknown."""
        return self.table[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

    def _numbered(self, name: str) -> Codes:
        column = self.table[name]
        there = column.is_not_null().to_numpy()
        kinds, inverse = np.unique(column.drop_nulls().to_numpy(), return_inverse=True)
        values = np.full(self.height, -1, np.int32)
        values[there] = inverse
        return Codes(values, kinds.size)

    def _together(self, names: tuple[str, ...]) -> Codes:
        major, minor = self.codes(*names[:-1]), self.codes(names[-1])
        there = np.flatnonzero((major.values >= 0) & (minor.values >= 0)).astype(np.int32)
        order = self._placed(self._placed(there, minor), major)
        first, second = major.values[order], minor.values[order]
        new = np.ones(order.size, np.bool_)
        new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
        values = np.full(self.height, -1, np.int32)
        values[order] = np.cumsum(new, dtype=np.int32) - np.int32(1)
        return Codes(values, int(new.sum()))

    def _placed(self, order: Array, codes: Codes) -> Array:
        counts = np.bincount(codes.values[order], minlength=codes.count)
        placed = np.empty_like(order)
        runner(self.height, kernels.place)(order, codes.values, np.cumsum(counts) - counts, placed)
        return placed


class View:
    """Connections in the order of a key and their end.

    Args:
        connections: All of them.
        rows: Row of each position.
        group: Number of each position's key.
        end: End of each position.
    """

    def __init__(self, connections: Connections, rows: Array, group: Array, end: Array) -> None:
        self.connections = connections
        self.rows = rows
        self.group = group
        self.end = end
        self._sums: dict[str, Array] = {}

    def over(self, seconds: float) -> Window:
        """Reach back so many seconds before the end, both ends of the reach included but not the end itself.

        >>> view = Connections(pl.DataFrame({"k": [1, 1, 1], "end": [0, 2_000_000, 2_000_001]})).by("k")
        >>> view.over(2).count().tolist()
        [0, 1, 1]
        """
        low, high = np.empty((2, self.rows.size), np.int32)
        width = round(seconds * US_PER_S)
        runner(self.connections.height, kernels.bounds_by_time)(self.group, self.end, width, low, high)
        return Window(self, low, high)

    def last(self, most: int) -> Window:
        """Reach back over so many connections, and over those that ended when the first of them did.

        >>> view = Connections(pl.DataFrame({"k": [1, 1, 1, 1], "end": [0, 0, 1, 2]})).by("k")
        >>> view.last(1).count().tolist(), view.last(2).count().tolist()
        ([0, 0, 2, 1], [0, 0, 2, 3])
        """
        low, high = np.empty((2, self.rows.size), np.int32)
        runner(self.connections.height, kernels.bounds_by_count)(self.group, self.end, most, low, high)
        return Window(self, low, high)

    def first(self) -> Array:
        """Position of the first connection of each position's key."""
        new = np.ones(self.rows.size, np.bool_)
        new[1:] = self.group[1:] != self.group[:-1]
        return np.maximum.accumulate(np.where(new, np.arange(self.rows.size, dtype=np.int32), np.int32(0)))

    def sums(self, name: str, make: Callable[[], Array]) -> Array:
        """Sum of what comes before each position, and of all: of one value for each row, kept under a name.

        Flags are counted in 32 bits. Sums of bytes may pass 2**63 and wrap round: the difference of two is
        right nevertheless, unless what lies between them passes it too (eight million connections of 1 TiB).
        """
        if name not in self._sums:
            values = make()[self.rows]
            sums = np.zeros(self.rows.size + 1, np.int32 if values.dtype == np.bool_ else np.int64)
            np.cumsum(values, dtype=sums.dtype, out=sums[1:])
            self._sums[name] = sums
        return self._sums[name]

    def column(self, values: Array, dtype: type[pl.DataType]) -> pl.Series:
        """Bring values back to the order of the rows; null for those not in this view, and for NaN."""
        kind = pl.Series([], dtype=dtype).to_numpy().dtype
        whole: Array = np.zeros(self.connections.height, kind)
        whole[self.rows] = values
        series = pl.Series(whole, dtype=dtype, nan_to_null=True)
        if self.rows.size == self.connections.height:
            return series
        there = np.zeros(self.connections.height, np.bool_)
        there[self.rows] = True
        return pl.select(pl.when(pl.Series(there)).then(series)).to_series()


@dataclass(frozen=True, slots=True)
class Window:
    """What lies within reach of each position of a view: positions `low` to `high` - 1."""

    view: View
    low: Array
    high: Array

    def count(self) -> Array:
        """Count the connections within reach."""
        counts: Array = self.high - self.low
        return counts

    def number(self, name: str, make: Callable[[], Array]) -> Array:
        """Count, or sum, what is given for each row (see :meth:`View.sums`) over those within reach."""
        sums = self.view.sums(name, make)
        within: Array = sums[self.high] - sums[self.low]
        return within

    def known(self, name: str) -> Array | None:
        """Count the connections within reach that know a column; None if there is no such column."""
        table = self.view.connections.table
        if name not in table:
            return None
        return self.number(f"{name} known", lambda: table[name].is_not_null().to_numpy())

    def equal(self, name: str, *values: int) -> Array | None:
        """Count those whose column holds one of some values; None if there is no such column."""
        table = self.view.connections.table
        if name not in table:
            return None
        held = pl.Series(values, dtype=table[name].dtype)
        return self.number(
            f"{name} in {values}", lambda: table[name].is_in(held.implode()).fill_null(value=False).to_numpy()
        )

    def total(self, name: str) -> Array | None:
        """Sum a column over those that know it: 0 if there are none to know it, NaN if none of them does.

        None if there is no such column.
        """
        known = self.known(name)
        if known is None:
            return None
        column = self.view.connections.table[name]
        sums = self.number(name, lambda: column.fill_null(0).to_numpy()).astype(np.float32)
        sums[(known == 0) & (self.high > self.low)] = np.nan
        return sums

    def distinct(self, *names: str) -> Array:
        """Count the distinct values of some columns together; unknown ones are not counted."""
        return self._by_code(kernels.distinct, *names)

    def same(self, *names: str) -> Array:
        """Count those that have the same values in some columns; 0 where a value is unknown."""
        return self._by_code(kernels.same, *names)

    def since(self) -> Array:
        """Seconds since the last end before this one, however long ago; NaN if there is none."""
        ends = self.view.end
        seconds: Array = (ends - ends[self.high - 1]) / US_PER_S
        seconds[self.high == self.view.first()] = np.nan
        return seconds

    def span(self) -> Array:
        """Seconds since the first end within reach; NaN if there is none."""
        seconds: Array = (self.view.end - self.view.end[self.low]) / US_PER_S
        seconds[self.high == self.low] = np.nan
        return seconds

    def _by_code(self, kernel: Callable[..., None], *names: str) -> Array:
        connections = self.view.connections
        codes = connections.codes(*names)
        found = np.empty(self.high.size, np.int32)
        held = np.zeros(codes.count, np.int32)
        runner(connections.height, kernel)(codes.values[self.view.rows], self.low, self.high, held, found)
        return found
