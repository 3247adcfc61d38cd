"""An analysis archive is taken apart safely: tables, the capture, and nothing else unless asked."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

import pytest

from ptml.errors import BadData
from ptml.sources.packettotal.unpack import LIMITS, unpack
from tests.builders import EMPTY_PCAP, PCAP
from tests.packettotal.corpus import corpus
from tests.packettotal.service import archive

if TYPE_CHECKING:
    from pathlib import Path

EMOTET = corpus()[0]
MD5 = hashlib.md5(PCAP, usedforsecurity=False).hexdigest()
CONN = b"Connection ID,Sender IP,Target IP\r\nC1,10.0.0.5,192.0.2.1\r\n"


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    """Write a zip of members as they are named."""
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def room(tmp_path: Path) -> Path:
    """Give an empty folder."""
    folder = tmp_path / "room"
    folder.mkdir()
    return folder


def test_tables_and_capture_come_out_and_carved_files_stay(tmp_path: Path) -> None:
    """Each log is a table by its own name, the capture has its hashes, the one carved file is not written."""
    path = tmp_path / "a.zip"
    path.write_bytes(archive(EMOTET))
    found = unpack(path, room(tmp_path), EMOTET.md5)
    logs = ["conn", "dns", "http", "files", "weird", "ssl", "signature_alerts", "intel"]
    assert sorted(found.logs) == sorted(logs)
    assert sorted(found.files) == sorted(["capture.pcap", *(f"{log}.csv" for log in logs)])
    assert found.files["capture.pcap"].read_bytes() == EMOTET.pcap
    assert found.files["conn.csv"].read_bytes() == EMOTET.tables["conn"]
    assert (found.pcap_sha256, found.strangers) == (hashlib.sha256(EMOTET.pcap).hexdigest(), [])
    assert (found.carved, found.left) == (0, 1)
    assert found.notes == ["carved and other files stayed in the archive, which is not kept"]


def test_capture_is_dropped_and_carved_files_written_where_asked(tmp_path: Path) -> None:
    """The hashes of the capture are still there; a carved file is named by its hash and by nothing else."""
    path = tmp_path / "a.zip"
    path.write_bytes(archive(EMOTET))
    found = unpack(path, room(tmp_path), EMOTET.md5, keep_pcap=False, carved=True)
    [carved] = EMOTET.carved.values()
    assert "capture.pcap" not in found.files
    assert found.pcap_sha256 == hashlib.sha256(EMOTET.pcap).hexdigest()
    assert len(list((tmp_path / "room").iterdir())) == len(found.files)
    assert found.files[f"carved/{hashlib.sha256(carved).hexdigest()}.bin"].read_bytes() == carved
    assert found.notes == ["carved files were written: they may be live malware"]


def test_bytes_tell_what_a_member_is(tmp_path: Path) -> None:
    """A capture under another name is one; what is only called so, or a table of no log, stays inside."""
    members = {
        "deep/er/CONN.CSV": CONN,
        "x.doc": PCAP,
        "y.pcap": b"MZ no capture",
        "prices.csv": b"a,b\n1,2\n",
    }
    found = unpack(zipped(tmp_path / "a.zip", members), room(tmp_path), MD5)
    assert sorted(found.files) == ["capture.pcap", "conn.csv"]
    assert found.left == 2


@pytest.mark.parametrize(
    "name", ["../../conn.csv", "/etc/conn.csv", "C:\\windows\\conn.csv", "..\\conn.csv", "a\nb/conn.csv"]
)
def test_names_that_lead_elsewhere_lead_nowhere(tmp_path: Path, name: str) -> None:
    """Wherever a member claims to belong, it is written inside the folder that it is unpacked to."""
    folder = room(tmp_path)
    found = unpack(zipped(tmp_path / "a.zip", {name: CONN}), folder, MD5)
    assert list(found.files) == ["conn.csv"]
    assert [path.resolve().is_relative_to(folder) for path in found.files.values()] == [True]
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a.zip", folder]


def test_second_table_of_a_log_is_told(tmp_path: Path) -> None:
    """Two tables of one log: the first is taken, and the note says so."""
    found = unpack(zipped(tmp_path / "a.zip", {"a/conn.csv": CONN, "b/conn.csv": b""}), room(tmp_path), MD5)
    assert found.files["conn.csv"].read_bytes() == CONN
    assert found.notes == ["conn.csv is there twice; the first was taken"]


def test_no_archive_and_a_useless_one_are_told_apart(tmp_path: Path) -> None:
    """What is no zip, one that breaks off, and one without table or capture each say what is wrong."""
    page, cut, useless = (tmp_path / name for name in ("page.zip", "cut.zip", "useless.zip"))
    page.write_bytes(b"<html>come back later</html>")
    cut.write_bytes(archive(EMOTET)[:-300])
    zipped(useless, {"readme.txt": b"nothing here"})
    for path, match in (
        (page, "page.zip is no sound archive"),
        (cut, "cut.zip is no sound archive"),
        (useless, r"useless.zip holds neither a table.*readme.txt"),
    ):
        with pytest.raises(BadData, match=match):
            unpack(path, room(tmp_path) if path is page else tmp_path / "room", MD5)


def test_bomb_is_stopped(tmp_path: Path) -> None:
    """A member that expands without end is not written out."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("conn.csv", "w") as member:
        for _ in range(200):
            member.write(bytes(1 << 20))
    with pytest.raises(BadData, match="expands more than 500-fold"):
        unpack(path, room(tmp_path), MD5)
    assert LIMITS.total_bytes < 1 << 34


def test_capture_without_a_table_is_of_use(tmp_path: Path) -> None:
    """An archive with a capture and no table is of use: Zeek can read it."""
    found = unpack(zipped(tmp_path / "a.zip", {"a.pcap": PCAP}), room(tmp_path), MD5)
    assert list(found.files) == ["capture.pcap"]


def test_capture_that_was_carved_out_of_the_capture_is_a_carved_file(tmp_path: Path) -> None:
    """Of several captures the one with the right MD5 is it, wherever it stands; others are carved files."""
    path = zipped(tmp_path / "a.zip", {"carved/x.bin": EMPTY_PCAP, "conn.csv": CONN, "a.pcap": PCAP})
    found = unpack(path, room(tmp_path), MD5)
    assert found.files["capture.pcap"].read_bytes() == PCAP
    assert (sorted(found.files), found.left) == (["capture.pcap", "conn.csv"], 1)
    assert found.strangers == [hashlib.md5(EMPTY_PCAP, usedforsecurity=False).hexdigest()]
