"""How much was talked, when, how and by whom: counts over all connections, however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Row: TypeAlias = dict[str, Any]
TIME_TYPE = pl.Datetime("us", "UTC")

TALKERS = 10
SHARES = 12
BARS = 120
LONGEST_CAPTURE = timedelta(days=400)
PAUSE = timedelta(days=30)
STEPS = (0.001, 0.01, 0.1, 1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 86_400, 604_800)
"""Seconds that a bar of the timeline may stand for."""
WEEK = STEPS[-1]
SENT, RECEIVED = "orig_bytes", "resp_bytes"
COUNTS = (
    pl.len().alias("connections"),
    pl.col(SENT).cast(pl.Float64).sum().alias("sent"),
    pl.col(RECEIVED).cast(pl.Float64).sum().alias("received"),
)
"""Bytes are added as floats: two counts may be more than an integer holds."""
BYTES = (pl.col("sent") + pl.col("received")).alias("bytes")
KINDS: Mapping[str, tuple[str, ...]] = {
    "Originators": ("id.orig_h",),
    "Responders": ("id.resp_h",),
    "Pairs": ("id.orig_h", "id.resp_h", "id.resp_p", "proto"),
}
MIXES: Mapping[str, str] = {"Protocol": "proto", "Service": "service", "End state": "conn_state"}


@dataclass(frozen=True, slots=True)
class Timeline:
    """Connections and bytes over time.

    Attributes:
        start: Start of the first bar.
        step: Seconds of a bar.
        bars: From the first to the last: ``at``, ``connections``, ``sent``, ``received``.
        outside: Connections that began long before or after all others: a clock jumped.
        unknown: Connections without a time.
    """

    start: datetime
    step: float
    bars: Sequence[Row]
    outside: int
    unknown: int


def totals(conn: pl.LazyFrame) -> Row:
    """Count connections, bytes and hosts, and tell when the first and the last connection began."""
    counted = conn.select(
        *COUNTS,
        pl.col("ts").min().alias("first"),
        pl.col("ts").max().alias("last"),
        pl.col("id.orig_h").n_unique().alias("originators"),
        pl.col("id.resp_h").n_unique().alias("responders"),
    )
    return counted.collect(engine="streaming").row(0, named=True)


def timeline(conn: pl.LazyFrame) -> Timeline | None:
    """Count connections and bytes by even steps of time, at most `BARS`; None where no time is known.

    >>> at = pl.Series([0, 1_000_000, 60_000_000]).cast(TIME_TYPE)
    >>> conn = pl.LazyFrame({"ts": at, "orig_bytes": [1, 2, 4], "resp_bytes": [0, 0, None]})
    >>> found = timeline(conn)
    >>> found.step, len(found.bars), found.bars[0]["connections"], found.bars[60]["sent"]
    (1, 61, 1, 4.0)
    """
    days = conn.group_by(pl.col("ts").dt.truncate("1d").alias("day")).len().collect(engine="streaming")
    known = days.drop_nulls().sort("day")
    if known.is_empty():
        return None
    unknown = int(days["len"].sum()) - int(known["len"].sum())
    first, last = _together(list(known.iter_rows()))
    kept = conn.filter(pl.col("ts").dt.truncate("1d").is_between(first, last))
    start, end, count = (
        kept.select(pl.col("ts").min().alias("first"), pl.col("ts").max().alias("last"), pl.len())
        .collect(engine="streaming")
        .row(0)
    )
    step = _step((end - start).total_seconds())
    start = _floor(start, step)
    microseconds = round(step * 1_000_000)
    bar = ((pl.col("ts") - pl.lit(start, TIME_TYPE)).dt.total_microseconds() // microseconds).alias("bar")
    found = kept.group_by(bar).agg(COUNTS).collect(engine="streaming")
    by_bar = {row["bar"]: row for row in found.iter_rows(named=True)}
    none: Row = {"connections": 0, "sent": 0.0, "received": 0.0}
    bars = [
        {**none, **by_bar.get(number, {}), "at": start + number * timedelta(microseconds=microseconds)}
        for number in range(max(by_bar) + 1)
    ]
    return Timeline(start, step, bars, int(known["len"].sum()) - count, unknown)


def _together(days: Sequence[tuple[datetime, int]]) -> tuple[datetime, datetime]:
    """Give the first and the last day to show: all, or where days lie years apart the busiest run of them."""
    if days[-1][0] - days[0][0] <= LONGEST_CAPTURE:
        return days[0][0], days[-1][0]
    runs: list[list[tuple[datetime, int]]] = [[days[0]]]
    for day in days[1:]:
        if day[0] - runs[-1][-1][0] > PAUSE:
            runs.append([])
        runs[-1].append(day)
    busiest = max(runs, key=lambda run: sum(count for _, count in run))
    return busiest[0][0], busiest[-1][0]


def _step(seconds: float) -> float:
    fitting = (step for step in STEPS if seconds / step < BARS)
    return next(fitting, WEEK * (seconds // (WEEK * BARS) + 1))


def _floor(moment: datetime, step: float) -> datetime:
    since = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=round(step * 1_000_000))
    return datetime(1970, 1, 1, tzinfo=UTC) + since * timedelta(microseconds=round(step * 1_000_000))


def mixes(conn: pl.LazyFrame) -> dict[str, list[Row]]:
    """Count connections and bytes by protocol, service and state; the rest of many in one row."""
    queries = [conn.group_by(pl.col(column).alias("name")).agg(COUNTS) for column in MIXES.values()]
    found = pl.collect_all(queries, engine="streaming")
    return {title: _with_rest(table) for title, table in zip(MIXES, found, strict=True)}


def _with_rest(table: pl.DataFrame) -> list[Row]:
    ordered = table.sort("connections", "name", descending=[True, False], nulls_last=True)
    ordered = ordered.with_columns(BYTES)
    all_of_it = int(ordered["connections"].sum()) or 1
    shown = SHARES if ordered.height > SHARES + 1 else SHARES + 1
    rows, rest = ordered.head(shown).to_dicts(), ordered.slice(shown)
    if rest.height:
        sums = {name: rest[name].sum() for name in ("connections", "sent", "received", "bytes")}
        rows.append({"name": f"{rest.height} others", **sums})
    return [{**row, "share": row["connections"] / all_of_it} for row in rows]


def talkers(conn: pl.LazyFrame) -> dict[str, list[Row]]:
    """List who talked most, by connections and by bytes: both lists in one, most connections first."""
    grouped = {
        kind: conn.group_by(columns).agg(COUNTS).with_columns(BYTES) for kind, columns in KINDS.items()
    }
    tops = [
        pl.concat([_first(table, by, KINDS[kind]) for by in ("connections", "bytes")])
        for kind, table in grouped.items()
    ]
    found = pl.collect_all(tops, engine="streaming")
    return {
        kind: _first(table.unique().lazy(), "connections", KINDS[kind], 2 * TALKERS).collect().to_dicts()
        for kind, table in zip(KINDS, found, strict=True)
    }


def _first(table: pl.LazyFrame, by: str, key: Sequence[str], most: int = TALKERS) -> pl.LazyFrame:
    """Give the first rows by some count; the key decides between equals."""
    return table.sort([by, *key], descending=[True, *(False for _ in key)], nulls_last=True).head(most)


def destinations(conn: pl.LazyFrame, most: int) -> list[tuple[str, int, float]]:
    """List the responders that were met most: address, connections, bytes."""
    table = conn.filter(pl.col("id.resp_h").is_not_null()).group_by("id.resp_h").agg(COUNTS)
    first = _first(table.with_columns(BYTES), "connections", ["id.resp_h"], most)
    found = first.select("id.resp_h", "connections", "bytes").collect(engine="streaming")
    return list(found.iter_rows())


def summed(rows: Iterable[tuple[str, int, float]], place: Mapping[str, str]) -> list[Row]:
    """Sum destinations up by what a place says of them, most connections first.

    >>> summed([("192.0.2.1", 2, 10.0), ("192.0.2.2", 1, 5.0)], {"192.0.2.1": "NZ", "192.0.2.2": "NZ"})
    [{'name': 'NZ', 'addresses': 2, 'connections': 3, 'bytes': 15.0}]
    """
    found: dict[str, Row] = {}
    for address, connections, size in rows:
        if address not in place:
            continue
        name = place[address]
        row = found.setdefault(name, {"name": name, "addresses": 0, "connections": 0, "bytes": 0.0})
        row["addresses"] += 1
        row["connections"] += connections
        row["bytes"] += size
    return sorted(found.values(), key=lambda row: (-row["connections"], row["name"]))
