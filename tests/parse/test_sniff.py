"""The format is told by content, also behind a damaged beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.builders import conn_log, conn_row, zeek_log
from tests.parse.reading import read_whole, written

if TYPE_CHECKING:
    from pathlib import Path

NAMES = b"ts\tuid\tid.resp_p\n"


def test_header_behind_the_tail_of_another_log(tmp_path: Path) -> None:
    """Lines above the first header are set aside each; what follows is read."""
    whole = read_whole(
        written(tmp_path / "conn.log", b"tail\tof\nanother\n" + conn_log([conn_row(uid="C1")]))
    )
    assert whole.only()["uid"].to_list() == ["C1"]
    assert [(r.line, r.raw) for r in whole.rejects] == [(1, b"tail\tof"), (2, b"another")]


def test_log_behind_zeros_of_a_crash_is_read(tmp_path: Path) -> None:
    """A block of zeros, as a power failure leaves it, is one bad line; TSV and JSON after it are read."""
    zeros = bytes(4096)
    tsv = read_whole(written(tmp_path / "conn.log", zeros + b"\n" + conn_log([conn_row(uid="C1")])))
    json = read_whole(written(tmp_path / "conn.json", zeros + b'\n{"uid":"C1"}\n'))
    assert tsv.only()["uid"].to_list() == json.only()["uid"].to_list() == ["C1"]
    assert [r.line for r in tsv.rejects] == [r.line for r in json.rejects] == [1]


def test_json_whose_first_line_is_cut_is_read(tmp_path: Path) -> None:
    """A log that begins in the middle of a line loses that line only."""
    whole = read_whole(written(tmp_path / "conn.log", 'uid":"C0"}\n{"uid":"C1"}\n{"uid":"C2"}\n'))
    assert whole.only()["uid"].to_list() == ["C1", "C2"]
    assert [r.raw for r in whole.rejects] == [b'uid":"C0"}']


def test_names_alone_may_come_again_and_differ(tmp_path: Path) -> None:
    """Logs with `tsv=T` that were joined are read section by section, as are headers of the other kind."""
    data = NAMES + b"1.0\tC1\t80\n" + NAMES + b"2.0\tC2\t81\nuid\tproto\nC3\ttcp\n"
    data += zeek_log("dns", {"uid": "string", "query": "string"}, [["D1", "ts"]])
    whole = read_whole(written(tmp_path / "conn.log", data))
    assert whole.logs["conn"].select("uid", "id.resp_p", "proto").rows() == [
        ("C1", 80, None),
        ("C2", 81, None),
        ("C3", None, "tcp"),
    ]
    assert whole.logs["dns"].rows() == [("D1", "ts")]
    assert not whole.rejects


def test_places_are_right_under_names_alone(tmp_path: Path) -> None:
    """Line numbers and offsets count lines of names too."""
    data = NAMES + b"1.0\tC1\t80\n" + NAMES + b"2.0\tC2\tx\n"
    [reject] = read_whole(written(tmp_path / "conn.log", data)).rejects
    assert (reject.line, data[reject.offset :]) == (4, b"2.0\tC2\tx\n")


def test_remarks_alone_are_set_aside(tmp_path: Path) -> None:
    """A file of remarks has no rows, and its lines are told."""
    whole = read_whole(written(tmp_path / "conn.log", b"# nothing\n# here\n"))
    assert (whole.rows, [r.reason for r in whole.rejects]) == (0, ["no #fields line before it"] * 2)
