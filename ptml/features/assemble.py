"""Puts features together into tables.

Three kinds of families make a connection's row: those that look at its row of conn.log, those that aggregate
its rows of another log, and those that describe it beside all others (pairs) and come in conn's own order.
No step depends on the order in which Polars hands on the rows of a join or a group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.catalog import CONNECTION_FAMILIES, CONNECTION_FEATURES
from ptml.features.inputs import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ptml.features.family import Family, Feature, Logs

UID = ("capture_id", "uid")


def own_features(conn: pl.LazyFrame) -> pl.LazyFrame:
    """Keys, and the features that look at conn's own row.

    Args:
        conn: Checked conn.log.

    >>> conn = pl.LazyFrame({"duration": [2.0]} | {name: [None] for name in KEYS}, schema_overrides=KEYS)
    >>> own_features(conn).select("proto", "duration").collect().row(0)
    (None, 2.0)
    """
    own = [feature for family in CONNECTION_FAMILIES if family.rows is None for feature in family.features]
    return conn.select(*KEYS, *_exprs(own, conn))


def beside(inputs: Logs) -> pl.LazyFrame:
    """Features that describe a connection beside all others, one row for each of conn's, in its order.

    Args:
        inputs: Checked inputs.

    >>> conn = pl.LazyFrame({name: [None] for name in KEYS}, schema_overrides=KEYS)
    >>> beside({"conn": conn}).select("pair_connections").collect().row(0)
    (None,)
    """
    families = [family for family in CONNECTION_FAMILIES if family.rows and not family.keys]
    tables = [(family, family.rows(inputs)) for family in families if family.rows]
    return pl.concat(
        [rows.select(_exprs(family.features, rows)) for family, rows in tables if rows is not None],
        how="horizontal",
    )


def aggregates(inputs: Logs) -> Iterator[pl.LazyFrame]:
    """Features on other logs, keyed by capture and uid: one table for each family whose log is there.

    Args:
        inputs: Checked inputs.

    >>> dns = pl.LazyFrame({"capture_id": ["c"] * 2, "uid": ["C1"] * 2, "query": ["a.com", "bb.com"]})
    >>> [table.select("uid", "dns_query_length").collect().row(0) for table in aggregates({"dns": dns})]
    [('C1', 6)]
    """
    for family in CONNECTION_FAMILIES:
        table = aggregate(family, inputs) if family.rows and family.keys else None
        if table is not None:
            yield table


def finished(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Give a table of connections its final columns, as :func:`finished_columns` does.

    Args:
        frame: Keys and the features that could be computed.

    >>> conn = pl.LazyFrame({name: [None] for name in KEYS} | {"duration": [float("inf")]})
    >>> finished(conn).select("duration", "dns_queries").collect().row(0)
    (None, None)
    """
    return finished_columns(frame, list(KEYS), CONNECTION_FEATURES)


def aggregate(family: Family, inputs: Logs) -> pl.LazyFrame | None:
    """Compute a family's features over its rows, one row for each of its keys; None if its log is missing.

    Args:
        family: A family with rows and keys.
        inputs: Checked inputs.

    >>> aggregate(CONNECTION_FAMILIES[-2], {}) is None
    True
    """
    rows = family.rows(inputs) if family.rows else None
    if rows is None:
        return None
    present = set(rows.collect_schema())
    there = [feature.expr() for feature in family.features if feature.columns() <= present]
    return rows.group_by(family.keys).agg(there)


def _exprs(features: Sequence[Feature], rows: pl.LazyFrame) -> list[pl.Expr]:
    present = set(rows.collect_schema())
    return [
        feature.expr() if feature.columns() <= present else pl.lit(None, feature.dtype).alias(feature.name)
        for feature in features
    ]


def finished_columns(frame: pl.LazyFrame, keys: list[str], features: Sequence[Feature]) -> pl.LazyFrame:
    """Select keys and features in order; null for a feature that was not computed or is not finite.

    Args:
        frame: Keys and the features that could be computed.
        keys: Names of the keys.
        features: All features of the table.

    >>> finished_columns(pl.LazyFrame({"capture_id": ["c"]}), ["capture_id"], []).collect().columns
    ['capture_id']
    """
    present = set(frame.collect_schema())
    exprs = []
    for feature in features:
        column = pl.col(feature.name) if feature.name in present else pl.lit(None, feature.dtype)
        if feature.dtype == pl.Float32:
            column = pl.when(column.is_finite()).then(column)
        exprs.append(column.alias(feature.name))
    return frame.select(*keys, *exprs)
