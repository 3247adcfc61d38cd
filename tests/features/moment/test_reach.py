"""Claims about windows of a user's own: the numbers, their names, and that a model keeps to its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given

from ptml.artifact import FeatureContract, load_model
from ptml.engine import LocalEngine
from ptml.errors import BadData, SettingsError
from ptml.features.assemble import beside
from ptml.features.build import connection_features, iter_connection_features
from ptml.features.catalog import feature_version
from ptml.features.describe import describe_feature, list_features
from ptml.features.featureset import STANDARD, at_windows
from ptml.features.inputs import read_inputs
from ptml.features.moment.reach import WINDOWED, with_windows
from ptml.features.own import feature_set, own_file
from ptml.features.stage import features
from ptml.manifest import read_manifest
from ptml.parse.stage import parse
from ptml.settings import AddSettings, FeaturesSettings, checked
from ptml.sources.own import add
from ptml.train.dataset import select_features
from ptml.train.sources import features_used, windows_used
from ptml.train.spec import ModelSpec
from ptml.types import Windows
from tests.artifact.builders import saved
from tests.builders import capture_folder, many_rows
from tests.features.moment.slowly import slow_windows
from tests.features.moment.test_windows import Row, assert_slow, captures, drawn, frame

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.workspace import Workspace

OTHER = Windows((1, 59, 601), 3)
STANDARD_NAMES = [feature.name for one in WINDOWED for feature in one.features]


def names_at(windows: Windows) -> list[str]:
    """List the features of the moment at some windows, in the order of the standard ones."""
    places = [STANDARD.connection.index(one) for one in WINDOWED]
    return [feature.name for place in places for feature in at_windows(windows).connection[place].features]


def compare_slowly(rows: list[Row], windows: Windows) -> None:
    """Compare every window feature at some windows with a look at every pair."""
    table = beside(with_windows(WINDOWED, windows), read_inputs({"conn": frame(rows)})).collect()
    names = dict(zip(names_at(windows), STANDARD_NAMES, strict=True))
    assert_slow(table.select(*names).rename(names), slow_windows(rows, windows.seconds, windows.last))


@given(captures)
def test_other_windows_are_what_looking_at_every_pair_gives(rows: list[Row]) -> None:
    """At windows of 1, 59 and 601 seconds and 3 connections every feature equals a quadratic computation."""
    compare_slowly(rows, OTHER)


def test_many_connections_at_other_windows() -> None:
    """Hundreds of connections, in batches or at once, at a window over counts that most of them exceed."""
    rows = [row | {"capture": "c1"} for row in drawn(5, 2, 300)]
    windows = Windows((5, 62, 700), 7)
    compare_slowly(rows, windows)
    logs = {"conn": frame(rows)}
    names, chosen = names_at(windows), at_windows(windows)
    whole = connection_features(logs, features=chosen).select(names).collect()
    assert (
        pl.concat(iter_connection_features(logs, features=chosen, batch_rows=50)).select(names).equals(whole)
    )


@pytest.mark.parametrize(
    ("windows", "standard", "name", "meaning"),
    [
        (Windows((1, 60, 600)), "count", "count_1s", "ended in the 1 second before"),
        (Windows((2, 30, 600)), "src_ports_60s", "src_ports_30s", "ended in the 30 seconds before"),
        (Windows((2, 60, 3600)), "pair_port_connections_10m", "pair_port_connections_1h", "in the 1 hour"),
        (Windows((2, 120, 7200)), "src_connections_60s", "src_connections_2m", "in the 2 minutes before"),
        (Windows((2, 90, 5400)), "src_failed_share_10m", "src_failed_share_90m", "in the 90 minutes"),
        (Windows(last=50), "dst_host_count", "dst_host_count_50", "among the last 50 to the destination"),
        (Windows(last=50), "src_span_100", "src_span_50", "the source's last 50 connections"),
        (Windows(last=50), "ct_srv_src", "ct_srv_src_50", "among the last 50 of the capture"),
    ],
)  # fmt: skip
def test_names_and_meanings_carry_the_window(
    windows: Windows, standard: str, name: str, meaning: str
) -> None:
    """A name that ends in the standard window ends in the other; a name of another field gets it added."""
    assert names_at(windows)[STANDARD_NAMES.index(standard)] == name
    known = at_windows(windows)
    assert meaning in describe_feature(name, known)["meaning"]
    with pytest.raises(SettingsError, match="there is no feature"):
        describe_feature(standard, known)
    assert len({row["name"] for row in list_features(known)}) == len(list_features())


def test_what_does_not_look_back_so_far_keeps_its_name() -> None:
    """Only the windows that differ are renamed: at another long one, KDD's names and the short ones stay."""
    kept = {"count", "dst_host_count", "src_connections_2s", "src_connections_60s", "src_since_end"}
    assert kept <= set(names_at(Windows((2, 60, 300))))
    assert at_windows(Windows()) is STANDARD


def test_the_version_names_the_windows(tmp_path: Path) -> None:
    """Other windows are another version, with and without a file of one's own."""
    path = tmp_path / "mine.py"
    path.write_text(
        'import polars as pl\ndef f():\n    "X."\n    return pl.col("duration")\nFEATURES = (f,)\n'
    )
    assert at_windows(OTHER).version == f"{feature_version()}+windows-1-59-601-3"
    both = feature_set(own_file(path), OTHER)
    assert both.version.startswith(f"{feature_version()}+windows-1-59-601-3+mine-")
    assert both.connection_features[-1].name == "mine.f"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"windows": [2, 60]}, "windows"),
        ({"windows": [60, 2, 600]}, "three rising numbers of seconds"),
        ({"windows": [2, 2, 600]}, "three rising numbers of seconds"),
        ({"windows": [0, 60, 600]}, "three rising numbers of seconds"),
        ({"windows": [2, 60, 604_801]}, "three rising numbers of seconds"),
        ({"windows": [2, 60, "ten minutes"]}, "windows"),
        ({"last": 0}, "last"),
        ({"last": 256}, "last"),
    ],
)
def test_windows_that_make_no_sense_are_refused(values: dict[str, Any], said: str) -> None:
    """Settings are checked before anything is read, and the message says what is possible."""
    with pytest.raises(SettingsError, match=said):
        checked(FeaturesSettings, values, "run.toml")


@pytest.mark.parametrize(
    "windows", [{"seconds": [60, 2, 600], "last": 100}, {"seconds": [2, 60, 600], "last": -1}]
)
def test_a_model_with_impossible_windows_is_refused(tmp_path: Path, windows: dict[str, Any]) -> None:
    """The loops trust the windows, so those of a model's manifest are checked like a user's."""
    saved(tmp_path / "small")
    path = tmp_path / "small/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"windows": windows}))
    with pytest.raises(BadData, match="windows"):
        load_model(tmp_path / "small")


def test_the_stage_records_the_windows_and_derives_anew(workspace: Workspace, tmp_path: Path) -> None:
    """The manifest names windows and version; other windows are other features, the same ones nothing new."""
    made = capture_folder(tmp_path, "one", many_rows(3))
    [capture_id] = add(workspace, AddSettings(paths=(made,), label="benign"), engine=LocalEngine(1)).done
    parse(workspace, engine=LocalEngine(1))
    settings = FeaturesSettings(windows=OTHER.seconds, last=OTHER.last)
    assert features(workspace, settings, engine=LocalEngine(1)).done == (capture_id,)
    assert features(workspace, settings, engine=LocalEngine(1)).done == ()
    manifest = read_manifest(workspace, "features", capture_id)
    assert manifest is not None
    assert manifest.parameters["windows"] == {"seconds": [1, 59, 601], "last": 3}
    assert manifest.parameters["features"] == at_windows(OTHER).version
    assert features_used(workspace)["windows"] == {"seconds": [1, 59, 601], "last": 3}
    assert windows_used(workspace) == OTHER
    assert features(workspace, engine=LocalEngine(1)).done == (capture_id,)


def test_a_spec_excludes_a_scope_at_any_windows() -> None:
    """A spec that leaves out scope `past` leaves out the renamed features too."""
    names = ["duration", "src_connections_1s", "count_1s"]
    contracts = [FeatureContract(name=name, dtype="Float32") for name in names]
    spec = ModelSpec(name="x", estimator="random-forest", exclude_scopes=("past",))
    kept = select_features(contracts, spec, "connection", at_windows(OTHER))
    assert [contract.name for contract in kept] == ["duration"]


def test_a_model_scores_at_its_own_windows(tmp_path: Path) -> None:
    """Trained at other windows by a run file, a model scores a capture without being told which."""
    (tmp_path / "own.toml").write_text(
        "[run]\njobs = 1\n[simulate]\ncaptures = 4\nconnections = 400\n[parse]\n[features]\nlast = 50\n"
        '[train]\nspec = "logistic-regression"\nname = "own"\nfolds = 2\nlevels = ["connection"]\n'
    )

    def ptml(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ptml", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    ran = ptml("run", "own.toml", "--data", "ws", "--set", "features.windows=[1, 30, 300]")
    assert ran.returncode == 0, ran.stderr
    model = load_model(tmp_path / "ws/models/own")
    assert model.manifest.windows == Windows((1, 30, 300), 50)
    names = {feature.name for feature in model.manifest.level("connection").features}
    assert {"src_connections_1s", "count_1s", "dst_host_count_50"} <= names
    assert not {"src_connections_2s", "count", "dst_host_count"} & names
    capture = str(next((tmp_path / "ws/raw/simulator").iterdir()))
    scored = ptml("score", capture, "--data", "ws", "--model", "own", "--json", "--jobs", "1")
    assert scored.returncode == 0, scored.stderr
    assert json.loads(scored.stdout)["totals"]["connections"] > 0
    manifest = tmp_path / "ws/models/own/manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"windows": {"seconds": [2, 60, 600]}}))
    assert ptml("score", capture, "--data", "ws", "--model", "own", "--jobs", "1").returncode == 6


def test_the_command_lists_and_describes_at_windows() -> None:
    """`ptml features --list` and `--describe` know the names at the windows that `--set` asks for."""
    command = [sys.executable, "-m", "ptml", "features", "--json", "--set", "features.windows=[1, 30, 300]"]
    listed = subprocess.run([*command, "--list"], capture_output=True, text=True, check=True).stdout
    assert json.loads(listed)["version"] == at_windows(Windows((1, 30, 300))).version
    assert "src_connections_30s" in {row["name"] for row in json.loads(listed)["features"]}
    shown = subprocess.run(
        [*command, "--describe", "count_1s"], capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(shown)["meaning"].endswith("in the 1 second before")
