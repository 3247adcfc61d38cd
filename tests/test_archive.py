"""Archives are read as streams, within limits, and nothing is written."""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import sys
import tarfile
import unicodedata
import zipfile
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from ptml.archive import archive_kind, members
from ptml.bounds import ALIKE, OUTSIDE, SPECIAL, TOO_LONG, Limits
from ptml.errors import BadData, MissingInput
from tests.zips import aes_zip, zip_crypto

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FILES = {"b/conn.log": b"abc\n" * 1000, "a/dns.log": b"q" * 512, "empty.log": b""}


def zip_of(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tar_bytes(files: Mapping[str, bytes], mode: str = "w", *extra: tarfile.TarInfo) -> bytes:
    """Make a tar, compressed as the mode says."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in extra:
            archive.addfile(info)
    return out.getvalue()


def contents(path: Path, limits: Limits | None = None) -> dict[str, bytes]:
    """Read an archive whole."""
    return {member.name: member.file.read() for member in members(path, limits=limits or Limits())}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz", "zst"])
def test_tar_is_told_by_content_and_streamed(tmp_path: Path, mode: str) -> None:
    """Whatever its compression and name, a tar gives its files; links and devices are passed over."""
    link, device = tarfile.TarInfo("link.log"), tarfile.TarInfo("device.log")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device.type = tarfile.CHRTYPE
    path = tmp_path / "conn.log"
    data = tar_bytes(FILES, "w" if mode == "zst" else mode, link, device)
    path.write_bytes(zstd.compress(data) if mode == "zst" else data)
    assert archive_kind(path) == "tar"
    assert contents(path) == FILES


def test_zip_is_told_by_content_and_ordered_as_asked(tmp_path: Path) -> None:
    """Folders and links in a zip are passed over; names that lead outside are only names."""
    path = zip_of(tmp_path / "x", FILES | {"../../evil.log": b"e"})
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("link.log")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
        archive.mkdir("folder.log")
    assert archive_kind(path) == "zip"
    names = [member.name for member in members(path, order=lambda name: name)]
    assert names == ["../../evil.log", "a/dns.log", "b/conn.log", "empty.log"]
    assert contents(path) == FILES | {"../../evil.log": b"e"}
    assert [one.name for one in tmp_path.iterdir()] == ["x"]
    assert not (tmp_path.parent.parent / "evil.log").exists()


def test_other_files_are_no_archives(tmp_path: Path) -> None:
    """A log, a compressed log, an empty file and a broken gz are none; a missing file is missing."""
    for content in (
        b"#separator",
        gzip.compress(b"#separator"),
        b"",
        b"\x1f\x8b\x08broken",
        lzma.compress(b""),
    ):
        (tmp_path / "f").write_bytes(content)
        assert archive_kind(tmp_path / "f") is None
    with pytest.raises(MissingInput, match="cannot be read"):
        archive_kind(tmp_path / "no")


@pytest.mark.parametrize(
    ("limits", "match"),
    [
        (Limits(members=2), "more than 2 members"),
        (Limits(total_bytes=1000), "unpacks to more than 1000 bytes"),
        (Limits(expansion=2, expansion_from=1000), "expands more than 2-fold"),
    ],
)
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_limits_stop_a_bomb(tmp_path: Path, kind: str, limits: Limits, match: str) -> None:
    """Count, size and expansion are limited, in zip and tar alike."""
    path = tmp_path / kind
    if kind == "zip":
        zip_of(path, FILES)
    else:
        path.write_bytes(tar_bytes(FILES, "w:gz"))
    with pytest.raises(BadData, match=match):
        contents(path, limits)


NAMES = {
    "/etc/a.log": OUTSIDE,
    "a/../../b.log": OUTSIDE,
    "a\\..\\..\\c.log": OUTSIDE,
    "C:\\d.log": OUTSIDE,
    "z:e.log": OUTSIDE,
    "F.LOG": None,
    "f.log": ALIKE,
    "./f.log": ALIKE,
    unicodedata.normalize("NFC", "gr\u00fcn.log"): None,
    unicodedata.normalize("NFD", "gr\u00fcn.log"): ALIKE,
    "h/" * 500 + "h.log": TOO_LONG.format(1000),
    "g..h/..i.log": None,
}


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_names_that_a_file_system_would_follow_or_mix_up_are_refused(tmp_path: Path, kind: str) -> None:
    """Each with its reason, links and devices too, and the rest comes; else names are only labels."""
    path = tmp_path / "x"
    modes = {"link": stat.S_IFLNK, "device": stat.S_IFCHR, "fifo": stat.S_IFIFO}
    types = {
        "link": tarfile.SYMTYPE,
        "hard": tarfile.LNKTYPE,
        "device": tarfile.BLKTYPE,
        "fifo": tarfile.FIFOTYPE,
    }
    if kind == "zip":
        zip_of(path, dict.fromkeys(NAMES, b"x"))
        with zipfile.ZipFile(path, "a") as archive:
            for name, mode in modes.items():
                entry = zipfile.ZipInfo(name)
                entry.external_attr = (mode | 0o777) << 16
                archive.writestr(entry, "/etc/passwd")
    else:
        infos = [tarfile.TarInfo(name) for name in types]
        for info in infos:
            info.type, info.linkname = types[info.name], "F.LOG"
        path.write_bytes(tar_bytes(dict.fromkeys(NAMES, b"x"), "w:gz", *infos))
    told: list[str] = []
    came = [one.name for one in members(path, refused=told.append, labels=False)]
    assert came == [name for name, why in NAMES.items() if why is None]
    expected = Counter(why for why in NAMES.values() if why is not None)
    expected[SPECIAL] = len(modes if kind == "zip" else types)
    assert Counter(told) == expected
    assert len(list(members(path))) == len(NAMES)


def test_overlapping_members_are_refused(tmp_path: Path) -> None:
    """Two entries of the directory that share one member's bytes: the zip is a bomb, however small."""
    path = zip_of(tmp_path / "z", {"a.log": b"a" * 100, "b.log": b"a" * 100})
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    assert int.from_bytes(data[second + 42 : second + 46], "little") > 0
    data[second + 42 : second + 46] = bytes(4)
    path.write_bytes(bytes(data))
    with pytest.raises(BadData, match="members that overlap"):
        contents(path)


def test_what_a_zip_says_of_its_size_is_believed_at_once(tmp_path: Path) -> None:
    """The sum of the sizes it gives exceeds the limit: nothing of it is read."""
    path = zip_of(tmp_path / "z", FILES)
    with pytest.raises(BadData, match="unpacks to more than 4511 bytes"):
        next(members(path, limits=Limits(total_bytes=4511)))
    assert next(members(path, limits=Limits(total_bytes=4512))).name == "b/conn.log"


def test_member_that_is_skipped_counts_as_well(tmp_path: Path) -> None:
    """In a tar what is passed over has to be unpacked too, and is limited like the rest."""
    path = tmp_path / "bomb.tgz"
    path.write_bytes(tar_bytes({"big.bin": bytes(4 << 20), "conn.log": b"x"}, "w:gz"))
    with pytest.raises(BadData, match="expands more than 500-fold"):
        [member.name for member in members(path, limits=Limits(expansion_from=1 << 20))]


def test_header_of_a_tar_cannot_fill_memory(tmp_path: Path) -> None:
    """A name of megabytes is refused before it is read."""
    info = tarfile.TarInfo("x" * (3 << 20))
    path = tmp_path / "names.tgz"
    path.write_bytes(tar_bytes({}, "w:gz", info))
    with pytest.raises(BadData, match="1048576 bytes between two members"):
        contents(path)


def test_truncated_archives_say_so(tmp_path: Path) -> None:
    """What breaks off within a member is told by its reading; a torn zip has no directory at all."""
    data = tar_bytes({"a.log": b"1", "b.log": bytes(range(256)) * 400}, "w:gz")
    (tmp_path / "t").write_bytes(data[:-300])
    read = members(tmp_path / "t")
    assert next(read).file.read() == b"1"
    with pytest.raises(BadData, match=r"b\.log breaks off or is corrupt"):
        next(read).file.read()
    whole = zip_of(tmp_path / "z", FILES).read_bytes()
    (tmp_path / "z").write_bytes(whole[:-30])
    with pytest.raises(BadData, match="no sound archive"):
        contents(tmp_path / "z")


def test_encrypted_member_is_refused(tmp_path: Path) -> None:
    """Nobody is asked for a password."""
    path = zip_of(tmp_path / "z", {"a.log": b"secret"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(BadData, match=r"'a\.log' is encrypted"):
        contents(path)


@pytest.mark.parametrize("make", [zip_crypto, aes_zip])
def test_encrypted_zips_open_with_one_of_the_passwords(
    tmp_path: Path, make: Callable[[Mapping[str, bytes], str], bytes]
) -> None:
    """Both kinds of encryption; without a password, or with others, the zip is refused."""
    path = tmp_path / "a.zip"
    path.write_bytes(make({"a.pcap": b"abc" * 500}, "infected_20260911"))
    [member] = [
        (one.name, one.file.read()) for one in members(path, passwords=("infected", "infected_20260911"))
    ]
    assert member == ("a.pcap", b"abc" * 500)
    with pytest.raises(BadData, match="none of the 1 passwords that were tried fits"):
        list(members(path, passwords=["infected"]))
    with pytest.raises(BadData, match=r"'a\.pcap' is encrypted"):
        list(members(path))


def test_a_password_that_fits_by_chance_is_not_taken(tmp_path: Path) -> None:
    """The old encryption checks one byte of a password: of a thousand wrong ones some pass, and none wins."""
    path = tmp_path / "a.zip"
    path.write_bytes(zip_crypto({"a.pcap": b"abc" * 500}, "infected"))
    words = [f"wrong{number}" for number in range(1000)]
    with zipfile.ZipFile(path) as archive:
        [info] = archive.infolist()
        chance = [word for word in words if _opens(archive, info, word)]
    assert chance
    [member] = [one.file.read() for one in members(path, passwords=[*words, "infected"])]
    assert member == b"abc" * 500


def _opens(archive: zipfile.ZipFile, info: zipfile.ZipInfo, word: str) -> bool:
    try:
        archive.open(info, pwd=word.encode()).close()
    except RuntimeError:
        return False
    return True
