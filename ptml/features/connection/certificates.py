"""The server's certificate: its chain in ssl.log, and the rows of its certificates in x509.log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.expressions import SHORT, at_most
from ptml.features.family import family

if TYPE_CHECKING:
    from ptml.features.family import Logs

_US_PER_DAY = 86_400_000_000
_LINKS = (("cert_chain_fps", "fingerprint"), ("cert_chain_fuids", "id"))
"""Newer Zeek names the certificates of a chain by fingerprint, older by the id of the file."""

_COMMON_NAME = r"(?:^|,)\s*CN=([^,]+)"
_WEAK_SIGNATURE = "(?i)md[245]|sha-?1"


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
    asked = [pl.col(name) for name in ("server_name", "sni_matches_cert") if name in present]
    rows = ssl.select("capture_id", "uid", "ts", *chains, *asked, length)
    return _with_match(_with_chain(rows, logs["x509"], chains) if "x509" in logs else rows)


def _with_chain(rows: pl.LazyFrame, x509: pl.LazyFrame, chains: list[str]) -> pl.LazyFrame:
    known = x509.collect_schema().names()
    links = [(chain, key) for chain, key in _LINKS if chain in chains and key in known]
    if not links:
        return rows
    facts = [pl.col(name) for name in known if name.startswith(("certificate.", "basic_constraints."))]
    if "san.dns" in known:
        facts.append(pl.col("san.dns").list.len().alias("san_count"))
    named = pl.concat(
        x509.select("capture_id", _tagged(pl.col(key), key).alias("leaf"), *facts, *_names(known)).drop_nulls(
            "leaf"
        )
        for _, key in links
    )
    # A certificate may be logged many times. Its rows agree; where a hostile capture makes them differ, the
    # least value of each column is as good as any and does not depend on the order of the rows.
    unique = named.group_by("capture_id", "leaf").agg(
        pl.all().exclude("names").min(), pl.col("^names$").explode().unique().sort()
    )
    for place, name in enumerate(("leaf", "issuer")):
        at = pl.coalesce(
            _tagged(pl.col(chain).list.get(place, null_on_oob=True), key) for chain, key in links
        )
        rows = rows.with_columns(at.alias(name))
    rows = rows.join(unique, on=["capture_id", "leaf"], how="left", nulls_equal=True)
    if "certificate.subject" in known:
        issuers = unique.select("capture_id", issuer="leaf", issuer_subject="certificate.subject")
        rows = rows.join(issuers, on=["capture_id", "issuer"], how="left", nulls_equal=True)
    return rows


def _names(known: list[str]) -> list[pl.Expr]:
    """Names that a certificate is for, in lower case: the alternative ones, or the common one if none."""
    names: list[pl.Expr] = []
    if "san.dns" in known:
        names.append(pl.when(pl.col("san.dns").list.len() > 0).then(pl.col("san.dns")))
    if "certificate.subject" in known:
        names.append(pl.concat_list(pl.col("certificate.subject").str.extract(_COMMON_NAME)))
    if not names:
        return []
    lower = pl.coalesce(names).list.eval(pl.element().str.to_lowercase().str.strip_chars("."))
    return [lower.alias("names")]


def _with_match(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Compare the name asked for with those of the certificate; a star stands for the first label."""
    present = rows.collect_schema().names()
    zeek = pl.col("sni_matches_cert") if "sni_matches_cert" in present else pl.lit(None, pl.Boolean)
    if "names" not in present or "server_name" not in present:
        return rows.with_columns(matches=zeek)
    asked = pl.col("server_name").str.to_lowercase().str.strip_chars(".")
    star = pl.concat_str(pl.lit("*."), asked.str.extract(r"^[^.]+\.(.+)$"))
    names = pl.col("names").list.drop_nulls()
    matches = names.list.contains(asked) | names.list.contains(star).fill_null(False)
    known = asked.is_not_null() & (names.list.len() > 0)
    return rows.with_columns(matches=pl.when(known).then(matches).otherwise(zeek)).drop("names")


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

    Unit: names. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen, or it has none. Source: Anderson and McGrew 2016.

    >>> pl.DataFrame({"san_count": [3]}).select(cert_san_count()).item()
    3
    """
    return at_most(pl.col("san_count").max(), SHORT)


def cert_key_length() -> pl.Expr:
    """Length of the certificate's key: 2048 and more for RSA, about 256 for elliptic curves.

    Unit: bits. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen. Source: RFC 9325.

    >>> pl.DataFrame({"certificate.key_length": [2048]}).select(cert_key_length()).item()
    2048
    """
    return at_most(pl.col("certificate.key_length").min(), SHORT)


def cert_matches_sni() -> pl.Expr:
    """The server's certificate is for the name that the client asked for; a star stands for one label.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: no name asked for, or no certificate with a name seen, and Zeek did not compare them itself.
    Source: RFC 6125; Anderson and McGrew 2016.

    >>> pl.DataFrame({"matches": [True, None]}).select(cert_matches_sni()).item()
    True
    """
    return pl.col("matches").min()


def cert_chain_linked() -> pl.Expr:
    """The second certificate of the chain is of the one who issued the first, by its name.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: fewer than two certificates seen. Source: RFC 5280, section 6.1.

    >>> chain = pl.DataFrame({"certificate.issuer": ["CN=ca"], "issuer_subject": ["CN=other"]})
    >>> chain.select(cert_chain_linked()).item()
    False
    """
    return (pl.col("certificate.issuer") == pl.col("issuer_subject")).min()


def cert_elliptic_key() -> pl.Expr:
    """The certificate's key is on an elliptic curve, not RSA or DSA.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen. Source: RFC 9325.

    >>> pl.DataFrame({"certificate.key_type": ["rsa"]}).select(cert_elliptic_key()).item()
    False
    """
    return pl.col("certificate.key_type").str.contains("(?i)^(ec|ed25519|ed448)").max()


def cert_weak_signature() -> pl.Expr:
    """The certificate is signed over a hash that is broken: MD5 or SHA-1.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen. Source: RFC 9155.

    >>> pl.DataFrame({"certificate.sig_alg": ["sha1WithRSAEncryption"]}).select(cert_weak_signature()).item()
    True
    """
    return pl.col("certificate.sig_alg").str.contains(_WEAK_SIGNATURE).max()


def cert_authority() -> pl.Expr:
    """The server's certificate is an authority's own, as self-made ones often are by mistake.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen, or it does not say. Source: RFC 5280, section 4.2.1.9.

    >>> pl.DataFrame({"basic_constraints.ca": [True]}).select(cert_authority()).item()
    True
    """
    return pl.col("basic_constraints.ca").max()


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
        cert_elliptic_key,
        cert_weak_signature,
        cert_authority,
        cert_matches_sni,
        cert_chain_linked,
    ),
    certificate_rows,
)
