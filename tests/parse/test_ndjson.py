"""JSON as Zeek and forwarders write it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from ptml.parse import jsonrows
from tests.parse.reading import read_whole, written

if TYPE_CHECKING:
    from pathlib import Path

MOMENT = datetime(2025, 11, 24, 16, 0, 0, 250_001, UTC)
CONN: dict[str, Any] = {
    "ts": 1764000000.250001,
    "uid": "C1",
    "id.orig_h": "10.0.0.5",
    "id.orig_p": 50000,
    "id.resp_h": "2001:db8::1",
    "id.resp_p": 443,
    "proto": "tcp",
    "orig_bytes": 2**64 - 1,
}
VALUES = tuple({**CONN, "ts": MOMENT}.values())
DOTTED = [name for name in CONN if "." in name]
PLAIN = {name: value for name, value in CONN.items() if "." not in name}
NESTED = PLAIN | {"id": {name.removeprefix("id."): CONN[name] for name in DOTTED}}
UNDERSCORED = PLAIN | {name.replace(".", "_"): CONN[name] for name in DOTTED}
TEXT = json.dumps(CONN)
SHAPES: dict[str, dict[str, Any]] = {
    "dotted": CONN,
    "underscored": UNDERSCORED,
    "nested": NESTED,
    "kafka": {"conn": CONN},
    "kafka underscored": {"conn": UNDERSCORED},
    "splunk event": {"time": 1, "host": "s", "sourcetype": "corelight_conn", "event": CONN},
    "splunk event as text": {"event": TEXT, "sourcetype": "bro:conn:json"},
    "splunk result": {"preview": False, "result": {"_raw": TEXT, "sourcetype": "zeek_conn"}},
    "elastic": {"_index": "zeek", "_source": {"message": TEXT, "@timestamp": "2025-11-24T16:00:00Z"}},
    "with _path": {"_path": "conn", "_system_name": "s", "_write_ts": "2025-11-24T16:00:01.5Z"} | CONN,
    "logstash": CONN | {"@timestamp": "2025-11-24T16:00:00Z", "@version": "1", "@stream": "conn"},
    "filebeat": CONN | {"host": {"name": "sensor"}, "tags": ["zeek"], "agent": {"version": "8", "id": [1]}},
}


def lines(*objects: object) -> str:
    """Write objects as JSON lines."""
    return "".join(json.dumps(one) + "\n" for one in objects)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("broken", [False, True])
def test_every_shape_gives_the_same_row(tmp_path: Path, shape: str, *, broken: bool) -> None:
    """Whatever a forwarder made of a line, it is the same connection, also beside a line that is broken."""
    named = "conn.log" if shape in {"dotted", "underscored", "nested", "logstash", "filebeat"} else "x.json"
    named = "conn.json" if shape == "elastic" else named
    path = written(tmp_path / named, lines(SHAPES[shape], SHAPES[shape]) + '{"cut\n' * broken)
    whole = read_whole(path)
    assert list(whole.logs) == ["conn"]
    assert whole.logs["conn"].select(list(CONN)).rows() == [VALUES, VALUES]
    assert len(whole.rejects) == broken


def test_forwarders_fields_are_kept(tmp_path: Path) -> None:
    """What was added stays: typed where it is known, text where it is not."""
    added = {
        "_write_ts": "2025-11-24T16:00:00.250001Z",
        "@version": 1,
        "host": {"name": "s"},
        "tags": ["a", "b"],
    }
    path = written(tmp_path / "conn.log", lines(CONN | added))
    row = read_whole(path).only().row(0, named=True)
    assert row["_write_ts"] == MOMENT
    assert (row["@version"], row["host.name"], json.loads(row["tags"])) == ("1", "s", ["a", "b"])


def test_time_that_no_date_holds_is_set_aside(tmp_path: Path) -> None:
    """A time after the year 9999 is none, whether lines are read by columns or one by one."""
    whole = read_whole(written(tmp_path / "conn.log", lines(CONN, CONN | {"ts": 9007199254740993})))
    assert whole.only()["ts"].to_list() == [MOMENT]
    assert [reject.reason for reject in whole.rejects] == ["ts: '9007199254740993' is no time"]


@pytest.mark.parametrize("number", [2**64 - 1, 2**63, 2**53 + 1, -(2**53) - 1])
def test_large_numbers_in_unknown_fields_keep_their_digits(tmp_path: Path, number: int) -> None:
    """A whole number that no float holds is kept as it is written, also beside fractions."""
    frame = read_whole(written(tmp_path / "conn.log", lines(CONN | {"x": number}, CONN | {"x": 0.5}))).only()
    assert frame["x"].to_list() == [str(number), "0.5"]


def test_envelope_that_is_left_out_is_told(tmp_path: Path) -> None:
    """Fields beside a wrapped line are named in the report."""
    whole = read_whole(written(tmp_path / "x.json", lines(SHAPES["splunk event"])))
    assert whole.notes == ["left out of a forwarder's envelope: host, sourcetype, time"]


@pytest.mark.parametrize("extra", [{}, {"odd": {"deep": [1]}}])
def test_logs_in_one_file_are_told_apart_by_path(tmp_path: Path, extra: dict[str, Any]) -> None:
    """Each log of a mixed file has its own rows, in order, and its own types; a bad `_path` is set aside."""
    data = lines(
        {"_path": "dns", "ts": 1.0, "uid": "D1", "Z": 1, "TTLs": [1.5]} | extra,
        {"_path": "conn", "uid": "C1", "duration": 2},
        {"_path": "dns", "uid": "D2"},
        {"_path": "../evil", "uid": "E1"},
        {"uid": "N1"},
        {"_path": "conn", "uid": "C2", "id.resp_p": 99999},
    )
    whole = read_whole(written(tmp_path / "weird.json", data))
    assert {log: frame["uid"].to_list() for log, frame in whole.logs.items()} == {
        "dns": ["D1", "D2"],
        "conn": ["C1"],
        "weird": ["N1"],
    }
    assert whole.logs["dns"].schema["Z"] == pl.UInt64()
    assert whole.logs["conn"]["duration"].to_list() == [2.0]
    assert sorted((r.line, r.reason) for r in whole.rejects) == [
        (4, "_path '../evil' is no log's name"),
        (6, "id.resp_p: '99999' is no port"),
    ]


def test_log_that_is_told_holds_whatever_the_lines_say(tmp_path: Path) -> None:
    """`log=` outweighs `_path`."""
    path = written(tmp_path / "x.json", lines({"_path": "dns", "uid": "C1", "orig_bytes": 5}))
    whole = read_whole(path, log="conn")
    assert whole.logs["conn"].select("uid", "orig_bytes", "_path").rows() == [("C1", 5, "dns")]


@pytest.mark.parametrize(
    ("ts", "moment"),
    [
        ("1764000000.250001", MOMENT),
        ("1764000000250", MOMENT.replace(microsecond=250_000)),
        ('"2025-11-24T16:00:00.250001Z"', MOMENT),
        ('"2025-11-24T18:00:00.250001+02:00"', MOMENT),
        ('"2025-11-24T16:00:00.250001"', MOMENT),
        ("-1.5", datetime(1969, 12, 31, 23, 59, 58, 500_000, UTC)),
    ],
)
@pytest.mark.parametrize("slow", ["", ',"odd":[1]'])
def test_times_in_each_spelling(tmp_path: Path, ts: str, moment: datetime, slow: str) -> None:
    """Seconds, milliseconds and ISO 8601 with or without a zone name the moment, to the microsecond."""
    path = written(tmp_path / "conn.log", f'{{"ts":{ts},"uid":"C1"{slow}}}\n')
    assert read_whole(path).only()["ts"].to_list() == [moment]


@pytest.mark.parametrize("other", ["", '{"uid":"C2","odd":[1]}\n'])
def test_escaped_strings_are_kept_as_text(tmp_path: Path, other: str) -> None:
    r"""HEX's `\xHH`, PUA's private code points and TSV's escapes stay as they were written."""
    texts = ["\\xff\\x00", "\uf0ff", "a\\x09b", "caf\u00e9", "\u202e", "\x1b[2J"]
    data = "".join(json.dumps({"uid": text}, ensure_ascii=False) + "\n" for text in texts) + other
    frame = read_whole(written(tmp_path / "conn.log", data)).only()
    assert frame["uid"].to_list()[: len(texts)] == texts


def test_bytes_that_are_no_text_are_spelled_out(tmp_path: Path) -> None:
    r"""A raw byte that is no UTF-8 and a lone surrogate keep a spelled-out form; no row is lost."""
    path = written(tmp_path / "conn.log", b'{"uid":"a\xffb"}\n{"uid":"\\ud83d"}\n{"uid":"c","k\xff":1}\n')
    whole = read_whole(path)
    assert whole.only()["uid"].to_list() == ["a\\xffb", "\\ud83d", "c"]
    assert whole.only()["k\\xff"].to_list() == [None, None, "1"]


def test_mixed_logs_with_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A bad byte in a `_path` rejects that line alone."""
    path = written(tmp_path / "x.json", b'{"_path":"conn","uid":"C1"}\n{"_path":"d\xdd","uid":"D1"}\n')
    whole = read_whole(path)
    assert whole.logs["conn"]["uid"].to_list() == ["C1"]
    assert [r.line for r in whole.rejects] == [2]


def test_content_tells_the_format_whatever_the_name(tmp_path: Path) -> None:
    """JSON by a .log name and TSV by a .json name are read as what they are."""
    assert read_whole(written(tmp_path / "conn.log", lines(CONN))).rows == 1
    tsv = b"#separator \\x09\n#path\tconn\n#fields\tuid\n#types\tstring\nC1\n"
    assert read_whole(written(tmp_path / "conn.json", tsv)).only()["uid"].to_list() == ["C1"]


def test_unknown_log_is_noted(tmp_path: Path) -> None:
    """Of a log that Zeek does not write, times and addresses are typed, the rest is text, and it is said."""
    whole = read_whole(written(tmp_path / "mine.json", lines({"ts": 1.0, "n": 5, "id.resp_p": 80}) * 2))
    second = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert whole.only().select("ts", "n", "id.resp_p").rows() == [(second, "5", 80)] * 2
    assert whole.notes == ["mine: not a log of known fields, so what is JSON in it was kept as text"]


def test_new_field_in_each_line_does_not_explode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million columns cannot be forced by JSON either: lines with ever new fields are set aside."""
    monkeypatch.setattr(jsonrows, "MAX_FIELDS", 100)
    monkeypatch.setattr("ptml.parse.ndjson.MAX_FIELDS", 100)
    data = lines(*({"uid": f"C{i}", f"new{i}": i} for i in range(500)))
    whole = read_whole(written(tmp_path / "conn.log", data))
    assert whole.rows + len(whole.rejects) == 500
    assert whole.only().width == 100
    assert whole.rejects[0].reason == "more than 100 different fields"


def test_wide_and_long_block_is_handed_on_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows times columns are bounded: what is read so far is handed on, and no row is lost."""
    monkeypatch.setattr(jsonrows, "MAX_CELLS", 1_000)
    data = lines(*({"uid": f"C{i}", "odd": [i]} for i in range(200)))
    whole = read_whole(written(tmp_path / "conn.log", data))
    assert whole.only()["uid"].to_list() == [f"C{i}" for i in range(200)]


@pytest.mark.parametrize("value", ["1.5", "null", '"text"', "[]", "true"])
def test_first_line_that_is_no_object_is_set_aside(tmp_path: Path, value: str) -> None:
    """Any other JSON value rejects its line, wherever it stands."""
    whole = read_whole(
        written(tmp_path / "conn.log", f'{{"uid":"C1"}}\n{value}\n{{"uid":"C2"}}\n'), block_bytes=8
    )
    assert (whole.only()["uid"].to_list(), [r.line for r in whole.rejects]) == (["C1", "C2"], [2])


def test_nul_in_a_name_is_set_aside(tmp_path: Path) -> None:
    """Arrow would not take such a column; the line is set aside, its neighbours are read."""
    whole = read_whole(written(tmp_path / "conn.log", '{"uid":"C1"}\n{"uid":"C2","a\\u0000b":1}\n'))
    assert whole.only()["uid"].to_list() == ["C1"]
    assert [r.reason for r in whole.rejects] == ["a field with a NUL in its name"]


@pytest.mark.parametrize("line", ["{}", '{"a":{}}'])
def test_lines_without_a_field_are_accounted_for(tmp_path: Path, line: str) -> None:
    """Objects that hold nothing are rows of a log whose fields are known; of another they are set aside."""
    assert read_whole(written(tmp_path / "conn.log", f"{line}\n{line}\n")).rows == 2
    whole = read_whole(written(tmp_path / "own.log", f"{line}\n{line}\n"))
    assert [r.reason for r in whole.rejects] == ["no field, and none are known of such a log"] * 2


def test_path_that_can_name_no_dataset_costs_its_line_alone(tmp_path: Path) -> None:
    """A `_path` of other letters than a dataset's name may have rejects its line; the others are rows."""
    data = lines({"_path": "conn"} | CONN, {"_path": "conné"} | CONN, {"_path": "conn"} | CONN)
    whole = read_whole(written(tmp_path / "x.json", data))
    assert (list(whole.logs), whole.rows, [r.line for r in whole.rejects]) == (["conn"], 2, [2])


def test_deep_nesting_is_set_aside(tmp_path: Path) -> None:
    """Brackets without end reject their line, not the reader."""
    deep = '{"a":' * 100_000
    whole = read_whole(written(tmp_path / "conn.log", f'{deep}\n{{"uid":"C1"}}\n'))
    assert (whole.only()["uid"].to_list(), [r.line for r in whole.rejects]) == (["C1"], [1])
