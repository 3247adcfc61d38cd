"""What the originator had been doing to this responder when the connection ended."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import ratio
from ptml.features.family import family
from ptml.features.moment.columns import UINT16, saturated
from ptml.features.moment.tables import pair_table, preparing


def pair_connections_60s() -> pl.Expr:
    """Connections of the source with the destination that ended in the 60 seconds before.

    Unit: connections. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: an address or the time is unset. Source: RITA v5 (strobes).

    >>> from ptml.features.moment.example import at_example
    >>> at_example("pair_connections_60s")
    [0, 1, 0, 0, 2, 1, 0]
    """
    return saturated("n_middle", UINT16)


def pair_connections_10m() -> pl.Expr:
    """Connections of the source with the destination that ended in the 10 minutes before.

    Unit: connections. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: an address or the time is unset. Source: RITA v5 (strobes).

    >>> from ptml.features.moment.example import at_example
    >>> at_example("pair_connections_10m")
    [0, 1, 0, 0, 2, 3, 0]
    """
    return saturated("n_long", UINT16)


def pair_ports_60s() -> pl.Expr:
    """Distinct ports of the destination that the source had connections with in the 60 seconds before.

    Unit: ports. Type: UInt16. Range: 0 to 65535. Logs: conn. Scope: past.
    Null: an address or the time is unset. Source: Zeek policy/misc/scan (port scans).

    >>> from ptml.features.moment.example import at_example
    >>> at_example("pair_ports_60s")
    [0, 1, 0, 0, 1, 1, 0]
    """
    return saturated("ports_middle", UINT16)


def pair_failed_share_10m() -> pl.Expr:
    """Share of failed ones among the pair's connections that ended in the 10 minutes before.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: an address or the time is unset, or there is none whose state is known. Source: Jung et al.
    2004.

    Failed: half open or rejected.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("pair_failed_share_10m")
    [None, 0.0, None, None, 0.5, 0.3333333, None]
    """
    return ratio(pl.col("failed_long"), pl.col("known_long"))


def pair_orig_bytes_10m() -> pl.Expr:
    """Payload that the source sent to the destination in connections that ended in the 10 minutes before.

    Unit: bytes, at most 1 TiB a connection. Type: Float32. Range: 0 or more. Logs: conn. Scope: past.
    Null: an address or the time is unset, or no count of its connections is known (0 if it had none).
    Source: NetFlow practice.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("pair_orig_bytes_10m")
    [0.0, 100.0, 0.0, 0.0, 100.0, 120.0, 0.0]
    """
    return pl.col("orig_bytes_long")


def pair_since_end() -> pl.Expr:
    """Time since the last connection of the source with the destination ended.

    Unit: seconds. Type: Float32. Range: above 0. Logs: conn. Scope: past.
    Null: an address or the time is unset, or there is none. Source: RITA v5 (gaps), as far as they have
    passed.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("pair_since_end")
    [None, 1.0, None, None, 2.0, 60.0, 662.0]
    """
    return pl.col("since")


def pair_port_connections_10m() -> pl.Expr:
    """Connections of the source with this port of the destination in the 10 minutes before.

    Unit: connections. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: an address, the responder's port or the time is unset. Source: Lee and Stolfo 2000.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("pair_port_connections_10m")
    [0, 1, 0, 0, 0, 2, 0]
    """
    return saturated("port_n_long", UINT16)


def pair_port_since_end() -> pl.Expr:
    """Time since the last connection of the source with this port of the destination ended.

    Unit: seconds. Type: Float32. Range: above 0. Logs: conn. Scope: past.
    Null: an address, the responder's port or the time is unset, or there is none. Source: RITA v5
    (gaps), as far as they have passed.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("pair_port_since_end")
    [None, 1.0, None, None, None, 62.0, 662.0]
    """
    return pl.col("port_since")


def pair_port_earlier() -> pl.Expr:
    """Connections of the source with this port of the destination that ended before, however long ago.

    Unit: connections. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: an address, the responder's port or the time is unset. Source: RITA v5 (connections of a
    pair), as far as they have passed.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("pair_port_earlier")
    [0, 1, 0, 0, 0, 2, 1]
    """
    return saturated("port_earlier", UINT16)


PAIR = family(
    "moment of the pair",
    (
        pair_connections_60s,
        pair_connections_10m,
        pair_ports_60s,
        pair_failed_share_10m,
        pair_orig_bytes_10m,
        pair_since_end,
        pair_port_connections_10m,
        pair_port_since_end,
        pair_port_earlier,
    ),
    pair_table,
    (),
    together=("source", "destination"),
    prepare=preparing("source", "destination", "resp_p", "end", "state", "orig_bytes"),
)
