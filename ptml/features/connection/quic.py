"""What a connection over QUIC shows before it is encrypted: over its rows of quic.log.

Zeek writes the handshake within into ssl.log with the same uid, so the TLS features hold for QUIC too.
"""

from __future__ import annotations

import polars as pl

from ptml.features.connection.rows import rows_of
from ptml.features.expressions import BYTE, at_most
from ptml.features.family import family

VERSIONS = {"1": 1, "2": 2}
"""Zeek's names of the versions that RFC 9000 and RFC 9369 standardise."""


def quic_version() -> pl.Expr:
    """Version in the client's first packet: 0 for a draft or one that no RFC names.

    Unit: version. Type: UInt8. Range: 0 to 2. Logs: quic. Scope: connection.
    Null: no version seen. Source: RFC 9000; RFC 9369.

    >>> pl.DataFrame({"version": ["draft-29", "1"]}).select(quic_version()).item()
    1
    """
    known = pl.col("version").replace_strict(VERSIONS, default=0, return_dtype=pl.UInt8)
    return pl.when(pl.col("version").is_not_null()).then(known).max()


def quic_sni_missing() -> pl.Expr:
    """The client did not say in clear which server it wants.

    Unit: flag. Type: Boolean. Range: true, false. Logs: quic. Scope: connection.
    Null: no row in quic.log. Source: RFC 6066, section 3; Anderson, Paul and McGrew 2016.

    >>> pl.DataFrame({"server_name": ["a.com", None]}).select(quic_sni_missing()).item()
    True
    """
    return pl.col("server_name").is_null().max()


def quic_sni_length() -> pl.Expr:
    """Length of the longest server name asked for.

    Unit: characters. Type: UInt8. Range: 0 to 255, where it saturates. Logs: quic. Scope: connection.
    Null: none asked for. Source: Anderson and McGrew 2016, who take it of the name in DNS.

    >>> pl.DataFrame({"server_name": ["a.com", None]}).select(quic_sni_length()).item()
    5
    """
    return at_most(pl.col("server_name").str.len_chars().max(), BYTE)


def quic_http3() -> pl.Expr:
    """The client offered HTTP/3 first, as browsers do.

    Unit: flag. Type: Boolean. Range: true, false. Logs: quic. Scope: connection.
    Null: no protocol offered. Source: RFC 9114.

    >>> pl.DataFrame({"client_protocol": ["h3-29"]}).select(quic_http3()).item()
    True
    """
    return pl.col("client_protocol").str.contains(r"^h3(-|$)").max()


def quic_early_data() -> pl.Expr:
    """The client sent data before the handshake, which needs an earlier visit.

    Unit: flag. Type: Boolean. Range: true, false. Logs: quic. Scope: connection.
    Null: no history. Source: RFC 9001, section 4.6.

    >>> pl.DataFrame({"history": ["ISZisH"]}).select(quic_early_data()).item()
    True
    """
    return pl.col("history").str.contains("Z", literal=True).max()


def quic_retry() -> pl.Expr:
    """The server asked the client to prove its address first, as one under attack does.

    Unit: flag. Type: Boolean. Range: true, false. Logs: quic. Scope: connection.
    Null: no history. Source: RFC 9000, section 8.1.2.

    >>> pl.DataFrame({"history": ["ISrIis"]}).select(quic_retry()).item()
    True
    """
    return pl.col("history").str.contains("r", literal=True).max()


QUIC = family(
    "quic",
    (
        quic_version,
        quic_sni_missing,
        quic_sni_length,
        quic_http3,
        quic_early_data,
        quic_retry,
    ),
    rows_of("quic"),
)
