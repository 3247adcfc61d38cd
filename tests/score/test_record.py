"""Claims about what is recorded of a batch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ptml.artifact import AuditMark
from ptml.errors import BadData
from ptml.score.record import model_facts, model_record, read_evaluation
from tests.score.captures import make_model

if TYPE_CHECKING:
    from pathlib import Path


def evaluation(path: Path, fingerprint: str) -> Path:
    """Write what matters here of an evaluation."""
    area = {"value": 0.75, "low": None, "high": None, "reason": None}
    levels = {"connection": {"data": {}, "protocols": {"grouped": {"metrics": {"roc_auc": area}}}}}
    path.write_text(json.dumps({"model_fingerprint": fingerprint, "levels": levels}))
    return path


def test_an_evaluation_of_this_model_is_quoted(tmp_path: Path) -> None:
    """The page says what was measured on captures held out."""
    model = make_model(tmp_path / "tiny")
    path = evaluation(tmp_path / "evaluation.json", model.manifest.fingerprint)
    assert read_evaluation(path, model) == "On captures held out whole: connections ROC-AUC 0.750."


def test_an_evaluation_of_another_model_is_not_quoted(tmp_path: Path) -> None:
    """Figures of an earlier model of the same name say nothing about this one; nor does a missing file."""
    model = make_model(tmp_path / "tiny")
    assert read_evaluation(evaluation(tmp_path / "evaluation.json", "another"), model) is None
    assert read_evaluation(tmp_path / "missing.json", model) is None
    assert read_evaluation(None, model) is None


def test_a_file_that_is_no_evaluation_is_an_error(tmp_path: Path) -> None:
    """Something else under that name is named, not passed over."""
    (tmp_path / "evaluation.json").write_text("{}")
    with pytest.raises(BadData, match=r"evaluation.json is not an evaluation"):
        read_evaluation(tmp_path / "evaluation.json", make_model(tmp_path / "tiny"))


def test_the_model_is_recorded_with_its_hash_and_thresholds(tmp_path: Path) -> None:
    """From the record alone one can tell which model judged, and where it drew the line."""
    record = model_record(make_model(tmp_path / "tiny", threshold=0.25))
    assert record["name"] == "tiny"
    assert len(record["sha256"]) == 64
    assert record["thresholds"] == {"connection": 0.25, "capture": 0.25}


def test_the_model_brings_the_mark_of_its_data(tmp_path: Path) -> None:
    """Record and facts say what the audit of the training data found; without one they say that, too."""
    mark = AuditMark(light="red", reasons=("red, captures: How many captures there are: 6 and 6",))
    marked, unmarked = make_model(tmp_path / "red", audit=mark), make_model(tmp_path / "old")
    assert model_record(marked)["audit"] == {"light": "red", "reasons": list(mark.reasons)}
    assert model_record(unmarked)["audit"] is None
    facts = dict(model_facts(marked))
    assert facts["Audit of its training data"] == "red"
    assert facts["Audit: red, captures"] == "How many captures there are: 6 and 6"
    assert dict(model_facts(unmarked))["Audit of its training data"] == "none was made"


def test_the_facts_say_how_the_threshold_was_chosen(tmp_path: Path) -> None:
    """A reader sees the threshold, the false alarms aimed at, and those met on held-out captures."""
    facts = dict(model_facts(make_model(tmp_path / "tiny", threshold=0.25)))
    assert facts["Threshold for connections"] == (
        "0.250, chosen for at most 1.00% false alarms; on training captures held out 1.00% were, "
        "and 50.0% of malicious connections were found"
    )
