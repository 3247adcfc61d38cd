"""7z archives come member by member, within the same limits as others, and without a file on disk."""

from __future__ import annotations

import os
import random
import sys
import threading
from typing import TYPE_CHECKING

import py7zr
import pytest

from ptml.archive import archive_kind, members
from ptml.bounds import ALIKE, OUTSIDE, SPECIAL, TOO_LONG, Limits
from ptml.errors import BadData, MissingTool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NOISE = random.Random(1).randbytes(300_000)
FILES = {"b/conn.log": b"abc\n" * 1000, "a/dns.log": NOISE, "empty.log": b""}


def sevenzip(
    path: Path, files: Mapping[str, bytes], password: str | None = None, *, header: bool = False
) -> Path:
    """Write a 7z."""
    with py7zr.SevenZipFile(path, "w", password=password, header_encryption=header) as archive:
        for name, data in files.items():
            archive.writestr(data, name)
    return path


def renamed(path: Path, names: Mapping[str, str]) -> Path:
    """Write a 7z whose members get names, of the same length, that its writer would refuse."""
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.set_encoded_header_mode(False)
        for name in names:
            archive.writestr(name.encode(), name)
        for info in archive.header.files_info.files:
            info["filename"] = names[info["filename"]]
    return path


def contents(path: Path, limits: Limits | None = None) -> dict[str, bytes]:
    """Read an archive whole."""
    return {one.name: one.file.read() for one in members(path, limits=limits or Limits())}


def test_it_is_told_by_content_and_comes_whole(tmp_path: Path) -> None:
    """Whatever it is called; nothing is written, and no thread is left."""
    path = sevenzip(tmp_path / "a.log", FILES)
    assert (archive_kind(path), contents(path)) == ("7z", FILES)
    assert [one.name for one in tmp_path.iterdir()] == ["a.log"]
    assert not [one for one in threading.enumerate() if "(push)" in one.name]


def test_members_that_are_passed_over_or_left_half_read_do_no_harm(tmp_path: Path) -> None:
    """The next one still begins at its beginning; who stops in between leaves no thread behind."""
    path = sevenzip(tmp_path / "a.7z", FILES)
    heads = {one.name: one.file.read(3) for one in members(path)}
    assert heads == {name: data[:3] for name, data in FILES.items()}
    reading = members(path)
    assert next(reading).file.read(2) == b"ab"
    reading.close()
    assert not [one for one in threading.enumerate() if "(push)" in one.name]


@pytest.mark.parametrize(
    ("limits", "match"),
    [
        (Limits(members=2), "more than 2 members"),
        (Limits(total_bytes=303_999), "unpacks to more than 303999 bytes"),
        (Limits(expansion=1, expansion_from=1000), "expands more than 1-fold"),
    ],
)
def test_limits_hold_before_anything_comes(tmp_path: Path, limits: Limits, match: str) -> None:
    """Count, size and expansion are checked by what the archive says of itself; at the limit it passes."""
    path = sevenzip(tmp_path / "a.7z", FILES)
    with pytest.raises(BadData, match=match):
        next(members(path, limits=limits))
    assert contents(path, Limits(members=3, total_bytes=304_000)) == FILES


def test_a_bomb_is_stopped(tmp_path: Path) -> None:
    """Eighty megabytes of zeros in twelve kilobytes are refused by the usual limits."""
    path = sevenzip(tmp_path / "a.7z", {"zeros.log": bytes(80 << 20)})
    assert path.stat().st_size < 20_000
    with pytest.raises(BadData, match="expands more than 500-fold"):
        next(members(path))


def test_names_that_lead_elsewhere_are_refused_and_the_rest_comes(tmp_path: Path) -> None:
    """Up, absolute, a drive, alike but for case, too long: each with its reason."""
    long = "x" * 20
    names = {"aa/b.log": "../b.log", "ac/b.log": "/etc/b.g", "ad/b.log": "C:/b.log", "ok.log": "ok.log"}
    names |= {"ae.log": "OK.log", long: long}
    path = renamed(tmp_path / "a.7z", names)
    told: list[str] = []
    came = {
        one.name: one.file.read()
        for one in members(path, limits=Limits(name_characters=10), refused=told.append)
    }
    assert came == {"ok.log": b"ok.log"}
    assert sorted(told) == sorted([OUTSIDE] * 3 + [ALIKE, TOO_LONG.format(10)])
    assert [one.name for one in tmp_path.iterdir()] == ["a.7z"]


def test_the_second_of_one_name_is_refused(tmp_path: Path) -> None:
    """The first one's bytes come, and only they."""
    path = renamed(tmp_path / "a.7z", {"a1.log": "aa.log", "a2.log": "aa.log", "b.log": "b.log"})
    told: list[str] = []
    came = [(one.name, one.file.read()) for one in members(path, refused=told.append)]
    assert (came, told) == ([("aa.log", b"a1.log"), ("b.log", b"b.log")], [ALIKE])


@pytest.mark.skipif(os.name != "posix", reason="links need a right elsewhere")
def test_links_are_refused(tmp_path: Path) -> None:
    """A link comes neither as a link nor as a file."""
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "a.log").write_text("a")
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as archive:
        archive.write(tmp_path / "link", "link")
        archive.write(tmp_path / "a.log", "a.log")
    told: list[str] = []
    came = [one.name for one in members(tmp_path / "a.7z", refused=told.append)]
    assert (came, told) == (["a.log"], [SPECIAL])


@pytest.mark.parametrize("header", [False, True])
def test_passwords_are_tried(tmp_path: Path, *, header: bool) -> None:
    """The right one opens it, whether or not names are encrypted too; others and none are errors."""
    path = sevenzip(tmp_path / "a.7z", {"a.pcap": NOISE}, "infected", header=header)
    came = [one.file.read() for one in members(path, passwords=["wrong", "infected"])]
    assert came == [NOISE]
    with pytest.raises(BadData, match="encrypted, and none of the 1 passwords that were tried fits"):
        next(members(path, passwords=["wrong"]))
    with pytest.raises(BadData, match="is encrypted"):
        next(members(path))


def test_without_the_extra_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the archive and the extra."""
    path = sevenzip(tmp_path / "a.7z", FILES)
    monkeypatch.setitem(sys.modules, "py7zr", None)
    with pytest.raises(MissingTool, match=r"a\.7z is a 7z archive") as caught:
        next(members(path))
    assert "pip install 'ptml[sevenzip]'" in str(caught.value.hint)


def test_damage_anywhere_is_bad_data_or_does_no_harm(tmp_path: Path) -> None:
    """A byte changed, or the end cut off, at two hundred places: the same bytes, or an error of ours."""
    whole = sevenzip(tmp_path / "a.7z", FILES).read_bytes()
    rng = random.Random(7)
    refused = 0
    for number in range(200):
        data = bytearray(whole)
        at = (
            rng.randrange(len(data))
            if number % 2
            else rng.choice([rng.randrange(60), -1 - rng.randrange(120)])
        )
        data[at] ^= 1 << rng.randrange(8)
        (tmp_path / "b.7z").write_bytes(data if number % 5 else whole[: rng.randrange(6, len(whole))])
        try:
            came = contents(tmp_path / "b.7z")
        except BadData:
            refused += 1
        else:
            assert set(came.values()) == set(FILES.values())
    assert refused > 150
