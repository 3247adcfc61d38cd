"""Input that is broken, hostile, or changes: each is told, and none stops or fills the reader."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest

from ptml import io
from ptml.errors import BadData, MissingInput
from ptml.parse.reader import read_log
from ptml.parse.scan import log_files, scan_logs
from tests.builders import conn_log, conn_row, many_rows, zeek_log
from tests.parse.reading import read_whole, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = zeek_log("conn", {"uid": "string"}, [], close=False)


def test_empty_file_and_header_only(tmp_path: Path) -> None:
    """Nothing in, nothing out, and no complaint; the same compressed."""
    for content in (b"", b"\n\n", conn_log([]), gzip.compress(b""), gzip.compress(conn_log([]))):
        whole = read_whole(written(tmp_path / "conn.log", content))
        assert (whole.rows, whole.rejects, whole.notes) == (0, [], [])


def test_huge_line_in_a_sparse_file(tmp_path: Path) -> None:
    """A line of 200 MB among good ones is set aside with its beginning; the good ones are read."""
    path = tmp_path / "conn.log"
    with path.open("wb") as file:
        file.write(HEAD + b"C1\n")
        file.seek(200 << 20, os.SEEK_CUR)
        file.write(b"\nC2\n")
    whole = read_whole(path)
    [reject] = whole.rejects
    assert whole.only()["uid"].to_list() == ["C1", "C2"]
    assert (reject.line, len(reject.raw)) == (10, 4096)
    assert reject.reason == "a line of 209715200 bytes; at most 67108864 are read, 4096 are kept"


def test_million_columns(tmp_path: Path) -> None:
    """A header of a million columns sets its lines aside; it makes no table."""
    names = b"\t".join(b"f%d" % i for i in range(1_000_000))
    types = b"\t".join([b"count"] * 1_000_000)
    data = b"#separator \\x09\n#fields\t" + names + b"\n#types\t" + types + b"\n1\t2\n"
    [reject] = read_whole(written(tmp_path / "x.log", data)).rejects
    assert reject.reason == "#fields names 1000000 fields; at most 10000 are read"


@pytest.mark.parametrize("filling", [b"\x00" * (40 << 20), b"\n" * (40 << 20), b"ab\n" * (14 << 20)])
def test_gz_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filling: bytes) -> None:
    """With or without newlines, what expands as no log does stops, and what came before it is kept."""
    monkeypatch.setattr(io, "EXPANSION_FROM_BYTES", 1 << 20)
    path = written(tmp_path / "conn.log", gzip.compress(HEAD + b"C1\n" + filling))
    frame_rows, rejects = 0, []
    for batch in read_log(path, block_bytes=1 << 16):
        frame_rows += batch.frame.height
        rejects += batch.rejects
    assert frame_rows >= 1
    assert "expands more than 500-fold, as no log does" in rejects[-1].reason
    assert int(rejects[-1].reason.split()[-2]) < 20 << 20


def test_file_that_shrinks_or_grows_while_it_is_read(tmp_path: Path) -> None:
    """What was there is read, its end is as it was met, and the report says that the file changed."""
    data = conn_log([conn_row(uid=f"C{i}") for i in range(30_000)])
    for change in ("shrinks", "grows"):
        path = written(tmp_path / "conn.log", data)
        batches = read_log(path, block_bytes=1 << 20)
        first = next(batches)
        if change == "shrinks":
            os.truncate(path, len(data) // 2)
        else:
            with path.open("ab") as file:
                file.write(data)
        rest = list(batches)
        assert first.frame["uid"][0] == "C0"
        assert rest[-1].notes == ("conn.log changed while it was read",)
        rows = first.frame.height + sum(batch.frame.height for batch in rest)
        assert (rows < 30_000) if change == "shrinks" else (rows >= 30_000)


@pytest.fixture
def nobody() -> Iterator[None]:
    """Be a user without rights for a while: root may read everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


@pytest.mark.usefixtures("nobody")
def test_file_without_permission_is_missing_input(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It is said which file may not be read."""
    path = tmp_path_factory.getbasetemp() / "conn.log"  # pytest's folder is its owner's alone
    if os.geteuid() != 65534:
        path.write_bytes(b"")
        path.chmod(0)
    with pytest.raises(MissingInput, match=r"conn\.log cannot be read: Permission denied"):
        list(read_log(path))


def test_folder_by_a_logs_name_is_missing_input(tmp_path: Path) -> None:
    """The system's refusal is passed on in words."""
    (tmp_path / "conn.log").mkdir()
    with pytest.raises(MissingInput, match="cannot be read: Is a directory"):
        list(read_log(tmp_path / "conn.log"))


def test_links_in_a_circle_are_passed_over(tmp_path: Path) -> None:
    """A file link to itself and a folder link to its parent neither hang nor appear as logs."""
    written(tmp_path / "conn.log", conn_log(many_rows(2)))
    (tmp_path / "dns.log").symlink_to(tmp_path / "dns.log")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "up").symlink_to(tmp_path)
    assert log_files(tmp_path) == [tmp_path / "conn.log"]
    assert list(scan_logs(tmp_path)) == ["conn"]
    with pytest.raises(MissingInput, match="Too many levels of symbolic links"):
        list(read_log(tmp_path / "dns.log"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_with_the_way_out(tmp_path: Path, encoding: str) -> None:
    """A Windows copy in UTF-16 is recognised, with a mark or without one."""
    path = written(tmp_path / "conn.log", conn_log(many_rows(2)).decode().encode(encoding))
    with pytest.raises(BadData, match=r"text in UTF-16(.|\n)*iconv"):
        list(read_log(path))


def test_binary_file_by_a_logs_name(tmp_path: Path) -> None:
    """A PCAP called conn.log says that it is binary."""
    with pytest.raises(BadData, match="a binary file"):
        list(read_log(written(tmp_path / "conn.log", b"\xd4\xc3\xb2\xa1" + bytes(20))))


def test_many_rejects_in_one_block_take_linear_time(tmp_path: Path) -> None:
    """A hundred thousand bad lines are set aside, each with its own place, as fast as lines are read."""
    data = HEAD + b"".join(b"a\tb%d\n" % i for i in range(100_000))
    whole = read_whole(written(tmp_path / "conn.log", data), block_bytes=16 << 20)
    last = whole.rejects[-1]
    assert (len(whole.rejects), last.raw) == (100_000, b"a\tb99999")
    assert data[last.offset :] == b"a\tb99999\n"
