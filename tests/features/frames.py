"""Tiny typed logs for tests of features."""

from __future__ import annotations

from typing import Any

import polars as pl

from ptml.features.inputs import COLUMNS

SECOND = 1_000_000
START = 1_764_000_000 * SECOND


def log(name: str, rows: list[dict[str, Any]], *, capture_id: str | None = "c1") -> pl.LazyFrame:
    """Make a typed log; a column that no row has is absent, and ``ts`` is given in seconds."""
    rows = [{"capture_id": capture_id, **row} for row in rows]
    for row in rows:
        if row.get("ts") is not None:
            row["ts"] = START + round(row["ts"] * SECOND)
    present = {field: None for row in rows for field in row}
    schema = {field: COLUMNS[name][field] for field in present}
    raw = {field: pl.Int64() if dtype == pl.Datetime else dtype for field, dtype in schema.items()}
    return pl.LazyFrame(rows, schema=raw).cast(schema)  # type: ignore[arg-type]


def conn_row(uid: str | None, ts: float = 0.0, **changes: object) -> dict[str, Any]:
    """Make a row of conn.log with every column that features read; dots are double underscores."""
    row: dict[str, Any] = {
        "uid": uid,
        "ts": ts,
        "id.orig_h": "10.0.0.5",
        "id.orig_p": 50_000,
        "id.resp_h": "203.0.113.9",
        "id.resp_p": 443,
        "proto": "tcp",
        "service": "ssl",
        "duration": 2.0,
        "orig_bytes": 30,
        "resp_bytes": 10,
        "conn_state": "SF",
        "missed_bytes": 0,
        "history": "ShADadFf",
        "orig_pkts": 5,
        "orig_ip_bytes": 290,
        "resp_pkts": 4,
        "resp_ip_bytes": 218,
        "tunnel_parents": None,
    }
    return row | {field.replace("__", "."): value for field, value in changes.items()}


def conn(*rows: dict[str, Any], capture_id: str | None = "c1") -> pl.LazyFrame:
    """Make a conn.log of these rows."""
    return log("conn", list(rows), capture_id=capture_id)
