"""Claims about TLS, HTTP and files beyond their first features: fingerprints, certificates' names, kinds."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ptml.features.build import connection_features, iter_connection_features
from tests.features.frames import conn, conn_row, log


def described(*uids: str, **logs: pl.LazyFrame) -> pl.DataFrame:
    """Describe connections with these uids, at once and in batches of one, which must agree."""
    every = {"conn": conn(*map(conn_row, uids)), **logs}
    table = connection_features(every).collect()
    batches = pl.concat(iter_connection_features(every, batch_rows=1))
    assert_frame_equal(batches, table, check_exact=True)
    return table


def matches(asked: str | None, *certificates: dict[str, Any], **ssl: object) -> object:
    """Tell whether the first certificate of a chain is for the name that was asked."""
    row = {"uid": "C1", "ts": 0.0, "server_name": asked, "cert_chain_fps": ["f0", "f1"], **ssl}
    x509 = [{"fingerprint": f"f{number}", **one} for number, one in enumerate(certificates)]
    logs = {"ssl": log("ssl", [row]), **({"x509": log("x509", x509)} if x509 else {})}
    return described("C1", **logs)["cert_matches_sni"].item()


@pytest.mark.parametrize(
    ("asked", "names", "expected"),
    [
        ("www.example.com", ["example.com", "www.example.com"], True),
        ("WWW.Example.COM.", ["www.example.com"], True),
        ("www.example.com", ["*.Example.com"], True),
        ("a.www.example.com", ["*.example.com"], False),
        ("example.com", ["*.example.com"], False),
        ("wwwXexample.com", ["www.example.com"], False),
        ("bücher.example", ["bücher.example"], True),
        ("x" * 10_240, ["*.example.com"], False),
        (None, ["example.com"], None),
        ("www.example.com", [], None),
    ],
)
def test_certificate_is_for_the_name(asked: str | None, names: list[str], expected: bool | None) -> None:
    """Names are compared without case, and a star stands for exactly one label."""
    assert matches(asked, {"san.dns": names}) is expected


def test_common_name_counts_where_there_is_no_other() -> None:
    """Without alternative names the subject's common name is compared; beside them it is not."""
    subject = {"certificate.subject": "CN=www.example.com,O=Example"}
    assert matches("www.example.com", subject) is True
    assert matches("www.example.com", {**subject, "san.dns": ["example.org"]}) is False


def test_zeeks_own_comparison_fills_in() -> None:
    """Where the certificate was not seen, what Zeek compared itself is taken."""
    assert matches("a.example", sni_matches_cert=True) is True
    assert matches("a.example", {"san.dns": ["b.example"]}, sni_matches_cert=True) is False


@pytest.mark.parametrize(("issuer", "linked"), [("CN=ca", True), ("CN=other", False)])
def test_chain_is_joined_in_order(issuer: str, linked: bool) -> None:
    """The second certificate of a chain is looked up as the issuer of the first."""
    ssl = log("ssl", [{"uid": "C1", "ts": 0.0, "cert_chain_fuids": ["Fa", "Fb"]}])
    x509 = log(
        "x509",
        [
            {"id": "Fb", "certificate.subject": "CN=ca", "certificate.issuer": "CN=root"},
            {"id": "Fa", "certificate.subject": "CN=www", "certificate.issuer": issuer},
        ],
    )
    for certificates in (x509, x509.reverse()):
        assert described("C1", ssl=ssl, x509=certificates)["cert_chain_linked"].item() is linked


def test_single_certificate_has_no_link() -> None:
    """A chain of one has no second: the link is unknown, the rest of the certificate is not."""
    ssl = log("ssl", [{"uid": "C1", "ts": 0.0, "cert_chain_fps": ["fa"]}])
    leaf = {"fingerprint": "fa", "certificate.subject": "CN=a", "certificate.issuer": "CN=a"}
    more = {"certificate.key_type": "ecdsa", "certificate.sig_alg": "ecdsa-with-SHA256"}
    x509 = log("x509", [{**leaf, **more, "basic_constraints.ca": True}])
    names = (
        "cert_chain_linked",
        "cert_self_signed",
        "cert_elliptic_key",
        "cert_weak_signature",
        "cert_authority",
    )
    assert described("C1", ssl=ssl, x509=x509).select(names).row(0) == (None, True, True, False, True)


def test_handshake() -> None:
    """Alerts, curves, client certificates and validation are read; shares count the capture's handshakes."""
    ssl = log(
        "ssl",
        [
            {"uid": "C1", "version": "TLSv13", "curve": "X25519MLKEM768", "ja3": "aa", "last_alert": None,
             "client_cert_chain_fps": ["f1"], "validation_status": "ok"},
            {"uid": "C2", "version": "TLSv12", "curve": "secp256r1", "ja3": "aa", "last_alert": "unknown_ca",
             "client_cert_chain_fps": [], "validation_status": "self signed certificate"},
            {"uid": "C3", "version": "TLSv12", "curve": "secp256r1", "ja3": None},
            {"uid": "C4", "version": None, "curve": None, "ja3": "bb"},
        ],
    )  # fmt: skip
    names = (
        "tls_alert",
        "tls_x25519",
        "tls_client_certificate",
        "tls_validation_failed",
        "tls_profile_share",
    )
    table = described("C1", "C2", "C3", "C4", ssl=ssl)
    third = pl.Series([1 / 3], dtype=pl.Float32).item()
    assert table.select(names).rows() == [
        (False, True, True, False, third),
        (True, False, False, True, 2 * third),
        (False, False, None, None, 2 * third),
        (False, None, None, None, None),
    ]
    assert table["tls_ja3_share"].to_list() == [2 * third, 2 * third, None, third]


def test_fingerprints_of_another_capture_do_not_count() -> None:
    """Shares are of the capture's own rows."""
    own = log("ssl", [{"uid": "C1", "ja3": "aa"}])
    other = log("ssl", [{"uid": "C1", "ja3": "bb"}, {"uid": "C2", "ja3": "aa"}], capture_id="c2")
    assert described("C1", ssl=pl.concat([own, other]))["tls_ja3_share"].item() == 1.0


@pytest.mark.parametrize(
    ("uri", "mime", "expected"),
    [
        ("/img/logo.png?v=1", "application/x-dosexec", True),
        ("/img/logo.PNG", "image/png", False),
        ("/setup.exe", "application/x-dosexec", False),
        ("/report.docx", "application/zip", False),
        ("/report.docx", "application/x-dosexec", True),
        ("/gate.php", "application/x-dosexec", None),
        ("/download", "application/x-dosexec", None),
        ("/a.exe/b", "text/html", None),
        ("/x.png", None, None),
        ("/" + "é" * 10_240 + ".gif", "text/html", True),
    ],
)
def test_content_against_extension(uri: str, mime: str | None, expected: bool | None) -> None:
    """A program called an image is told; scripts on the server may answer with anything."""
    row = {"uid": "C1", "uri": uri, "resp_mime_types": [mime] if mime else None}
    assert described("C1", http=log("http", [row]))["http_extension_disagrees"].item() is expected
    name = uri.partition("?")[0]
    file = {"uid": "C1", "filename": name, "mime_type": mime}
    if "/b" not in name:
        assert described("C1", files=log("files", [file]))["file_extension_disagrees"].item() is expected


def test_file_seen_before() -> None:
    """A hash counts as seen when a file with it had ended before; alike hashes of another kind do not."""
    rows = [
        {"uid": "C1", "ts": 0.0, "duration": 5.0, "md5": "aa"},
        {"uid": "C2", "ts": 4.0, "duration": 5.0, "md5": "aa"},
        {"uid": "C3", "ts": 6.0, "duration": None, "md5": "aa"},
        {"uid": "C4", "ts": 9.0, "duration": None, "md5": None},
        {"uid": "C5", "ts": 9.0, "duration": None, "sha1": "aa"},
    ]
    seen = described("C1", "C2", "C3", "C4", "C5", files=log("files", rows))["file_seen_before"].to_list()
    assert seen == [False, False, True, None, False]


def test_user_agents() -> None:
    """The rarest user agent of a connection counts, by the requests of the capture that have it."""
    agents = ["curl", "curl", "curl", "x", None]
    rows = [
        {"uid": uid, "user_agent": agent, "method": "GET"} for uid, agent in zip("AABBC", agents, strict=True)
    ]
    table = described("A", "B", "C", http=log("http", rows))
    assert table["http_user_agent_share"].to_list() == [0.75, 0.25, None]
    assert table["http_unusual_method"].to_list() == [False, False, False]
