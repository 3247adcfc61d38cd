"""What had been done to the responder of a connection when it ended."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import ratio
from ptml.features.family import family
from ptml.features.moment.columns import UINT8, UINT16, saturated
from ptml.features.moment.tables import destination_table, preparing


def count() -> pl.Expr:
    """Connections to the destination that ended in the 2 seconds before.

    Unit: connections. Type: UInt16. Range: 0 to 65535. Logs: conn. Scope: past.
    Null: the destination or the time is unset. Source: KDD Cup 1999 count.

    KDD counts the connection itself too, and up to 511.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("count")
    [0, 1, 0, 2, 2, 0, 0]
    """
    return saturated("n_short", UINT16)


def serror_rate() -> pl.Expr:
    """Share of half-open ones among the connections to the destination in the 2 seconds before.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: the destination or the time is unset, or there is none whose state is known. Source: KDD Cup
    1999 serror_rate.

    Half open as the feature half_open says; KDD takes the states S1, S2 and S3 as SYN errors too.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("serror_rate")
    [None, 0.0, None, 0.5, 0.5, None, None]
    """
    return ratio(pl.col("half_open_short"), pl.col("known_short"))


def rerror_rate() -> pl.Expr:
    """Share of rejected ones among the connections to the destination in the 2 seconds before.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: the destination or the time is unset, or there is none whose state is known. Source: KDD Cup
    1999 rerror_rate.

    Rejected as the feature rejected says: REJ, as in KDD, or RSTRH.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("rerror_rate")
    [None, 0.0, None, 0.0, 0.0, None, None]
    """
    return ratio(pl.col("rejected_short"), pl.col("known_short"))


def same_srv_rate() -> pl.Expr:
    """Share of those with the same service among the connections to the destination in the 2 seconds before.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: the destination or the time is unset, the service and the port are, or there is none. Source:
    KDD Cup 1999 same_srv_rate.

    The service is Zeek's, or else the responder's port; KDD derives it from the port. KDD's
    diff_srv_rate is 1 less this and is not given.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("same_srv_rate")
    [None, 1.0, None, 1.0, 0.0, None, None]
    """
    return ratio(pl.col("same_service_short"), pl.col("n_short"))


def dst_host_count() -> pl.Expr:
    """Connections among the last 100 to the destination that ended before.

    Unit: connections. Type: UInt8. Range: 0 to 255. Logs: conn. Scope: past.
    Null: the destination or the time is unset. Source: KDD Cup 1999 dst_host_count.

    The window is of 100 connections to the same host, as Lee and Stolfo describe it. Of several that
    ended when the hundredth did all count, up to 255.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("dst_host_count")
    [0, 1, 0, 2, 3, 4, 1]
    """
    return saturated("n_last", UINT8)


def dst_host_same_srv_rate() -> pl.Expr:
    """Share of those with the same service among the last 100 connections to the destination.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: the destination or the time is unset, the service and the port are, or there is none. Source:
    KDD Cup 1999 dst_host_same_srv_rate.

    dst_host_srv_count is this times dst_host_count and is not given.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("dst_host_same_srv_rate")
    [None, 1.0, None, 1.0, 0.0, 0.75, 1.0]
    """
    return ratio(pl.col("same_service_last"), pl.col("n_last"))


def dst_host_same_src_port_rate() -> pl.Expr:
    """Share of those from the same originator port among the last 100 connections to the destination.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: the destination or the time is unset, the originator's port is, or there is none. Source: KDD
    Cup 1999 dst_host_same_src_port_rate.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("dst_host_same_src_port_rate")
    [None, 0.0, None, 0.5, 0.0, 0.0, 0.0]
    """
    return ratio(pl.col("same_port_last"), pl.col("n_last"))


def dst_host_serror_rate() -> pl.Expr:
    """Share of half-open ones among the last 100 connections to the destination.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: the destination or the time is unset, or there is none whose state is known. Source: KDD Cup
    1999 dst_host_serror_rate.

    See serror_rate.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("dst_host_serror_rate")
    [None, 0.0, None, 0.5, 0.3333333, 0.25, 0.0]
    """
    return ratio(pl.col("half_open_last"), pl.col("known_last"))


def dst_host_rerror_rate() -> pl.Expr:
    """Share of rejected ones among the last 100 connections to the destination.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: the destination or the time is unset, or there is none whose state is known. Source: KDD Cup
    1999 dst_host_rerror_rate.

    See rerror_rate.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("dst_host_rerror_rate")
    [None, 0.0, None, 0.0, 0.0, 0.0, 1.0]
    """
    return ratio(pl.col("rejected_last"), pl.col("known_last"))


def dst_connections_60s() -> pl.Expr:
    """Connections to the destination that ended in the 60 seconds before.

    Unit: connections. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: the destination or the time is unset. Source: Lee and Stolfo 2000.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("dst_connections_60s")
    [0, 1, 0, 2, 3, 1, 0]
    """
    return saturated("n_middle", UINT16)


def dst_connections_10m() -> pl.Expr:
    """Connections to the destination that ended in the 10 minutes before.

    Unit: connections. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: the destination or the time is unset. Source: Lee and Stolfo 2000.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("dst_connections_10m")
    [0, 1, 0, 2, 3, 4, 0]
    """
    return saturated("n_long", UINT16)


def dst_sources_60s() -> pl.Expr:
    """Distinct sources of the connections to the destination that ended in the 60 seconds before.

    Unit: hosts. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: the destination or the time is unset. Source: Feinstein et al. 2003, who take the entropy of
    sources.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("dst_sources_60s")
    [0, 1, 0, 1, 2, 1, 0]
    """
    return saturated("sources_middle", UINT16)


def dst_sources_10m() -> pl.Expr:
    """Distinct sources of the connections to the destination that ended in the 10 minutes before.

    Unit: hosts. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: conn. Scope: past.
    Null: the destination or the time is unset. Source: Feinstein et al. 2003, who take the entropy of
    sources.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("dst_sources_10m")
    [0, 1, 0, 1, 2, 2, 0]
    """
    return saturated("sources_long", UINT16)


def dst_ports_60s() -> pl.Expr:
    """Distinct ports of the destination with connections that ended in the 60 seconds before.

    Unit: ports. Type: UInt16. Range: 0 to 65535. Logs: conn. Scope: past.
    Null: the destination or the time is unset. Source: Zeek policy/misc/scan (port scans).

    >>> from ptml.features.moment.example import at_example
    >>> at_example("dst_ports_60s")
    [0, 1, 0, 1, 1, 1, 0]
    """
    return saturated("ports_middle", UINT16)


def dst_failed_share_10m() -> pl.Expr:
    """Share of failed ones among the connections to the destination in the 10 minutes before.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: the destination or the time is unset, or there is none whose state is known. Source: Jung et
    al. 2004.

    Failed: half open or rejected.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("dst_failed_share_10m")
    [None, 0.0, None, 0.5, 0.3333333, 0.25, None]
    """
    return ratio(pl.col("failed_long"), pl.col("known_long"))


def dst_since_end() -> pl.Expr:
    """Time since the last connection to the destination ended.

    Unit: seconds. Type: Float32. Range: above 0. Logs: conn. Scope: past.
    Null: the destination or the time is unset, or there is none. Source: UNSW-NB15 (Moustafa and Slay 2015)
    Dintpkt, taken over connections.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("dst_since_end")
    [None, 1.0, None, 1.0, 1.0, 60.0, 662.0]
    """
    return pl.col("since")


DESTINATION = family(
    "moment of the destination",
    (
        count,
        serror_rate,
        rerror_rate,
        same_srv_rate,
        dst_host_count,
        dst_host_same_srv_rate,
        dst_host_same_src_port_rate,
        dst_host_serror_rate,
        dst_host_rerror_rate,
        dst_connections_60s,
        dst_connections_10m,
        dst_sources_60s,
        dst_sources_10m,
        dst_ports_60s,
        dst_failed_share_10m,
        dst_since_end,
    ),
    destination_table,
    (),
    together=("destination",),
    prepare=preparing("source", "destination", "orig_p", "resp_p", "service", "end", "state"),
)
