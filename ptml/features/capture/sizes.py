"""How much payload the connections of a capture carry: quantiles and shares over conn.log."""

from __future__ import annotations

import polars as pl

from ptml.features.capture.traffic import conn_rows
from ptml.features.expressions import BYTE_CAP, gini, number, share
from ptml.features.family import family


def orig_bytes_p90() -> pl.Expr:
    """Payload of the originator that nine connections in ten do not exceed.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no count known. Source: Moore et al. 2005, taken over connections.

    >>> pl.DataFrame({"orig_bytes": [0, 10, 20, 30, 40, None]}).select(orig_bytes_p90()).item()
    36.0
    """
    return pl.col("orig_bytes").quantile(0.9, "linear")


def median_resp_bytes() -> pl.Expr:
    """Median payload of the responder in a connection.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no count known. Source: Moore et al. 2005, taken over connections.

    >>> pl.DataFrame({"resp_bytes": [0, 10, 20, 30, 40, None]}).select(median_resp_bytes()).item()
    20.0
    """
    return pl.col("resp_bytes").median()


def resp_bytes_p90() -> pl.Expr:
    """Payload of the responder that nine connections in ten do not exceed.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no count known. Source: Moore et al. 2005, taken over connections.

    >>> pl.DataFrame({"resp_bytes": [0, 10, 20, 30, 40, None]}).select(resp_bytes_p90()).item()
    36.0
    """
    return pl.col("resp_bytes").quantile(0.9, "linear")


def largest_orig_bytes() -> pl.Expr:
    """Largest payload that an originator sent in one connection.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no count known. Source: NetFlow practice.

    >>> pl.DataFrame({"orig_bytes": [3, 9, None]}).select(largest_orig_bytes()).item()
    9
    """
    return pl.col("orig_bytes").max()


def largest_resp_bytes() -> pl.Expr:
    """Largest payload that a responder sent in one connection.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: capture.
    Null: no count known. Source: NetFlow practice.

    >>> pl.DataFrame({"resp_bytes": [3, 9, None]}).select(largest_resp_bytes()).item()
    9
    """
    return pl.col("resp_bytes").max()


def no_payload_share() -> pl.Expr:
    """Share of the connections in which neither side sent payload.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no connection has both counts. Source: Zeek conn.log.

    >>> pl.DataFrame({"orig_bytes": [0, 9, None], "resp_bytes": [0, 0, 0]}).select(no_payload_share()).item()
    0.5
    """
    return share((pl.col("orig_bytes") == 0) & (pl.col("resp_bytes") == 0) & _both())


def upload_connection_share() -> pl.Expr:
    """Share of the connections with payload in which the originator sent more than the responder.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no connection has payload and both counts. Source: producer-consumer ratio, Bullard and Gerth 2014,
    taken over connections.

    >>> rows = pl.DataFrame({"orig_bytes": [9, 1, 0, None], "resp_bytes": [1, 9, 0, 1]})
    >>> rows.select(upload_connection_share()).item()
    0.5
    """
    some = (pl.col("orig_bytes") > 0) | (pl.col("resp_bytes") > 0)
    return share(pl.when(some & _both()).then(pl.col("orig_bytes") > pl.col("resp_bytes")))


def byte_gini() -> pl.Expr:
    """How unequally the connections share the payload, as a Gini coefficient: each count at most 1 TiB.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known in both directions, or no payload. Source: Gini 1912.

    >>> pl.DataFrame({"orig_bytes": [1, 1], "resp_bytes": [0, 2]}).select(byte_gini()).item()
    0.25
    """
    return gini(pl.when(_both()).then(_capped("orig_bytes") + _capped("resp_bytes")))


def _both() -> pl.Expr:
    """Null, not false, where a count is unknown: such a connection is left out of a share."""
    known = pl.col("orig_bytes").is_not_null() & pl.col("resp_bytes").is_not_null()
    return pl.when(known).then(pl.lit(value=True))


def _capped(column: str) -> pl.Expr:
    return number(column).clip(upper_bound=BYTE_CAP)


SIZES = family(
    "sizes",
    (
        orig_bytes_p90,
        median_resp_bytes,
        resp_bytes_p90,
        largest_orig_bytes,
        largest_resp_bytes,
        no_payload_share,
        upload_connection_share,
        byte_gini,
    ),
    conn_rows,
    ("capture_id",),
)
