"""Reading Zeek logs: exact, and with nothing lost."""

from __future__ import annotations

import gzip
import json
import random
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.errors import BadData
from ptml.io import open_binary
from ptml.parse.reader import Batch, read_log
from tests.builders import CONN, conn_log, conn_row, many_rows, zeek_log
from tests.parse.reference import EPOCH, read_lines, write_value

if TYPE_CHECKING:
    from pathlib import Path

TYPES = {
    "ts": "time",
    "text": "string",
    "n": "count",
    "i": "int",
    "p": "port",
    "b": "bool",
    "d": "double",
    "words": "set[string]",
    "ports": "vector[port]",
}
MOMENTS = st.integers(0, 4_000_000_000_000_000).map(lambda us: EPOCH + timedelta(microseconds=us))
# A one-element list of an empty string and an empty list are written alike; surrogates are no text.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x85\u2028\u2029"), max_size=12)
HOSTILE = st.sampled_from(
    ["-", "(empty)", "#close", '"', "a\tb", "a\nb", "\\x41", "\\", "\x1b[2J", "a,b", "é\u202e"]
)
WORD = st.one_of(TEXT, HOSTILE)


def rows() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Draw rows of every type, any value unset at times."""
    values = {
        "ts": MOMENTS,
        "text": WORD,
        "n": st.integers(0, 2**64 - 1),
        "i": st.integers(-(2**63), 2**63 - 1),
        "p": st.integers(0, 65535),
        "b": st.booleans(),
        "d": st.floats(allow_nan=False, allow_infinity=False),
        "words": st.lists(WORD, max_size=4).filter(lambda words: words not in ([""], [None])),
        "ports": st.lists(st.integers(0, 65535), max_size=4),
    }
    return st.lists(st.fixed_dictionaries({k: st.none() | v for k, v in values.items()}), max_size=8)


def read(path: Path, block_bytes: int = 1 << 20) -> tuple[pl.DataFrame, list[Any]]:
    """Read a file whole: its rows and its rejects."""
    batches: list[Batch] = list(read_log(path, block_bytes=block_bytes))
    frames = [batch.frame for batch in batches if batch.frame.width]
    return pl.concat(frames, how="diagonal") if frames else pl.DataFrame(), [
        reject for batch in batches for reject in batch.rejects
    ]


@given(rows())
def test_what_zeek_writes_as_tsv_is_read_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[dict[str, Any]]
) -> None:
    """Every value of every type, hostile text included, comes back as it was."""
    lines = [[write_value(row[name], kind) for name, kind in TYPES.items()] for row in drawn]
    path = tmp_path_factory.mktemp("log") / "x.log"
    path.write_bytes(zeek_log("x", TYPES, lines))
    frame, rejects = read(path)
    assert not rejects
    assert frame.to_dicts() == drawn


@given(rows())
def test_what_zeek_writes_as_json_is_read_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[dict[str, Any]]
) -> None:
    """The same rows as JSON, unset fields absent, times as seconds, give the same text, numbers and times."""
    types = {
        "ts": "ts",
        "uid": "text",
        "orig_bytes": "n",
        "id.resp_p": "p",
        "duration": "d",
        "tunnel_parents": "words",
    }
    path = tmp_path_factory.mktemp("log") / "conn.log"
    objects = [{zeek: row[name] for zeek, name in types.items() if row[name] is not None} for row in drawn]
    with path.open("w", encoding="utf-8") as file:
        for item in objects:
            seconds = {"ts": (item["ts"] - EPOCH) / timedelta(seconds=1)} if "ts" in item else {}
            file.write(json.dumps(item | seconds) + "\n")
    frame, rejects = read(path)
    assert not rejects
    assert frame.height == len(objects)
    if objects:
        expected = [{zeek: item.get(zeek) for zeek in types} for item in objects]
        assert frame.select(list(types)).to_dicts() == expected


def test_zero_and_unset_are_different(tmp_path: Path) -> None:
    """`-` is null, `0` is zero, `(empty)` is empty, and a text that equals a marker is text."""
    types = {"n": "count", "s": "string", "v": "set[string]"}
    path = tmp_path / "x.log"
    path.write_bytes(
        zeek_log("x", types, [["-", "-", "-"], ["0", "(empty)", "(empty)"], ["1", "\\x2d", "\\x2d,-"]])
    )
    frame, _ = read(path)
    assert frame.rows() == [(None, None, None), (0, "", []), (1, "-", ["-", None])]


def test_times_are_exact_to_the_microsecond(tmp_path: Path) -> None:
    """A million microseconds of one second all survive the way through floating point."""
    path = tmp_path / "x.log"
    path.write_bytes(
        zeek_log("x", {"ts": "time"}, [[f"1764000000.{us:06d}"] for us in range(0, 1_000_000, 7)])
    )
    frame, _ = read(path)
    assert frame["ts"].dt.microsecond().to_list() == list(range(0, 1_000_000, 7))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id.resp_p": "70000"}, "id.resp_p: '70000' is no port"),
        ({"orig_bytes": "-5"}, "orig_bytes: '-5' is no count"),
        ({"ts": "yesterday"}, "ts: 'yesterday' is no time"),
        ({"ts": "1e40"}, "ts: '1e40' is no time"),
        ({"ts": "253402300800.0"}, "ts: '253402300800.0' is no time"),
        ({"ts": "-62135596801.0"}, "ts: '-62135596801.0' is no time"),
        ({"orig_bytes": ""}, "orig_bytes: '' is no count"),
        ({"orig_bytes": "18446744073709551616"}, "orig_bytes: '18446744073709551616' is no count"),
    ],
)
def test_value_that_does_not_fit_is_set_aside_with_its_place(
    tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    """One bad value rejects its line alone, with number, offset, reason and bytes; the others are read."""
    good, bad = conn_row(uid="C1"), conn_row(uid="C2") | change
    data = conn_log([good, bad, conn_row(uid="C3")])
    path = tmp_path / "conn.log"
    path.write_bytes(data)
    frame, [reject] = read(path)
    line = "\t".join(bad[name] for name in CONN).encode()
    assert frame["uid"].to_list() == ["C1", "C3"]
    assert (reject.line, reject.reason, reject.raw) == (10, reason, line)
    assert data[reject.offset :].startswith(line + b"\n")


def test_rows_read_and_rows_set_aside_are_all_lines(tmp_path: Path) -> None:
    """Short, long and cut lines among good ones are all accounted for, at any block size."""
    lines = conn_log(many_rows(50)).splitlines(keepends=True)
    lines.insert(12, b"short\tline\n")
    lines.insert(30, lines[31].rstrip(b"\n") + b"\textra\n")
    lines[-1] = lines[20][:40]
    path = tmp_path / "conn.log"
    path.write_bytes(b"".join(lines))
    for block_bytes in (4096, 1 << 20):
        frame, rejects = read(path, block_bytes=block_bytes)
        assert (frame.height, [r.line for r in rejects]) == (50, [13, 31, 61])
        assert [r.raw for r in rejects] == [lines[12].rstrip(b"\n"), lines[30].rstrip(b"\n"), lines[60]]


def test_second_header_with_other_fields_is_followed(tmp_path: Path) -> None:
    """Files joined with cat are read section by section."""
    first = zeek_log("conn", {"ts": "time", "uid": "string"}, [["1.0", "C1"]])
    second = zeek_log("conn", {"uid": "string", "n": "count"}, [["C2", "7"]], close=False)
    path = tmp_path / "conn.log"
    path.write_bytes(first + second)
    frame, rejects = read(path)
    assert not rejects
    assert frame.select("uid", "n").rows() == [("C1", None), ("C2", 7)]


def test_value_that_begins_with_a_hash_is_data(tmp_path: Path) -> None:
    """Only exact header keys are header lines."""
    path = tmp_path / "x.log"
    path.write_bytes(zeek_log("x", {"s": "string"}, [["#hashtag"], ["#1"], ["plain"]]))
    frame, _ = read(path)
    assert frame["s"].to_list() == ["#hashtag", "#1", "plain"]


def test_crlf_bom_and_other_separators(tmp_path: Path) -> None:
    """A Windows copy and a log with other separators and markers give the same values."""
    windows = tmp_path / "w.log"
    windows.write_bytes(
        b"\xef\xbb\xbf" + zeek_log("x", {"a": "string", "n": "count"}, [["q", "1"]]).replace(b"\n", b"\r\n")
    )
    other = tmp_path / "o.log"
    other.write_bytes(
        b"#separator \\x7c\n#set_separator|;\n#empty_field|EMPTY\n#unset_field|NULL\n#path|x\n"
        b"#fields|a|n|v\n#types|string|count|set[string]\nq|1|EMPTY\nNULL|NULL|b;c\n"
    )
    assert read(windows)[0].rows() == [("q", 1)]
    assert read(other)[0].rows() == [("q", 1, []), (None, None, ["b", "c"])]


def test_truncated_gz_gives_what_came_before_the_break(tmp_path: Path) -> None:
    """Rows before the break are read; the break is one reject."""
    rng = random.Random(3)
    rows = [
        conn_row(uid=f"C{rng.getrandbits(80):x}", id__orig_h=f"2001:db8::{rng.getrandbits(16):x}")
        for _ in range(4000)
    ]
    data = gzip.compress(conn_log(rows))
    path = tmp_path / "conn.log.gz"
    path.write_bytes(data[: len(data) // 2])
    frame, [reject] = read(path, block_bytes=1 << 14)
    assert frame["uid"].to_list() == [row["uid"] for row in rows[: frame.height]]
    assert frame.height > 1000
    assert "breaks off or is corrupt" in reject.reason


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"\xd4\xc3\xb2\xa1\x00\x00", "a binary file"),
        (b"hello\nworld\n", "no Zeek header and no JSON"),
    ],
)
def test_what_is_no_log_is_refused_with_a_reason(tmp_path: Path, content: bytes, match: str) -> None:
    """A file that cannot be read as a log says what it looks like."""
    path = tmp_path / "conn.log"
    path.write_bytes(content)
    with pytest.raises(BadData, match=match):
        list(read_log(path))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"#fields\ta\ta\n#types\tcount\tcount\n", "#fields names a field twice"),
        (b"#fields\ta\tb\n#types\tcount\n", "#fields names 2 fields but #types 1 types"),
        (b"", "no #fields line before it"),
    ],
)
def test_lines_under_a_bad_header_are_set_aside_each(tmp_path: Path, header: bytes, reason: str) -> None:
    """What cannot be told apart into fields is set aside line by line, so that the counts add up."""
    path = tmp_path / "conn.log"
    path.write_bytes(b"#separator \\x09\n" + header + b"1\t2\n3\t4\n")
    frame, rejects = read(path)
    assert (frame.height, [r.raw for r in rejects]) == (0, [b"1\t2", b"3\t4"])
    assert {r.reason for r in rejects} == {reason}


def test_empty_file_and_header_only_give_no_rows(tmp_path: Path) -> None:
    """Nothing in, nothing out, no error."""
    for content in (b"", conn_log([])):
        path = tmp_path / "conn.log"
        path.write_bytes(content)
        assert read(path)[0].height == 0


def test_json_lines_that_do_not_fit_are_set_aside(tmp_path: Path) -> None:
    """Broken JSON, other JSON and values of a wrong type reject their own lines only."""
    path = tmp_path / "conn.log"
    lines = [
        '{"ts":1.5,"uid":"C1"}',
        '{"ts":1.5,',
        "[1]",
        '{"uid":"C2","id.resp_p":70000}',
        '{"uid":"C3","new":[1]}',
    ]
    path.write_text("\n".join(lines) + "\n")
    frame, rejects = read(path)
    assert frame.select("uid", "new").rows() == [("C1", None), ("C3", "[1]")]
    assert [(r.line, r.raw.decode()) for r in rejects] == [(2, lines[1]), (3, lines[2]), (4, lines[3])]
    assert rejects[2].reason == "id.resp_p: '70000' is no port"


@pytest.mark.parametrize("value", ["1764000000.25", '"2025-11-24T16:00:00.250000Z"', "1764000000250"])
def test_json_times_in_each_spelling(tmp_path: Path, value: str) -> None:
    """Seconds, ISO 8601 and milliseconds name the same moment."""
    path = tmp_path / "conn.log"
    path.write_text(f'{{"ts":{value},"uid":"C1"}}\n')
    assert read(path)[0]["ts"].to_list() == [datetime(2025, 11, 24, 16, 0, 0, 250_000, UTC)]


def test_text_that_looks_like_a_date_stays_text(tmp_path: Path) -> None:
    """A JSON string in a field that Zeek does not know is never taken for a time."""
    path = tmp_path / "conn.log"
    path.write_text('{"uid":"C1","when":"2026-01-01"}\n')
    assert read(path)[0]["when"].to_list() == ["2026-01-01"]


def test_json_names_its_log_by_path(tmp_path: Path) -> None:
    """`_path` tells the log whatever the file's name."""
    path = tmp_path / "current.log"
    path.write_text('{"_path":"dns","uid":"C1","query":"a.example"}\n')
    assert [batch.log for batch in read_log(path)] == ["dns"]


def test_real_tsv_logs_equal_the_reference_reader(real_data: Path) -> None:
    """On real logs the fast reader gives what the slow, obvious one gives, value for value."""
    compared = 0
    for path in sorted(real_data.glob("zeek/*/*"))[::23]:
        with open_binary(path) as file:
            data = file.read()
        if data.startswith(b"#separator"):
            frame, rejects = read(path)
            assert not rejects
            assert frame.to_dicts() == read_lines(data), path
            compared += 1
    assert compared > 40


HEADER_LINE = re.compile(
    rb"#(separator|set_separator|empty_field|unset_field|path|open|close|fields|types)\b"
)


def data_lines(path: Path) -> int:
    """Count a log's data lines with nothing of the reader: neither blank nor a header line."""
    with open_binary(path) as file:
        data = file.read()
    if b"\n{\n" in data:  # objects laid out over several lines
        return data.count(b"\n{\n")
    return sum(1 for line in data.split(b"\n") if line.strip() and not HEADER_LINE.match(line))


def test_every_line_of_every_real_file_is_read_or_set_aside(real_data: Path) -> None:
    """Over all dialects and sensors rows and rejects are all data lines, and every file is read."""
    paths = [
        p
        for d in ("dialects", "labelled", "sensors")
        for p in sorted((real_data / d).rglob("*"))
        if p.is_file()
    ]
    for path in paths:
        frame, rejects = read(path)
        if any("breaks off" in reject.reason for reject in rejects):
            continue  # breaks off: how many lines are gone nobody can say
        assert frame.height + len(rejects) == data_lines(path), path
    assert len(paths) > 600


def test_labels_of_every_labelled_capture_come_out_alike(real_data: Path) -> None:
    """Packed or not, each row of the labelled captures has its label under the same name."""
    labels: dict[str, set[str]] = {}
    for path in sorted((real_data / "labelled").rglob("*.labeled")):
        frame, _ = read(path)
        if frame.is_empty():  # a header only
            continue
        assert "detailed_label" in frame.columns, path
        labels.setdefault(path.parent.name, set()).update(frame["label"].drop_nulls().str.to_lowercase())
    assert labels["iot23-34-1"] == {"benign", "malicious"}
    assert all({"benign", "malicious"} <= found for found in labels.values())


def test_raw_bytes_that_are_no_utf8_keep_their_spelling(tmp_path: Path) -> None:
    """A raw byte that is no UTF-8 comes out as the escape that Zeek would have written."""
    path = tmp_path / "x.log"
    path.write_bytes(
        zeek_log("x", {"s": "string", "n": "count"}, [["RAW", "1"], ["plain", "2"]]).replace(
            b"RAW", b"a\xffb"
        )
    )
    frame, rejects = read(path)
    assert not rejects
    assert frame.rows() == [("a\\xffb", 1), ("plain", 2)]


def test_new_section_forgets_what_the_last_one_declared(tmp_path: Path) -> None:
    """After a log with other markers a plain one joined to it is read by Zeek's defaults."""
    odd = b"#separator \\x09\n#set_separator\t;\n#unset_field\tNULL\n"
    odd += b"#fields\tv\n#types\tset[string]\na;b\nNULL\n"
    plain = b"#separator \\x09\n#fields\tv\n#types\tset[string]\nc,d\n-\n"
    path = tmp_path / "x.log"
    path.write_bytes(odd + plain)
    assert read(path)[0]["v"].to_list() == [["a", "b"], None, ["c", "d"], None]
