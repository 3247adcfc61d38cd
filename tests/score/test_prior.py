"""Claims about probabilities at a base rate: odds change by one factor, verdicts do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.errors import ModelMismatch
from tests.score.captures import make_model, sigmoid
from tests.score.test_stage import scored, two_captures

if TYPE_CHECKING:
    from pathlib import Path


def test_odds_change_by_the_quotient_of_the_odds_of_the_rates(tmp_path: Path) -> None:
    """From one half to one in ten all odds fall to a ninth: log-odds less ln 9; a half becomes a tenth."""
    two_captures(tmp_path)
    scored(tmp_path, make_model(tmp_path / "half", prior=0.5), base_rate=0.1)
    table = pl.read_parquet(tmp_path / "out" / "connections.parquet")
    found = {row["uid"]: row for row in table.iter_rows(named=True)}
    assert found["D5"]["probability"] == pytest.approx(0.1, abs=1e-9)
    odds = sigmoid(2) / (1 - sigmoid(2)) / 9
    assert found["D7"]["probability"] == pytest.approx(odds / (1 + odds), abs=1e-6)
    assert table["threshold"].to_list() == pytest.approx([0.1] * len(found))


@pytest.mark.parametrize("stack", [False, True])
def test_verdicts_and_order_stay(tmp_path: Path, stack: bool) -> None:
    """The same connections and captures are called malicious at one in a thousand as without a rate."""
    two_captures(tmp_path)
    model = make_model(tmp_path / "half", prior=0.5, stack=stack)
    before = scored(tmp_path, model)
    learned = pl.read_parquet(tmp_path / "out" / "connections.parquet")
    after = scored(tmp_path, model, base_rate=0.001)
    turned = pl.read_parquet(tmp_path / "out" / "connections.parquet")
    assert learned["verdict"].to_list() == turned["verdict"].to_list()
    assert learned["probability"].arg_sort().to_list() == turned["probability"].arg_sort().to_list()
    assert [row["verdict"] for row in before.captures] == [row["verdict"] for row in after.captures]
    assert all(
        one["probability"] > other["probability"]
        for one, other in zip(before.captures, after.captures, strict=True)
    )
    assert not after.unchanged  # scores at another rate are not taken over from an earlier run


def test_a_model_that_knows_no_rate_refuses(tmp_path: Path) -> None:
    """A model from before the share of malicious rows was recorded cannot be corrected."""
    with pytest.raises(ModelMismatch, match="how common malicious rows were"):
        scored(tmp_path, two_captures(tmp_path), base_rate=0.1)
