"""Taking apart what was fetched: captures come out, what is refused is told, the rest goes on."""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import py7zr
import pytest

from ptml.bounds import ALIKE, OUTSIDE, SPECIAL, Limits
from ptml.errors import BadData, MissingTool
from ptml.sources import opening
from ptml.sources.opening import open_fetched
from tests.builders import EMPTY_PCAP, conn_log, many_rows
from tests.zips import zip_crypto

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

LOG = conn_log(many_rows(2))


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Make a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "w", *extra: tarfile.TarInfo) -> bytes:
    """Make a tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in extra:
            archive.addfile(info)
    return out.getvalue()


def sevenzipped(files: Mapping[str, bytes]) -> bytes:
    """Make a 7z."""
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(data, name)
    return out.getvalue()


def opened(tmp_path: Path, data: bytes, *passwords: str) -> opening.Opened:
    """Open some bytes."""
    path = tmp_path / "fetched"
    path.write_bytes(data)
    return open_fetched(path, "day", tmp_path / "opened", passwords)


def below(folder: Path, name: str) -> Path:
    """Make a folder."""
    (folder / name).mkdir()
    return folder / name


def names(found: opening.Opened) -> list[str]:
    """List the captures' names."""
    return sorted(one.name for one in found.captures)


PACKERS: dict[str, Callable[[Mapping[str, bytes]], bytes]] = {
    "zip": zipped,
    "tar": tarred,
    "tar.gz": lambda files: tarred(files, "w:gz"),
    "tar.xz": lambda files: tarred(files, "w:xz"),
    "7z": sevenzipped,
}


@pytest.mark.parametrize("outer", PACKERS)
@pytest.mark.parametrize("inner", PACKERS)
def test_archives_of_any_kind_are_opened_to_a_depth_of_two(tmp_path: Path, outer: str, inner: str) -> None:
    """An archive within an archive is opened, one within that is not, and that is said."""
    third = PACKERS[inner]({"deepest.pcap": EMPTY_PCAP + b"3"})
    second = PACKERS[inner]({"deep.pcap": EMPTY_PCAP + b"2", f"third.{inner}": third})
    found = opened(tmp_path, PACKERS[outer]({f"second.{inner}": second, "a.pcap": EMPTY_PCAP}))
    assert names(found) == ["a.pcap", "deep.pcap"]
    assert "archives deeper than 2 are not opened" in found.notes
    assert found.left_out == 1


def test_what_is_refused_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    """A name that leads out, a link, and a log whose name differs in case only; three captures come."""
    link = tarfile.TarInfo("link.pcap")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    files = {
        "../../evil.pcap": EMPTY_PCAP,
        "day/conn.log": LOG,
        "day/CONN.LOG": b"x",
        "good.pcap": EMPTY_PCAP + b"1",
    }
    found = opened(tmp_path, tarred(files, "w:gz", link))
    assert names(found) == ["day", "good.pcap"]
    assert sorted(found.notes) == sorted(
        [OUTSIDE, ALIKE, SPECIAL, "files that are no captures were left out"]
    )
    assert found.left_out == 3
    assert {path.parent.parent for path in tmp_path.rglob("*.pcap")} == {tmp_path / "opened"}


def test_an_inner_archive_that_cannot_be_opened_leaves_the_rest_alone(tmp_path: Path) -> None:
    """One encrypted, one broken: both are counted; where nothing else is there, the error is theirs."""
    locked = zip_crypto({"a.pcap": EMPTY_PCAP}, "secret")
    broken = zipped({"a.pcap": EMPTY_PCAP})[:-10]
    found = opened(tmp_path, zipped({"locked.zip": locked, "broken.zip": broken, "b.pcap": EMPTY_PCAP}))
    assert names(found) == ["b.pcap"]
    assert found.notes.count("archives within an archive could not be opened") == 2
    with pytest.raises(BadData, match="encrypted, and none of the 1 passwords"):
        opened(below(tmp_path, "again"), zipped({"locked.zip": locked}), "wrong")


def test_without_the_extra_a_7z_within_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a capture it is counted; alone, the error says what to install."""
    data = sevenzipped({"a.pcap": EMPTY_PCAP})
    monkeypatch.setitem(sys.modules, "py7zr", None)
    assert names(opened(below(tmp_path, "both"), zipped({"a.7z": data, "b.pcap": EMPTY_PCAP}))) == ["b.pcap"]
    for name, packed in {"bare": data, "within": zipped({"a.7z": data})}.items():
        alone = below(tmp_path, name)
        with pytest.raises(MissingTool, match="needs py7zr") as caught:
            opened(alone, packed)
        assert "ptml[sevenzip]" in str(caught.value.hint)


@pytest.mark.parametrize("kind", PACKERS)
def test_limits_are_those_of_the_whole_not_of_each_archive_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Three archives of 40 kB of zeros each within one: each alone would pass a limit of 100 kB."""
    limits = Limits(expansion=2, expansion_from=100_000)
    monkeypatch.setattr(opening, "LIMITS", limits)
    inner = zipped({"a.pcap": EMPTY_PCAP + bytes(40_000)})
    assert names(opened(tmp_path, PACKERS[kind]({"0.zip": inner}))) == ["a.pcap"]
    inners = {f"{number}.zip": zipped({f"{number}.pcap": EMPTY_PCAP + bytes(40_000)}) for number in range(3)}
    with pytest.raises(BadData, match="expands more than 2-fold"):
        opened(below(tmp_path, "more"), PACKERS[kind](inners))
