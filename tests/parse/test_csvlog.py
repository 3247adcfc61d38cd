"""Comma-separated logs under other names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ptml.errors import BadData
from tests.parse.reading import read_whole, written

if TYPE_CHECKING:
    from pathlib import Path

MOMENT = datetime(2025, 11, 24, 16, 0, 0, 250_001, UTC)
UWF = (
    "community_id,conn_state,duration,history,src_ip_zeek,src_port_zeek,dest_ip_zeek,dest_port_zeek,local_orig,"
    "local_resp,missed_bytes,orig_bytes,orig_ip_bytes,orig_pkts,proto,resp_bytes,resp_ip_bytes,resp_pkts,service,"
    "ts,uid,datetime,label_tactic,label_technique,label_binary\n"
)
ATTACK = (
    "1:a=,SF,0.5,ShADadFf,143.88.2.10,50000,143.88.7.10,80,false,false,0,3,200,4,tcp,5,180,3,http,"
    "1764000000.250001,C1,2025-11-24T16:00:00.250Z,Reconnaissance,T1595,True\n"
)
QUIET = (
    '1:b=,S0,,S,143.88.2.10,50001.0,143.88.7.10,80/tcp,true,F,0,,60,1,tcp,,0,0,"ssl,http",'
    "2025-11-24 16:00:00.250001,C2,2025-11-24T16:00:00.250Z,none,none,False\n"
)


def test_uwf_connections_get_zeeks_names_types_and_labels(tmp_path: Path) -> None:
    """Renamed columns come out by Zeek's names, and labels under two common names."""
    whole = read_whole(written(tmp_path / "part-00000-abc.csv", UWF + ATTACK + QUIET))
    frame = whole.logs["conn"]
    names = ["uid", "id.orig_p", "id.resp_p", "duration", "orig_bytes", "local_orig", "service"]
    assert frame.select("ts").to_series().to_list() == [MOMENT, MOMENT]
    assert frame.select(names).rows() == [
        ("C1", 50000, 80, 0.5, 3, False, "http"),
        ("C2", 50001, 80, None, None, True, "ssl,http"),
    ]
    assert frame.select("label", "detailed_label", "label_tactic").rows() == [
        ("Malicious", "T1595", "Reconnaissance"),
        ("Benign", None, "none"),
    ]
    assert whole.notes == [
        "conn: columns of UWF-ZeekData",
        "conn: kept as text: datetime, label_tactic, label_technique, label_binary",
    ]


def test_packettotal_names_are_understood(tmp_path: Path) -> None:
    """Display names in any case, a BOM, CRLF and missing values; an unknown column is kept and told."""
    data = "\ufeffConnection ID,Timestamp,SENDER IP,Sender Port,target_ip,Target Port,Fancy\r\n"
    data += "C1,1764000000.250001,10.0.0.5,50000,8.8.8.8,53,x\r\nC2,-,10.0.0.5,(empty),8.8.8.8,53,\r\n"
    whole = read_whole(written(tmp_path / "conn.csv", data))
    assert whole.logs["conn"].rows() == [
        ("C1", MOMENT, "10.0.0.5", 50000, "8.8.8.8", 53, "x"),
        ("C2", None, "10.0.0.5", None, "8.8.8.8", 53, None),
    ]
    assert whole.notes == ["conn: columns of PacketTotal", "conn: kept as text: Fancy"]


def test_every_line_is_a_row_or_set_aside(tmp_path: Path) -> None:
    """A quote that does not close spoils its own line; wrong values are told by column."""
    data = "uid,id.orig_h,id.resp_p,service\n"
    data += 'C1,a,80,"x ""y"", z"\nC2,a,80,"open\nC3,a,80\nC4,a,70000,x\n\nC5,a,443,x\n'
    whole = read_whole(written(tmp_path / "conn.csv", data))
    assert whole.only().select("uid", "service").rows() == [("C1", 'x "y", z'), ("C5", "x")]
    assert [(r.line, r.reason) for r in whole.rejects] == [
        (3, "quotes that do not close, or no CSV: unexpected end of data"),
        (4, "3 fields where the header names 4"),
        (5, "id.resp_p: '70000' is no port"),
    ]
    assert whole.rejects[0].raw == b'C2,a,80,"open'


def test_short_line_is_not_filled_up(tmp_path: Path) -> None:
    """A table without quotes whose commas do not add up is looked at line by line."""
    data = "uid,id.orig_h,id.resp_p\nC1,a,80\nC2,a\nC3,a,80,x\n"
    whole = read_whole(written(tmp_path / "conn.csv", data))
    assert (whole.rows, [r.line for r in whole.rejects]) == (1, [3, 4])


@pytest.mark.parametrize(
    ("header", "match"),
    [
        ("name,value,other", "nothing tells which log"),
        ("src_ip_zeek,id.orig_h,dest_ip_zeek", "the same field twice"),
        ("src_ip_zeek,dest_ip_zeek,a\0b", "a NUL in a column's name"),
        ("uid,ts,proto", "a table of connections without addresses"),
    ],
)
def test_table_that_is_no_log_is_refused(tmp_path: Path, header: str, match: str) -> None:
    """Too few known columns, two that mean the same, or connections without addresses."""
    name = "conn.csv" if "uid" in header else "list.csv"
    path = written(tmp_path / name, header + "\n1,2,3\n")
    with pytest.raises(BadData, match=match):
        read_whole(path)


def test_table_that_is_called_after_a_log_needs_no_known_column(tmp_path: Path) -> None:
    """Columns of PacketTotal's own logs, which Zeek does not know, are kept as text under the log's name."""
    intel = "Indicator,Reference\na.example,https://blog.example/a\n"
    whole = read_whole(written(tmp_path / "intel.csv", intel))
    assert whole.logs["intel"].rows() == [("a.example", "https://blog.example/a")]
    assert whole.notes == ["intel: columns of PacketTotal", "intel: kept as text: Indicator, Reference"]
    alerts = "Timestamp,Connection ID,Alert\n1764000000.250001,C1,ET MALWARE x\n"
    whole = read_whole(written(tmp_path / "signature_alerts.csv", alerts))
    assert whole.logs["signature_alerts"].rows() == [(MOMENT, "C1", "ET MALWARE x")]


def test_table_without_a_header_is_not_taken_for_one_with(tmp_path: Path) -> None:
    """Values are no names of columns, whatever the file is called."""
    with pytest.raises(BadData, match="no Zeek header and no JSON"):
        read_whole(written(tmp_path / "intel.csv", "a.example,198.51.100.7,1764000000.25\n" * 2))
