"""All certificates that a server sent, in their order: over each certificate of the chains in ssl.log."""

from __future__ import annotations

import polars as pl

from ptml.features.connection.certificates import WEAK_SIGNATURE
from ptml.features.expressions import BYTE, at_most
from ptml.features.family import family
from ptml.features.x509 import chain_rows, days

LEAST_BITS, LEAST_CURVE_BITS = 2048, 224
"""Shorter keys than these are weak, of RSA and DSA, and on elliptic curves."""

_SELF_MADE = pl.col("certificate.subject") == pl.col("certificate.issuer")
_LINKED = pl.col("certificate.issuer") == pl.col("issuer_subject")


def cert_chain_breaks() -> pl.Expr:
    """Certificates of the chain that were not issued by the one that follows, by its name.

    Unit: links. Type: UInt8. Range: 0 to 255, where it saturates. Logs: ssl, x509. Scope: connection.
    Null: no two certificates that follow each other were seen. Source: RFC 5280, section 6.1.

    >>> chain = {"certificate.issuer": ["CN=b", "CN=root"], "issuer_subject": ["CN=x", None]}
    >>> pl.DataFrame(chain).select(cert_chain_breaks()).item()
    1
    """
    return at_most(pl.when(_LINKED.count() > 0).then((~_LINKED).sum()), BYTE)


def cert_chain_first_break() -> pl.Expr:
    """Place of the first certificate of the chain that the next one did not issue; the server's own is 0.

    Unit: certificates. Type: UInt8. Range: 0 to 30. Logs: ssl, x509. Scope: connection.
    Null: every link that was seen holds, or none was seen. Source: RFC 5280, section 6.1.

    >>> chain = {"place": [0, 1], "certificate.issuer": ["CN=b", "CN=c"], "issuer_subject": ["CN=b", "CN=x"]}
    >>> pl.DataFrame(chain).select(cert_chain_first_break()).item()
    1
    """
    return pl.when(~_LINKED).then("place").min()


def cert_chain_root() -> pl.Expr:
    """A certificate after the first names itself as its issuer: the server sends the root along.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: no certificate after the first was seen. Source: RFC 8446, section 4.4.2 (it may be left out).

    >>> chain = {"place": [0, 1], "certificate.subject": ["CN=a", "CN=b"], "certificate.issuer": ["CN=b"] * 2}
    >>> pl.DataFrame(chain).select(cert_chain_root()).item()
    True
    """
    return _after_first(_SELF_MADE).max()


def cert_chain_out_of_date() -> pl.Expr:
    """A certificate of the chain was used before or after the time for which it is valid.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen. Source: RFC 5280, section 6.1.

    >>> from datetime import datetime
    >>> chain = {"ts": [datetime(2026, 6, 1)], "certificate.not_valid_before": [datetime(2026, 7, 1)],
    ...          "certificate.not_valid_after": [datetime(2026, 8, 1)]}
    >>> pl.DataFrame(chain).select(cert_chain_out_of_date()).item()
    True
    """
    before, after = pl.col("certificate.not_valid_before"), pl.col("certificate.not_valid_after")
    return ((pl.col("ts") < before) | (pl.col("ts") > after)).max()


def cert_chain_shortest_validity() -> pl.Expr:
    """Days for which a certificate after the server's was issued; of several the fewest.

    Unit: days. Type: Float32. Range: any. Logs: ssl, x509. Scope: connection.
    Null: no certificate after the first was seen. Source: Anderson and McGrew 2016, taken over the chain.

    >>> from datetime import datetime
    >>> chain = {"place": [1, 2], "certificate.not_valid_before": [datetime(2026, 6, 1)] * 2,
    ...          "certificate.not_valid_after": [datetime(2026, 6, 3), datetime(2026, 6, 11)]}
    >>> pl.DataFrame(chain).select(cert_chain_shortest_validity()).item()
    2.0
    """
    return _validity().min()


def cert_chain_longest_validity() -> pl.Expr:
    """Days for which a certificate after the server's was issued; of several the most.

    Unit: days. Type: Float32. Range: any. Logs: ssl, x509. Scope: connection.
    Null: no certificate after the first was seen. Source: Anderson and McGrew 2016, taken over the chain.

    >>> from datetime import datetime
    >>> chain = {"place": [1, 2], "certificate.not_valid_before": [datetime(2026, 6, 1)] * 2,
    ...          "certificate.not_valid_after": [datetime(2026, 6, 3), datetime(2026, 6, 11)]}
    >>> pl.DataFrame(chain).select(cert_chain_longest_validity()).item()
    10.0
    """
    return _validity().max()


def cert_chain_weak_key() -> pl.Expr:
    """A key in the chain is weak: below 2048 bits, or below 224 on an elliptic curve.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: no key seen. Source: RFC 9325, section 4.5.

    >>> chain = {"certificate.key_type": ["ecdsa", "rsa"], "certificate.key_length": [256, 1024]}
    >>> pl.DataFrame(chain).select(cert_chain_weak_key()).item()
    True
    """
    on_curve = pl.col("certificate.key_type").str.contains("(?i)^ec")
    least = pl.when(on_curve).then(LEAST_CURVE_BITS).otherwise(LEAST_BITS)
    return (pl.col("certificate.key_length") < least).max()


def cert_chain_weak_signature() -> pl.Expr:
    """A certificate of the chain, if not a root, is signed over a hash that is broken: MD5 or SHA-1.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: no certificate seen that another one issued. Source: RFC 9325, section 4.5; RFC 9155.

    Nobody trusts a root for its signature, so that of one that names itself as issuer does not count.

    >>> chain = {"certificate.subject": ["CN=a", "CN=b"], "certificate.issuer": ["CN=b", "CN=b"],
    ...          "certificate.sig_alg": ["sha256WithRSAEncryption", "sha1WithRSAEncryption"]}
    >>> pl.DataFrame(chain).select(cert_chain_weak_signature()).item()
    False
    """
    return pl.when(~_SELF_MADE).then(pl.col("certificate.sig_alg").str.contains(WEAK_SIGNATURE)).max()


def cert_chain_no_authority() -> pl.Expr:
    """A certificate after the first is not an authority's: it may not issue any.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl, x509. Scope: connection.
    Null: no certificate after the first was seen, or it does not say. Source: RFC 5280, section 4.2.1.9.

    >>> chain = {"place": [0, 1], "basic_constraints.ca": [False, True]}
    >>> pl.DataFrame(chain).select(cert_chain_no_authority()).item()
    False
    """
    return _after_first(~pl.col("basic_constraints.ca")).max()


def _after_first(value: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("place") > 0).then(value)


def _validity() -> pl.Expr:
    return _after_first(days(pl.col("certificate.not_valid_after") - pl.col("certificate.not_valid_before")))


CHAIN = family(
    "certificates",
    (
        cert_chain_breaks,
        cert_chain_first_break,
        cert_chain_root,
        cert_chain_out_of_date,
        cert_chain_shortest_validity,
        cert_chain_longest_validity,
        cert_chain_weak_key,
        cert_chain_weak_signature,
        cert_chain_no_authority,
    ),
    chain_rows,
)
