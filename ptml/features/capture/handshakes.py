"""How the hosts of a capture use TLS, beside the most common measures: rows and groups of ssl.log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.connection.tls import FORWARD_SECRECY, WEAK_CIPHER
from ptml.features.expressions import digits, evenness, share, top_share

if TYPE_CHECKING:
    from ptml.features.family import Logs

_DIGITS = 0.2


def by_server_name(logs: Logs) -> pl.LazyFrame | None:
    """Servers named in handshakes: ``server_name``, ``handshakes``, and whether dns.log has it ``resolved``.

    >>> ssl = pl.LazyFrame({"capture_id": "c", "server_name": ["A.com", "a.com", None]})
    >>> dns = pl.LazyFrame({"capture_id": "c", "query": ["a.com"]})
    >>> by_server_name({"ssl": ssl, "dns": dns}).select("handshakes", "resolved").collect().row(0)
    (2, True)
    """
    if "ssl" not in logs or "server_name" not in logs["ssl"].collect_schema():
        return None
    name = pl.col("server_name").str.to_lowercase().str.strip_chars(".")
    rows = logs["ssl"].select("capture_id", name).drop_nulls("server_name")
    names = rows.group_by("capture_id", "server_name").agg(pl.len().alias("handshakes"))
    if "dns" not in logs or "query" not in logs["dns"].collect_schema():
        return names
    asked = pl.col("query").str.to_lowercase().str.strip_chars(".").alias("server_name")
    known = logs["dns"].select("capture_id", asked).drop_nulls("server_name").unique()
    found = known.with_columns(pl.lit(value=True).alias("found"))
    some = known.select("capture_id", pl.lit(value=True).alias("some")).unique()
    joined = names.join(found, on=["capture_id", "server_name"], how="left", nulls_equal=True)
    joined = joined.join(some, on="capture_id", how="left", nulls_equal=True)
    return joined.with_columns(pl.when(pl.col("some")).then(pl.col("found").is_not_null()).alias("resolved"))


def by_fingerprint(logs: Logs) -> pl.LazyFrame | None:
    """JA3 fingerprints of clients, each with its ``hellos``.

    >>> ssl = pl.LazyFrame({"capture_id": "c", "ja3": ["e7d7", "e7d7", None]})
    >>> by_fingerprint({"ssl": ssl}).collect()["hellos"].to_list()
    [2]
    """
    if "ssl" not in logs or "ja3" not in logs["ssl"].collect_schema():
        return None
    rows = logs["ssl"].select("capture_id", "ja3").drop_nulls("ja3")
    return rows.group_by("capture_id", "ja3").agg(pl.len().alias("hellos"))


def tls13_share() -> pl.Expr:
    """Share of the agreed versions that are TLS 1.3.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: no version known. Source: RFC 8446.

    >>> pl.DataFrame({"version": ["TLSv12", "TLSv13", None]}).select(tls13_share()).item()
    0.5
    """
    return share(pl.col("version") == "TLSv13")


def tls_resumed_share() -> pl.Expr:
    """Share of the handshakes that resume a session.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: none known. Source: Zeek ssl.log.

    >>> pl.DataFrame({"resumed": [True, False, None]}).select(tls_resumed_share()).item()
    0.5
    """
    return share(pl.col("resumed"))


def weak_cipher_share() -> pl.Expr:
    """Share of the agreed ciphers that are broken or too short.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: no cipher known. Source: RFC 7465; RFC 9325.

    >>> rows = pl.DataFrame({"cipher": ["TLS_RSA_WITH_RC4_128_MD5", "TLS_AES_128_GCM_SHA256", None]})
    >>> rows.select(weak_cipher_share()).item()
    0.5
    """
    return share(pl.col("cipher").str.contains(WEAK_CIPHER))


def no_forward_secrecy_share() -> pl.Expr:
    """Share of the agreed ciphers without forward secrecy.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: no cipher known. Source: RFC 9325.

    >>> rows = pl.DataFrame({"cipher": ["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_AES_128_GCM_SHA256", None]})
    >>> rows.select(no_forward_secrecy_share()).item()
    0.5
    """
    return share(~pl.col("cipher").str.contains(FORWARD_SECRECY))


def ciphers() -> pl.Expr:
    """Distinct ciphers agreed.

    Unit: ciphers. Type: UInt32. Range: 0 or more. Logs: ssl. Scope: capture.
    Null: no row in ssl.log. Source: Anderson and McGrew 2016.

    >>> rows = pl.DataFrame({"cipher": ["TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", None]})
    >>> rows.select(ciphers()).item()
    1
    """
    return pl.col("cipher").drop_nulls().n_unique()


def alpn_share() -> pl.Expr:
    """Share of the handshakes that agree on the next protocol.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: no row in ssl.log. Source: RFC 7301.

    >>> pl.DataFrame({"next_protocol": ["h2", None]}).select(alpn_share()).item()
    0.5
    """
    return share(pl.col("next_protocol").is_not_null())


def median_sni_length() -> pl.Expr:
    """Median length of the servers named in handshakes.

    Unit: characters. Type: Float32. Range: 0 or more. Logs: ssl. Scope: capture.
    Null: no server named. Source: Anderson and McGrew 2016, who take it of the name in DNS.

    >>> pl.DataFrame({"server_name": ["a.com", "abc.com", None]}).select(median_sni_length()).item()
    6.0
    """
    return pl.col("server_name").str.len_chars().median()


def top_server_name_share() -> pl.Expr:
    """Share of the handshakes with a server name that ask for the most common one.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: no server named. Source: Zeek ssl.log.

    >>> pl.DataFrame({"handshakes": [3, 1]}).select(top_server_name_share()).item()
    0.75
    """
    return top_share(pl.col("handshakes"))


def server_name_evenness() -> pl.Expr:
    """Entropy of handshakes over the servers named, as a share of the greatest possible.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: fewer than two servers named. Source: Lakhina et al. 2005, taken over names of servers.

    >>> pl.DataFrame({"handshakes": [2, 2]}).select(server_name_evenness()).item()
    1.0
    """
    return evenness(pl.col("handshakes"))


def unresolved_server_share() -> pl.Expr:
    """Share of the servers named for which the capture holds no DNS question.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl, dns. Scope: capture.
    Null: no server named, or no name in dns.log. Source: Anderson and McGrew 2016.

    >>> pl.DataFrame({"resolved": [True, False]}).select(unresolved_server_share()).item()
    0.5
    """
    return share(~pl.col("resolved"))


def digit_server_name_share() -> pl.Expr:
    """Share of the servers named of which a fifth of the characters, or more, are digits.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: no server named. Source: Anderson and McGrew 2016, who take it of the name in DNS.

    >>> pl.DataFrame({"server_name": ["a1b2.com", "example.com"]}).select(digit_server_name_share()).item()
    0.5
    """
    name = pl.col("server_name")
    return share(digits(name) >= _DIGITS * name.str.len_bytes())


def tls_fingerprints() -> pl.Expr:
    """Distinct JA3 fingerprints of clients.

    Unit: fingerprints. Type: UInt32. Range: 1 or more. Logs: ssl. Scope: capture.
    Null: no fingerprint: the sensor lacks the JA3 package. Source: Althouse et al. 2017, JA3.

    >>> pl.DataFrame({"hellos": [3, 1]}).select(tls_fingerprints()).item()
    2
    """
    return pl.len()


def top_tls_fingerprint_share() -> pl.Expr:
    """Share of the handshakes with a JA3 fingerprint that have the most common one.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: no fingerprint: the sensor lacks the JA3 package. Source: Althouse et al. 2017, JA3.

    >>> pl.DataFrame({"hellos": [3, 1]}).select(top_tls_fingerprint_share()).item()
    0.75
    """
    return top_share(pl.col("hellos"))
