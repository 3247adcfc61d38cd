"""Claims about what is known of Zeek's logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ptml.errors import BadData
from ptml.io import open_binary
from ptml.parse.header import LABEL_NAMES
from ptml.parse.knownlogs import LogField, read_log, zeek_logs
from ptml.parse.schemas import column_lists, field_types, zeek_schemas, zeek_versions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEFAULT_LOGS = frozenset(
    """
    analyzer broker capture_loss cluster config conn dce_rpc dhcp dnp3 dns files ftp http intel irc
    kerberos known_certs known_hosts known_modbus known_services ldap ldap_search loaded_scripts modbus
    modbus_register_change mqtt_connect mqtt_publish mqtt_subscribe mysql netcontrol
    netcontrol_catch_release netcontrol_drop netcontrol_shunt notice notice_alarm ntlm ntp ocsp openflow
    packet_filter pe postgresql print quic radius rdp redis reporter rfb signatures sip smb_cmd smb_files
    smb_mapping smtp snmp socks software ssh ssl stats syslog telemetry traceroute tunnel
    unknown_protocols websocket weird weird_stats x509
    """.split()  # noqa: SIM905 - shorter
)
"""The logs that Zeek's own list of log files has, but for those that hold plain text."""

WELL_MADE: dict[str, Any] = {
    "meaning": "what it is about",
    "source": "base/protocols/x",
    "fields": {"ts": {"type": "time", "meaning": "when"}},
    "extra": {"vlan": {"type": "int", "meaning": "VLAN", "source": "package x"}},
}

PACKED = "tunnel_parents   label   detailed-label"
"""The last field of IoT-23's conn.log: three in one, told apart by the reader of headers."""

OF_ONE_SITE = {("dns", "ans_query"), ("http", "i_dont_exist")}
"""Fields of the real logs that no script or package of Zeek is known to write."""

TYPED_OTHERWISE = {("sip", "request_body_len", "string"), ("sip", "response_body_len", "string")}
"""Fields of the real logs that an older Bro typed in its own way; a header goes before what is known."""


def changed(**keys: object) -> str:
    """Write a well-made file of a log with some of it changed."""
    return json.dumps(WELL_MADE | keys)


def test_a_file_is_read_as_it_stands() -> None:
    """Names, types, meanings and sources come in the order of the file."""
    log = read_log("x", json.dumps(WELL_MADE))
    assert (log.name, log.meaning, log.source) == ("x", "what it is about", "base/protocols/x")
    assert log.fields == (LogField("ts", "time", "when"),)
    assert log.extra == (LogField("vlan", "int", "VLAN", "package x"),)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", r"logs/x\.json: .*(?s:.)*Try: correct the file"),
        ('{"meaning": "a", "meaning": "b"}', "said twice: 'meaning'"),
        ("[]", "expected the keys 'extra', 'fields', 'meaning', 'source', got nothing"),
        (changed(more=1), "got 'meaning', 'source', 'fields', 'extra', 'more'"),
        (changed(meaning=""), "no text in 'meaning'"),
        (changed(source=7), "no text in 'source'"),
        (changed(fields={"ts": {"type": "time"}}), "x: ts: expected the keys 'meaning', 'type', got 'type'"),
        (changed(fields={"ts": {"type": "time", "meaning": ""}}), "x: ts: no text in 'meaning'"),
        (changed(fields={"ts": {"type": "tiem", "meaning": "a"}}), "ts has the type 'tiem'"),
        (changed(fields={"ts": {"type": "set[tiem]", "meaning": "a"}}), "which is none of Zeek's"),
        (changed(fields={"vlan": {"type": "int", "meaning": "a"}}), "in both fields and extra: 'vlan'"),
        (
            changed(extra={"a": {"type": "int", "meaning": "a"}}),
            "x: a: expected the keys 'meaning', 'so",
        ),
    ],
)
def test_what_is_not_well_made_is_refused(text: str, why: str) -> None:
    """A key too many or too few, an empty text, an unknown type or a double name is named."""
    with pytest.raises(BadData, match=why):
        read_log("x", text)


def test_every_log_of_zeek_is_known() -> None:
    """All logs of Zeek's own list are known, which are more than sixty."""
    assert DEFAULT_LOGS - zeek_logs().keys() == set()
    assert len(DEFAULT_LOGS) > 60


def test_meanings_are_short_words_of_their_own() -> None:
    """A meaning is no sentence with a full stop, no bare name and fits a table."""
    meanings = [
        (log.name, field.name, field.meaning)
        for log in zeek_logs().values()
        for field in (*log.fields, *log.extra)
    ]
    assert [one for one in meanings if one[2].endswith(".") or one[2] == one[1] or len(one[2]) > 260] == []


@pytest.mark.parametrize(("copy", "log"), [("conn_long", "conn"), ("notice_alarm", "notice")])
def test_logs_of_the_same_record_stay_alike(copy: str, log: str) -> None:
    """What Zeek writes from one record into two logs is described once and for both."""
    assert zeek_logs()[copy].fields == zeek_logs()[log].fields


def test_known_column_lists_hold_known_fields() -> None:
    """Each column list of another version names only fields that are known, each once."""
    for log, lists in zeek_versions().items():
        for columns in lists:
            assert len(set(columns)) == len(columns), log
            assert set(columns) <= field_types(log).keys(), log


def test_schemas_are_those_of_the_files() -> None:
    """`fields` are the defaults of Zeek 7 in its order, `extra` those of other set-ups."""
    conn = zeek_schemas()["conn"]
    assert list(conn["fields"])[:3] == ["ts", "uid", "id.orig_h"]
    assert conn["fields"]["tunnel_parents"] == "set[string]"
    assert conn["extra"]["ip_proto"] == "count"
    assert "proto" in column_lists("analyzer")[1]
    assert "cause" not in column_lists("analyzer")[1]


def real_headers(folder: Path) -> Iterator[tuple[Path, str, list[str], list[str]]]:
    """Give path, log, fields and types of each header in the first lines of each real file."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with open_binary(path) as file:
            lines = file.read(1 << 14).decode("utf-8", errors="replace").split("\n")[:12]
        parts = (line.rstrip("\r").partition("\t") for line in lines if line.startswith("#"))
        header = {key: value for key, _, value in parts}
        if {"#path", "#fields", "#types"} <= header.keys():
            yield path, header["#path"], header["#fields"].split("\t"), header["#types"].split("\t")


def test_real_headers_are_as_known(real_data: Path) -> None:
    """Each field of each real log has the type that is known, but for a few of one site or an older Bro."""
    headers = 0
    unknown = {}
    for folder in ("zeek", "sensors", "dialects", "labelled"):
        for path, log, fields, types in real_headers(real_data / folder):
            headers += 1
            known = field_types(log)
            for name, zeek_type in zip(fields, types, strict=False):
                plain = zeek_type.replace("table[", "set[")  # as Bro wrote sets before 2.4
                one = (log, name, plain)
                if known.get(LABEL_NAMES.get(name, name)) != plain and one not in TYPED_OTHERWISE:
                    unknown[log, name] = path
    assert unknown.keys() - OF_ONE_SITE == {("conn", PACKED)}
    assert unknown.keys() >= OF_ONE_SITE
    assert headers > 1_000
