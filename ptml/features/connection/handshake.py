"""What the two sides of TLS give away of themselves, and how rare that is in the capture: over ssl.log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.connection.rows import rows_of, with_shares
from ptml.features.family import family

if TYPE_CHECKING:
    from ptml.features.family import Logs

_PROFILE = ("version", "cipher", "curve", "next_protocol")
"""What every Zeek logs of a handshake: a coarse fingerprint that needs no package."""

_CLIENT_CHAINS = ("client_cert_chain_fps", "client_cert_chain_fuids")


def handshake_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of ssl.log with the shares of their fingerprints in the capture.

    >>> ssl = pl.LazyFrame({"capture_id": "c1", "uid": ["C1", "C2"], "version": ["TLSv12", "TLSv13"]})
    >>> handshake_rows({"ssl": ssl}).collect()["profile_share"].to_list()
    [0.5, 0.5]
    """
    rows = rows_of("ssl")(logs)
    if rows is None:
        return None
    present = rows.collect_schema().names()
    profile = [pl.col(name).fill_null("-") for name in _PROFILE if name in present]
    if profile:
        known = pl.any_horizontal(pl.col(name).is_not_null() for name in _PROFILE if name in present)
        rows = rows.with_columns(profile=pl.when(known).then(pl.concat_str(profile, separator=" ")))
    chains = [pl.col(name).list.len() for name in _CLIENT_CHAINS if name in present]
    if chains:
        rows = rows.with_columns(client_chain=pl.coalesce(chains))
    return with_shares(lambda _: rows, "ja3", "ja3s", "ja4", "profile")(logs)


def tls_alert() -> pl.Expr:
    """A side ended the handshake or the session with an alert.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl. Scope: connection.
    Null: no row in ssl.log. Source: RFC 8446, section 6.

    >>> pl.DataFrame({"last_alert": [None, "unknown_ca"]}).select(tls_alert()).item()
    True
    """
    return pl.col("last_alert").is_not_null().max()


def tls_x25519() -> pl.Expr:
    """The keys were agreed on over curve 25519, alone or with a post-quantum partner, as today's browsers do.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl. Scope: connection.
    Null: no curve known. Source: RFC 7748.

    >>> pl.DataFrame({"curve": ["secp256r1"]}).select(tls_x25519()).item()
    False
    """
    return pl.col("curve").str.contains("(?i)x25519").max()


def tls_client_certificate() -> pl.Expr:
    """The client showed a certificate.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl. Scope: connection.
    Null: not known. Source: RFC 8446, section 4.3.2.

    >>> pl.DataFrame({"client_chain": [0, None]}).select(tls_client_certificate()).item()
    False
    """
    return (pl.col("client_chain") > 0).max()


def tls_validation_failed() -> pl.Expr:
    """The sensor could not verify the server's certificate (a policy script tries).

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl. Scope: connection.
    Null: not tried. Source: Zeek policy/protocols/ssl/validate-certs.

    >>> rows = {"validation_status": ["ok", "self signed certificate"]}
    >>> pl.DataFrame(rows).select(tls_validation_failed()).item()
    True
    """
    return (pl.col("validation_status") != "ok").max()


def tls_profile_share() -> pl.Expr:
    """Share of the capture's handshakes with the same version, cipher, curve and next protocol; the least.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: nothing agreed on. Source: ptml; rare in the capture.

    >>> pl.DataFrame({"profile_share": [0.5, 0.25]}).select(tls_profile_share()).item()
    0.25
    """
    return pl.col("profile_share").min()


def tls_ja3_share() -> pl.Expr:
    """Share of the capture's handshakes whose client has this JA3 fingerprint; of several the least.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: no fingerprint (a package makes them). Source: Althouse et al. 2017, JA3.

    >>> pl.DataFrame({"ja3_share": [0.5, 0.25]}).select(tls_ja3_share()).item()
    0.25
    """
    return pl.col("ja3_share").min()


def tls_ja3s_share() -> pl.Expr:
    """Share of the capture's handshakes whose server has this JA3S fingerprint; of several the least.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: no fingerprint (a package makes them). Source: Althouse et al. 2017, JA3.

    >>> pl.DataFrame({"ja3s_share": [0.5, 0.25]}).select(tls_ja3s_share()).item()
    0.25
    """
    return pl.col("ja3s_share").min()


def tls_ja4_share() -> pl.Expr:
    """Share of the capture's handshakes whose client has this JA4 fingerprint; of several the least.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: capture.
    Null: no fingerprint (a package makes them). Source: JA4+, FoxIO 2023.

    >>> pl.DataFrame({"ja4_share": [0.5, 0.25]}).select(tls_ja4_share()).item()
    0.25
    """
    return pl.col("ja4_share").min()


HANDSHAKE = family(
    "tls",
    (
        tls_alert,
        tls_x25519,
        tls_client_certificate,
        tls_validation_failed,
        tls_profile_share,
        tls_ja3_share,
        tls_ja3s_share,
        tls_ja4_share,
    ),
    handshake_rows,
)
