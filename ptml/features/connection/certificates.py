"""The server's certificate: its chain in ssl.log, and what x509.log says of the first one."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import BYTE, SHORT, at_most
from ptml.features.family import family
from ptml.features.x509 import certificate_rows, days

WEAK_SIGNATURE = "(?i)md[245]|sha-?1"
"""Signatures over a hash that is broken: MD5 and its kin, SHA-1."""


def cert_chain_length() -> pl.Expr:
    """Certificates that the server sent.

    Unit: certificates. Type: UInt8. Range: 0 to 255, where it saturates. Logs: ssl. Scope: connection.
    Null: the chain was not seen (resumed, TLS 1.3). Source: Anderson and McGrew 2016.

    >>> pl.DataFrame({"chain_length": [2, None]}).select(cert_chain_length()).item()
    2
    """
    return at_most(pl.col("chain_length").max(), BYTE)


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
    return days(pl.col("certificate.not_valid_after") - pl.col("certificate.not_valid_before")).max()


def cert_age_days() -> pl.Expr:
    """Days from the start of the certificate's validity to its use: negative before it is valid.

    Unit: days. Type: Float32. Range: any. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen. Source: ptml; validity, RFC 5280, section 4.1.2.5, at the time of use.

    >>> from datetime import datetime
    >>> use = {"certificate.not_valid_before": [datetime(2026, 1, 1)], "ts": [datetime(2026, 1, 2, 12)]}
    >>> pl.DataFrame(use).select(cert_age_days()).item()
    1.5
    """
    return days(pl.col("ts") - pl.col("certificate.not_valid_before")).min()


def cert_days_left() -> pl.Expr:
    """Days from the certificate's use to its end: negative when it had expired.

    Unit: days. Type: Float32. Range: any. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen. Source: ptml; validity, RFC 5280, section 4.1.2.5, at the time of use.

    >>> from datetime import datetime
    >>> use = {"certificate.not_valid_after": [datetime(2026, 1, 1)], "ts": [datetime(2026, 1, 2, 12)]}
    >>> pl.DataFrame(use).select(cert_days_left()).item()
    -1.5
    """
    return days(pl.col("certificate.not_valid_after") - pl.col("ts")).min()


def cert_san_count() -> pl.Expr:
    """Alternative names of the server's certificate.

    Unit: names. Type: UInt8. Range: 0 to 255, where it saturates. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen, or it has none. Source: Anderson and McGrew 2016.

    >>> pl.DataFrame({"san_count": [3]}).select(cert_san_count()).item()
    3
    """
    return at_most(pl.col("san_count").max(), BYTE)


def cert_key_length() -> pl.Expr:
    """Length of the certificate's key: 2048 and more for RSA, about 256 for elliptic curves.

    Unit: bits. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen. Source: RFC 9325, section 4.5.

    >>> pl.DataFrame({"certificate.key_length": [2048]}).select(cert_key_length()).item()
    2048
    """
    return at_most(pl.col("certificate.key_length").min(), SHORT)


def cert_matches_sni() -> pl.Expr:
    """The server's certificate is for the name that the client asked for; a star stands for one label.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: no name asked for, or no certificate with a name seen, and Zeek did not compare them itself. Source:
    RFC 9525, section 6.3.

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
    Null: no certificate seen. Source: RFC 5480.

    >>> pl.DataFrame({"certificate.key_type": ["rsa"]}).select(cert_elliptic_key()).item()
    False
    """
    return pl.col("certificate.key_type").str.contains("(?i)^(ec|ed25519|ed448)").max()


def cert_weak_signature() -> pl.Expr:
    """The certificate is signed over a hash that is broken: MD5 or SHA-1.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen. Source: RFC 9325, section 4.5; RFC 9155.

    >>> pl.DataFrame({"certificate.sig_alg": ["sha1WithRSAEncryption"]}).select(cert_weak_signature()).item()
    True
    """
    return pl.col("certificate.sig_alg").str.contains(WEAK_SIGNATURE).max()


def cert_authority() -> pl.Expr:
    """The server's certificate is an authority's own, as self-made ones often are by mistake.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen, or it does not say. Source: RFC 5280, section 4.2.1.9.

    >>> pl.DataFrame({"basic_constraints.ca": [True]}).select(cert_authority()).item()
    True
    """
    return pl.col("basic_constraints.ca").max()


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
