"""Splits by time: what came strictly before a window is learned from, what begins within it is held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.errors import BadData
from ptml.train.splits import Split

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

FEWEST_GROUPS = 3
"""Of each class, before the first window: as many as calibrating within them takes."""

NO_TIMES = BadData(
    "splitting by time needs to know when rows were; none has a time",
    hint="captures get their times from their logs, or from `started_at` in the catalog",
)


def temporal_splits(
    y: NDArray[np.int8], groups: NDArray[np.int64], keys: pl.DataFrame, windows: int
) -> tuple[tuple[Split, ...], tuple[str, ...]]:
    """Hold out window after window, and learn from all that ended before it.

    Windows hold about the same number of groups, and rows of both classes: one that lacks a class is joined
    with the next. The first share of the groups is learned from only. A group belongs to the window that it
    begins in; one that began before a window and goes on into it is neither learned from nor held out there.
    A window before which no capture of a class has ended is left out.
    Where periods were named, train and validation are learned from, and test is held out.

    Args:
        y: 1 for malicious, 0 for benign.
        groups: Group of each row.
        keys: `ts` of each row, null where unknown; and `period`, if periods were named.
        windows: How many windows at most.

    Returns:
        The splits in order of time, and what to know of them.

    Raises:
        BadData: No row has a time, or no cut leaves both classes on both sides.
    """
    ts = keys["ts"].dt.timestamp("us") if keys["ts"].dtype.is_temporal() else keys["ts"]
    timed = ts.is_not_null().to_numpy()
    if not timed.any():
        raise NO_TIMES
    time = ts.fill_null(0).to_numpy()
    count = int(groups.max()) + 1
    start, end = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(start, groups[timed], time[timed])
    np.maximum.at(end, groups[timed], time[timed])
    notes = () if timed.all() else (f"{int((~timed).sum())} rows without a time were left out",)
    if "period" in keys.columns and keys["period"].is_not_null().any():
        return (_named(groups, keys["period"]),), notes
    has = np.zeros((count, 2), np.bool_)
    has[groups[timed], y[timed]] = True
    usable = np.unique(groups[timed])
    order = usable[np.lexsort((usable, start[usable]))]
    splits = []
    for window in _cut(has[order], windows):
        held = order[window]
        begins = start[held].min()
        learn, test = (end < begins)[groups] & timed, np.isin(groups, held) & timed
        if y[learn].any() and not y[learn].all():
            splits.append(Split.of(_name(begins, start[held].max()), learn, test))
    if not splits:
        raise BadData(
            "no cut in time leaves malicious and benign captures on both sides of it",
            hint="add captures of both classes from more than one time",
        )
    return tuple(splits), notes


def _named(groups: NDArray[np.int64], period: pl.Series) -> Split:
    test = (period == "test").fill_null(value=False).to_numpy()
    learn = period.is_in(["train", "validation"]).fill_null(value=False).to_numpy()
    if not test.any() or not learn.any():
        raise BadData(
            "named periods need captures to learn from and captures to test on; one of them has none",
            hint="change the bounds of the periods",
        )
    return Split.of("test", learn & ~np.isin(groups, groups[test]), test)


def _cut(has: NDArray[np.bool_], windows: int) -> list[slice]:
    """Cut groups in order of time into windows with both classes, after a first share to learn from.

    >>> _cut(np.ones((8, 2), bool), 2)
    [slice(3, 6, None), slice(6, 8, None)]
    """
    enough = (np.cumsum(has, axis=0) >= FEWEST_GROUPS).all(axis=1)
    if not enough.any():
        return []
    first = max(int(enough.argmax()) + 1, -(-len(has) // (windows + 1)))
    edges = np.linspace(first, len(has), windows + 1).round().astype(int).tolist()
    kept: list[slice] = []
    begin = first
    for edge in edges[1:]:
        if has[begin:edge].any(axis=0).all():
            kept.append(slice(begin, edge))
            begin = edge
    if kept:
        kept[-1] = slice(kept[-1].start, len(has))
    return kept


def _name(first: int, last: int) -> str:
    start, end = (_moment(at).date().isoformat() for at in (first, last))
    return start if start == end else f"{start} to {end}"


def _moment(microseconds: int) -> datetime:
    moment: datetime = pl.Series([microseconds]).cast(pl.Datetime("us", "UTC"))[0]
    return moment
