"""How a connection set up TLS: over its rows of ssl.log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.expressions import BYTE, at_most, entropy
from ptml.features.family import family

if TYPE_CHECKING:
    from ptml.features.family import Logs

VERSIONS = {
    "SSLv2": 20,
    "SSLv3": 30,
    "TLSv10": 31,
    "TLSv11": 32,
    "TLSv12": 33,
    "TLSv13": 34,
    "DTLSv10": 32,
    "DTLSv12": 33,
    "DTLSv13": 34,
}
"""Zeek's names as their numbers on the wire; a DTLS version as the TLS version that it is made from."""

WEAK_CIPHER = r"_(RC4|NULL|EXPORT|EXPORT40|anon|DES|DES40|3DES|RC2|IDEA)_|_MD5$"
FORWARD_SECRECY = r"_(EC)?DHE_|^TLS_(AES|CHACHA20)_"


def ssl_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of ssl.log that belong to a connection.

    >>> ssl_rows({}) is None
    True
    """
    return logs["ssl"].filter(pl.col("uid").is_not_null()) if "ssl" in logs else None


def tls_version() -> pl.Expr:
    """Version agreed on, as major and minor digits on the wire: 33 is TLS 1.2, 34 is TLS 1.3.

    Unit: version. Type: UInt8. Range: 20, 30 to 34. Logs: ssl. Scope: connection.
    Null: none agreed on, or unknown. Source: RFC 8446; Anderson and McGrew 2016.

    >>> pl.DataFrame({"version": ["TLSv12", None]}).select(tls_version()).item()
    33
    """
    return pl.col("version").replace_strict(VERSIONS, default=None, return_dtype=pl.UInt8).max()


def tls_weak_cipher() -> pl.Expr:
    """The cipher suite agreed on is broken: RC4, DES, 3DES, RC2, export, null, anonymous or MD5.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl. Scope: connection.
    Null: none agreed on. Source: RFC 7465; RFC 9325.

    >>> pl.DataFrame({"cipher": ["TLS_RSA_WITH_RC4_128_SHA"]}).select(tls_weak_cipher()).item()
    True
    """
    return pl.col("cipher").str.contains(WEAK_CIPHER).max()


def tls_forward_secrecy() -> pl.Expr:
    """The cipher suite agreed on keeps past traffic secret when the server's key is lost.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl. Scope: connection.
    Null: none agreed on. Source: RFC 9325.

    >>> ciphers = ["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_AES_128_GCM_SHA256"]
    >>> [pl.DataFrame({"cipher": [name]}).select(tls_forward_secrecy()).item() for name in ciphers]
    [False, True]
    """
    return pl.col("cipher").str.contains(FORWARD_SECRECY).max()


def tls_sni_missing() -> pl.Expr:
    """The client did not say which server it wants.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl. Scope: connection.
    Null: no row in ssl.log. Source: RFC 6066, section 3; Anderson, Paul and McGrew 2016.

    >>> pl.DataFrame({"server_name": [None]}).select(tls_sni_missing()).item()
    True
    """
    return pl.col("server_name").is_null().max()


def tls_sni_length() -> pl.Expr:
    """Length of the server name asked for.

    Unit: characters. Type: UInt8. Range: 0 to 255, where it saturates. Logs: ssl. Scope: connection.
    Null: none asked for. Source: Anderson and McGrew 2016, who take it of the name in DNS.

    >>> pl.DataFrame({"server_name": ["a.com"]}).select(tls_sni_length()).item()
    5
    """
    return at_most(pl.col("server_name").str.len_chars().max(), BYTE)


def tls_sni_entropy() -> pl.Expr:
    """Shannon entropy of the bytes of the server name asked for.

    Unit: bits a byte. Type: Float32. Range: 0 to 8. Logs: ssl. Scope: connection.
    Null: none asked for. Source: ptml; as of names in DNS, Schueppen et al. 2018, FANCI.

    >>> pl.DataFrame({"server_name": ["abcd"]}).select(tls_sni_entropy()).item()
    2.0
    """
    return entropy(pl.col("server_name")).max()


def tls_resumed() -> pl.Expr:
    """The session continued an earlier one, so no certificate was sent.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl. Scope: connection.
    Null: unset. Source: Zeek ssl.log.

    >>> pl.DataFrame({"resumed": [False]}).select(tls_resumed()).item()
    False
    """
    return pl.col("resumed").max()


def tls_established() -> pl.Expr:
    """The handshake was completed.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl. Scope: connection.
    Null: unset. Source: Zeek ssl.log.

    >>> pl.DataFrame({"established": [True]}).select(tls_established()).item()
    True
    """
    return pl.col("established").max()


def tls_next_protocol() -> pl.Expr:
    """Application protocol agreed on inside TLS; of several the alphabetically first.

    Unit: category. Type: Enum. Range: h2, http/1.1, other. Logs: ssl. Scope: connection.
    Null: none agreed on. Source: RFC 7301; Anderson and McGrew 2016.

    >>> [pl.DataFrame({"next_protocol": [name]}).select(tls_next_protocol()).item() for name in ("h2", "x")]
    ['h2', 'other']
    """
    name = pl.col("next_protocol")
    known = pl.when(name.is_in(["h2", "http/1.1"])).then(name).when(name.is_not_null()).then(pl.lit("other"))
    return known.min()


TLS = family(
    "tls",
    (
        tls_version,
        tls_weak_cipher,
        tls_forward_secrecy,
        tls_sni_missing,
        tls_sni_length,
        tls_sni_entropy,
        tls_resumed,
        tls_established,
        tls_next_protocol,
    ),
    ssl_rows,
)
