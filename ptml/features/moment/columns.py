"""The columns of conn.log that the moment of a connection is made of, as numbers.

A host or a service is only ever compared with another, so its text is replaced by a hash of 64 bits: a large
capture is then dealt out and sorted in a fraction of the memory. That two of ten million hosts have one hash
is as likely as one in 300,000, and would make one host of two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.connection.state import HALF_OPEN, REJECTED
from ptml.features.expressions import BYTE_CAP

if TYPE_CHECKING:
    from collections.abc import Collection

US_PER_S = 1_000_000
_FARTHEST_US = 1 << 61
_LONGEST_S = float(1 << 40)
"""Beyond these a time or a duration is cut off, so that their sum is an integer of 64 bits."""

OTHER_STATE, HALF_OPEN_STATE, REJECTED_STATE = 0, 1, 2


def prepared(present: Collection[str], *names: str) -> list[pl.Expr]:
    """Give expressions over conn.log for some of the columns below, leaving out what cannot be made.

    Args:
        present: Columns that conn.log has.
        names: ``capture``, ``source`` and ``destination`` (hashes, within the capture), ``service`` (Zeek's,
            or else the responder's port), ``orig_p``, ``resp_p``, ``end`` (microseconds), ``state``,
            ``orig_bytes``, ``resp_bytes``, ``orig_size``, ``resp_size`` (IP bytes; each at most 1 TiB).

    >>> conn = pl.DataFrame({"ts": [5], "duration": [-1.0]}, schema_overrides={"ts": pl.Datetime("us")})
    >>> conn.select(prepared(conn.columns, "end", "orig_bytes")).to_dict(as_series=False)
    {'end': [5]}
    """
    needs = {"end": "ts", "state": "conn_state", "orig_size": "orig_ip_bytes", "resp_size": "resp_ip_bytes"}
    made = (name for name in names if name not in _COUNTS and needs.get(name) in (None, *present))
    counts = (name for name in names if name in _COUNTS and needs.get(name, name) in present)
    return [
        *(_make(name, present) for name in made),
        *(_count(needs.get(name, name), name) for name in counts),
    ]


_COUNTS = ("orig_bytes", "resp_bytes", "orig_size", "resp_size")


def _make(name: str, present: Collection[str]) -> pl.Expr:
    if name == "capture":
        expr = pl.col("capture_id").hash()
    elif name == "source":
        expr = _host("id.orig_h")
    elif name == "destination":
        expr = _host("id.resp_h")
    elif name == "service":
        expr = _service(present)
    elif name == "end":
        expr = end(present)
    elif name == "state":
        expr = _state()
    else:
        expr = pl.col(f"id.{name}")
    return expr.alias(name)


def end(present: Collection[str]) -> pl.Expr:
    """When a connection ended, in microseconds: an unset or negative duration counts as 0.

    Args:
        present: Columns that conn.log has.

    >>> ts = pl.Series([7, 7, 7]).cast(pl.Datetime("us", "UTC"))
    >>> conn = pl.DataFrame({"ts": ts, "duration": [0.000_002, None, -1.0]})
    >>> conn.select(end(conn.columns)).to_series().to_list()
    [9, 7, 7]
    """
    start = pl.col("ts").dt.epoch("us").clip(-_FARTHEST_US, _FARTHEST_US)
    if "duration" not in present:
        return start
    lasting = pl.col("duration").fill_null(0.0).clip(0.0, _LONGEST_S)
    return start + (lasting * US_PER_S).round().cast(pl.Int64)


def _host(address: str) -> pl.Expr:
    return pl.when(pl.col(address).is_not_null()).then(pl.struct("capture_id", address).hash())


def _service(present: Collection[str]) -> pl.Expr:
    port = pl.col("id.resp_p").cast(pl.UInt64)
    if "service" not in present:
        return port
    return pl.when(pl.col("service").is_not_null()).then(pl.col("service").hash()).otherwise(port)


def _state() -> pl.Expr:
    state = pl.col("conn_state")
    return (
        pl.when(state.is_in(HALF_OPEN))
        .then(HALF_OPEN_STATE)
        .when(state.is_in(REJECTED))
        .then(REJECTED_STATE)
        .when(state.is_not_null())
        .then(OTHER_STATE)
        .cast(pl.Int8)
    )


def _count(column: str, name: str) -> pl.Expr:
    return pl.col(column).clip(upper_bound=BYTE_CAP).cast(pl.Int64).alias(name)


UINT8, UINT16 = (1 << 8) - 1, (1 << 16) - 1


def saturated(column: str, most: int) -> pl.Expr:
    """Return a count, the greatest that its type can hold in place of a greater one.

    >>> pl.DataFrame({"n": [1, 300]}).select(saturated("n", UINT8)).to_series().to_list()
    [1, 255]
    """
    return pl.col(column).clip(upper_bound=most)
