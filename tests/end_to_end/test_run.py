"""The whole way, through the command line: stopped and gone on, twice the same, and every bad input."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
description = "A small whole way"
[run]
seed = 3
jobs = 2
[simulate]
captures = 12
connections = 1800
exclude_families = ["crypto-mining"]
[parse]
[features]
[train]
spec = "logistic-regression"
name = "small"
folds = 2
[evaluate]
folds = 2
[score]
[score.simulate]
captures = 2
connections = 300
families = ["crypto-mining"]
seed = 99
"""
TABLES = ("catalog.parquet", "scores/latest/connections.parquet", "scores/latest/captures.parquet")
DATASETS = ("logs/conn", "logs/dns", "features/connection", "features/capture", "labels")
PATIENCE = 180


def ptml(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "ptml", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the command line in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "ptml", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the small pipeline once, undisturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "small.toml").write_text(PIPELINE)
    done = ptml(folder, "run", "small.toml", "--data", "ws")
    assert done.returncode == 0, done.stderr
    return folder


def tables(workspace: Path) -> dict[str, pl.DataFrame]:
    """Read all that a run published, rows in a fixed order, without what differs by time of day."""
    found = {name: pl.read_parquet(workspace / name) for name in TABLES}
    for name in DATASETS:
        frame = pl.read_parquet(workspace / name, hive_partitioning=True)
        found[name] = frame.sort("capture_id", *(["uid"] if "uid" in frame.columns else []))
    return found


def assert_same(first: Path, second: Path) -> None:
    """Insist on equal tables: keys, integers, text and Float32 exactly, other reals to 1e-9."""
    for (name, one), other in zip(tables(first).items(), tables(second).values(), strict=True):
        assert_frame_equal(one, other, check_exact=False, rel_tol=1e-9, abs_tol=1e-9)
        exact = [c for c, dtype in one.schema.items() if dtype != pl.Float64]
        assert one.select(exact).equals(other.select(exact)), name


def metrics(workspace: Path) -> Any:  # noqa: ANN401 - JSON
    """Read the evaluation's figures, without what differs by time of day."""
    return without_times(json.loads((workspace / "reports/small/evaluation.json").read_text()))


def without_times(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Drop clock readings from JSON."""
    if isinstance(value, dict):
        return {
            k: without_times(v) for k, v in value.items() if k not in ("seconds", "created", "evaluated_at")
        }
    return [without_times(item) for item in value] if isinstance(value, list) else value


def assert_close(one: Any, other: Any, where: str = "") -> None:  # noqa: ANN401 - JSON
    """Insist on equal JSON, reals to 1e-9."""
    assert type(one) is type(other), where
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_close(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for number, pair in enumerate(zip(one, other, strict=True)):
            assert_close(*pair, f"{where}[{number}]")
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-9), where
    else:
        assert one == other, where


def test_two_runs_with_the_same_seed_are_the_same(undisturbed: Path, tmp_path: Path) -> None:
    """Same seed, same data: equal keys, integers and Float32 features, and metrics equal to 1e-9."""
    (tmp_path / "small.toml").write_text(PIPELINE)
    done = ptml(tmp_path, "run", "small.toml", "--data", "ws", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert_same(undisturbed / "ws", tmp_path / "ws")
    assert_close(metrics(undisturbed / "ws"), metrics(tmp_path / "ws"))


def test_run_that_is_killed_again_and_again_ends_like_an_undisturbed_one(
    undisturbed: Path, tmp_path: Path
) -> None:
    """Killed with -9 at random moments, run again: the same result, and nothing half-done lies about."""
    (tmp_path / "small.toml").write_text(PIPELINE)
    rng = random.Random(20)
    kills = 0
    while True:
        process = start(tmp_path, "run", "small.toml", "--data", "ws")
        deadline = time.monotonic() + rng.uniform(1.5, 6.0)
        while process.poll() is None and time.monotonic() < deadline and kills < 8:
            time.sleep(0.02)
        if process.poll() is None and kills < 8:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            assert_only_whole_parquet(tmp_path / "ws")
            continue
        assert process.wait(timeout=PATIENCE) == 0
        break
    assert kills > 0
    assert_same(undisturbed / "ws", tmp_path / "ws")
    assert_close(metrics(undisturbed / "ws"), metrics(tmp_path / "ws"))
    assert not list((tmp_path / "ws/.tmp").glob("*"))


def assert_only_whole_parquet(workspace: Path) -> None:
    """Insist that a reader may glob any dataset now: whole Parquet files and nothing else."""
    for top in ("logs", "features", "labels", "quarantine"):
        for path in (workspace / top).rglob("*"):
            if path.is_file():
                assert path.suffix == ".parquet"
                pl.read_parquet(path, hive_partitioning=False)


def test_second_run_does_nothing_new(undisturbed: Path) -> None:
    """Run again, every stage says that all is unchanged, and no file of the datasets is touched."""
    before = {path: path.stat().st_mtime_ns for path in (undisturbed / "ws/logs").rglob("*.parquet")}
    done = ptml(undisturbed, "run", "small.toml", "--data", "ws", "--json")
    stages = json.loads(done.stdout)["stages"]
    for name in ("simulate", "parse", "features"):
        assert (stages[name]["done"], len(stages[name]["unchanged"])) == ([], 12), name
    assert stages["train"]["unchanged"] is True
    assert {path: path.stat().st_mtime_ns for path in (undisturbed / "ws/logs").rglob("*.parquet")} == before


def test_unseen_family_is_scored_and_the_page_is_there(undisturbed: Path) -> None:
    """The run ends with scores of captures that are in no catalog, and with a page that loads nothing."""
    scores = pl.read_parquet(undisturbed / "ws/scores/latest/captures.parquet")
    catalog = pl.read_parquet(undisturbed / "ws/catalog.parquet")
    assert scores.height == 2
    assert not set(scores["capture_id"]) & set(catalog["capture_id"])
    assert "crypto-mining" not in set(catalog["family"])
    page = (undisturbed / "ws/scores/latest/report.html").read_text()
    assert "sim-0000" in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")


def test_from_begins_in_the_middle(undisturbed: Path) -> None:
    """--from score does not even look at the earlier stages."""
    done = ptml(undisturbed, "run", "small.toml", "--data", "ws", "--from", "score", "--json")
    assert list(json.loads(done.stdout)["stages"]) == ["score"]


def test_dry_run_says_what_each_stage_would_do_and_does_nothing(tmp_path: Path) -> None:
    """A line a stage, and no workspace."""
    (tmp_path / "small.toml").write_text(PIPELINE)
    done = ptml(tmp_path, "run", "small.toml", "--data", "ws", "--dry-run")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        "simulate", "parse", "features", "train", "evaluate", "score",
    ]  # fmt: skip
    assert "12 captures with 1,800 connections" in done.stdout
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["parse"], 3, "no workspace at nowhere"),
        (["features"], 3, "no workspace at nowhere"),
        (["train"], 3, "no workspace at nowhere"),
        (["evaluate"], 3, "nowhere"),
        (["catalog"], 3, "no workspace at nowhere"),
        (["score", "nothing-here"], 3, "hist-gradient-boosting"),
        (["run", "dmeo"], 3, "did you mean 'demo' for 'dmeo'"),
        (["run", "demo", "--set", "simulate.captuers=3"], 2, "did you mean 'captures' for 'captuers'"),
        (["run", "demo", "--from", "trian"], 2, "did you mean 'train' for 'trian'"),
        (["simulate", "--family", "emotte"], 2, "emotte"),
        (["train", "--spec", "no-such-spec"], 3, "no-such-spec"),
        (["train", "--dataset", "no.toml"], 3, "no.toml does not exist"),
        (["train", "--set", "dataset.source=[]"], 2, "did you mean 'sources' for 'source'"),
        (
            ["train", "--set", "parse.block_bytes=1"],
            2,
            "--set takes labels.KEY=VALUE or dataset.KEY=VALUE here",
        ),
        (["add"], 2, "nothing to add"),
        (["add", "--manifest", "no.csv"], 3, "no.csv does not exist"),
        (["add", "--label", "evil", "x"], 2, "evil"),
    ],
)
def test_each_wrong_use_has_its_code_and_its_message(
    tmp_path: Path, arguments: list[str], code: int, says: str
) -> None:
    """No traceback: an exit code of the list, and a message that names what was wrong."""
    done = ptml(tmp_path, *arguments, *([] if arguments[0] == "score" else ["--data", "nowhere"]))
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert says in done.stderr


def test_two_runs_at_once_on_one_workspace_are_told_apart(undisturbed: Path, tmp_path: Path) -> None:
    """The second run stops with exit code 8 and says who holds the workspace."""
    shutil.copytree(undisturbed / "ws", tmp_path / "ws")
    hold = (
        "import sys, time; from pathlib import Path; from ptml.workspace import Workspace\n"
        "with Workspace(Path('ws')).locked(): print('held', flush=True); time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", hold], cwd=tmp_path, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            done = ptml(tmp_path, "parse", "--data", "ws")
        finally:
            holder.kill()
    assert done.returncode == 8
    assert f"in use by process {holder.pid}" in done.stderr


def test_full_disk_stops_the_run_whole_and_the_next_one_goes_on(undisturbed: Path, tmp_path: Path) -> None:
    """With files limited to a few kilobytes parsing stops with exit code 9; without, it ends the same."""
    shutil.copytree(undisturbed / "ws/raw", tmp_path / "ws/raw")
    shutil.copytree(undisturbed / "ws/manifests/raw", tmp_path / "ws/manifests/raw")
    shutil.copy(undisturbed / "ws/catalog.parquet", tmp_path / "ws/catalog.parquet")
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"
        "from ptml.cli import main; sys.argv = ['ptml', 'parse', '--data', 'ws', '--jobs', '1']; main()"
    )
    stopped = subprocess.run(
        [sys.executable, "-c", limited],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (stopped.returncode, "Traceback" in stopped.stderr) == (9, False), stopped.stderr
    assert "nothing was published" in stopped.stderr
    assert_only_whole_parquet(tmp_path / "ws")
    assert ptml(tmp_path, "parse", "--data", "ws").returncode == 0
    for name in ("logs/conn", "logs/dns"):
        one, other = (
            pl.read_parquet(root / "ws" / name, hive_partitioning=True).sort("capture_id", "uid", "ts")
            for root in (undisturbed, tmp_path)
        )
        assert_frame_equal(one, other)


def test_captures_of_the_catalog_are_scored_by_name_and_training_is_owned_up_to(undisturbed: Path) -> None:
    """Captures chosen by label keep their catalog names; those that were trained on are counted."""
    done = ptml(
        undisturbed, "run", "small.toml", "--data", "ws", "--from", "score", "--json",
        "--set", 'score.catalog=["mixed"]', "--set", "score.name=listed",
    )  # fmt: skip
    result = json.loads(done.stdout)["stages"]["score"]
    catalog = pl.read_parquet(undisturbed / "ws/catalog.parquet").filter(pl.col("label") == "mixed")
    names = {row["name"] for row in result["captures"]}
    assert result["in_training"] == catalog.height == 6
    assert set(catalog["name"]) <= names
    assert len(names) == 6 + 2
