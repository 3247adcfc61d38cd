"""Claims about finding captures."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptml.errors import MissingInput
from ptml.score.discover import (
    ARCHIVES_BESIDE_LOGS,
    GIVEN_TWICE,
    NO_LOGS,
    PCAPS_BESIDE_LOGS,
    SHUT,
    Skipped,
    find_captures,
)
from tests.builders import PCAP
from tests.shutting import shut


def touch(path: Path) -> Path:
    """Make a file, folders and all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    return path


def test_a_folder_of_logs_is_one_capture(tmp_path: Path) -> None:
    """A folder that holds logs is a capture by its own name, folders below included."""
    touch(tmp_path / "monday" / "conn.log.gz")
    touch(tmp_path / "monday" / "more" / "dns.log")
    found, skipped = find_captures([tmp_path / "monday"])
    assert [(one.source, one.name) for one in found] == [(tmp_path / "monday", "monday")]
    assert skipped == []


def test_a_folder_of_captures_is_several(tmp_path: Path) -> None:
    """A folder without logs of its own is searched; captures are named by the way down to them, in order."""
    touch(tmp_path / "b" / "conn.log")
    touch(tmp_path / "a" / "deep" / "conn.json")
    touch(tmp_path / "notes.txt")
    touch(tmp_path / ".hidden" / "conn.log")
    found, _ = find_captures([tmp_path])
    assert [one.name for one in found] == [str(Path("a", "deep")), "b"]


def test_a_single_file_is_a_capture(tmp_path: Path) -> None:
    """One log file is a capture by its file name."""
    path = touch(tmp_path / "conn.log")
    found, _ = find_captures([path])
    assert [(one.source, one.name, one.path) for one in found] == [(path, "conn.log", str(path))]


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """A mistyped path stops the run before anything is done."""
    with pytest.raises(MissingInput, match=r"mondya does not exist, so nothing was scored"):
        find_captures([tmp_path / "mondya"])


def test_a_folder_without_logs_is_skipped_with_the_reason(tmp_path: Path) -> None:
    """An empty folder is reported, not passed over."""
    assert find_captures([tmp_path]) == ([], [Skipped(str(tmp_path), NO_LOGS)])


def test_a_capture_given_twice_is_found_once(tmp_path: Path) -> None:
    """The same folder by two ways is scored once, and the second way is reported."""
    touch(tmp_path / "all" / "monday" / "conn.log")
    found, skipped = find_captures([tmp_path / "all", tmp_path / "all" / "monday"])
    assert [one.name for one in found] == ["monday"]
    assert skipped == [Skipped(str(tmp_path / "all" / "monday"), GIVEN_TWICE)]


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in it is not scored, and the report says so with the system's reason; the rest is found."""
    touch(tmp_path / "monday" / "conn.log")
    touch(tmp_path / "secret" / "conn.log")
    shut(tmp_path / "secret", monkeypatch)
    found, skipped = find_captures([tmp_path])
    assert [one.name for one in found] == ["monday"]
    assert skipped == [Skipped(str(tmp_path / "secret"), SHUT.format("Permission denied"))]


def test_the_results_folder_is_never_searched(tmp_path: Path) -> None:
    """Results that lie among the captures are not taken for one."""
    touch(tmp_path / "monday" / "conn.log")
    touch(tmp_path / "scores" / "run.json")
    found, skipped = find_captures([tmp_path], beside=[tmp_path / "scores"])
    assert [one.name for one in found] == ["monday"]
    assert skipped == []


def test_links_are_not_followed_into_circles(tmp_path: Path) -> None:
    """A link to a folder above does not make the search endless."""
    touch(tmp_path / "monday" / "conn.log")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    found, _ = find_captures([tmp_path])
    assert [one.name for one in found] == ["monday"]


def test_packet_captures_count_where_there_are_no_logs(tmp_path: Path) -> None:
    """Each PCAP of a folder is a capture; beside logs at any depth they are left out, and that is said."""
    for name in ("a/x.pcap", "a/y.bin"):
        touch(tmp_path / name).write_bytes(PCAP)
    found, skipped = find_captures([tmp_path])
    assert [one.name for one in found] == ["a/x.pcap", "a/y.bin"]
    assert skipped == []
    touch(tmp_path / "b/zeek/conn.log")
    found, skipped = find_captures([tmp_path])
    assert [one.name for one in found] == ["b/zeek"]
    assert [one.reason for one in skipped] == [PCAPS_BESIDE_LOGS.format(2)]


def test_single_logs_of_one_folder_are_one_capture(tmp_path: Path) -> None:
    """A list of conn and other logs means what their folder means; conn logs alone stay apart."""
    conn, dns = touch(tmp_path / "a" / "conn.log"), touch(tmp_path / "a" / "dns.log.gz")
    found, skipped = find_captures([dns, conn])
    assert [(one.name, one.files) for one in found] == [("a", [conn, dns])]
    more = [touch(tmp_path / "b" / f"conn.2026-11-2{day}-00-00-00.log") for day in (3, 4)]
    found, more_skipped = find_captures(more)
    assert [one.files for one in found] == [[path] for path in more]
    assert skipped == more_skipped == []


def test_archives_count_where_there_are_no_logs(tmp_path: Path) -> None:
    """Each archive of a folder is a capture; beside logs they are left out, and that is said."""
    for name in ("a/mon.zip", "a/tue.tar.gz"):
        touch(tmp_path / name)
    found, skipped = find_captures([tmp_path])
    assert [one.name for one in found] == ["a/mon.zip", "a/tue.tar.gz"]
    assert skipped == []
    touch(tmp_path / "b/conn.log")
    found, skipped = find_captures([tmp_path])
    assert [one.name for one in found] == ["b"]
    assert [one.reason for one in skipped] == [ARCHIVES_BESIDE_LOGS.format(2)]


def test_a_path_named_like_an_option_or_with_control_characters_is_only_a_path(tmp_path: Path) -> None:
    """Names are text: what they look like changes nothing."""
    names = ["--force", "a\x1b[2Jb", "$(reboot)", "%s%n", "[ab]*?"]
    for name in names:
        touch(tmp_path / name / "conn.log")
    found, _ = find_captures([tmp_path])
    assert sorted(one.name for one in found) == sorted(names)
