"""What the originator of a connection had been doing when it ended."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import ratio
from ptml.features.family import family
from ptml.features.moment.columns import UINT8, UINT16, saturated
from ptml.features.moment.tables import preparing, source_table


def src_connections_2s() -> pl.Expr:
    """Connections of the source that ended in the 2 seconds before.

    Unit: connections. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: the source or the time is unset. Source: Lee and Stolfo 2000.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_connections_2s")
    [0, 1, 1, 0, 2, 0, 0]
    """
    return saturated("n_short", UINT16)


def src_connections_60s() -> pl.Expr:
    """Connections of the source that ended in the 60 seconds before.

    Unit: connections. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: the source or the time is unset. Source: Lee and Stolfo 2000.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_connections_60s")
    [0, 1, 1, 0, 3, 1, 0]
    """
    return saturated("n_middle", UINT16)


def src_connections_10m() -> pl.Expr:
    """Connections of the source that ended in the 10 minutes before.

    Unit: connections. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: the source or the time is unset. Source: Lee and Stolfo 2000.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_connections_10m")
    [0, 1, 1, 0, 3, 4, 1]
    """
    return saturated("n_long", UINT16)


def src_destinations_2s() -> pl.Expr:
    """Distinct destinations of the source's connections that ended in the 2 seconds before.

    Unit: hosts. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: the source or the time is unset. Source: Jung et al. 2004; Zeek policy/misc/scan.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_destinations_2s")
    [0, 1, 1, 0, 2, 0, 0]
    """
    return saturated("destinations_short", UINT16)


def src_destinations_60s() -> pl.Expr:
    """Distinct destinations of the source's connections that ended in the 60 seconds before.

    Unit: hosts. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: the source or the time is unset. Source: Jung et al. 2004; Zeek policy/misc/scan.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_destinations_60s")
    [0, 1, 1, 0, 2, 1, 0]
    """
    return saturated("destinations_middle", UINT16)


def src_destinations_10m() -> pl.Expr:
    """Distinct destinations of the source's connections that ended in the 10 minutes before.

    Unit: hosts. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: the source or the time is unset. Source: Jung et al. 2004; Zeek policy/misc/scan.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_destinations_10m")
    [0, 1, 1, 0, 2, 2, 1]
    """
    return saturated("destinations_long", UINT16)


def src_ports_60s() -> pl.Expr:
    """Distinct responder ports of the source's connections that ended in the 60 seconds before.

    Unit: ports. Type: UInt16. Range: 0 to 65535. Logs: conn. Scope: past.
    Null: the source or the time is unset. Source: Zeek policy/misc/scan.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_ports_60s")
    [0, 1, 1, 0, 2, 1, 0]
    """
    return saturated("ports_middle", UINT16)


def src_ports_10m() -> pl.Expr:
    """Distinct responder ports of the source's connections that ended in the 10 minutes before.

    Unit: ports. Type: UInt16. Range: 0 to 65535. Logs: conn. Scope: past.
    Null: the source or the time is unset. Source: Zeek policy/misc/scan.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_ports_10m")
    [0, 1, 1, 0, 2, 3, 1]
    """
    return saturated("ports_long", UINT16)


def src_failed_share_60s() -> pl.Expr:
    """Share of failed ones among the source's connections that ended in the 60 seconds before.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: the source or the time is unset, or there is none whose state is known. Source: Jung et al.
    2004.

    Failed: half open or rejected, as the features half_open and rejected say.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_failed_share_60s")
    [None, 0.0, 0.0, None, 0.6666667, 0.0, None]
    """
    return ratio(pl.col("failed_middle"), pl.col("known_middle"))


def src_failed_share_10m() -> pl.Expr:
    """Share of failed ones among the source's connections that ended in the 10 minutes before.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: the source or the time is unset, or there is none whose state is known. Source: Jung et al.
    2004.

    Failed: half open or rejected, as the features half_open and rejected say.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_failed_share_10m")
    [None, 0.0, 0.0, None, 0.6666667, 0.5, 0.0]
    """
    return ratio(pl.col("failed_long"), pl.col("known_long"))


def src_orig_bytes_10m() -> pl.Expr:
    """Payload that the source sent in the source's connections that ended in the 10 minutes before.

    Unit: bytes, at most 1 TiB a connection. Type: Float32. Range: 0 or more. Logs: conn. Scope: past.
    Null: the source or the time is unset, or no count of its connections is known (0 if it had none).
    Source: NetFlow practice.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_orig_bytes_10m")
    [0.0, 100.0, 100.0, 0.0, 100.0, 120.0, 100.0]
    """
    return pl.col("orig_bytes_long")


def src_resp_bytes_10m() -> pl.Expr:
    """Payload that others sent in the source's connections that ended in the 10 minutes before.

    Unit: bytes, at most 1 TiB a connection. Type: Float32. Range: 0 or more. Logs: conn. Scope: past.
    Null: the source or the time is unset, or no count of its connections is known (0 if it had none).
    Source: NetFlow practice.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_resp_bytes_10m")
    [0.0, 300.0, 300.0, 0.0, 300.0, 340.0, 300.0]
    """
    return pl.col("resp_bytes_long")


def src_new_destination() -> pl.Expr:
    """The source has had no connection with this destination that ended before.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: past.
    Null: an address or the time is unset. Source: Jung et al. 2004 (first-contact connections).

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_new_destination")
    [True, False, True, True, False, False, False]
    """
    return pl.col("new")


def src_new_destinations_10m() -> pl.Expr:
    """Connections of the source that ended in the 10 minutes before and were with a new destination.

    Unit: connections. Type: UInt16. Range: 0 to 65535. Logs: conn. Scope: past.
    Null: the source or the time is unset. Source: Schechter et al. 2004 (first-contact rate).

    Several that end at the same instant as the first one with a destination are all with a new one.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_new_destinations_10m")
    [0, 1, 1, 0, 2, 2, 0]
    """
    return saturated("new_long", UINT16)


def src_since_end() -> pl.Expr:
    """Time since the source's last connection ended.

    Unit: seconds. Type: Float32. Range: above 0. Logs: conn. Scope: past.
    Null: the source or the time is unset, or there is none. Source: UNSW-NB15 (Moustafa and Slay 2015)
    Sintpkt, taken over connections.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_since_end")
    [None, 1.0, 1.0, None, 2.0, 60.0, 600.0]
    """
    return pl.col("since")


def src_destinations_100() -> pl.Expr:
    """Distinct destinations of the source's last 100 connections that ended before.

    Unit: hosts. Type: UInt8. Range: 0 to 255. Logs: conn. Scope: past.
    Null: the source or the time is unset. Source: Lee and Stolfo 2000.

    Of several that ended when the hundredth did all count.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_destinations_100")
    [0, 1, 1, 0, 2, 2, 2]
    """
    return saturated("destinations_last", UINT8)


def src_span_100() -> pl.Expr:
    """Time since the first end among the source's last 100 connections that ended before.

    Unit: seconds. Type: Float32. Range: above 0. Logs: conn. Scope: past.
    Null: the source or the time is unset, or there is none. Source: Lee and Stolfo 2000.

    Of several that ended when the hundredth did all count; where there are fewer, all do.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("src_span_100")
    [None, 1.0, 1.0, None, 3.0, 63.0, 663.0]
    """
    return pl.col("span_last")


SOURCE = family(
    "moment of the source",
    (
        src_connections_2s,
        src_connections_60s,
        src_connections_10m,
        src_destinations_2s,
        src_destinations_60s,
        src_destinations_10m,
        src_ports_60s,
        src_ports_10m,
        src_failed_share_60s,
        src_failed_share_10m,
        src_orig_bytes_10m,
        src_resp_bytes_10m,
        src_new_destination,
        src_new_destinations_10m,
        src_since_end,
        src_destinations_100,
        src_span_100,
    ),
    source_table,
    (),
    together=("source",),
    prepare=preparing("source", "destination", "resp_p", "end", "state", "orig_bytes", "resp_bytes"),
)
