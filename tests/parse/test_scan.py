"""Zeek logs as lazy frames."""

from __future__ import annotations

import gzip
import io
import os
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptml import scan_logs, scan_zeek
from ptml.errors import BadData, MissingInput, SettingsError, ZeekLogWarning
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


STEPS = st.lists(
    st.one_of(
        st.builds(lambda n: ("head", n), st.integers(0, 130)),
        st.builds(lambda n: ("filter", n), st.integers(1000, 1200)),
        st.builds(
            lambda names: ("select", names),
            st.lists(st.sampled_from(["uid", "id.orig_p", "ts", "tunnel_parents"]), min_size=1, unique=True),
        ),
    ),
    max_size=5,
)


def applied(frame: pl.LazyFrame, steps: list[tuple[str, Any]]) -> pl.LazyFrame:
    """Apply steps to a frame; the port stays, so that any filter can follow."""
    for step, value in steps:
        if step == "head":
            frame = frame.head(value)
        elif step == "filter":
            frame = frame.filter(pl.col("id.orig_p") > value)
        else:
            there = frame.collect_schema().names()
            frame = frame.select(name for name in dict.fromkeys([*value, "id.orig_p"]) if name in there)
    return frame


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_any_query_gives_what_the_eager_frame_gives(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any]]
) -> None:
    """Limits, filters and projections in any order give the same lazily, over several files, as eagerly."""
    folder = tmp_path_factory.mktemp("logs")
    for part in range(3):
        (folder / f"conn.2026-11-2{part}-00-00-00.log").write_bytes(conn_log(many_rows(40, start=40 * part)))
    lazy = scan_zeek(folder)
    assert applied(lazy, steps).collect().equals(applied(lazy.collect().lazy(), steps).collect())
    assert applied(lazy, steps).select(pl.len()).collect().item() == applied(lazy, steps).collect().height


def test_rows_do_not_depend_on_the_columns(tmp_path: Path) -> None:
    """A line with a field too many, too few, or a value that does not fit counts alike for any columns."""
    path = tmp_path / "conn.log"
    good, bad = conn_log([conn_row()]), conn_log([conn_row(uid="C2", orig_bytes="-5")])
    path.write_bytes(good + bad + b"short\tline\n" + b"\t".join([b"x"] * 19) + b"\n")
    for columns in (["uid"], ["orig_bytes"], ["uid", "tunnel_parents"], None):
        with pytest.warns(
            ZeekLogWarning, match="2 lines left out; line 21: 2 fields where the header names 18"
        ):
            frame = scan_zeek(path, on_error="quarantine").select(columns or pl.all()).collect()
        assert frame.height == 2
    assert scan_zeek(path).select("uid").head(2).collect()["uid"].to_list() == ["C1", "C2"]


def test_value_that_does_not_fit_raises_only_where_it_is_asked_for(tmp_path: Path) -> None:
    """By default a count of -5 stops a query of that column; it is null on request; others do not see it."""
    path = tmp_path / "conn.log"
    path.write_bytes(conn_log([conn_row(), conn_row(uid="C2", orig_bytes="-5")]))
    assert scan_zeek(path).select("uid").collect()["uid"].to_list() == ["C1", "C2"]
    with pytest.raises(Exception, match=r"line 10: orig_bytes: '-5' is no count"):
        scan_zeek(path).select("orig_bytes").collect()
    with pytest.raises(Exception, match=r"line 10: orig_bytes: '-5' is no count"):
        scan_zeek(path).filter(pl.col("orig_bytes") > 0).select("uid").collect()
    frame = scan_zeek(path, on_error="null").select("orig_bytes").collect()
    assert frame["orig_bytes"].to_list() == [30, None]


def test_null_does_not_pass_over_lines(tmp_path: Path) -> None:
    """A line that is no row stops the reading where only values may be null."""
    path = tmp_path / "conn.log"
    path.write_bytes(conn_log([conn_row()]) + b"short\tline\n")
    with pytest.raises(Exception, match="2 fields where the header names 18"):
        scan_zeek(path, on_error="null").collect()
    with pytest.raises(SettingsError, match="did you mean 'null'"):
        scan_zeek(path, on_error="nul")  # type: ignore[arg-type]


@pytest.mark.parametrize("column", ["uid", "p"])
def test_json_values_follow_the_same_rules(tmp_path: Path, column: str) -> None:
    """In JSON too a value that does not fit is null or raises, and its row stays."""
    path = tmp_path / "conn.log"
    path.write_text('{"uid":"C1","id.orig_p":80}\n{"uid":"C2","id.orig_p":-1}\nno object\n')
    with pytest.warns(ZeekLogWarning, match="1 lines left out; line 3"):
        frame = scan_zeek(path, on_error="quarantine").select(column.replace("p", "id.orig_p")).collect()
    assert frame.to_series().to_list() == (["C1", "C2"] if column == "uid" else [80, None])


def test_sources_of_every_kind_give_the_same(tmp_path: Path) -> None:
    """A path, a list, a pattern, a folder, an open file, a pipe's end and a URL are read alike."""
    data = conn_log(many_rows(5))
    path = tmp_path / "conn.log.gz"
    path.write_bytes(gzip.compress(data))
    expected = scan_zeek(path).collect()
    assert expected["uid"].to_list() == ["C0", "C1", "C2", "C3", "C4"]
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    with path.open("rb") as file, os.fdopen(reading, "rb") as pipe:
        sources: list[Any] = [
            str(path),
            [path],
            str(tmp_path / "*.gz"),
            tmp_path,
            file,
            io.BytesIO(data),
            path.as_uri(),
            pipe,
        ]
        for source in sources:
            lazy = scan_zeek(source)
            assert lazy.collect().equals(expected), source
            assert lazy.select("uid").collect().equals(expected.select("uid")), source


def test_open_file_is_read_from_where_it_stands() -> None:
    """What lies before the position of an open file is not looked at."""
    file = io.BytesIO(b"preamble\n" + conn_log([conn_row()]))
    file.seek(9)
    assert scan_zeek(file).collect().height == 1


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    """What cannot be found is missing input, and text files are told to be bytes."""
    for source in (tmp_path / "no.log", str(tmp_path / "*.log"), (tmp_path / "no.log").as_uri()):
        with pytest.raises(MissingInput):
            scan_zeek(source)
    with pytest.raises(BadData, match="mode 'rb'"):
        scan_zeek(io.StringIO("x"))  # type: ignore[arg-type]


def test_one_log_of_a_folder(tmp_path: Path) -> None:
    """A folder of several logs needs the name of one, and gives that one."""
    folder = capture_folder(tmp_path, "c", [conn_row(uid="C1")])
    (folder / "dns.log").write_bytes(zeek_log("dns", {"ts": "time", "uid": "string"}, [["1.0", "D1"]]))
    with pytest.raises(BadData, match="holds conn and dns; one log was expected"):
        scan_zeek(folder)
    assert scan_zeek(folder, log="dns").collect()["uid"].to_list() == ["D1"]


def test_mixed_file_is_parted_by_its_logs(tmp_path: Path) -> None:
    """A file with several logs gives each of them its own frame, rows in their order."""
    lines = [f'{{"_path":"{"conn" if n % 3 else "dns"}","uid":"C{n}"}}' for n in range(9)]
    (tmp_path / "all.json").write_text("\n".join(lines) + "\n")
    logs = scan_logs(tmp_path)
    assert logs["dns"].collect()["uid"].to_list() == ["C0", "C3", "C6"]
    assert logs["conn"].collect()["uid"].to_list() == ["C1", "C2", "C4", "C5", "C7", "C8"]


def test_schema_gives_types_where_the_log_does_not(tmp_path: Path) -> None:
    """JSON of an unknown log gets the types that are given, Zeek's or Polars'; absent columns are null."""
    path = tmp_path / "mine.log"
    path.write_text('{"when":"1764000000.5","n":"7","s":"x"}\n{"when":"1764000001.5","n":"many","s":"y"}\n')
    kinds: dict[str, Any] = {"when": "time", "n": pl.Int64, "extra": "set[port]"}
    frame = scan_zeek(path, schema=kinds, on_error="null").collect()
    assert dict(frame.schema) == {
        "when": pl.Datetime("us", "UTC"),
        "n": pl.Int64,
        "s": pl.String,
        "extra": pl.List(pl.UInt16),
    }
    assert frame["when"].dt.epoch("ms").to_list() == [1764000000500, 1764000001500]
    assert frame["n"].to_list() == [7, None]
    with pytest.raises(Exception, match="n: 'many' is no Int64"):
        scan_zeek(path, schema=kinds).collect()


def test_guessed_types_are_told(tmp_path: Path) -> None:
    """A log without header is read by its file's name, with a warning."""
    path = tmp_path / "conn.log"
    lines = conn_log([conn_row()]).splitlines(keepends=True)
    names = lines[6].removeprefix(b"#fields\t")
    path.write_bytes(names + lines[8])
    with pytest.warns(ZeekLogWarning, match="a header of names alone"):
        assert scan_zeek(path).collect()["id.resp_p"].to_list() == [443]


def test_column_that_begins_late_is_told(tmp_path: Path) -> None:
    """A JSON field that the beginning of a file lacks is left out with a warning, and there if named."""
    path = tmp_path / "conn.log"
    early = '{"uid":"C1","note":"' + "x" * 1000 + '"}\n'
    path.write_text(early * 4000 + '{"uid":"C2","late":"here"}\n')
    with pytest.warns(ZeekLogWarning, match="columns that begin further on are left out: late"):
        assert "late" not in scan_zeek(path).collect().columns
    assert scan_zeek(path, schema={"late": "string"}).collect()["late"][-1] == "here"


def test_lines_before_a_row_limit_are_told_too(tmp_path: Path) -> None:
    """A line left out before the last row that a limit asks for is told like any other."""
    path = tmp_path / "conn.log"
    lines = conn_log(many_rows(5)).splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:9], b"short\n", *lines[9:]]))
    with pytest.warns(ZeekLogWarning, match="1 lines left out; line 10"):
        assert scan_zeek(path, on_error="quarantine").head(3).collect().height == 3


def test_guesses_in_a_folder_are_told(tmp_path: Path) -> None:
    """Reading a folder says as much of a log without header as reading the file does."""
    lines = conn_log([conn_row()]).splitlines(keepends=True)
    (tmp_path / "conn.log").write_bytes(lines[6].removeprefix(b"#fields\t") + lines[8])
    with pytest.warns(ZeekLogWarning, match="a header of names alone"):
        assert list(scan_logs(tmp_path)) == ["conn"]


def test_json_value_that_does_not_fit_raises_only_where_it_is_asked_for(tmp_path: Path) -> None:
    """A bad port of a JSON line does not stop a query that leaves ports alone."""
    path = tmp_path / "conn.log"
    path.write_text('{"uid":"C1","id.orig_p":80}\n{"uid":"C2","id.orig_p":-1}\n')
    assert scan_zeek(path).select("uid").collect()["uid"].to_list() == ["C1", "C2"]
    with pytest.raises(Exception, match=r"id\.orig_p: '-1' is no port"):
        scan_zeek(path).select("id.orig_p").collect()


def test_log_that_begins_late_in_a_mixed_file_is_found(tmp_path: Path) -> None:
    """Where a file's beginning mixes logs, one that first occurs two megabytes on has its frame too."""
    lines = [f'{{"_path":"{"conn" if n % 2 else "dns"}","uid":"C{n:06d}"}}\n' for n in range(60_000)]
    (tmp_path / "all.json").write_text("".join(lines) + '{"_path":"weird","uid":"W1"}\n')
    logs = scan_logs(tmp_path)
    assert sorted(logs) == ["conn", "dns", "weird"]
    assert logs["weird"].collect()["uid"].to_list() == ["W1"]
    assert logs["conn"].collect().height == 30_000
