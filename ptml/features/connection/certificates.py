"""The server's certificate: its chain in ssl.log, and the row of its first certificate in x509.log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.family import family

if TYPE_CHECKING:
    from ptml.features.family import Logs

_US_PER_DAY = 86_400_000_000
_LINKS = (("cert_chain_fps", "fingerprint"), ("cert_chain_fuids", "id"))
"""Newer Zeek names the certificates of a chain by fingerprint, older by the id of the file."""


def certificate_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of ssl.log, each with what x509.log says of the first certificate of its chain.

    >>> certificate_rows({}) is None
    True
    """
    if "ssl" not in logs:
        return None
    ssl = logs["ssl"].filter(pl.col("uid").is_not_null())
    present = ssl.collect_schema().names()
    chains = [chain for chain, _ in _LINKS if chain in present]
    if not chains:
        return None
    length = pl.coalesce(pl.col(chain).list.len() for chain in chains).alias("chain_length")
    rows = ssl.select("capture_id", "uid", "ts", *chains, length)
    return _with_leaf(rows, logs["x509"], chains) if "x509" in logs else rows


def _with_leaf(rows: pl.LazyFrame, x509: pl.LazyFrame, chains: list[str]) -> pl.LazyFrame:
    known = x509.collect_schema().names()
    links = [(chain, key) for chain, key in _LINKS if chain in chains and key in known]
    if not links:
        return rows
    facts = [pl.col(name) for name in known if name.startswith("certificate.")]
    if "san.dns" in known:
        facts.append(pl.col("san.dns").list.len().alias("san_count"))
    leaves = pl.concat(
        x509.select("capture_id", _tagged(pl.col(key), key).alias("leaf"), *facts).drop_nulls("leaf")
        for _, key in links
    )
    # A certificate may be logged many times. Its rows agree; where a hostile capture makes them differ, the
    # least value of each column is as good as any and does not depend on the order of the rows.
    unique = leaves.group_by("capture_id", "leaf").agg(pl.all().min())
    leaf = pl.coalesce(_tagged(pl.col(chain).list.first(), key) for chain, key in links).alias("leaf")
    return rows.with_columns(leaf).join(unique, on=["capture_id", "leaf"], how="left", nulls_equal=True)


def _tagged(value: pl.Expr, kind: str) -> pl.Expr:
    """Mark a name with its kind, so that a made-up file id cannot pass for a fingerprint."""
    return pl.concat_str(pl.lit(f"{kind}:"), value)


def cert_chain_length() -> pl.Expr:
    """Certificates that the server sent.

    Unit: certificates. Type: UInt16. Range: 0 or more. Logs: ssl. Scope: connection.
    Null: the chain was not seen (resumed, TLS 1.3). Source: Anderson and McGrew 2016.

    >>> pl.DataFrame({"chain_length": [2, None]}).select(cert_chain_length()).item()
    2
    """
    return pl.col("chain_length").max()


def cert_self_signed() -> pl.Expr:
    """The server's certificate names itself as its issuer.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen. Source: Anderson and McGrew 2016.

    >>> leaf = pl.DataFrame({"certificate.subject": ["CN=a"], "certificate.issuer": ["CN=a"]})
    >>> leaf.select(cert_self_signed()).item()
    True
    """
    return (pl.col("certificate.subject") == pl.col("certificate.issuer")).max()


def cert_validity_days() -> pl.Expr:
    """Days for which the server's certificate was issued.

    Unit: days. Type: Float32. Range: any. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen. Source: Anderson and McGrew 2016.

    >>> from datetime import datetime
    >>> days = {"certificate.not_valid_before": [datetime(2026, 1, 1)],
    ...         "certificate.not_valid_after": [datetime(2026, 4, 1)]}
    >>> pl.DataFrame(days).select(cert_validity_days()).item()
    90.0
    """
    return _days(pl.col("certificate.not_valid_after") - pl.col("certificate.not_valid_before")).max()


def cert_age_days() -> pl.Expr:
    """Days from the start of the certificate's validity to its use: negative before it is valid.

    Unit: days. Type: Float32. Range: any. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen. Source: Anderson and McGrew 2016.

    >>> from datetime import datetime
    >>> use = {"certificate.not_valid_before": [datetime(2026, 1, 1)], "ts": [datetime(2026, 1, 2, 12)]}
    >>> pl.DataFrame(use).select(cert_age_days()).item()
    1.5
    """
    return _days(pl.col("ts") - pl.col("certificate.not_valid_before")).min()


def cert_days_left() -> pl.Expr:
    """Days from the certificate's use to its end: negative when it had expired.

    Unit: days. Type: Float32. Range: any. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen. Source: Anderson and McGrew 2016.

    >>> from datetime import datetime
    >>> use = {"certificate.not_valid_after": [datetime(2026, 1, 1)], "ts": [datetime(2026, 1, 2, 12)]}
    >>> pl.DataFrame(use).select(cert_days_left()).item()
    -1.5
    """
    return _days(pl.col("certificate.not_valid_after") - pl.col("ts")).min()


def cert_san_count() -> pl.Expr:
    """Alternative names of the server's certificate.

    Unit: names. Type: UInt32. Range: 0 or more. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen, or it has none. Source: Anderson and McGrew 2016.

    >>> pl.DataFrame({"san_count": [3]}).select(cert_san_count()).item()
    3
    """
    return pl.col("san_count").max()


def cert_key_length() -> pl.Expr:
    """Length of the certificate's key: 2048 and more for RSA, about 256 for elliptic curves.

    Unit: bits. Type: UInt32. Range: 0 or more. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen. Source: RFC 9325.

    >>> pl.DataFrame({"certificate.key_length": [2048]}).select(cert_key_length()).item()
    2048
    """
    return pl.col("certificate.key_length").min()


def _days(span: pl.Expr) -> pl.Expr:
    return span.dt.total_microseconds() / _US_PER_DAY


CERTIFICATES = family(
    "certificates",
    (
        cert_chain_length,
        cert_self_signed,
        cert_validity_days,
        cert_age_days,
        cert_days_left,
        cert_san_count,
        cert_key_length,
    ),
    certificate_rows,
)
