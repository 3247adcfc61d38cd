"""The stage says what it could not look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptml.engine import LocalEngine
from ptml.features.stage import features
from ptml.parse.stage import parse
from ptml.settings import AddSettings
from ptml.sources.own import add
from tests.builders import capture_folder, many_rows, zeek_log

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.workspace import Workspace


def test_missing_logs_and_fields_are_named_in_the_report(workspace: Workspace, tmp_path: Path) -> None:
    """A log that is not there and a field that a log lacks have a line each; what is there has none."""
    folder = capture_folder(tmp_path, "one", many_rows(2))
    types = {"ts": "time", "uid": "string", "query": "string", "rcode": "count"}
    (folder / "dns.log").write_bytes(zeek_log("dns", types, [["1764000000.0", "C0", "a.example", "0"]]))
    add(workspace, AddSettings(paths=(folder,), label="benign"), engine=LocalEngine(1))
    parse(workspace, engine=LocalEngine(1))
    notes = features(workspace, engine=LocalEngine(1)).notes
    [fields] = [note for note in notes if note.startswith("dns.log has no ")]
    named = fields.removeprefix("dns.log has no ").partition(":")[0].split(", ")
    assert {"rtt", "answers", "qtype"} <= set(named)
    assert not {"ts", "uid", "query", "rcode"} & set(named)
    assert "no ssl.log: its features are null" in notes
    assert not [note for note in notes if note.startswith("no dns.log")]
