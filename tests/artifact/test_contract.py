from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.artifact import Calibration, FeatureContract
from ptml.artifact.contract import parse_manifest
from ptml.errors import BadData, ModelMismatch
from tests.artifact.builders import draft

PATH = Path("manifest.json")
FILE = {"file": "connection-0123456789ab.skops", "sha256": "0" * 64}
STACK = {"inputs": ["features"], "middles": [0], "spreads": [1], "weights": [1], "intercept": 0}
CONTRACTS = (FeatureContract(name="duration", dtype="Float32"),)


def whole(**changes: object) -> dict[str, object]:
    """Write a manifest as it lies in a model's folder."""
    value = draft(CONTRACTS)
    level = {**value["levels"]["connection"], "features": [{"name": "duration", "dtype": "Float32"}], **FILE}
    return {**value, "manifest_version": 1, "levels": {"connection": {**level, **changes}}}


def test_a_whole_manifest_is_read() -> None:
    """What is written is what is read."""
    assert parse_manifest(PATH, whole()).levels["connection"].features == CONTRACTS


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20), st.floats(1e-3, 50), st.floats(-50, 50))
def test_calibration_keeps_order(log_odds: list[float], slope: float, intercept: float) -> None:
    """A higher log-odds never gives a lower probability, and every probability lies within 0 and 1."""
    found = Calibration(slope=slope, intercept=intercept).apply(np.sort(log_odds))
    assert (np.diff(found) >= 0).all()
    assert (found >= 0).all()
    assert (found <= 1).all()


def test_calibration_equals_the_sigmoid() -> None:
    """At slope 2 and intercept -1, log-odds 1 means e / (1 + e)."""
    found = Calibration(slope=2.0, intercept=-1.0).apply(np.array([1.0]))
    assert found[0] == pytest.approx(0.7310585786300049, abs=1e-15)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"calibration": {"slope": -1.0, "intercept": 0.0}}, "calibration.slope"),
        ({"calibration": {"kind": "isotonic", "log_odds": [1, 0], "probabilities": [0, 1]}}, "must rise"),
        ({"calibration": {"kind": "isotonic", "log_odds": [0, 1], "probabilities": [1, 0]}}, "must rise"),
        ({"calibration": {"kind": "isotonic", "log_odds": [0], "probabilities": [2]}}, "probabilities"),
        ({"calibration": {"kind": "isotonic", "log_odds": [0], "probabilities": []}}, "of one length"),
        ({"calibration": {"kind": "isotonic"}}, "and no other, has points"),
        ({"calibration": {"log_odds": [0], "probabilities": [0.5]}}, "and no other, has points"),
        ({"calibration": {"kind": "none", "slope": 2}}, "belong to the sigmoid"),
        ({"thresholds": {"x": {}}}, "either a threshold or the reason"),
        ({"thresholds": {"x": {"threshold": 0.5, "reason": "y"}}}, "either a threshold or the reason"),
        ({"file": None}, "belong to a level"),
        ({"sha256": None}, "belong to a level"),
        ({"stack": STACK}, "only captures have connections"),
        ({"threshold": float("nan")}, "threshold"),
        ({"file": "../../etc/passwd"}, "file"),
        ({"features": []}, "belong to a level"),
        ({"trusted": ["os.system"]}, "trusted"),
    ],
)
def test_an_edited_manifest_is_refused(changes: dict[str, object], fault: str) -> None:
    """A slope that would turn the order round, a path, no features, unknown keys: each is named."""
    with pytest.raises(BadData, match=fault):
        parse_manifest(PATH, whole(**changes))


def test_pooled_captures_need_connections() -> None:
    """A level of captures that rests on connections is refused where there is no level of connections."""
    value = whole(stack=STACK)
    levels = value["levels"]
    assert isinstance(levels, dict)
    with pytest.raises(BadData, match="there is no level for these"):
        parse_manifest(PATH, {**value, "levels": {"capture": levels["connection"]}})


def test_a_manifest_with_identity_is_refused() -> None:
    """A model whose manifest lists an address among its features is not loaded."""
    features = [{"name": "id.orig_h", "dtype": "String"}]
    with pytest.raises(ModelMismatch, match=r"'id\.orig_h'"):
        parse_manifest(PATH, whole(features=features))


def test_another_version_says_so() -> None:
    """A manifest of another version asks to train again."""
    with pytest.raises(ModelMismatch, match="version 9; this ptml reads version 1"):
        parse_manifest(PATH, {**whole(), "manifest_version": 9})


def test_a_missing_level_is_named() -> None:
    """Asking for a level that was not trained says which there are."""
    with pytest.raises(ModelMismatch, match="no capture level; it has 'connection'"):
        parse_manifest(PATH, whole()).level("capture")
