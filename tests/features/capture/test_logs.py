"""Claims about what the other logs say of a capture, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from ptml.features.build import capture_features
from tests.features.frames import conn, conn_row, log


def described(**logs: list[dict[str, Any]]) -> dict[str, Any]:
    """Describe a capture of one connection and these rows of other logs."""
    frames = {
        name: log(name, [{"uid": "C1", "ts": 0.0, **row} for row in rows]) for name, rows in logs.items()
    }
    return capture_features({"conn": conn(conn_row("C1")), **frames}).collect().row(0, named=True)


def test_dns() -> None:
    """Four questions: two domains, of which one is missing; one text; one refused; least TTLs 10 and 30."""
    found = described(
        dns=[
            {
                "ts": 0.0,
                "query": "a.Example.com",
                "qtype": 1,
                "rcode": 0,
                "TTLs": [10.0, 20.0],
                "answers": ["192.0.2.1"],
            },
            {
                "ts": 10.0,
                "query": "b.example.com.",
                "qtype": 16,
                "rcode": 0,
                "TTLs": [30.0],
                "answers": ["TXT 3 abc"],
            },
            {"ts": 20.0, "query": "a.xk7qzw94bt.net", "qtype": 1, "rcode": 3, "TTLs": None, "answers": None},
            {"ts": 30.0, "query": "a.example.com", "qtype": 12, "rcode": 5, "TTLs": None, "answers": None},
        ]
    )
    expected = {
        "dns_domains": 2,
        "dns_names": 3,
        "random_domain_share": 0.5,
        "failed_domain_share": 0.5,
        "lone_name_domain_share": 0.5,
        "top_domain_share": 0.75,
        "dns_bulky_share": 0.25,
        "reverse_question_share": 0.25,
        "dns_refused_share": 0.25,
        "question_types": 3,
        "longest_txt_answer": 9,
        "median_ttl": 20.0,
        "dns_per_minute": 8.0,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize(
    "name", ["x" * 10_000, "☃.☃" * 50, "\x00\x1b[2J", "." * 300, "", "xn--80ak6aa92e.com"]
)
def test_hostile_names_are_measured_like_others(name: str) -> None:
    """A name of 10 kB, of no letters, of control bytes or of dots alone is one name in one domain."""
    found = described(
        dns=[{"ts": 0.0, "query": name}],
        ssl=[{"ts": 0.0, "server_name": name}],
        http=[{"host": name, "uri": name}],
    )
    expected = {
        "dns_names": 1,
        "dns_domains": 1,
        "unresolved_server_share": 0.0,
        "repeated_request_share": 0.0,
    }
    assert {key: found[key] for key in expected} == expected


def test_http() -> None:
    """Four requests: the same URI twice, one redirected, one answered by an error of the server, one not."""
    found = described(
        http=[
            {
                "method": "GET",
                "host": "a.com",
                "uri": "/x?y",
                "user_agent": "A",
                "status_code": 200,
                "referrer": "r",
            },
            {
                "method": "GET",
                "host": "a.com",
                "uri": "/x?y",
                "user_agent": "A",
                "status_code": 302,
                "referrer": None,
            },
            {
                "method": "POST",
                "host": "a.com",
                "uri": "/",
                "user_agent": "A",
                "status_code": 503,
                "referrer": None,
            },
            {
                "method": "PUT",
                "host": "b.com",
                "uri": "/",
                "user_agent": "B",
                "status_code": None,
                "referrer": None,
            },
        ]
    )
    expected = {
        "methods": 3,
        "other_method_share": 0.25,
        "http_unanswered_share": 0.25,
        "no_referrer_share": 0.75,
        "parameters_share": 0.5,
        "longest_uri": 4,
        "top_user_agent_share": 0.75,
        "lone_user_agent_share": 0.5,
        "top_http_host_share": 0.75,
        "repeated_request_share": 0.25,
        "request_body_share": None,
        "executable_share": None,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert (found["redirect_share"], found["server_error_share"]) == pytest.approx((1 / 3, 1 / 3))


def test_tls() -> None:
    """Of two servers named, one was asked of the name server, whatever its case; three hellos are alike."""
    found = described(
        dns=[{"ts": 0.0, "query": "known.example"}],
        ssl=[
            {
                "server_name": "KNOWN.example",
                "version": "TLSv13",
                "cipher": "TLS_AES_128_GCM_SHA256",
                "ja3": "a",
            },
            {
                "server_name": "known.example",
                "version": "TLSv12",
                "cipher": "TLS_RSA_WITH_RC4_128_MD5",
                "ja3": "a",
            },
            {"server_name": "known.example", "version": None, "cipher": None, "ja3": "a"},
            {"server_name": "12345.example", "version": None, "cipher": None, "ja3": "b"},
        ],
    )
    expected = {
        "top_server_name_share": 0.75,
        "unresolved_server_share": 0.5,
        "digit_server_name_share": 0.5,
        "tls13_share": 0.5,
        "weak_cipher_share": 0.5,
        "no_forward_secrecy_share": 0.5,
        "ciphers": 2,
        "tls_fingerprints": 2,
        "top_tls_fingerprint_share": 0.75,
        "alpn_share": None,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_unresolved_servers_need_names_in_dns() -> None:
    """Without dns.log, or without a name in it, nobody knows whether a server was resolved."""
    ssl = [{"server_name": "a.com"}]
    assert described(ssl=ssl)["unresolved_server_share"] is None
    assert described(ssl=ssl, dns=[{"query": None}])["unresolved_server_share"] is None
    assert described(ssl=ssl, dns=[{"query": "b.com"}])["unresolved_server_share"] == 1.0


def test_files() -> None:
    """Of four files one is a program, one an archive, one a document; the fourth has no known type."""
    types = ("application/x-dosexec", "application/zip", "application/pdf", None)
    rows = [
        {"mime_type": kind, "is_orig": kind is None, "seen_bytes": size}
        for kind, size in zip(types, (1, 2, 4, 100), strict=True)
    ]
    found = described(files=rows)
    thirds = [found[f"{kind}_file_share"] for kind in ("program", "archive", "document")]
    assert thirds == pytest.approx([1 / 3] * 3)
    expected = {
        "capture_files": 4,
        "file_types": 3,
        "uploaded_file_share": 0.25,
        "median_file_bytes": 3.0,
        "largest_file_bytes": 100.0,
        "incomplete_file_share": None,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_oddities_and_notices() -> None:
    """Four oddities of two kinds, one notice; without these logs they are null, not zero."""
    weird = [{"name": name} for name in ("a", "a", "a", "b")]
    names = ("oddities", "kinds_of_oddity", "top_oddity_share", "capture_notices", "kinds_of_notice")
    found = described(weird=weird, notice=[{"note": "Scan::Port_Scan"}])
    assert tuple(found[name] for name in names) == (4, 2, 0.75, 1, 1)
    assert {described()[name] for name in names} == {None}
