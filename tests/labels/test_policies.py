from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network

import polars as pl
import pytest

from ptml.labels.contacts import answers_of, contacts_of, names_of
from ptml.labels.indicators import Indicator
from ptml.labels.ordinary import ordinary_list, ordinary_uids
from ptml.labels.policies import Said, by_indicators, inherit_filtered
from tests.labels.logs import conn

HOSTILE = ("x" * 10_000, "\x1b[2J\x00evil", "\u202emoc.elgoog", "..", "[", "::::", "%00", "münchen.example")


def frame(*uids: str) -> pl.DataFrame:
    """Make a table of uids."""
    return pl.DataFrame({"uid": list(uids)}, schema={"uid": pl.String})


def test_what_any_host_does_is_left_open() -> None:
    """Of a malicious capture, updates, DHCP and time from pool names have no label; all else inherits."""
    logs = {
        "conn": conn(
            [
                ("Cupdate", 0, "10.0.0.5", "192.0.2.1", 80, "tcp"),
                ("Cmixed", 0, "10.0.0.5", "192.0.2.1", 80, "tcp"),
                ("Cevil", 0, "10.0.0.5", "192.0.2.2", 443, "tcp"),
                ("Cdhcp", 0, "0.0.0.0", "255.255.255.255", 67, "udp"),
                ("Clookup", 0, "10.0.0.5", "10.0.0.1", 53, "udp"),
                ("Cntp", 0, "10.0.0.5", "203.0.113.9", 123, "udp"),
                ("Cntp2", 0, "10.0.0.5", "203.0.113.10", 123, "udp"),
                ("Cssdp", 0, "10.0.0.5", "239.255.255.250", 1900, "udp"),
                ("Cssdp2", 0, "10.0.0.5", "198.51.100.7", 1900, "udp"),
            ]
        ),
        "http": pl.LazyFrame(
            {
                "uid": ["Cupdate", "Cmixed", "Cmixed"],
                "host": ["Download.WindowsUpdate.com:80", "download.windowsupdate.com", "evil.example"],
            }
        ),
        "ssl": pl.LazyFrame({"uid": ["Cevil"], "server_name": ["windowsupdate.com.evil.example"]}),
        "dns": pl.LazyFrame(
            {"uid": ["Clookup"], "query": ["2.pool.ntp.org"], "answers": [["203.0.113.9", "203.0.113.11"]]}
        ),
    }
    uids = frame(*logs["conn"].collect()["uid"])
    table, counts, notes = inherit_filtered(uids, Said("malicious", "emotet", 0.8), logs)
    left_open = {"Cupdate", "Cdhcp", "Clookup", "Cntp", "Cssdp"}
    assert table["uid"].to_list() == uids["uid"].to_list()
    assert set(table.filter(pl.col("label").is_null())["uid"]) == left_open
    assert set(table.filter(pl.col("label") == "malicious")["uid"]) == {"Cmixed", "Cevil", "Cntp2", "Cssdp2"}
    assert table.filter(pl.col("label").is_null()).select("family", "label_confidence").rows() == [
        (None, None)
    ] * len(left_open)
    assert (counts, notes) == ({"ordinary": 5}, [])


def test_a_benign_capture_keeps_all_its_labels() -> None:
    """Filtering is for malicious captures: in a benign one an update is benign."""
    logs = {
        "conn": conn([("C1", 0, "10.0.0.5", "192.0.2.1", 80, "tcp")]),
        "http": pl.LazyFrame({"uid": ["C1"], "host": ["download.windowsupdate.com"]}),
    }
    table, counts, _ = inherit_filtered(frame("C1"), Said("benign"), logs)
    assert table["label"].to_list() == ["benign"]
    assert counts == {"ordinary": 0}


def test_without_logs_all_inherit_and_it_is_said() -> None:
    """Without conn.log nothing can be told of a connection: each inherits, with a note."""
    table, _, notes = inherit_filtered(frame("C1"), Said("malicious"), {})
    assert table["label"].to_list() == ["malicious"]
    assert notes == ["no conn.log: nothing was filtered"]


def test_the_list_is_lower_case_and_has_no_name_twice() -> None:
    """Each listed name is in the form that names are compared in, and no public suffix is among them."""
    names = ordinary_list().names
    assert all(name == name.strip(".").lower() and name.count(".") >= 1 for name in names)
    assert {service.to for service in ordinary_list().services} == {"any", "group", "listed"}
    assert not ordinary_list().has("com")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_but_names(text: str) -> None:
    """Whatever a name holds, it is no listed one, and the connection keeps its label."""
    logs = {
        "conn": conn([("C1", 0, "10.0.0.5", text, 123, "udp")]),
        "dns": pl.LazyFrame({"uid": ["C1"], "query": [text], "answers": [[text]]}),
        "http": pl.LazyFrame({"uid": ["C1"], "host": [text]}),
        "ssl": pl.LazyFrame({"uid": ["C1"], "server_name": [text]}),
    }
    assert ordinary_uids(logs).is_empty()
    assert contacts_of(logs, pl.LazyFrame({"uid": ["C1"]})).height == 1


def test_columns_that_are_missing_or_of_another_kind_say_nothing() -> None:
    """A log without the column, or with a list where text belongs, gives no names and no answers."""
    logs = {
        "http": pl.LazyFrame({"uid": ["C1"]}),
        "ssl": pl.LazyFrame({"uid": ["C1"], "server_name": [["a.b"]]}),
    }
    assert names_of(logs).collect().is_empty()
    assert answers_of({"dns": pl.LazyFrame({"uid": ["C1"], "query": ["a.b"]})}).collect().is_empty()
    assert contacts_of(logs, pl.LazyFrame({"uid": ["C1"]})).rows() == [("C1", None)]


LOGS = {
    "conn": conn(
        [
            ("C0", 100, "10.0.0.5", "192.0.2.7", 443, "tcp"),
            ("C1", 200, "10.0.0.5", "192.0.2.8", 4444, "tcp"),
            ("C2", 300, "10.0.0.5", "192.0.2.8", 4444, "udp"),
            ("C3", 400, "10.0.0.5", "10.0.0.1", 53, "udp"),
            ("C4", 500, "10.0.0.5", "198.51.100.1", 80, "tcp"),
            ("C5", 600, "2001:db8::5", "2001:db8::6", 22, "tcp"),
        ]
    ),
    "dns": pl.LazyFrame(
        {"uid": ["C3"], "query": ["www.CDN.example"], "answers": [["edge.bad.example", "192.0.2.7"]]}
    ),
    "http": pl.LazyFrame({"uid": ["C4"], "host": ["files.bad.example:80"]}),
    "ssl": pl.LazyFrame({"uid": ["C0"], "server_name": ["good.example"]}),
}


def network(text: str) -> Indicator:
    """Make an indicator of an address or network."""
    return Indicator(address=ip_network(text))


@pytest.mark.parametrize(
    ("indicator", "matched"),
    [
        (network("192.0.2.7"), {"C0", "C3"}),
        (network("192.0.2.0/28"), {"C0", "C1", "C2", "C3"}),
        (network("10.0.0.5"), {"C0", "C1", "C2", "C3", "C4"}),
        (network("2001:db8::/32"), {"C5"}),
        (Indicator(domain="bad.example"), {"C3", "C4"}),
        (Indicator(domain="cdn.example"), {"C3"}),
        (Indicator(domain="d.example"), set()),
        (Indicator(port=4444), {"C1", "C2"}),
        (Indicator(port=4444, proto="udp"), {"C2"}),
        (Indicator(domain="bad.example", port=80), {"C4"}),
        (Indicator(domain="good.example", address=network("192.0.2.7").address), {"C0"}),
        (Indicator(domain="good.example", address=network("192.0.2.8").address), set()),
    ],
)
def test_an_indicator_matches(indicator: Indicator, matched: set[str]) -> None:
    """Ends and DNS answers by address, names and what is below them by domain, all that is given together."""
    uids = frame("C0", "C1", "C2", "C3", "C4", "C5")
    table, counts = by_indicators(uids, Said("malicious", "emotet", 0.7), LOGS, [indicator])
    assert set(table.filter(pl.col("label") == "malicious")["uid"]) == matched
    assert table.filter(~pl.col("uid").is_in(matched))["label"].null_count() == 6 - len(matched)
    assert counts == {"matched": len(matched), "contradicting": 0}


def test_times_bound_a_match_on_both_sides() -> None:
    """A connection counts from start to end, both included, by its begin."""
    window = Indicator(start=datetime.fromtimestamp(200, UTC), end=datetime.fromtimestamp(400, UTC))
    place = network("192.0.2.0/28").address
    within = Indicator(address=place, start=datetime.fromtimestamp(201, UTC))
    uids = frame("C0", "C1", "C2", "C3", "C4")
    table, _ = by_indicators(uids, Said("mixed"), LOGS, [window])
    assert table["label"].to_list() == [None, "malicious", "malicious", "malicious", None]
    table, _ = by_indicators(uids, Said("mixed"), LOGS, [within])
    assert table["label"].to_list() == [None, None, "malicious", "malicious", None]


def test_family_and_confidence_are_the_indicators_own_where_it_has_some() -> None:
    """The surest of several indicators counts; where they say nothing, the catalog does."""
    listed = [
        Indicator(port=443, family="qakbot", confidence=0.4),
        Indicator(domain="good.example", confidence=0.6),
        Indicator(port=22),
    ]
    table, _ = by_indicators(frame("C0", "C5", "C4"), Said("malicious", "emotet", 0.9), LOGS, listed)
    assert table.rows() == [
        ("C0", "malicious", "qakbot", 0.6),
        ("C5", "malicious", "emotet", 0.9),
        ("C4", None, None, None),
    ]


def test_contradictions_have_no_label_and_are_counted() -> None:
    """Both kinds of indicator on one connection, or a malicious one in a benign capture: nobody knows."""
    both = [
        Indicator(port=443),
        Indicator(domain="good.example", label="benign"),
        Indicator(port=22, label="benign"),
    ]
    table, counts = by_indicators(frame("C0", "C5"), Said("malicious"), LOGS, both)
    assert table["label"].to_list() == [None, "benign"]
    assert counts == {"matched": 2, "contradicting": 1}
    table, counts = by_indicators(frame("C0", "C5"), Said("benign"), LOGS, [Indicator(port=443)])
    assert table["label"].to_list() == [None, "benign"]
    assert counts == {"matched": 1, "contradicting": 1}


def test_without_dns_http_and_ssl_the_addresses_still_match() -> None:
    """A domain matches nothing then, an address what conn.log has; without conn.log nothing matches."""
    only = {"conn": LOGS["conn"]}
    listed = [network("192.0.2.7"), Indicator(domain="bad.example")]
    table, _ = by_indicators(frame("C0", "C4"), Said("malicious"), only, listed)
    assert table["label"].to_list() == ["malicious", None]
    table, _ = by_indicators(frame("C0", "C4"), Said("malicious"), {}, listed)
    assert table["label"].to_list() == [None, None]
