"""Puts features together into tables.

Three kinds of families make a connection's row: those that look at its row of conn.log, those that aggregate
its rows of another log, and those that describe it beside all others (pairs) and come in conn's own order.
No step depends on the order in which Polars hands on the rows of a join or a group.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from ptml.features.inputs import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ptml.features.family import Family, Feature, Logs

UID = ("capture_id", "uid")


def own_features(families: Iterable[Family], conn: pl.LazyFrame, *kept: str) -> pl.LazyFrame:
    """Keys, and the features that look at conn's own row.

    Args:
        families: Any families; those that look at other rows are passed over.
        conn: Checked conn.log.
        kept: Further columns to keep.

    >>> from ptml.features.catalog import CONNECTION_FAMILIES
    >>> conn = pl.LazyFrame({"duration": [2.0]} | {name: [None] for name in KEYS}, schema_overrides=KEYS)
    >>> own_features(CONNECTION_FAMILIES, conn).select("proto", "duration").collect().row(0)
    (None, 2.0)
    """
    own = [feature for family in families if family.rows is None for feature in family.features]
    return conn.select(*KEYS, *kept, *_exprs(own, conn))


def families_beside(families: Iterable[Family]) -> list[Family]:
    """Keep of some families those that describe a connection beside others.

    >>> from ptml.features.catalog import CONNECTION_FAMILIES
    >>> "pair" in [family.name for family in families_beside(CONNECTION_FAMILIES)]
    True
    """
    return [family for family in families if family.rows and not family.keys]


def beside(families: Iterable[Family], inputs: Logs) -> pl.LazyFrame:
    """Features that describe a connection beside others, one row for each of conn's, in its order.

    Args:
        families: Some of :func:`families_beside`; nothing comes of those whose logs are not there.
        inputs: Checked inputs.

    >>> from ptml.features.connection.pair import PAIRS
    >>> conn = pl.LazyFrame({name: [None] for name in KEYS}, schema_overrides=KEYS)
    >>> beside([PAIRS], {"conn": conn}).select("pair_connections").collect().row(0)
    (None,)
    """
    tables = []
    for family in families:
        conn = prepared(family, inputs["conn"]) if family.prepare else inputs["conn"]
        found = described(family, {**inputs, **also(family, inputs), "conn": conn})
        if found is not None:
            tables.append(found)
    return pl.concat(tables, how="horizontal") if tables else pl.LazyFrame()


def prepared(family: Family, conn: pl.LazyFrame, *kept: str) -> pl.LazyFrame:
    """Select what a family that describes a connection beside others reads of conn.log.

    Args:
        family: One of :func:`families_beside`.
        conn: Checked conn.log.
        kept: Further columns to keep.

    >>> from ptml.features.moment.damped import DAMPED_SOURCE
    >>> conn = pl.LazyFrame({name: [None] for name in KEYS}, schema_overrides=KEYS)
    >>> prepared(DAMPED_SOURCE, conn, "uid").collect_schema().names()
    ['uid', 'source', 'destination', 'end']
    """
    columns = family.prepare(conn.collect_schema().names()) if family.prepare else there(family.reads, conn)
    return conn.select(*kept, *columns)


def described(family: Family, inputs: Logs) -> pl.LazyFrame | None:
    """Compute the features of a family that describes a connection beside others.

    Args:
        family: One of :func:`families_beside`.
        inputs: What the family reads, of a whole capture or of those rows that belong together; conn as
            :func:`prepared` gives it.

    Returns:
        One row for each of conn's; None when a log that the family needs is missing.

    >>> from ptml.features.moment.damped import DAMPED_SOURCE
    >>> conn = pl.LazyFrame({name: [None] for name in KEYS}, schema_overrides=KEYS)
    >>> described(DAMPED_SOURCE, {"conn": prepared(DAMPED_SOURCE, conn)}).collect().height
    1
    """
    rows = family.rows(inputs) if family.rows else None
    if rows is None:
        return None
    # Added before the rest is left: features that are all null would otherwise be a single row.
    return rows.with_columns(_exprs(family.features, rows)).select(one.name for one in family.features)


def also(family: Family, inputs: Logs) -> dict[str, pl.LazyFrame]:
    """Make the tables that a family needs beside conn.log.

    Args:
        family: One of :func:`families_beside`.
        inputs: Checked inputs; a share of conn alone gives none.

    >>> from ptml.features.connection.resolved import RESOLVED
    >>> also(RESOLVED, {})
    {}
    """
    return family.also(inputs) if family.also else {}


def there(columns: Iterable[str], frame: pl.LazyFrame) -> list[str]:
    """Keep of some columns those that a frame has.

    >>> there(["ts", "uid"], pl.LazyFrame({"uid": ["C1"]}))
    ['uid']
    """
    present = frame.collect_schema()
    return [name for name in columns if name in present]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Features that aggregate rows: the rows with the columns that are needed, their keys, the features.

    A capture's rows may be aggregated all at once, or share by share where rows of equal keys stay together.
    """

    rows: pl.LazyFrame
    keys: tuple[str, ...]
    exprs: tuple[pl.Expr, ...]

    def table(self) -> pl.LazyFrame:
        """Compute the features over all rows: one row for each value of the keys."""
        return self.of(self.rows)

    def of(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Compute the features over some of the rows."""
        return rows.group_by(self.keys).agg(self.exprs)


def aggregations(families: Iterable[Family], inputs: Logs) -> Iterator[Aggregation]:
    """Prepare the families that aggregate rows and whose log is there.

    Args:
        families: Any families; those without keys are passed over.
        inputs: Checked inputs.

    >>> from ptml.features.connection.dns import DNS
    >>> dns = pl.LazyFrame({"capture_id": ["c"] * 2, "uid": ["C1"] * 2, "query": ["a.com", "bb.com"]})
    >>> [one.table().select("uid", "dns_query_length").collect().row(0)
    ...  for one in aggregations([DNS], {"dns": dns})]
    [('C1', 6)]
    """
    for family in families:
        rows = family.rows(inputs) if family.rows and family.keys else None
        if rows is None:
            continue
        present = set(rows.collect_schema())
        able = [feature for feature in family.features if feature.columns() <= present]
        needed = {name for feature in able for name in feature.columns()}
        columns = [*family.keys, *sorted(needed - set(family.keys))]
        yield Aggregation(rows.select(columns), family.keys, tuple(feature.expr() for feature in able))


def _exprs(features: Sequence[Feature], rows: pl.LazyFrame) -> list[pl.Expr]:
    present = set(rows.collect_schema())
    return [
        feature.expr() if feature.columns() <= present else pl.lit(None, feature.dtype).alias(feature.name)
        for feature in features
    ]


def finished(frame: pl.LazyFrame, keys: Iterable[str], features: Sequence[Feature]) -> pl.LazyFrame:
    """Select keys and features in order; null for a feature that was not computed or is not finite.

    Args:
        frame: Keys and the features that could be computed.
        keys: Names of the keys.
        features: All features of the table.

    >>> from ptml.features.connection.timing import TIMING
    >>> frame = pl.LazyFrame({"capture_id": ["c"], "duration": [float("inf")]})
    >>> table = finished(frame, ["capture_id"], TIMING.features).collect()
    >>> table.select("duration", "resp_pkts_per_s").row(0)
    (None, None)
    """
    present = frame.collect_schema()
    exprs = (_final(one.name, one.dtype, there=one.name in present) for one in features)
    return frame.select(*keys, *exprs)


@cache
def _final(name: str, dtype: pl.DataType, *, there: bool) -> pl.Expr:
    column = pl.col(name) if there else pl.lit(None, dtype)
    if dtype == pl.Float32:
        column = pl.when(column.is_finite()).then(column)
    return column.alias(name)
