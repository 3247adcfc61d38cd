"""Claims about chains of certificates: every certificate counts, in the order in which the server sent it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ptml.features.build import connection_features, iter_connection_features
from ptml.features.connection.chain import CHAIN
from ptml.features.x509 import LONGEST_CHAIN
from tests.features.frames import START, conn, conn_row, log

NAMES = [feature.name for feature in CHAIN.features]
NOTHING: dict[str, object] = dict.fromkeys(NAMES)
LATE = "cert_chain_out_of_date"
USED = datetime.fromtimestamp(START / 1_000_000, UTC)


def certificate(
    name: str, issuer: str, *, began: int = 100, left: int = 400, **more: object
) -> dict[str, Any]:
    """Make a certificate: who it is of, who issued it, since and for how many days, seen from its use."""
    row: dict[str, Any] = {
        "fingerprint": f"f-{name}",
        "certificate.subject": f"CN={name}",
        "certificate.issuer": f"CN={issuer}",
        "certificate.not_valid_before": USED - timedelta(days=began),
        "certificate.not_valid_after": USED + timedelta(days=left),
        "certificate.key_type": "rsa",
        "certificate.key_length": 2048,
        "certificate.sig_alg": "sha256WithRSAEncryption",
        "basic_constraints.ca": name != "www",
    }
    return row | {field.replace("__", "."): value for field, value in more.items()}


WWW, MIDDLE, ROOT = (
    certificate("www", "middle", left=80),
    certificate("middle", "root"),
    certificate("root", "root"),
)
WHOLE = {
    "cert_chain_breaks": 0,
    "cert_chain_first_break": None,
    "cert_chain_root": True,
    "cert_chain_out_of_date": False,
    "cert_chain_shortest_validity": 500.0,
    "cert_chain_longest_validity": 500.0,
    "cert_chain_weak_key": False,
    "cert_chain_weak_signature": False,
    "cert_chain_no_authority": False,
}


def described(*certificates: dict[str, Any], order: tuple[str, ...] | None = None) -> dict[str, object]:
    """Describe a connection with this chain; `order` names the certificates that were sent, if not all."""
    sent = order or tuple(one["fingerprint"] for one in certificates)
    logs = {
        "conn": conn(conn_row("C1")),
        "ssl": log("ssl", [{"uid": "C1", "ts": 0.0, "cert_chain_fps": list(sent)}]),
        "x509": log("x509", [*certificates]),
    }
    table = connection_features(logs).select(NAMES).collect()
    reverse = {**logs, "x509": logs["x509"].reverse()}
    assert_frame_equal(connection_features(reverse).select(NAMES).collect(), table)
    assert_frame_equal(pl.concat(iter_connection_features(logs, batch_rows=1)).select(NAMES), table)
    return table.row(0, named=True)


def test_a_whole_chain() -> None:
    """The server's certificate, the one between, and the root: all links hold, nothing is amiss."""
    assert described(WWW, MIDDLE, ROOT) == WHOLE


def test_order_is_the_servers() -> None:
    """The same three in another order: the root did not issue the server's own, nor the next one the root."""
    found = described(WWW, MIDDLE, ROOT, order=("f-www", "f-root", "f-middle"))
    assert found == WHOLE | {"cert_chain_breaks": 2, "cert_chain_first_break": 0}


def test_a_break_after_the_second_certificate() -> None:
    """A chain whose third certificate has nothing to do with the second breaks at place 1."""
    other = certificate("other", "other")
    assert described(WWW, MIDDLE, other) == WHOLE | {"cert_chain_breaks": 1, "cert_chain_first_break": 1}


@pytest.mark.parametrize(
    ("third", "expected"),
    [
        ({"left": -1}, {LATE: True, "cert_chain_shortest_validity": 99.0}),
        ({"began": -1}, {LATE: True, "cert_chain_shortest_validity": 399.0}),
        ({"left": 4000}, {"cert_chain_longest_validity": 4100.0}),
        ({"certificate__key_length": 1024}, {"cert_chain_weak_key": True}),
        ({"certificate__key_type": "ecdsa", "certificate__key_length": 256}, {}),
        ({"certificate__key_type": "ecdsa", "certificate__key_length": 192}, {"cert_chain_weak_key": True}),
        ({"certificate__sig_alg": "sha1WithRSAEncryption"}, {}),
        ({"basic_constraints__ca": False}, {"cert_chain_no_authority": True}),
    ],
)  # fmt: skip
def test_the_third_certificate_counts(third: dict[str, Any], expected: dict[str, object]) -> None:
    """What is amiss with the root shows; the hash of its own signature says nothing."""
    assert described(WWW, MIDDLE, certificate("root", "root", **third)) == WHOLE | expected


def test_a_weak_signature_between() -> None:
    """A certificate that another one issued is only as good as the hash that was signed."""
    weak = certificate("middle", "root", certificate__sig_alg="md5WithRSAEncryption")
    assert described(WWW, weak, ROOT) == WHOLE | {"cert_chain_weak_signature": True}


def test_a_self_signed_certificate_alone() -> None:
    """A chain of one has no links and no issuer: only what concerns the certificate itself is known."""
    assert described(certificate("www", "www")) == NOTHING | {
        "cert_chain_out_of_date": False,
        "cert_chain_weak_key": False,
    }


def test_certificates_that_were_not_seen_break_no_link() -> None:
    """Of three certificates the second is not in x509.log: no link is known, the third counts."""
    assert described(WWW, ROOT, order=("f-www", "f-middle", "f-root")) == WHOLE | {"cert_chain_breaks": None}


def test_only_so_many_certificates_are_looked_at() -> None:
    """A chain of thousands is cut: what comes after place 31 is not looked at."""
    many = [certificate(f"n{number}", f"n{number + 1}") for number in range(3 * LONGEST_CHAIN)]
    many[-1]["certificate.key_length"] = 512
    assert described(*many)["cert_chain_weak_key"] is False
    many[LONGEST_CHAIN - 1]["certificate.key_length"] = 512
    assert described(*many)["cert_chain_weak_key"] is True


def test_older_zeek_names_files() -> None:
    """The chain by ids of files gives the same."""
    rows = [{**one, "id": one["fingerprint"]} for one in (WWW, MIDDLE, ROOT)]
    for row in rows:
        del row["fingerprint"]
    logs = {
        "conn": conn(conn_row("C1")),
        "ssl": log("ssl", [{"uid": "C1", "ts": 0.0, "cert_chain_fuids": ["f-www", "f-middle", "f-root"]}]),
        "x509": log("x509", rows),
    }
    assert connection_features(logs).select(NAMES).collect().row(0, named=True) == WHOLE


def test_the_worst_of_several_handshakes_counts() -> None:
    """Two rows of ssl.log for one connection: the certificates of both count, whatever their order."""
    other = certificate("other", "other", certificate__key_length=512)
    rows = [
        {"uid": "C1", "ts": 0.0, "cert_chain_fps": ["f-www", "f-middle", "f-root"]},
        {"uid": "C1", "ts": 0.0, "cert_chain_fps": ["f-other"]},
    ]
    x509 = log("x509", [WWW, MIDDLE, ROOT, other])
    for order in (rows, rows[::-1]):
        logs = {"conn": conn(conn_row("C1")), "ssl": log("ssl", order), "x509": x509}
        found = connection_features(logs).select(NAMES).collect().row(0, named=True)
        assert found == WHOLE | {"cert_chain_weak_key": True}
