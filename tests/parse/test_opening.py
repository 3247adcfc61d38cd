"""Containers: compressed logs, and archives of logs."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import tarfile
from typing import TYPE_CHECKING

import py7zr
import pytest

from ptml.bounds import SPECIAL
from ptml.errors import BadData
from ptml.parse.reader import read_log
from tests.builders import conn_log, conn_row, zeek_log
from tests.parse.reading import read_whole, written
from tests.test_archive import tar_bytes, zip_of

if sys.version_info >= (3, 14):
    from compression.zstd import compress as zstd
else:
    from backports.zstd import compress as zstd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOG = conn_log([conn_row(uid=f"C{i}") for i in range(40)])
UIDS = [f"C{i}" for i in range(40)]
SKIPPABLE = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"abcd"


@pytest.mark.parametrize("compress", [gzip.compress, zstd, bz2.compress, lzma.compress])
@pytest.mark.parametrize("pieces", [1, 3])
def test_compression_is_told_by_content(
    tmp_path: Path, compress: Callable[[bytes], bytes], pieces: int
) -> None:
    """gz, zst, bz2 and xz, in one piece or several, under a name that tells nothing."""
    step = len(LOG) // pieces + 1
    data = b"".join(compress(LOG[i : i + step]) for i in range(0, len(LOG), step))
    assert read_whole(written(tmp_path / "conn.log", data)).only()["uid"].to_list() == UIDS


def test_zst_may_begin_with_a_frame_that_is_skipped(tmp_path: Path) -> None:
    """Parallel compressors put a frame of their own before the data."""
    assert read_whole(written(tmp_path / "conn.log", SKIPPABLE + zstd(LOG))).rows == 40


@pytest.mark.parametrize("compress", [gzip.compress, zstd, bz2.compress, lzma.compress])
def test_truncated_file_gives_its_rows_and_one_remainder(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    """All whole lines before the break are rows; what is left is one reject with its bytes."""
    rows = [conn_row(uid=f"C{i * 7919 % 100_003:05d}", history=f"{i * i}") for i in range(30_000)]
    data = compress(conn_log(rows))
    whole = read_whole(written(tmp_path / "conn.log", data[: len(data) * 2 // 3]), block_bytes=1 << 16)
    [reject] = whole.rejects
    read = whole.only()["uid"].to_list() if whole.logs else []
    assert read == [row["uid"] for row in rows[: len(read)]]
    assert "breaks off or is corrupt" in reject.reason
    assert conn_log(rows)[reject.offset :].startswith(reject.raw)
    if compress is not bz2.compress and compress is not lzma.compress:  # these give whole blocks only
        assert len(read) > 10_000


NEW = zeek_log("conn", {"uid": "string", "ip_proto": "count"}, [["C8", "6"], ["bad", "x"]])
MEMBERS = {
    "day/conn.11:00:00-12:00:00.log.gz": gzip.compress(NEW),
    "day/conn.09:00:00-10:00:00.log": LOG,
    "day/dns.json": b'{"uid":"D1","query":"a"}\n',
    "day/readme.txt": b"hello",
    "day/broken.log": b"\xd4\xc3\xb2\xa1\x00\x00",
}


def test_zip_of_logs_is_read_in_order_of_time(tmp_path: Path) -> None:
    """Members are logs of their own; what is no log is told, and places are those within the member."""
    whole = read_whole(zip_of(tmp_path / "day.zip", MEMBERS))
    assert whole.logs["conn"]["uid"].to_list() == [*UIDS, "C8"]
    assert whole.logs["dns"]["query"].to_list() == ["a"]
    assert [(r.line, r.reason) for r in whole.rejects] == [
        (10, "ip_proto: 'x' is no count"),
        (None, "the rest of the file: a binary file: begins with b'\\xd4\\xc3\\xb2\\xa1\\x00\\x00'"),
    ]
    assert whole.notes == ["day.zip: members that are no logs were left out"]
    bad = [batch.member for batch in read_log(tmp_path / "day.zip") if batch.rejects]
    assert bad == ["day/conn.11:00:00-12:00:00.log.gz", "day/broken.log"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_tar_of_logs_keeps_its_own_order_and_says_so(tmp_path: Path, mode: str) -> None:
    """A tar is read in one pass: that its parts are not in order is noted."""
    whole = read_whole(written(tmp_path / "day.tar", tar_bytes(MEMBERS, mode)))
    assert whole.logs["conn"]["uid"].to_list() == ["C8", *UIDS]
    assert "day.tar: its members are not in the order of their times" in whole.notes
    assert len(whole.rejects) == 2


def test_7z_of_logs_is_read_member_by_member(tmp_path: Path) -> None:
    """As any other archive, in its own order; a link in an archive is no log, and that is told."""
    path = tmp_path / "day.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        for name, data in MEMBERS.items():
            archive.writestr(data, name)
    whole = read_whole(path)
    assert whole.logs["conn"]["uid"].to_list() == ["C8", *UIDS]
    assert len(whole.rejects) == 2
    link = tarfile.TarInfo("day/link.log")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    whole = read_whole(written(tmp_path / "day.tar", tar_bytes({"conn.log": LOG}, "w", link)))
    assert whole.rows == 40
    assert whole.notes == [f"day.tar: {SPECIAL}"]


def test_archive_within_an_archive_is_set_aside(tmp_path: Path) -> None:
    """Depth is one; a log inside a compressed member is the most that is unpacked."""
    inner = zip_of(tmp_path / "inner", {"conn.log": LOG}).read_bytes()
    whole = read_whole(
        zip_of(tmp_path / "o.zip", {"a.zip": inner, "b.tgz": tar_bytes({"c.log": LOG}, "w:gz")})
    )
    assert [r.reason for r in whole.rejects] == ["an archive within an archive"] * 2
    assert whole.rows == 0


def test_archive_without_logs_is_refused(tmp_path: Path) -> None:
    """What holds no log says how much else it holds."""
    with pytest.raises(BadData, match="an archive of 2 files, none of them a log"):
        read_whole(zip_of(tmp_path / "x.zip", {"a.txt": b"", "b.pcap": b""}))


def test_packettotal_archive_gives_its_logs(tmp_path: Path) -> None:
    """CSVs in a zip, at any depth, are read by their names and display names."""
    conn = b"Connection ID,Sender IP,Target IP,Target Port\nC1,10.0.0.5,8.8.8.8,53\n"
    path = zip_of(tmp_path / "d210.zip", {"x/conn.csv": conn, "x/c.pcap": b"\xd4\xc3\xb2\xa1"})
    whole = read_whole(path)
    assert whole.logs["conn"].rows() == [("C1", "10.0.0.5", "8.8.8.8", 53)]
