"""Claims about what can lie at the path that a page is made of."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.errors import BadData, MissingInput
from ptml.parse.files import parse_files
from ptml.parse.stage import How
from ptml.report.capture.opening import Opened, is_scored, open_path
from tests.builders import EMPTY_PCAP, PCAP, capture_folder, many_rows
from tests.report.capture.samples import ordinary, scored
from tests.standin_zeek import stand_in

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.workspace import Workspace


def opened(path: Path, workspace: Workspace) -> Opened:
    """Open a path."""
    return open_path(path, workspace, How())


def rows(found: Opened) -> dict[str, int]:
    """Count the rows of each log."""
    return {log: frame.select(pl.len()).collect().item() for log, frame in found.logs.items()}


def test_a_folder_of_logs_is_one_capture(tmp_path: Path, workspace: Workspace) -> None:
    """All its logs, with the name of the folder."""
    found = opened(ordinary(tmp_path / "monday"), workspace)
    assert rows(found) == {"conn": 25, "dns": 1, "files": 1, "ssl": 1}
    assert (found.title, list(found.names.values())) == ("monday", ["monday"])


def test_a_single_log_is_a_capture(tmp_path: Path, workspace: Workspace) -> None:
    """One dns.log: what is known is what is in it."""
    assert rows(opened(ordinary(tmp_path / "monday") / "dns.log", workspace)) == {"dns": 1}


def test_a_packet_capture_goes_through_zeek(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The logs are those that Zeek makes, of a PCAP and of a folder with one in it (a stand-in for Zeek)."""
    logs = capture_folder(tmp_path / "replayed", "logs", many_rows(3))
    monkeypatch.setenv("PTML_ZEEK", str(stand_in(tmp_path / "bin", logs)))
    folder = tmp_path / "pcaps"
    folder.mkdir()
    (folder / "a.pcap").write_bytes(PCAP)
    assert rows(opened(folder / "a.pcap", workspace))["conn"] == 3
    assert rows(opened(folder, workspace))["conn"] == 3


def test_several_packet_captures_are_not_one(tmp_path: Path, workspace: Workspace) -> None:
    """A page is on one capture: the error names one to give."""
    for name in ("a.pcap", "b.pcap"):
        (tmp_path / name).write_bytes(PCAP if name < "b" else EMPTY_PCAP)
    with pytest.raises(BadData, match=r"holds 2 PCAPs.*\nTry: give one of them.*a\.pcap"):
        opened(tmp_path, workspace)


def test_files_that_were_parsed_are_one_capture(tmp_path: Path, workspace: Workspace) -> None:
    """Each file has an id of its own there, and yet their rows belong together, without any."""
    parse_files([ordinary(tmp_path / "monday")], tmp_path / "parquet")
    found = opened(tmp_path / "parquet", workspace)
    assert rows(found) == {"conn": 25, "dns": 1, "files": 1, "ssl": 1}
    assert found.logs["conn"].select("capture_id").unique().collect()["capture_id"].to_list() == [None]
    assert (found.names, found.notes) == ({}, ())


def test_a_parsed_folder_without_anything_says_so(tmp_path: Path, workspace: Workspace) -> None:
    """Manifests are looked for, and there are none."""
    (tmp_path / "manifests" / "parse").mkdir(parents=True)
    with pytest.raises(MissingInput, match="no log has been parsed"):
        opened(tmp_path, workspace)


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_where_nothing_is_nothing_is_reported(tmp_path: Path, workspace: Workspace, name: str) -> None:
    """An empty folder, and a path that is not there."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingInput, match=r"holds no Zeek log|does not exist"):
        opened(tmp_path / "empty" / name, workspace)


def test_scores_bring_their_logs_along(tmp_path: Path, workspace: Workspace) -> None:
    """The logs lie where they were scored, so the page has both."""
    folder = scored(tmp_path, {"monday": ordinary(tmp_path / "monday")})
    assert is_scored(folder)
    found = opened(folder, workspace)
    assert rows(found) == {"conn": 25, "dns": 1, "files": 1, "ssl": 1}
    assert found.scores is not None
    assert found.scores.select(pl.len()).collect().item() == 25
    assert (list(found.names.values()), found.notes) == (["monday"], ())


@pytest.mark.parametrize("loss", ["gone", "changed"])
def test_scores_without_their_logs_are_shown_by_themselves(
    tmp_path: Path, workspace: Workspace, loss: str
) -> None:
    """Of two captures one has lost its logs: its connections are those scored, and a note says why."""
    folders = {name: ordinary(tmp_path / name) for name in ("monday", "tuesday")}
    (folders["tuesday"] / "conn.log").write_bytes(
        capture_log := (folders["monday"] / "conn.log").read_bytes()
    )
    (folders["tuesday"] / "dns.log").unlink()
    folder = scored(tmp_path, folders)
    if loss == "gone":
        shutil.rmtree(folders["tuesday"])
    else:
        (folders["tuesday"] / "conn.log").write_bytes(capture_log.replace(b"203.0.113.9", b"203.0.113.8"))
    found = opened(folder, workspace)
    assert rows(found) == {"conn": 50, "dns": 1, "files": 1, "ssl": 1}
    (note,) = found.notes
    assert note.startswith("tuesday: its logs at ")
    assert ("have changed" in note) == (loss == "changed")


def test_scores_that_are_not_whole_are_none(tmp_path: Path, workspace: Workspace) -> None:
    """Without run.json, which is written last, the folder is refused."""
    folder = scored(tmp_path, {"monday": ordinary(tmp_path / "monday")})
    (folder / "run.json").unlink()
    assert not is_scored(folder)
    with pytest.raises(BadData, match=r"not whole.*run\.json is missing"):
        opened(folder, workspace)
