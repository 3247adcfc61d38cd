from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.errors import BadData, MissingInput, PtmlError
from ptml.labels.indicators import Indicator, check_captures, fingerprint_of, read_indicators

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, text: str, name: str = "indicators.csv") -> Path:
    """Write a list."""
    path = folder / name
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def test_a_csv_and_a_json_say_the_same(tmp_path: Path) -> None:
    """Each kind of value is read as what it means, from either form; an empty cell says nothing."""
    rows = (
        "capture,address,domain,port,start,end,label,family,confidence,note\n"
        "a,192.0.2.0/24,,443,,,,Heodo,0.5,first\n"
        "\n"
        ",,*.Bad.example.,4444/TCP,2026-11-24,1795564800,benign,,,\n"
    )
    values = [
        {"capture": "a", "address": "192.0.2.0/24", "port": 443, "family": "Heodo", "confidence": 0.5},
        {"domain": "bad.example", "port": "4444/tcp", "start": "2026-11-24T01:00:00+01:00", "end": 1795564800}
        | {"label": "benign", "address": None},
    ]
    expected = [
        Indicator(capture="a", address=ip_network("192.0.2.0/24"), port=443, family="emotet", confidence=0.5),
        Indicator(
            domain="bad.example",
            port=4444,
            proto="tcp",
            start=datetime(2026, 11, 24, tzinfo=UTC),
            end=datetime(2026, 11, 25, tzinfo=UTC),
            label="benign",
        ),
    ]
    assert read_indicators(write(tmp_path, rows)) == expected
    assert read_indicators(write(tmp_path, json.dumps(values), "a.json")) == expected


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("adress\n1.2.3.4", r"line 1: 'adress' is not a key(.|\n)*did you mean 'address'"),
        ("address\n192.0.2.300", r"line 2: address '192\.0\.2\.300' is neither"),
        ("address,label\n192.0.2.3,malicius", r"line 2: label 'malicius' is none .*did you mean 'malicious'"),
        ("domain\nhttp://a.b/c", r"line 2: domain 'http://a\.b/c' is not a name"),
        ("port\n\n70000", r"line 3: port '70000' is not a number"),
        ("port\n53/upd", r"line 2: port '53/upd' has a protocol .*did you mean 'udp'"),
        ("port\n-1", "line 2: port '-1'"),
        ("start\nyesterday", "line 2: start 'yesterday' is no time"),
        ("start,end\n2026-01-02,2026-01-01", "line 2: end .* is before start"),
        ("port,confidence\n1,1.5", "line 2: confidence '1.5' is not from 0 to 1"),
        ("port,confidence\n1,nan", "line 2: confidence 'nan' is not from 0 to 1"),
        ("note,family\nx,emotet", "line 2: nothing to match: give one of 'address'"),
        ("port,note\n1", "line 2: 1 values for 2 columns"),
        ('port,note\n1,"open', "line 2 is not CSV"),
        ("", "is empty; a header line"),
        ("domain\n\x1b[2J" + "x" * 10_000, r"line 2: domain '\\x1b\[2Jx+\\u2026' is not a name"),
        ("\udcff\n", "is not a text file in UTF-8"),
    ],
)
def test_a_bad_row_is_told_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    """What is wrong, where, and the nearest right word; nothing of it acts on a terminal."""
    with pytest.raises(BadData, match=message) as caught:
        read_indicators(write(tmp_path, row))
    assert len(str(caught.value)) < 600
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ('{"port": 1}', "an array of objects was expected"),
        ('[{"port": 1}, {"prot": 1}]', r"entry 2: 'prot' is not a key(.|\n)*did you mean 'port'"),
        ('[{"port": [1]}]', "entry 1: port is list where text or a number was expected"),
        ('[{"port": true}]', "entry 1: port is bool"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_bad_entry_is_told_with_its_number(tmp_path: Path, text: str, message: str) -> None:
    """A JSON list says which entry."""
    with pytest.raises(BadData, match=message):
        read_indicators(write(tmp_path, text, "a.json"))


def test_a_list_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """And the message tells which setting names it."""
    with pytest.raises(MissingInput, match=r"does not exist(.|\n)*labels\.indicators"):
        read_indicators(tmp_path / "none.csv")


def test_a_capture_that_is_not_there_is_told(tmp_path: Path) -> None:
    """An indicator for a capture that the catalog lacks would silently match nothing."""
    with pytest.raises(BadData, match=r"no capture 'emotet-l' in the catalog(.|\n)*'emotet-1'"):
        check_captures([Indicator(capture="emotet-l", port=1)], ["emotet-1"], tmp_path)


def test_the_fingerprint_is_of_what_is_said() -> None:
    """Order does not count, anything else does."""
    one, two = Indicator(port=1), Indicator(port=2)
    assert fingerprint_of([one, two]) == fingerprint_of([two, one])
    assert fingerprint_of([one]) != fingerprint_of([two])
    assert fingerprint_of([one]) != fingerprint_of([Indicator(port=1, label="benign")])


@given(st.text(max_size=60), st.sampled_from([".csv", ".json"]))
def test_whatever_a_list_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str, suffix: str
) -> None:
    """Any text gives indicators or one of our own errors."""
    path = tmp_path_factory.mktemp("list") / f"a{suffix}"
    path.write_text("port,domain,start\n" + text if suffix == ".csv" else text, "utf-8", errors="replace")
    try:
        found = read_indicators(path)
    except PtmlError:
        return
    assert all(isinstance(one, Indicator) for one in found)
