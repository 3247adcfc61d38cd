"""Beacons: the rhythm of each pair of a source and an address and port, or a name, over a whole capture.

The connections of all pairs are sorted at once and scored in one loop (see :mod:`ptml.features.rita`):
millions of pairs with a few connections each are normal (a scan).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from ptml.features.compiled import runner
from ptml.features.expressions import BYTE_CAP
from ptml.features.pairs import PAIR, sort_by_pair, spread
from ptml.features.rita import HELPERS, SCORES, score_pairs
from ptml.schema import PAIRS

if TYPE_CHECKING:
    from ptml.features.family import Logs

SPAN = "span"
"""Name among the logs under which the time that each capture covers is handed on."""
UID = ("capture_id", "uid")
SIZES = ("orig_ip_bytes", "orig_bytes", "resp_bytes")
READS = (*PAIR, "ts", *SIZES)
KINDS = ("address", "name", "dns")
NAMES = {
    "name": (("ssl", "server_name"), ("quic", "server_name"), ("http", "host")),
    "dns": (("dns", "query"),),
}
"""Which logs name a connection's destination, and in which column."""
LONGEST_NAME = 256
"""Characters of a name that are looked at: no domain name is longer, and a hostile one may be any length."""
PERCENT = ("periodicity", "orig_bytes_mode", "resp_bytes_mode")
TYPES = PAIRS.schema
BESIDE = ("beacon_score", "ts_score", "ds_score", "hist_score", "dur_score", *SCORES[5:11])
"""Scores that are written onto each connection of a pair of addresses."""
_US_PER_S = 1_000_000
_Ints: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]


def capture_spans(conn: pl.LazyFrame) -> pl.DataFrame:
    """Tell when each capture's first and last connections start.

    >>> ts = pl.Series([5, 1]).cast(pl.Datetime("us", "UTC"))
    >>> capture_spans(pl.LazyFrame({"capture_id": "c", "ts": ts})).select(pl.exclude("capture_id")
    ... ).cast(pl.Int64).rows()
    [(1, 5)]
    """
    ends = (pl.col("ts").min().alias("span_first"), pl.col("ts").max().alias("span_last"))
    return conn.group_by("capture_id").agg(ends).collect(engine="streaming")


def beacon_columns(logs: Logs) -> pl.LazyFrame:
    """Score the pair of addresses of each connection, row by row in the order of conn.log.

    Args:
        logs: Checked inputs: conn, and what :func:`capture_spans` gives where conn is only a part.

    Returns:
        One row for each of conn's with `BESIDE`. All null when an address, the port or the time is unknown.

    >>> ts = pl.Series([n * 60_000_000 for n in range(24)]).cast(pl.Datetime("us", "UTC"))
    >>> conn = pl.LazyFrame({"capture_id": "c1", "ts": ts, "id.orig_h": "10.0.0.1", "id.resp_h": "192.0.2.1",
    ...                      "id.resp_p": 443, "orig_ip_bytes": 99})
    >>> beacon_columns({"conn": conn}).select("beacon_score", "ts_score", "periodicity").collect().row(0)
    (1.0, 1.0, 100)
    """
    schema = {name: TYPES[name] for name in BESIDE}
    return address_rows(logs).map_batches(_score_rows, schema=schema)


def address_rows(logs: Logs) -> pl.LazyFrame:
    """Select what scoring pairs of addresses reads, one row for each of conn's.

    >>> ts = pl.Series([5]).cast(pl.Datetime("us", "UTC"))
    >>> conn = pl.LazyFrame({"capture_id": "c1", "ts": ts, "id.orig_h": "a", "id.resp_h": "b",
    ...                      "id.resp_p": 1})
    >>> address_rows({"conn": conn}).collect().columns[4:8]
    ['ts', 'orig_ip_bytes', 'orig_bytes', 'resp_bytes']
    """
    conn = logs["conn"]
    present = conn.collect_schema()
    sizes = [
        (pl.col(name) if name in present else pl.lit(None)).cast(pl.UInt64).alias(name) for name in SIZES
    ]
    rows = conn.select(
        *PAIR[:3], pl.col(PAIR[3]).cast(pl.UInt16), "ts", *sizes, *(c for c in ("uid",) if c in present)
    )
    if SPAN in logs:
        return rows.join(logs[SPAN], on="capture_id", how="left", nulls_equal=True, maintain_order="left")
    return rows.with_columns(
        pl.col("ts").min().over("capture_id").alias("span_first"),
        pl.col("ts").max().over("capture_id").alias("span_last"),
    )


def named_rows(logs: Logs, kind: str) -> pl.LazyFrame | None:
    """Select what scoring pairs of a source and a name reads; None where no log gives names.

    A connection has as many rows as names, repetitions among them. Names are taken in lower case, without
    port and final dot.

    Args:
        logs: Checked inputs; each uid stands in conn once.
        kind: One of `NAMES`.
    """
    found = [
        (log, column) for log, column in NAMES[kind] if log in logs and column in logs[log].collect_schema()
    ]
    if "conn" not in logs or not found:
        return None
    names = [
        logs[log].select(*UID, pl.col(column).pipe(clean_name).alias("name")).drop_nulls(["uid", "name"])
        for log, column in found
    ]
    conn = address_rows(logs).drop("id.resp_h").with_columns(pl.lit(0, pl.UInt16).alias("id.resp_p"))
    return pl.concat(names).join(conn, on=UID, how="inner", nulls_equal=True).rename({"name": "id.resp_h"})


def clean_name(name: pl.Expr) -> pl.Expr:
    """Bring a name to the form in which names are compared; null for an empty one.

    >>> frame = pl.DataFrame({"host": ["Example.COM:8080", "a.test.", "", None]})
    >>> frame.select(clean_name(pl.col("host"))).to_series().to_list()
    ['example.com', 'a.test', None, None]
    """
    short = name.str.head(LONGEST_NAME).str.to_lowercase()
    return short.str.replace(r":[0-9]*$", "").str.strip_chars_end(".").replace("", None)


def name_scores(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Give the beacon score of each connection's name: ``capture_id, uid, <kind>_score``.

    Args:
        rows: Whole pairs of what :func:`named_rows` selects.
        kind: Which names.
    """
    rows = rows.unique(["capture_id", "uid", "id.resp_h"], keep="any", maintain_order=True)
    found = _score_rows(rows)["beacon_score"].alias(f"{kind}_score")
    return rows.select(UID).with_columns(found)


def pair_table(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Describe each pair among these connections in a row of its own.

    Args:
        rows: Whole pairs of what :func:`address_rows` or :func:`named_rows` selects.
        kind: ``address``, ``name`` or ``dns``.
    """
    if kind != "address":
        rows = rows.unique(["capture_id", "uid", "id.resp_h"], keep="any", maintain_order=True)
    scored = _score(rows)
    at = scored.order[scored.bounds[:-1]]
    until = scored.order[scored.bounds[1:] - 1]
    kept = scored.rows
    port = pl.col("id.resp_p") if kind == "address" else pl.lit(None, pl.UInt16)
    start = kept[at].select(
        "capture_id",
        pl.lit(kind).alias("kind"),
        pl.col("id.orig_h").alias("orig_h"),
        pl.col("id.resp_h").alias("resp"),
        port.alias("resp_p"),
        pl.Series("connections", np.diff(scored.bounds), dtype=pl.UInt32),
        pl.col("ts").alias("first"),
        kept["ts"][until].alias("last"),
        *(_sum(kept[name], scored).alias(name) for name in SIZES[1:]),
    )
    return start.with_columns(scored.columns(tuple(SCORES))).cast(TYPES)  # type: ignore[arg-type]  # instances of types are types to cast to


def sorted_table(table: pl.LazyFrame) -> pl.LazyFrame:
    """Give the table of pairs its columns and its order."""
    return table.select(*TYPES).sort(PAIRS.key, maintain_order=True)


@dataclass(frozen=True, slots=True)
class _Scored:
    """Pairs scored: the rows that have a pair, their order by pair, where pairs start in it, the scores."""

    rows: pl.DataFrame
    known: pl.Series
    order: _Ints
    bounds: _Ints
    table: np.ndarray[tuple[int, int], np.dtype[np.float64]]

    def columns(self, names: tuple[str, ...]) -> list[pl.Series]:
        """Give scores of the pairs, typed."""
        columns = []
        for name in names:
            values = self.table[:, SCORES.index(name)]
            if name in PERCENT:
                values = np.floor(values * 100 + 0.5)
            dtype = TYPES[name]
            series = pl.Series(name, values, nan_to_null=True)
            columns.append(series != 0 if dtype == pl.Boolean else series.cast(dtype))
        return columns


def _score_rows(rows: pl.DataFrame) -> pl.DataFrame:
    scored = _score(rows)
    pair_of_row = np.empty(scored.order.size, dtype=np.int64)
    pair_of_row[scored.order] = np.repeat(np.arange(scored.bounds.size - 1), np.diff(scored.bounds))
    columns = pl.DataFrame(scored.columns(BESIDE))
    return spread(columns[pair_of_row], scored.known)


def _score(rows: pl.DataFrame) -> _Scored:
    known = rows.select(
        pl.all_horizontal(pl.col("id.orig_h", "id.resp_h", "id.resp_p", "ts").is_not_null())
    ).to_series()
    kept = rows.filter(known)
    codes = [pl.col(name).cast(pl.Categorical).to_physical().alias(f"{name}_code") for name in PAIR[:3]]
    order, starts = sort_by_pair(kept.select(*codes, "id.resp_p", "ts"))
    bounds = np.append(np.flatnonzero(starts), kept.height).astype(np.int64)
    seconds = _seconds(kept["ts"])[order]
    first, last = (_seconds(kept[name])[order[bounds[:-1]]] for name in ("span_first", "span_last"))
    sent = pl.coalesce("orig_ip_bytes", "orig_bytes")
    floats = kept.select(sent.alias("sent"), *SIZES[1:]).cast(pl.Float64)
    sizes = np.stack([floats[name].to_numpy()[order] for name in floats.columns])
    table = np.full((bounds.size - 1, len(SCORES)), np.nan)
    runner(kept.height, score_pairs, *HELPERS)(bounds, seconds, sizes, (first, last), table)
    return _Scored(kept, known, order, bounds, table)


def _seconds(times: pl.Series) -> _Ints:
    return times.to_physical().to_numpy() // _US_PER_S


def _sum(sizes: pl.Series, scored: _Scored) -> pl.Series:
    """Sum each pair's counts exactly, each taken as at most 1 TiB; null where none is known."""
    if not scored.order.size:
        return pl.Series([], dtype=pl.UInt64)
    values = sizes.clip(upper_bound=BYTE_CAP).fill_null(0).to_numpy()[scored.order]
    there = sizes.is_not_null().to_numpy()[scored.order].astype(np.uint64)
    sums, counts = (np.add.reduceat(one, scored.bounds[:-1]) for one in (values, there))
    return pl.select(pl.when(pl.Series(counts) > 0).then(pl.Series(sums))).to_series()
