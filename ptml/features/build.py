"""Computes feature tables from Zeek's logs: the functions that users call."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from ptml.features.assemble import (
    UID,
    aggregations,
    beside,
    families_beside,
    finished,
    own_features,
)
from ptml.features.batches import ConnectionBatches
from ptml.features.beacons import KINDS, NAMES, TYPES, address_rows, named_rows, pair_table, sorted_table
from ptml.features.featureset import STANDARD
from ptml.features.inputs import KEYS, read_inputs
from ptml.features.lazily import lazily

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.features.family import Logs
    from ptml.features.featureset import FeatureSet


def connection_features(logs: Logs, *, features: FeatureSet = STANDARD) -> pl.LazyFrame:
    """Describe each connection, in the order of conn.log.

    Args:
        logs: Zeek log name to frame, with Zeek's names and types as ``ptml.scan_logs`` gives them. Any log
            but conn may be missing, and any column but ``uid`` and ``ts``: the features that need it are
            null. ``capture_id`` may be absent from all logs; then it is null and all rows are one capture.
        features: Which features.

    Returns:
        ``capture_id, uid, ts, id.orig_h, id.orig_p, id.resp_h, id.resp_p``, then the features. Connections
        without uid are left out, and of those that repeat a uid in their capture all but the first. A query
        that selects some columns computes, and reads of the logs, what these need and no more.

    Raises:
        MissingInput: There is no conn log.
        BadData: conn lacks ``uid`` or ``ts``, or a column has a type that it cannot have.

    >>> ts = pl.Series([0]).cast(pl.Datetime("us", "UTC"))
    >>> conn = pl.LazyFrame({"uid": ["C1"], "ts": ts, "orig_bytes": [30], "resp_bytes": [10]})
    >>> connection_features({"conn": conn}).select("orig_byte_share", "duration").collect().row(0)
    (0.75, None)
    """
    inputs = read_inputs(logs, features.columns)
    conn = inputs["conn"].filter(pl.col("uid").is_not_null())
    inputs["conn"] = conn.filter(pl.struct(UID).is_first_distinct())
    schema = {**KEYS, **{feature.name: feature.dtype for feature in features.connection_features}}
    return lazily(
        schema, lambda names: _connection_table(inputs, features.only(names)), "FEATURES OF CONNECTIONS"
    )


def _connection_table(inputs: Logs, features: FeatureSet) -> pl.LazyFrame:
    frame = own_features(features.connection, inputs["conn"])
    if others := families_beside(features.connection):
        frame = pl.concat([frame, beside(others, inputs)], how="horizontal")
    for one in aggregations(features.connection, inputs):
        frame = frame.join(one.table(), on=UID, how="left", maintain_order="left", nulls_equal=True)
    return finished(frame, KEYS, features.connection_features)


def capture_features(logs: Logs, *, features: FeatureSet = STANDARD) -> pl.LazyFrame:
    """Describe each capture.

    Args:
        logs: As for :func:`connection_features`.
        features: Which features.

    Returns:
        ``capture_id``, then the features: one row for each capture in conn, sorted by ``capture_id``.

    Raises:
        MissingInput: There is no conn log.
        BadData: As for :func:`connection_features`.

    >>> ts = pl.Series([0, 1]).cast(pl.Datetime("us", "UTC"))
    >>> conn = pl.LazyFrame({"uid": ["C1", "C2"], "ts": ts, "proto": ["tcp", "udp"]})
    >>> capture_features({"conn": conn}).select("connections", "tcp_share").collect().row(0)
    (2, 0.5)
    """
    inputs = read_inputs(logs, features.columns)
    key = {"capture_id": KEYS["capture_id"]}
    schema = {**key, **{feature.name: feature.dtype for feature in features.capture_features}}
    return lazily(schema, lambda names: _capture_table(inputs, features.only(names)), "FEATURES OF CAPTURES")


def _capture_table(inputs: Logs, features: FeatureSet) -> pl.LazyFrame:
    frame = inputs["conn"].select("capture_id").unique()
    for one in aggregations(features.capture, inputs):
        frame = frame.join(one.table(), on="capture_id", how="left", nulls_equal=True)
    return finished(frame, ["capture_id"], features.capture_features).sort("capture_id")


def pair_features(logs: Logs) -> pl.LazyFrame:
    """Describe each pair of a source and an address and port, or a name: the rhythm of its connections.

    Args:
        logs: As for :func:`connection_features`; names come from ssl, quic, http and dns.

    Returns:
        The columns that ``ptml schema pairs`` shows, sorted by its key.

    Raises:
        MissingInput: There is no conn log.
        BadData: As for :func:`connection_features`.

    >>> ts = pl.Series([n * 60_000_000 for n in range(24)]).cast(pl.Datetime("us", "UTC"))
    >>> uids = [f"C{n}" for n in range(24)]
    >>> conn = pl.LazyFrame({"uid": uids, "ts": ts, "id.orig_h": "10.0.0.1", "id.resp_h": "192.0.2.1",
    ...                      "id.resp_p": 443, "orig_ip_bytes": 99})
    >>> pair_features({"conn": conn}).select("connections", "beacon_score", "gap_mode").collect().rows()
    [(24, 1.0, 60.0)]
    """
    inputs = read_inputs(logs)
    conn = inputs["conn"].filter(pl.col("uid").is_not_null())
    inputs["conn"] = conn.filter(pl.struct(UID).is_first_distinct())
    of_kind = {kind: named_rows(inputs, kind) for kind in NAMES} | {KINDS[0]: address_rows(inputs)}
    tables = [
        rows.map_batches(partial(pair_table, kind=kind), schema=TYPES)
        for kind, rows in of_kind.items()
        if rows is not None
    ]
    return sorted_table(pl.concat(tables))


def iter_connection_features(
    logs: Logs,
    *,
    features: FeatureSet = STANDARD,
    batch_rows: int = 500_000,
    folder: Path | None = None,
    pairs: Path | None = None,
) -> ConnectionBatches:
    """Describe each connection like ``connection_features``, a batch at a time and in bounded memory.

    Args:
        logs: As for :func:`ptml.features.build.connection_features`.
        features: Which features.
        batch_rows: Rows of conn.log that a batch covers.
        folder: Where a capture of several batches may put temporary files; the system's folder for such if
            None.
        pairs: Where the table of pairs is to be written; see :class:`ConnectionBatches`.

    Raises:
        MissingInput: There is no conn log.
        BadData: conn lacks ``uid`` or ``ts``, or a column has a type that it cannot have.

    >>> ts = pl.Series([0, 1, 2]).cast(pl.Datetime("us", "UTC"))
    >>> conn = pl.LazyFrame({"uid": ["C1", "C2", "C3"], "ts": ts})
    >>> [batch["uid"].to_list() for batch in iter_connection_features({"conn": conn}, batch_rows=2)]
    [['C1', 'C2'], ['C3']]
    """
    return ConnectionBatches(logs, features=features, batch_rows=batch_rows, folder=folder, pairs=pairs)
