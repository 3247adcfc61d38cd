"""Zeek logs as lazy frames."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml import scan_logs, scan_zeek
from ptml.errors import BadData, MissingInput
from tests.builders import capture_folder, conn_log, conn_row, many_rows, zeek_log

if TYPE_CHECKING:
    from pathlib import Path


def test_projection_filter_and_limit_give_what_an_eager_frame_gives(tmp_path: Path) -> None:
    """Whatever is pushed down to the reader, the result is that of the whole frame."""
    path = tmp_path / "conn.log"
    path.write_bytes(conn_log(many_rows(100)))
    lazy, eager = scan_zeek(path), scan_zeek(path).collect()
    assert eager.height == 100
    port = pl.col("id.orig_p")
    assert lazy.select("uid").collect().equals(eager.select("uid"))
    assert lazy.filter(port > 1100).select("uid").collect().equals(eager.filter(port > 1100).select("uid"))
    assert lazy.head(7).collect().equals(eager.head(7))
    assert lazy.head(50).filter(port > 1040).collect().equals(eager.head(50).filter(port > 1040))
    assert lazy.filter(port > 1040).head(5).collect().equals(eager.filter(port > 1040).head(5))


def test_bad_line_is_named_when_it_is_reached(tmp_path: Path) -> None:
    """A lazy frame does not drop lines in silence."""
    path = tmp_path / "conn.log"
    path.write_bytes(conn_log([conn_row(), conn_row(id__resp_p="99999")]))
    with pytest.raises(Exception, match=r"line 10: id.resp_p: '99999' is no port"):
        scan_zeek(path).collect()


def test_parts_of_one_log_unite_by_name(tmp_path: Path) -> None:
    """Rotated parts of different versions are one frame; missing columns are null."""
    folder = capture_folder(tmp_path, "c", [conn_row(uid="C1")])
    newer = zeek_log("conn", {"ts": "time", "uid": "string", "ip_proto": "count"}, [["2.0", "C2", "6"]])
    (folder / "conn.10:00:00-11:00:00.log.gz").write_bytes(gzip.compress(newer))
    (folder / "dns.log").write_bytes(zeek_log("dns", {"ts": "time", "uid": "string"}, [["1.0", "C1"]]))
    logs = scan_logs(folder)
    assert list(logs) == ["conn", "dns"]
    frame = logs["conn"].select("uid", "id.resp_p", "ip_proto").sort("uid").collect()
    assert frame.rows() == [("C1", 443, None), ("C2", None, 6)]


def test_folder_without_logs_says_what_was_looked_for(tmp_path: Path) -> None:
    """An empty folder is missing input, not an empty result."""
    with pytest.raises(MissingInput, match="holds no Zeek log"):
        scan_logs(tmp_path)
    with pytest.raises(MissingInput, match="does not exist"):
        scan_logs(tmp_path / "no")


def test_no_log_is_bad_data(tmp_path: Path) -> None:
    """A binary file by a log's name is refused when it is opened."""
    (tmp_path / "conn.log").write_bytes(bytes(range(256)))
    with pytest.raises(BadData, match="a binary file"):
        scan_zeek(tmp_path / "conn.log")


def test_parts_join_in_the_order_of_time(tmp_path: Path) -> None:
    """Rotated parts of two days and the live log come oldest first, whatever order the names sort in."""
    for name, uid in (
        ("conn.log", "C4"),
        ("2026-11-24/conn.00:00:00-01:00:00.log", "C3"),
        ("2026-11-23/conn.23:00:00-00:00:00.log", "C2"),
        ("a/conn_20261123_22:00:00-23:00:00+0000.log", "C1"),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(conn_log([conn_row(uid=uid)]))
    assert scan_logs(tmp_path)["conn"].collect()["uid"].to_list() == ["C1", "C2", "C3", "C4"]


def test_file_of_several_logs_is_no_frame(tmp_path: Path) -> None:
    """Rows of one log are never passed off as another's."""
    path = tmp_path / "all.json"
    path.write_text('{"_path":"conn","uid":"C1"}\n{"_path":"dns","uid":"D1"}\n')
    with pytest.raises(Exception, match="holds conn and dns; one log was expected"):
        scan_zeek(path).collect()
