"""TSV whose header is a line of names, or is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ptml.errors import BadData
from tests.builders import CONN, conn_log, conn_row
from tests.parse.reading import read_whole, written

if TYPE_CHECKING:
    from pathlib import Path

BRO_2_3 = "1.5\tC1\t10.0.0.1\t50000\t10.0.0.2\t80\ttcp\thttp\t-\t-\t-\tS0\tT\t0\tS\t1\t60\t0\t0\t(empty)\n"
ZEEK_7 = "1.5\tC1\t10.0.0.1\t50000\t10.0.0.2\t80\ttcp\t-\t0.5\t3\t4\tSF\tT\tF\t0\tSs\t1\t60\t1\t60\t-\n"
ZEEK_8 = ZEEK_7.removesuffix("\n") + "\t6\n"


def test_names_alone_are_typed_by_the_log(tmp_path: Path) -> None:
    """With `tsv=T` a log has one line of names; types are those of Zeek's own log, others are text."""
    path = written(tmp_path / "conn.log", "ts\tuid\tid.resp_p\tmine\n1.5\tC1\t80\t7\n2.5\tC2\tx\t8\n")
    whole = read_whole(path)
    row = whole.only().drop("ts").row(0, named=True)
    assert row == {"uid": "C1", "id.resp_p": 80, "mine": "7"}
    assert [(r.line, r.offset, r.reason) for r in whole.rejects] == [(3, 34, "id.resp_p: 'x' is no port")]
    assert whole.notes == [
        "conn: a header of names alone; types are those of Zeek's own conn.log",
        "conn: of unknown type and kept as text: mine",
    ]


@pytest.mark.parametrize(
    ("data", "fields", "told"),
    [(BRO_2_3, 20, {}), (ZEEK_7, 21, {"local_resp": False}), (ZEEK_8, 22, {"ip_proto": 6})],
)
def test_no_header_is_read_by_a_known_column_list(
    tmp_path: Path, data: str, fields: int, told: dict[str, object]
) -> None:
    """The number of fields and their values choose the version's columns, and the report says so."""
    whole = read_whole(written(tmp_path / "conn.2026-11-23-10-00-00.log", data * 3))
    frame = whole.only()
    assert (frame.height, frame.width, whole.rejects) == (3, fields, [])
    assert frame["id.resp_p"].to_list() == [80] * 3
    assert {name: frame[name][0] for name in told} == told
    assert whole.notes == [f"conn: no header; its {fields} columns were known by their place alone"]


def test_log_is_told_where_the_name_does_not(tmp_path: Path) -> None:
    """`log=` says which log it is; without it such a file is refused, and nothing is guessed."""
    path = written(tmp_path / "export.txt", ZEEK_7)
    assert read_whole(path, log="conn").rows == 1
    with pytest.raises(BadData, match=r"nothing tells which log of known columns it is(.|\n)*`log=`"):
        read_whole(path)


def test_count_that_fits_no_version_is_refused(tmp_path: Path) -> None:
    """Five fields are no conn.log of any version."""
    path = written(tmp_path / "conn.log", "1.5\tC1\ta\tb\tc\n")
    with pytest.raises(BadData, match=r"lines of 5 fields where a conn.log has 20, 21, 22, 23, 24"):
        read_whole(path)


def test_values_that_fit_no_column_list_are_refused(tmp_path: Path) -> None:
    """The right number of fields with other values is not taken for a conn.log."""
    path = written(tmp_path / "conn.log", "\t".join(["word"] * 21) + "\n")
    with pytest.raises(BadData, match="or of other values"):
        read_whole(path)


def test_bad_line_among_headless_ones_is_set_aside(tmp_path: Path) -> None:
    """Rows and rejects are all lines here too."""
    whole = read_whole(written(tmp_path / "conn.log", ZEEK_7 * 3 + "cut\toff\n" + ZEEK_7))
    assert (whole.rows, [(r.line, r.raw) for r in whole.rejects]) == (4, [(4, b"cut\toff")])


def test_header_without_types_takes_them_from_the_log(tmp_path: Path) -> None:
    """Where only `#fields` was kept, types are Zeek's own, and the report says so."""
    data = b"\n".join(line for line in conn_log([conn_row()]).split(b"\n") if not line.startswith(b"#types"))
    whole = read_whole(written(tmp_path / "x.log", data))
    assert whole.only().columns == list(CONN)
    assert whole.only()["id.resp_p"].to_list() == [443]
    assert whole.notes == ["conn: no #types line; types are those of Zeek's own conn.log"]
