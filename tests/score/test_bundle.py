"""Claims about small captures that are scored together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.engine import LocalEngine
from ptml.features.together import describe_together
from ptml.parse.stage import How
from ptml.score import bundle, score
from ptml.score.bundle import AT_ONCE, bundled
from ptml.score.capture import CaptureTask
from ptml.score.discover import find_captures
from tests.score.captures import conn, make_model, write_capture

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from ptml.score import ScoreResult

NAMES = ("a", "b", "c", "d")


def scored(folder: Path, out: Path, model_in: Path) -> ScoreResult:
    """Score what lies in a folder, in this process."""
    return score([folder], model=make_model(model_in), out=out, engine=LocalEngine(jobs=1))


def four(folder: Path) -> None:
    """Write four captures with conn.log alone; the last has the same rows as the first."""
    for number, name in enumerate(NAMES):
        rows = [conn(f"C{number % 3}{n}", n, ts=n) for n in range(3 + number % 3)]
        write_capture(folder / name, rows)


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how many captures are described at a time."""
    asked: list[int] = []

    def noted(captures: dict[str, object], features: object) -> object:
        asked.append(len(captures))
        return describe_together(captures, features)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(bundle, "describe_together", noted)
    return asked


def test_scored_together_each_has_what_it_has_alone(tmp_path: Path) -> None:
    """Tables of captures scored in one bundle are those of each scored by a call of its own."""
    four(tmp_path / "in")
    scored(tmp_path / "in", tmp_path / "together", tmp_path / "m0")
    alone = []
    for number, name in enumerate(NAMES[:3], start=1):
        scored(tmp_path / "in" / name, tmp_path / f"alone{number}", tmp_path / f"m{number}")
        alone.append(tmp_path / f"alone{number}")
    for table in ("connections", "hosts"):
        both = [
            pl.concat([pl.read_parquet(out / f"{table}.parquet") for out in outs]).sort(pl.all())
            for outs in ([tmp_path / "together"], alone)
        ]
        assert both[0].equals(both[1])


def test_small_captures_are_described_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four captures with the same logs are one call of the features, and each has its scores."""
    asked = recorded(monkeypatch)
    four(tmp_path / "in")
    (tmp_path / "in" / "d" / "conn.log").unlink()
    write_capture(tmp_path / "in" / "d", [conn("D", 1)])
    assert len(scored(tmp_path / "in", tmp_path / "out", tmp_path / "m").captures) == len(NAMES)
    assert asked == [len(NAMES)]


def test_captures_of_one_id_are_described_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four captures the first and the last are equal: the two others are described at once."""
    asked = recorded(monkeypatch)
    four(tmp_path / "in")
    assert len(scored(tmp_path / "in", tmp_path / "out", tmp_path / "m").captures) == len(NAMES) - 1
    assert asked == [2]


def test_a_bad_capture_is_left_out_and_those_beside_it_are_scored(tmp_path: Path) -> None:
    """Of four captures in a bundle one has no uids, and one repeats another: both have a reason."""
    four(tmp_path / "in")
    (tmp_path / "in" / "b" / "conn.log").write_text(
        "#separator \\x09\n#path\tconn\n#fields\tts\n#types\ttime\n1.5\n"
    )
    result = scored(tmp_path / "in", tmp_path / "out", tmp_path / "m")
    assert sorted(row["name"] for row in result.captures) == ["a", "c"]
    reasons = {skip.path.rpartition("/")[2]: skip.reason for skip in result.skipped}
    assert "uid" in reasons["b"]
    assert "same content" in reasons["d"]


def test_a_capture_whose_features_fail_does_not_take_others_along(tmp_path: Path) -> None:
    """Of four captures read alike, one has words for durations: it has a reason, the others scores."""
    four(tmp_path / "in")
    log = tmp_path / "in" / "b" / "conn.log"
    (tmp_path / "in" / "d" / "conn.log").unlink()
    words = log.read_text().replace("orig_pkts", "duration").replace("\tcount", "\tstring")
    log.write_text(words)
    result = scored(tmp_path / "in", tmp_path / "out", tmp_path / "m")
    assert sorted(row["name"] for row in result.captures) == ["a", "c"]
    assert "duration" in next(skip.reason for skip in result.skipped if skip.path.endswith("/b"))


def test_bundles_hold_every_task_once_and_stay_small(tmp_path: Path) -> None:
    """Captures are bundled by the names of their logs, and no bundle holds more than its share."""
    for number in range(AT_ONCE + 3):
        write_capture(tmp_path / "in" / f"{number:02d}", [conn("C", number)])
    write_capture(tmp_path / "in" / "dns too", [conn("C", 1)])
    write_capture(tmp_path / "in" / "dns too", [conn("C", 1)], log="dns")
    found, _ = find_captures([tmp_path / "in"])
    tasks = [CaptureTask(one, one.name, tmp_path, tmp_path, How.of(None), 1) for one in found]
    bundles = bundled(tasks)
    assert sorted(len(one) for one in bundles) == [1, 3, AT_ONCE]
    assert sorted(task.inputs for one in bundles for task in one) == sorted(one.name for one in found)
