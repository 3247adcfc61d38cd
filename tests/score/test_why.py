"""Claims about what is said of scores: reasons worked out by hand, and what is unlike training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.artifact import FeatureReference, LevelReference, Reference
from tests.score.captures import make_model
from tests.score.test_stage import scored, two_captures

if TYPE_CHECKING:
    from pathlib import Path


def seen(name: str, low: float, high: float, mean: float, **codes: str) -> LevelReference:
    """Make a level's reference with one feature in two parts, up to 2 and beyond."""
    feature = FeatureReference(name=name, nulls=0, low=low, high=high, edges=(2,), shares=(0.5, 0.5))
    return LevelReference(
        features=(feature,), means=(mean,), unlike=0.5, unlike_held_out=0.01, captures=2, neighbours=codes
    )


def reference(mean: float = 2.0) -> Reference:
    """Make what the tiny model was trained on: one to six packets, two or three connections."""
    levels = {
        "connection": seen("orig_pkts", 1, 6, mean),
        "capture": seen("connections", 1, 9, 2.0, c1="0", c2="1"),
    }
    return Reference.model_validate({"levels": levels, "logs": {"conn": 1.0, "dns": 0.95}, "captures": 2})


def test_alerts_say_why(tmp_path: Path) -> None:
    """Seven packets, where two are usual, add five to the log-odds: the only reason, in words and numbers."""
    two_captures(tmp_path)
    scored(tmp_path, make_model(tmp_path / "told", reference=reference()))
    table = pl.read_parquet(tmp_path / "out" / "connections.parquet")
    rows = {row["uid"]: row for row in table.iter_rows(named=True)}
    assert rows["D7"]["reasons"] == ["sent 7 packets"]
    assert rows["D7"]["evidence"] == ["D7"]
    [told] = rows["D7"]["contributions"]
    assert (told["family"], told["feature"], told["value"]) == ("volume", "orig_pkts", "7 packets")
    assert told["contribution"] == told["family_contribution"] == pytest.approx(5.0, abs=1e-4)
    assert rows["D4"]["verdict"] == "benign"
    assert rows["D4"]["reasons"] is None
    alerts = [json.loads(line) for line in (tmp_path / "out" / "alerts.jsonl").read_text().splitlines()]
    assert {alert["uid"]: alert["reasons"] for alert in alerts}["D6"] == ["sent 6 packets"]
    assert "sent 7 packets" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_what_pulls_down_is_no_reason(tmp_path: Path) -> None:
    """Where ten packets are usual, seven speak against an alert: it has reasons, and none of them pushes."""
    two_captures(tmp_path)
    scored(tmp_path, make_model(tmp_path / "told", reference=reference(mean=10.0)))
    table = pl.read_parquet(tmp_path / "out" / "connections.parquet").filter(uid="D7")
    assert table["reasons"].to_list() == [[]]


def test_rows_beyond_the_training_range_are_flagged(tmp_path: Path) -> None:
    """None and seven packets are beyond one to six; eight connections are within one to nine."""
    two_captures(tmp_path)
    result = scored(tmp_path, make_model(tmp_path / "told", reference=reference()))
    table = pl.read_parquet(tmp_path / "out" / "connections.parquet")
    assert set(table.filter("out_of_distribution")["uid"]) == {"D0", "D7"}
    assert [row["out_of_distribution"] for row in result.captures] == [False, False]


def test_captures_say_why_and_what_they_are_like(tmp_path: Path) -> None:
    """Eight connections are six more than usual, and like the training capture beyond two."""
    two_captures(tmp_path)
    loud, quiet = scored(tmp_path, make_model(tmp_path / "told", reference=reference())).captures
    assert loud["reasons"] == ["8 connections in the capture"]
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["captures"][0]["contributions"][0]["contribution"] == pytest.approx(6.0, abs=1e-4)
    assert loud["nearest"] == ["c2", "c1"]
    assert quiet["nearest"] == ["c1", "c2"]
    assert quiet["reasons"] is None


def test_a_model_that_knows_no_reference_says_nothing(tmp_path: Path) -> None:
    """Models from before the reference was recorded score as ever, with nulls for what they cannot tell."""
    result = scored(tmp_path, two_captures(tmp_path))
    table = pl.read_parquet(tmp_path / "out" / "connections.parquet")
    for name in ("out_of_distribution", "reasons", "evidence", "contributions"):
        assert table[name].null_count() == table.height
    assert result.warnings == ()
    assert json.loads((tmp_path / "out" / "run.json").read_text())["drift"] is None


def test_a_batch_is_held_against_the_training_data(tmp_path: Path) -> None:
    """Two captures are too few to tell drift; that none has a dns.log is told all the same."""
    two_captures(tmp_path)
    result = scored(tmp_path, make_model(tmp_path / "told", reference=reference()))
    gone, few = result.warnings
    assert gone == "no capture has dns.log, which 95% of the training captures had"
    assert few.startswith("2 captures are too few to tell")
    assert "no capture has dns.log" in result.report.read_text("utf-8")
    drift = json.loads((tmp_path / "out" / "run.json").read_text())["drift"]
    assert (drift["captures"], drift["enough"]) == (2, False)
    assert drift["levels"]["connection"]["volume"]["nulls"] == 0


def test_scores_do_not_hang_on_how_they_are_explained(tmp_path: Path) -> None:
    """Verdicts and probabilities are those of the model without a reference."""
    model = two_captures(tmp_path)
    scored(tmp_path, model)
    before = pl.read_parquet(tmp_path / "out" / "connections.parquet")
    scored(tmp_path, make_model(tmp_path / "told", reference=reference()))
    after = pl.read_parquet(tmp_path / "out" / "connections.parquet")
    assert before.select("uid", "probability", "verdict").equals(
        after.select("uid", "probability", "verdict")
    )
