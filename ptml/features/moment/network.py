"""What had been happening in the capture when a connection ended."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import ratio
from ptml.features.family import family
from ptml.features.moment.columns import UINT8, UINT16, saturated
from ptml.features.moment.tables import network_table, preparing


def srv_count() -> pl.Expr:
    """Connections of the same service in the capture that ended in the 2 seconds before.

    Unit: connections. Type: UInt16. Range: 0 to 65535. Logs: conn. Scope: past.
    Null: the service and the responder's port, or the time, are unset. Source: KDD Cup 1999 srv_count.

    The service is Zeek's, or else the responder's port. KDD counts the connection itself too, and up to
    511.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("srv_count")
    [0, 1, 0, 2, 0, 0, 0]
    """
    return saturated("n_short", UINT16)


def srv_serror_rate() -> pl.Expr:
    """Share of half-open ones among the connections of the same service in the 2 seconds before.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: the service and the responder's port, or the time, are unset, or there is none whose state is
    known. Source: KDD Cup 1999 srv_serror_rate.

    See serror_rate.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("srv_serror_rate")
    [None, 0.0, None, 0.5, None, None, None]
    """
    return ratio(pl.col("half_open_short"), pl.col("known_short"))


def srv_rerror_rate() -> pl.Expr:
    """Share of rejected ones among the connections of the same service in the 2 seconds before.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: the service and the responder's port, or the time, are unset, or there is none whose state is
    known. Source: KDD Cup 1999 srv_rerror_rate.

    See rerror_rate.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("srv_rerror_rate")
    [None, 0.0, None, 0.0, None, None, None]
    """
    return ratio(pl.col("rejected_short"), pl.col("known_short"))


def srv_diff_host_rate() -> pl.Expr:
    """Share to other destinations among the connections of the same service in the 2 seconds before.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: past.
    Null: the service and the responder's port, or the time, are unset, the destination is, or there is
    none. Source: KDD Cup 1999 srv_diff_host_rate.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("srv_diff_host_rate")
    [None, 0.0, None, 0.0, None, None, None]
    """
    return 1 - ratio(pl.col("same_host_short"), pl.col("n_short"))


def ct_srv_src() -> pl.Expr:
    """Connections with the same service and source among the last 100 of the capture that ended before.

    Unit: connections. Type: UInt8. Range: 0 to 255. Logs: conn. Scope: past.
    Null: the source, the service with the port or the time is unset. Source: UNSW-NB15 (Moustafa and
    Slay 2015) ct_srv_src.

    UNSW-NB15 counts the connection itself too. Of several that ended when the hundredth did all count,
    up to 255.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("ct_srv_src")
    [0, 1, 0, 0, 0, 2, 1]
    """
    return saturated("service_source_last", UINT8)


def ct_srv_dst() -> pl.Expr:
    """Connections with the same service and destination among the last 100 of the capture that ended before.

    Unit: connections. Type: UInt8. Range: 0 to 255. Logs: conn. Scope: past.
    Null: the destination, the service with the port or the time is unset. Source: UNSW-NB15 (Moustafa
    and Slay 2015) ct_srv_dst.

    UNSW-NB15 counts the connection itself too. Of several that ended when the hundredth did all count,
    up to 255.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("ct_srv_dst")
    [0, 1, 0, 2, 0, 3, 1]
    """
    return saturated("service_destination_last", UINT8)


def ct_dst_ltm() -> pl.Expr:
    """Connections with the same destination among the last 100 of the capture that ended before.

    Unit: connections. Type: UInt8. Range: 0 to 255. Logs: conn. Scope: past.
    Null: the destination or the time is unset. Source: UNSW-NB15 (Moustafa and Slay 2015) ct_dst_ltm.

    UNSW-NB15 counts the connection itself too. Of several that ended when the hundredth did all count,
    up to 255.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("ct_dst_ltm")
    [0, 1, 0, 2, 3, 4, 1]
    """
    return saturated("destination_last", UINT8)


def ct_src_ltm() -> pl.Expr:
    """Connections with the same source among the last 100 of the capture that ended before.

    Unit: connections. Type: UInt8. Range: 0 to 255. Logs: conn. Scope: past.
    Null: the source or the time is unset. Source: UNSW-NB15 (Moustafa and Slay 2015) ct_src_ltm.

    UNSW-NB15 counts the connection itself too. Of several that ended when the hundredth did all count,
    up to 255.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("ct_src_ltm")
    [0, 1, 1, 0, 3, 4, 5]
    """
    return saturated("source_last", UINT8)


def ct_src_dport_ltm() -> pl.Expr:
    """Connections of the same source and responder port among the capture's last 100 that ended before.

    Unit: connections. Type: UInt8. Range: 0 to 255. Logs: conn. Scope: past.
    Null: the source, the responder's port or the time is unset. Source: UNSW-NB15 (Moustafa and Slay
    2015) ct_src_dport_ltm.

    UNSW-NB15 counts the connection itself too. Of several that ended when the hundredth did all count,
    up to 255.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("ct_src_dport_ltm")
    [0, 1, 0, 0, 0, 2, 1]
    """
    return saturated("source_port_last", UINT8)


def ct_dst_sport_ltm() -> pl.Expr:
    """Connections of the same destination and originator port among the capture's last 100 that ended before.

    Unit: connections. Type: UInt8. Range: 0 to 255. Logs: conn. Scope: past.
    Null: the destination, the originator's port or the time is unset. Source: UNSW-NB15 (Moustafa and
    Slay 2015) ct_dst_sport_ltm.

    UNSW-NB15 counts the connection itself too. Of several that ended when the hundredth did all count,
    up to 255.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("ct_dst_sport_ltm")
    [0, 0, 0, 1, 0, 0, 0]
    """
    return saturated("destination_port_last", UINT8)


def ct_dst_src_ltm() -> pl.Expr:
    """Connections with the same source and destination among the last 100 of the capture that ended before.

    Unit: connections. Type: UInt8. Range: 0 to 255. Logs: conn. Scope: past.
    Null: an address or the time is unset. Source: UNSW-NB15 (Moustafa and Slay 2015) ct_dst_src_ltm.

    UNSW-NB15 counts the connection itself too. Of several that ended when the hundredth did all count,
    up to 255.

    >>> from ptml.features.moment.example import at_example
    >>> at_example("ct_dst_src_ltm")
    [0, 1, 0, 0, 2, 3, 1]
    """
    return saturated("pair_last", UINT8)


NETWORK = family(
    "moment of the network",
    (
        srv_count,
        srv_serror_rate,
        srv_rerror_rate,
        srv_diff_host_rate,
        ct_srv_src,
        ct_srv_dst,
        ct_dst_ltm,
        ct_src_ltm,
        ct_src_dport_ltm,
        ct_dst_sport_ltm,
        ct_dst_src_ltm,
    ),
    network_table,
    (),
    together=("capture",),
    prepare=preparing("capture", "source", "destination", "orig_p", "resp_p", "service", "end", "state"),
)
