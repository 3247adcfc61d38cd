"""How the hosts of a capture use TLS: over all rows of ssl.log and the certificates that they name."""

from __future__ import annotations

import polars as pl

from ptml.features.capture import handshakes
from ptml.features.connection.tls import VERSIONS
from ptml.features.expressions import not_negative, share
from ptml.features.family import Logs, family
from ptml.features.x509 import certificate_rows, days

_YOUNG = pl.duration(days=30)


def all_ssl_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of ssl.log.

    >>> all_ssl_rows({}) is None
    True
    """
    return logs.get("ssl")


def tls_connections() -> pl.Expr:
    """TLS handshakes in the capture.

    Unit: handshakes. Type: UInt32. Range: 1 or more. Logs: ssl. Scope: capture.
    Null: no row in ssl.log. Source: Zeek ssl.log.

    >>> pl.DataFrame({"version": ["TLSv12", None]}).select(tls_connections()).item()
    2
    """
    return pl.len()


def tls_no_sni_share() -> pl.Expr:
    """Share of the handshakes that name no server.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: no row in ssl.log. Source: RFC 6066, section 3; Anderson, Paul and McGrew 2016.

    >>> pl.DataFrame({"server_name": ["a.com", None]}).select(tls_no_sni_share()).item()
    0.5
    """
    return share(pl.col("server_name").is_null())


def tls_server_names() -> pl.Expr:
    """Distinct servers named in handshakes.

    Unit: names. Type: UInt32. Range: 0 or more. Logs: ssl. Scope: capture.
    Null: no row in ssl.log. Source: Zeek ssl.log.

    >>> pl.DataFrame({"server_name": ["a.com", "a.com", None]}).select(tls_server_names()).item()
    1
    """
    return pl.col("server_name").drop_nulls().n_unique()


def tls_old_share() -> pl.Expr:
    """Share of the agreed versions that are older than TLS 1.2.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: no version known. Source: RFC 8996.

    >>> pl.DataFrame({"version": ["TLSv10", "TLSv13", None]}).select(tls_old_share()).item()
    0.5
    """
    version = pl.col("version").replace_strict(VERSIONS, default=None, return_dtype=pl.UInt8)
    return share(version < VERSIONS["TLSv12"])


def tls_unfinished_share() -> pl.Expr:
    """Share of the handshakes that were not completed.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: none known. Source: Zeek ssl.log.

    >>> pl.DataFrame({"established": [True, False]}).select(tls_unfinished_share()).item()
    0.5
    """
    return share(~pl.col("established"))


def self_signed_share() -> pl.Expr:
    """Share of the server certificates seen that name themselves as their issuer.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl, x509. Scope: capture.
    Null: no certificate seen. Source: Anderson and McGrew 2016.

    >>> leaves = {"certificate.subject": ["CN=a", "CN=b", None], "certificate.issuer": ["CN=a", "CN=c", None]}
    >>> pl.DataFrame(leaves).select(self_signed_share()).item()
    0.5
    """
    return share(pl.col("certificate.subject") == pl.col("certificate.issuer"))


def young_certificate_share() -> pl.Expr:
    """Share of the server certificates seen that were used within 30 days of the start of their validity.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl, x509. Scope: capture.
    Null: no certificate seen. Source: ptml; validity, RFC 5280, section 4.1.2.5, at the time of use.

    >>> from datetime import datetime
    >>> before = [datetime(2026, 1, 1), datetime(2025, 1, 1)]
    >>> leaves = pl.DataFrame({"ts": [datetime(2026, 1, 2)] * 2, "certificate.not_valid_before": before})
    >>> leaves.select(young_certificate_share()).item()
    0.5
    """
    return share(pl.col("ts") - pl.col("certificate.not_valid_before") < _YOUNG)


def expired_certificate_share() -> pl.Expr:
    """Share of the server certificates seen that were used outside the time of their validity.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl, x509. Scope: capture.
    Null: no certificate seen. Source: RFC 5280, section 4.1.2.5.

    >>> from datetime import datetime
    >>> may, june, july = (datetime(2026, month, 1) for month in (5, 6, 7))
    >>> ends = {"certificate.not_valid_before": [may] * 2, "certificate.not_valid_after": [may, july]}
    >>> rows = pl.DataFrame({"ts": [june] * 2, **ends})
    >>> rows.select(expired_certificate_share()).item()
    0.5
    """
    before, after = pl.col("certificate.not_valid_before"), pl.col("certificate.not_valid_after")
    return share((pl.col("ts") < before) | (pl.col("ts") > after))


def median_validity_days() -> pl.Expr:
    """Median time for which the server certificates seen are valid.

    Unit: days. Type: Float32. Range: 0 or more. Logs: ssl, x509. Scope: capture.
    Null: no certificate seen with an end after its start. Source: Anderson and McGrew 2016.

    >>> from datetime import datetime
    >>> may, june, july = (datetime(2026, month, 1) for month in (5, 6, 7))
    >>> ends = {"certificate.not_valid_before": [may, june], "certificate.not_valid_after": [june, july]}
    >>> rows = pl.DataFrame(ends)
    >>> rows.select(median_validity_days()).item()
    30.5
    """
    before, after = pl.col("certificate.not_valid_before"), pl.col("certificate.not_valid_after")
    return not_negative(days(after - before)).median()


_KEY = ("capture_id",)
CAPTURE_TLS = (
    family(
        "tls",
        (
            tls_connections,
            tls_no_sni_share,
            tls_server_names,
            tls_old_share,
            tls_unfinished_share,
            handshakes.tls13_share,
            handshakes.tls_resumed_share,
            handshakes.weak_cipher_share,
            handshakes.no_forward_secrecy_share,
            handshakes.ciphers,
            handshakes.alpn_share,
            handshakes.median_sni_length,
        ),
        all_ssl_rows,
        _KEY,
    ),
    family(
        "tls",
        (
            handshakes.top_server_name_share,
            handshakes.server_name_evenness,
            handshakes.unresolved_server_share,
            handshakes.digit_server_name_share,
        ),
        handshakes.by_server_name,
        _KEY,
        condensed=True,
    ),
    family(
        "tls",
        (handshakes.tls_fingerprints, handshakes.top_tls_fingerprint_share),
        handshakes.by_fingerprint,
        _KEY,
        condensed=True,
    ),
    family(
        "tls",
        (self_signed_share, young_certificate_share, expired_certificate_share, median_validity_days),
        certificate_rows,
        _KEY,
    ),
)
