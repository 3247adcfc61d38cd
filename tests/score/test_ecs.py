"""Claims about alerts in the Elastic Common Schema."""

from __future__ import annotations

import ipaddress
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.score.ecs import community_id, ecs_alert

if TYPE_CHECKING:
    from collections.abc import Iterator

SEEN = datetime(2026, 11, 24, 6, tzinfo=UTC)
MODEL = {"name": "tiny", "fingerprint": "ab" * 32, "feature_version": "1" * 12}
ROW: dict[str, Any] = {
    "name": "monday",
    "capture_id": "c000000000000000a",
    "uid": "C1",
    "ts": datetime(2026, 11, 23, 5, 0, 0, 250_000, tzinfo=UTC),
    "id.orig_h": "1.2.3.4",
    "id.orig_p": 4584,
    "id.resp_h": "43.3.132.3",
    "id.resp_p": 3483,
    "proto": "tcp",
    "service": "ssl",
    "probability": 0.75,
    "threshold": 0.5,
    "verdict": "malicious",
    "out_of_distribution": None,
    "reasons": None,
}
# Names, types and allowed values as the field reference of ECS 8.11 has them.
FIELDS = {
    "@timestamp": "date",
    "message": "text",
    "ecs.version": "keyword",
    "event.kind": "keyword",
    "event.category": "keyword",
    "event.type": "keyword",
    "event.module": "keyword",
    "event.dataset": "keyword",
    "event.provider": "keyword",
    "event.id": "keyword",
    "event.created": "date",
    "event.start": "date",
    "event.risk_score": "float",
    "event.risk_score_norm": "float",
    "event.reason": "keyword",
    "source.address": "keyword",
    "source.ip": "ip",
    "source.port": "long",
    "destination.address": "keyword",
    "destination.ip": "ip",
    "destination.port": "long",
    "network.transport": "keyword",
    "network.protocol": "keyword",
    "network.type": "keyword",
    "network.community_id": "keyword",
    "related.ip": "ip",
    "rule.name": "keyword",
    "rule.ruleset": "keyword",
    "rule.id": "keyword",
    "rule.version": "keyword",
    "observer.product": "keyword",
    "observer.type": "keyword",
    "observer.version": "keyword",
}
ALLOWED = {
    "event.kind": {"alert", "asset", "enrichment", "event", "metric", "state", "pipeline_error", "signal"},
    "event.category": {"network"},
    "event.type": {"access", "allowed", "connection", "denied", "end", "info", "protocol", "start"},
}


def flat(document: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give the fields of a document by their dotted names, lists value by value."""
    for key, value in document.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield from ((f"{prefix}{key}", one) for one in (value if isinstance(value, list) else [value]))


def fits(kind: str, value: object) -> bool:
    """Tell whether an index would take a value for a field of a type."""
    if kind == "date":
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    if kind == "ip":
        return isinstance(value, str) and bool(ipaddress.ip_address(value))
    if kind == "long":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, float) if kind == "float" else isinstance(value, str)


def check(document: dict[str, Any]) -> None:
    """Insist that each field is one of ECS, and of its type; labels hold plain values."""
    for name, value in flat(document):
        if name.startswith("labels."):
            assert isinstance(value, (str, float, bool)), name
            continue
        assert fits(FIELDS[name], value), (name, value)
        assert value in ALLOWED.get(name, {value})
    for required in ("@timestamp", "ecs.version", "event.kind"):
        assert required in dict(flat(document))


def test_an_alert_has_the_values_of_its_connection_in_the_fields_of_ecs() -> None:
    """Every field is in the reference and of its type; the values are those of the row."""
    document = ecs_alert(ROW | {"reasons": ["beacons", "self-signed"]}, model=MODEL, seen=SEEN)
    check(document)
    assert document["@timestamp"] == "2026-11-23T05:00:00.250000Z"
    assert document["event"]["risk_score"] == 0.75
    assert document["event"]["risk_score_norm"] == 75.0
    assert document["event"]["reason"] == "beacons; self-signed"
    assert document["source"] == {"address": "1.2.3.4", "ip": "1.2.3.4", "port": 4584}
    assert document["network"] == {
        "transport": "tcp",
        "protocol": "ssl",
        "type": "ipv4",
        "community_id": "1:koNcqhFRD5kb254ZrLsdv630jCM=",
    }
    assert document["rule"]["name"] == "ptml tiny"


def test_what_is_not_known_is_left_out() -> None:
    """No field is null; the time of an alert without one is when it was scored."""
    nothing = dict.fromkeys(ROW) | {key: ROW[key] for key in ("name", "capture_id", "uid", "probability")}
    document = ecs_alert(nothing, model=MODEL, seen=SEEN)
    check(document)
    assert document["@timestamp"] == "2026-11-24T06:00:00.000000Z"
    assert not {"source", "destination", "network", "related"} & document.keys()


@given(
    st.fixed_dictionaries(
        {name: st.text() for name in ("name", "uid", "id.orig_h", "id.resp_h", "service", "proto")}
    )
)
def test_no_string_of_a_capture_makes_a_document_that_an_index_refuses(texts: dict[str, str]) -> None:
    """Whatever stands where an address is expected, `ip` fields are addresses, and the JSON is sound."""
    document = ecs_alert(ROW | texts, model=MODEL, seen=SEEN)
    check(document)
    assert json.loads(json.dumps(document, ensure_ascii=False, allow_nan=False)) == document
    assert document["message"].isprintable()


@pytest.mark.parametrize("text", ["fe80::1%eth0", "10.0.0.1\n", "=1+1", "<script>", "300.1.1.1"])
def test_a_text_that_is_no_address_is_kept_as_text_only(text: str) -> None:
    """It stands under `address`, which may be any text."""
    document = ecs_alert(ROW | {"id.orig_h": text}, model=MODEL, seen=SEEN)
    assert document["source"] == {"address": text, "port": 4584}
    assert "community_id" not in document["network"]


def test_a_flow_has_one_id_from_both_ends() -> None:
    """The id of Community ID's reference for 1.2.3.4:4584 and 43.3.132.3:3483 over TCP, either way round."""
    one, other = ipaddress.ip_address("1.2.3.4"), ipaddress.ip_address("43.3.132.3")
    expected = "1:koNcqhFRD5kb254ZrLsdv630jCM="
    assert community_id("tcp", one, 4584, other, 3483) == expected
    assert community_id("tcp", other, 3483, one, 4584) == expected
    assert community_id("udp", one, 4584, other, 3483) != expected
    assert community_id("icmp", one, 8, other, 0) is None
