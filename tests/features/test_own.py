"""Features of a user's own file: named apart from all others, checked, and never taken from a model."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pyarrow.parquet as pq
import pytest

from ptml.engine import LocalEngine
from ptml.errors import BadData, MissingInput, SettingsError
from ptml.features.build import capture_features, connection_features
from ptml.features.catalog import CONNECTION_FEATURES, feature_version
from ptml.features.own import feature_set, own_file
from ptml.features.stage import CAPTURES, CONNECTIONS, features
from ptml.manifest import read_manifest
from ptml.parse.stage import parse
from ptml.settings import AddSettings
from ptml.sources.own import add
from ptml.train.sources import features_used
from tests.builders import capture_folder, many_rows
from tests.features.frames import conn, conn_row, log
from tests.pages import PAGES

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.workspace import Workspace

TEN_LINES = '''
import polars as pl

def both_bytes():
    """Payload of both directions."""
    return pl.col("orig_bytes") + pl.col("resp_bytes")

def vlan():
    """Tag of the virtual network.

    Type: UInt16.
    """
    return pl.col("vlan")

def longest_name():
    """Longest name asked for.

    Logs: dns. Type: UInt16.
    """
    return pl.col("query").str.len_bytes().max()

FEATURES = (both_bytes, vlan, longest_name)
CAPTURE_FEATURES = (longest_name,)
'''
FILE = "mine.py"
STANDARD_REACH = {"seconds": [2, 60, 600], "last": 100}


def write(folder: Path, text: str = TEN_LINES, name: str = FILE) -> Path:
    """Write a file of features."""
    path = folder / name
    path.write_text(text)
    return path


def test_own_features_follow_the_standard_ones_under_the_files_name(tmp_path: Path) -> None:
    """A ten-line file gives features over conn's own row, over another log by uid, over a whole capture."""
    own = feature_set(own_file(write(tmp_path)))
    rows = conn(conn_row("C1", orig_bytes=30, resp_bytes=10), conn_row("C2", orig_bytes=None))
    asked = log("dns", [{"uid": "C1", "query": "a.example"}, {"uid": "C1", "query": "bc.example"}])
    logs = {"conn": rows.with_columns(vlan=pl.lit(7, pl.Int64)), "dns": asked}
    table = connection_features(logs, features=own).collect().sort("uid")
    assert table.columns[-3:] == ["mine.both_bytes", "mine.vlan", "mine.longest_name"]
    assert table.select("^mine.*$").rows() == [(40.0, 7, 10), (None, 7, None)]
    assert table.schema["mine.vlan"] == pl.UInt16()
    assert len(table.columns) == len(connection_features(logs).collect_schema()) + 3
    assert capture_features(logs, features=own).collect()["mine.longest_name"].to_list() == [10]


def test_the_file_of_the_docs_is_one(tmp_path: Path) -> None:
    """The whole file that docs/own-features.md shows gives the columns that it says."""
    page = PAGES["docs/own-features.md"].read_text("utf-8")
    text = page.partition("```python\n")[2].partition("```")[0]
    own = feature_set(own_file(write(tmp_path, text)))
    names = [feature.name for feature in own.connection_features]
    assert names[-2:] == ["mine.both_bytes", "mine.longest_name"]
    asked = log("dns", [{"uid": "C1", "query": "a.example"}])
    table = connection_features({"conn": conn(conn_row("C1")), "dns": asked}, features=own).collect()
    assert table.select(names[-2:]).row(0) == (40.0, 9)


def test_a_missing_column_or_log_gives_null(tmp_path: Path) -> None:
    """As for the standard features, what a capture lacks is null."""
    own = feature_set(own_file(write(tmp_path)))
    table = connection_features({"conn": conn(conn_row("C1"))}, features=own).collect()
    assert table.select("mine.vlan", "mine.longest_name").row(0) == (None, None)


def test_the_version_names_the_standard_set_and_the_files_content(tmp_path: Path) -> None:
    """Another content is another version; the same content in another folder is the same."""
    one = feature_set(own_file(write(tmp_path))).version
    (tmp_path / "elsewhere").mkdir()
    assert feature_set(own_file(write(tmp_path / "elsewhere"))).version == one
    assert one.startswith(f"{feature_version()}+mine-")
    other = write(tmp_path, TEN_LINES.replace('"orig_bytes"', '"resp_bytes"'))
    assert feature_set(own_file(other)).version != one


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("FEATURES = (", "SyntaxError"),
        ("x = 1", "lists no features"),
        ("FEATURES = (3,)", "no feature"),
        ("def f():\n    'A number.'\n    return 3\nFEATURES = (f,)", "f in .* is no feature"),
        ("def f():\n    return 3\nFEATURES = (f,)", "does not state"),
        ("def f():\n    'X. Type: UInt8.'\n    return 3\nFEATURES = (f,)", "below its first line"),
        (
            "import polars as pl\ndef f():\n    'Who.'\n    return pl.col('uid')\nFEATURES = (f,)",
            "identity is no feature",
        ),
        (
            "import polars as pl\ndef f():\n    'X.\\nLogs: dns, ssl.'\n    return pl.len()\nFEATURES = (f,)",
            "it can look at one",
        ),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    """Whatever is wrong with the file, the error names it and what was expected."""
    with pytest.raises(BadData, match=said) as caught:
        feature_set(own_file(write(tmp_path, text)))
    assert "mine.py" in str(caught.value)


def test_a_file_that_is_not_there_or_has_no_name_for_columns_is_refused(tmp_path: Path) -> None:
    """The path is checked before anything runs."""
    with pytest.raises(MissingInput):
        own_file(tmp_path / FILE)
    with pytest.raises(SettingsError, match=r"my features\.py"):
        own_file(write(tmp_path, name="my features.py"))


def test_a_file_that_changes_after_it_was_named_is_not_run(tmp_path: Path) -> None:
    """What workers run is what was hashed."""
    named = own_file(write(tmp_path, TEN_LINES + "# one\n"))
    write(tmp_path, TEN_LINES + "# two\n")
    with pytest.raises(BadData, match="has changed"):
        feature_set(named)


def prepared(workspace: Workspace, folder: Path) -> str:
    """Add and parse one capture."""
    made = capture_folder(folder, "one", many_rows(3))
    [capture_id] = add(workspace, AddSettings(paths=(made,), label="benign"), engine=LocalEngine(1)).done
    parse(workspace, engine=LocalEngine(1))
    return capture_id


def test_the_stage_records_version_and_hash_and_derives_anew_when_the_file_changes(
    workspace: Workspace, tmp_path: Path
) -> None:
    """The manifest and the Parquet files name the set of features; the same file again is nothing new."""
    capture_id = prepared(workspace, tmp_path)
    path = write(tmp_path)
    assert features(workspace, own=path, engine=LocalEngine(1)).done == (capture_id,)
    assert features(workspace, own=path, engine=LocalEngine(1)).done == ()
    manifest = read_manifest(workspace, "features", capture_id)
    assert manifest is not None
    version = feature_set(own_file(path)).version
    named = own_file(path)
    assert named is not None
    assert manifest.parameters == {
        "features": version,
        "windows": STANDARD_REACH,
        "own_features": {"file": FILE, "sha256": named.sha256},
    }
    for dataset in (CONNECTIONS, CAPTURES):
        [file] = manifest.paths(workspace, dataset)
        metadata = pq.read_metadata(file).metadata
        assert metadata[b"ptml.features"].decode() == version
        assert b"ptml.features_schema" in metadata
    assert features(workspace, engine=LocalEngine(1)).done == (capture_id,)
    again = read_manifest(workspace, "features", capture_id)
    assert again is not None
    assert again.parameters == {
        "features": feature_version(),
        "windows": STANDARD_REACH,
        "own_features": None,
    }


def test_captures_with_different_sets_of_features_are_not_learned_from_together(
    workspace: Workspace, tmp_path: Path
) -> None:
    """What one capture was described by and another was not is no basis for a model."""
    first = prepared(workspace, tmp_path)
    other = capture_folder(tmp_path, "two", many_rows(4, start=10))
    [second] = add(workspace, AddSettings(paths=(other,), label="malicious"), engine=LocalEngine(1)).done
    parse(workspace, engine=LocalEngine(1))
    features(workspace, captures=[first], own=write(tmp_path), engine=LocalEngine(1))
    features(workspace, captures=[second], engine=LocalEngine(1))
    with pytest.raises(BadData, match="different versions"):
        features_used(workspace)
    features(workspace, engine=LocalEngine(1))
    assert features_used(workspace) == {
        "feature_version": feature_version(),
        "windows": STANDARD_REACH,
        "own_features": None,
    }


def test_an_expression_that_fails_on_a_capture_names_the_file(workspace: Workspace, tmp_path: Path) -> None:
    """A user's mistake that only data show fails that capture with the file's name, not with a trace."""
    capture_id = prepared(workspace, tmp_path)
    text = 'import polars as pl\ndef f():\n    "X."\n    return pl.col("proto").dt.year()\nFEATURES = (f,)\n'
    path = write(tmp_path, text)
    with pytest.raises(BadData, match=r"mine\.py"):
        features(workspace, own=path, engine=LocalEngine(1))
    assert read_manifest(workspace, "features", capture_id) is None


def test_a_model_insists_on_the_file_that_it_was_trained_with(tmp_path: Path) -> None:
    """Trained with a file of one's own: without it, or with another, scoring ends with exit code 6."""
    pipeline = """
[run]
jobs = 1
[simulate]
captures = 4
connections = 400
[parse]
[features]
[train]
spec = "logistic-regression"
name = "own"
folds = 2
levels = ["connection"]
"""
    (tmp_path / "own.toml").write_text(pipeline)
    path = write(tmp_path)

    def ptml(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ptml", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    ran = ptml("run", "own.toml", "--data", "ws", "--features", FILE)
    assert ran.returncode == 0, ran.stderr
    manifest = json.loads((tmp_path / "ws/models/own/manifest.json").read_text())
    names = [feature["name"] for feature in manifest["levels"]["connection"]["features"]]
    assert "mine.both_bytes" in names
    assert len(names) > len(CONNECTION_FEATURES)
    assert manifest["own_features"]["file"] == FILE
    assert "orig_bytes" not in json.dumps(manifest["own_features"])
    capture = str(next((tmp_path / "ws/raw/simulator").iterdir()))
    score = ("score", capture, "--data", "ws", "--model", "own", "--json", "--jobs", "1")
    without = ptml(*score)
    assert without.returncode == 6
    assert "--features mine.py" in without.stderr
    withal = ptml(*score, "--features", FILE)
    assert withal.returncode == 0, withal.stderr
    assert json.loads(withal.stdout)["totals"]["connections"] > 0
    path.write_text(TEN_LINES + "# another\n")
    assert ptml(*score, "--features", FILE).returncode == 6
