"""Claims about the captures at hand: which there are, and that they are as they came."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from ptml.catalog import upsert
from ptml.engine import LocalEngine
from ptml.errors import MissingInput, SettingsError, WorkspaceBusy
from ptml.inventory import Choice, catalog, catalog_export, catalog_verify, summarise
from ptml.settings import AddSettings
from ptml.sources.own import add
from tests.builders import capture_folder, many_rows
from tests.holding import hold

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.types import Label
    from ptml.workspace import Workspace

FILLED: list[tuple[str, int, Label, str | None]] = [
    ("2024-01-05-bot", 3, "malicious", "Heodo"),
    ("2025-02-06-bot", 4, "malicious", "emotet(geodo)"),
    ("office", 5, "benign", None),
    ("=cmd()", 6, "malicious", "My  Bot"),
]


@pytest.fixture
def filled(workspace: Workspace, tmp_path: Path) -> Workspace:
    """Fill a workspace with four captures."""
    for name, rows, label, family in FILLED:
        folder = capture_folder(tmp_path / "given", name, many_rows(rows))
        add(workspace, AddSettings(paths=(folder,), label=label, family=family), engine=LocalEngine(1))
    return workspace


def read_back(path: Path) -> pl.DataFrame:
    """Read an exported file."""
    if path.suffix == ".jsonl":
        return pl.DataFrame([json.loads(line) for line in path.read_text("utf-8").splitlines()])
    return pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)


def names(captures: list[dict[str, Any]]) -> set[str]:
    """Give the captures' names."""
    return {capture["name"] for capture in captures}


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        (Choice(), {"2024-01-05-bot", "2025-02-06-bot", "office", "=cmd()"}),
        (Choice(family="Emotet"), {"2024-01-05-bot", "2025-02-06-bot"}),
        (Choice(family="geodo", year=2025), {"2025-02-06-bot"}),
        (Choice(label="benign"), {"office"}),
        (Choice(name="BOT"), {"2024-01-05-bot", "2025-02-06-bot"}),
        (Choice(source="own", label="malicious", family="My Bot"), {"=cmd()"}),
        (Choice(family="qakbot"), set()),
    ],
)
def test_captures_are_chosen_by_all_that_is_asked(
    filled: Workspace, choice: Choice, chosen: set[str]
) -> None:
    """Source, label, family by any of its names, year and a part of the name narrow the list together."""
    assert names(catalog(filled, choice)) == chosen


@pytest.mark.parametrize("choice", [Choice(source="owm"), Choice(label="benig")])
def test_unknown_source_or_label_is_an_error_that_says_what_there_is(
    filled: Workspace, choice: Choice
) -> None:
    """A slip of the pen does not look like an empty catalog."""
    with pytest.raises(SettingsError, match="there are"):
        catalog(filled, choice)


def test_counts_are_by_source_label_family_and_year(filled: Workspace) -> None:
    """Names of one family count as one, and years come from dates in names."""
    counted = [tuple(row.values()) for row in summarise(catalog(filled))]
    assert sorted(counted, key=str) == [
        ("own", "benign", None, None, 1),
        ("own", "malicious", "My Bot", None, 1),
        ("own", "malicious", "emotet", 2024, 1),
        ("own", "malicious", "emotet", 2025, 1),
    ]


def test_captures_as_they_came_are_without_fault(filled: Workspace) -> None:
    """Files, bytes and captures are counted, and nothing is wrong."""
    report = catalog_verify(filled, engine=LocalEngine(1))
    size = sum(path.stat().st_size for path in (filled.root / "raw").rglob("*") if path.is_file())
    assert (report.captures, report.files, report.bytes, report.faults) == (4, 4, size, {})


def test_changed_cut_lost_and_unlisted_captures_are_faults(filled: Workspace) -> None:
    """One bit, one byte, a file, a manifest or a row that is not as it was is told, each for its capture."""
    ids = {capture["name"]: capture["capture_id"] for capture in catalog(filled)}
    changed, cut, lost, bare = (ids[name] for name, *_ in FILLED)
    log = filled.raw("own", changed) / "conn.log"
    data = bytearray(log.read_bytes())
    data[-2] ^= 1
    log.write_bytes(data)
    shorter = filled.raw("own", cut) / "conn.log"
    shorter.write_bytes(shorter.read_bytes()[:-1])
    (filled.raw("own", lost) / "conn.log").unlink()
    filled.manifest("raw", bare).unlink()
    faults = catalog_verify(filled, engine=LocalEngine(1)).faults
    assert faults.keys() == {changed, cut, lost, bare}
    assert faults[changed].endswith("has changed")
    assert f"{shorter.stat().st_size} bytes, not {shorter.stat().st_size + 1}" in faults[cut]
    assert "No such file" in faults[lost]
    assert faults[bare] == "it is listed, and its files are not published"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_export_has_a_row_per_capture_and_source(filled: Workspace, tmp_path: Path, suffix: str) -> None:
    """Whatever the format, rows are the chosen captures, once a source; nothing is left beside the file."""
    first = catalog(filled, Choice(name="office"))[0]["capture_id"]
    upsert(filled, [], [{"capture_id": first, "source": "zenodo", "url": "https://example.org/a"}])
    path = tmp_path / "out" / f"captures{suffix}"
    assert catalog_export(filled, path) == 5
    assert catalog_export(filled, path, Choice(source="zenodo")) == 2
    read = read_back(path)
    assert read.select("name", "source").rows() == [("office", "own"), ("office", "zenodo")]
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_export_to_csv_defuses_formulas(filled: Workspace, tmp_path: Path) -> None:
    """A capture that somebody called =cmd() is text to a spreadsheet."""
    catalog_export(filled, tmp_path / "captures.csv")
    assert "'=cmd()" in pl.read_csv(tmp_path / "captures.csv")["name"].to_list()


def test_export_to_an_unknown_format_writes_nothing(filled: Workspace, tmp_path: Path) -> None:
    """A name that tells no format is an error that says which there are."""
    with pytest.raises(SettingsError, match=r"\.csv, \.jsonl, \.parquet"):
        catalog_export(filled, tmp_path / "captures.xlsx")
    assert not (tmp_path / "captures.xlsx").exists()


def test_export_to_a_folder_writes_nothing(filled: Workspace, tmp_path: Path) -> None:
    """A folder that is called like a file is an error, and nothing is left beside it."""
    (tmp_path / "captures.csv").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SettingsError, match="is a folder"):
        catalog_export(filled, tmp_path / "captures.csv")
    assert sorted(tmp_path.iterdir()) == before


def test_manifest_that_cannot_be_read_is_one_fault_among_others(filled: Workspace) -> None:
    """A damaged manifest is told of its capture, and the others are still looked at."""
    first, second = catalog(filled)[:2]
    filled.manifest("raw", first["capture_id"]).write_text("{}")
    filled.manifest("raw", second["capture_id"]).unlink()
    faults = catalog_verify(filled, engine=LocalEngine(1)).faults
    assert set(faults) == {first["capture_id"], second["capture_id"]}
    assert "is not a manifest" in faults[first["capture_id"]]


def test_nothing_can_be_verified_where_there_is_nothing(workspace: Workspace) -> None:
    """An empty workspace is missing input, not a clean bill."""
    with pytest.raises(MissingInput):
        catalog_verify(workspace)


def test_verifying_waits_for_nobody_and_accuses_nobody(filled: Workspace) -> None:
    """While a run may be between publishing and listing a capture, verifying is turned away."""
    with hold(filled) as process:
        try:
            with pytest.raises(WorkspaceBusy):
                catalog_verify(filled)
        finally:
            process.kill()
