"""Claims about how certificates find their connections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from ptml.features.build import connection_features
from tests.features.frames import START, conn, conn_row, log

NAMES = ("cert_chain_length", "cert_self_signed", "cert_validity_days", "cert_age_days", "cert_key_length")
USED = datetime.fromtimestamp(START / 1_000_000, UTC)
LEAF: dict[str, Any] = {
    "certificate.subject": "CN=a",
    "certificate.issuer": "CN=a",
    "certificate.not_valid_before": USED - timedelta(days=10),
    "certificate.not_valid_after": USED + timedelta(days=80),
    "certificate.key_length": 2048,
}


def certificate(**names: str) -> pl.LazyFrame:
    """Make an x509.log of one self-signed certificate, named as given."""
    times = {name: pl.Datetime("us", "UTC") for name in LEAF if "not_valid" in name}
    text = dict.fromkeys(("capture_id", *names, *LEAF), pl.String())
    schema = {**text, **times, "certificate.key_length": pl.UInt64()}
    return pl.LazyFrame([{"capture_id": "c1", **names, **LEAF}], schema=schema)


def described(ssl: dict[str, Any], x509: pl.LazyFrame | None) -> tuple[object, ...]:
    """Describe the certificate of a connection with this row in ssl.log."""
    logs = {"conn": conn(conn_row("C1")), "ssl": log("ssl", [{"uid": "C1", "ts": 0.0, **ssl}])}
    if x509 is not None:
        logs["x509"] = x509
    return connection_features(logs).select(NAMES).collect().row(0)


def test_newer_zeek_links_by_fingerprint() -> None:
    """The first fingerprint of the chain finds the certificate."""
    found = described({"cert_chain_fps": ["aa", "bb"]}, certificate(fingerprint="aa"))
    assert found == (2, True, 90.0, 10.0, 2048)


def test_older_zeek_links_by_file() -> None:
    """The first file id of the chain finds the certificate."""
    found = described({"cert_chain_fuids": ["Fa"]}, certificate(id="Fa"))
    assert found == (1, True, 90.0, 10.0, 2048)


@pytest.mark.parametrize(
    "x509", [None, certificate(fingerprint="bb"), certificate(id="aa")], ids=["no log", "other", "other kind"]
)
def test_certificate_that_was_not_seen_is_null(x509: pl.LazyFrame | None) -> None:
    """Without the leaf only the length of the chain is known; a file id is never taken for a fingerprint."""
    assert described({"cert_chain_fps": ["aa"]}, x509) == (1, None, None, None, None)


def test_certificate_logged_twice_counts_once() -> None:
    """Zeek may log a certificate once a connection; that changes nothing."""
    once = certificate(fingerprint="aa")
    assert described({"cert_chain_fps": ["aa"]}, pl.concat([once, once])) == (1, True, 90.0, 10.0, 2048)
