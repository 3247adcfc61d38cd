from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from ptml.engine import LocalEngine
from ptml.errors import BadData
from ptml.evaluate.judge import Judged, gap, judge
from ptml.evaluate.protocols import HeldOut, out_of_fold, refuse_leaks
from ptml.labels import label_connections
from ptml.train.dataset import load_dataset
from ptml.train.holdout import Holding, Plan, Rows, plan_splits
from ptml.train.spec import ModelSpec
from ptml.train.splits import Split
from tests.evaluate.builders import dataset
from tests.train.builders import Made, build_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ptml.train.dataset import Dataset
    from ptml.train.fit import Fitted
    from ptml.types import Holdout

FOREST = ModelSpec(name="x", estimator="random-forest", params={"n_estimators": 15})
QUICK = ModelSpec(name="x", estimator="logistic-regression")


def leaky(root: Path) -> Dataset:
    """Make captures that say nothing of their label, but whose rows resemble each other."""
    shifts = np.random.default_rng(2).permutation(np.linspace(-40, 40, 16))
    made = [
        Made(f"capture{i}", "malicious" if i % 2 else "benign", rows=30, shift=float(shift))
        for i, shift in enumerate(shifts)
    ]
    workspace = build_workspace(root, made)
    label_connections(workspace, engine=LocalEngine(1))
    return load_dataset(workspace, "connection", FOREST)


def confounded() -> Dataset:
    """Make two sources of each class whose feature tells the source, and the label within none."""
    sources = ["a", "b", "c", "d"]
    y, groups, source, values = [], [], [], []
    rng = np.random.default_rng(3)
    for number in range(32):
        which = number % 4
        share = (0.9, 0.9, 0.1, 0.1)[which]
        for _ in range(6):
            y.append(int(number // 4 % 8 < 8 * share))
            groups.append(number)
            source.append(sources[which])
            values.append((10.0, -10.0, 0.0, 20.0)[which] + rng.normal())
    return dataset(y, groups, source, values=np.array(values))


def plan_of(data: Dataset, protocol: Holdout, how: Holding) -> Plan:
    """Plan a protocol on a dataset."""
    return plan_splits(protocol, Rows(data.y, data.groups, data.keys), how)


def held_out(data: Dataset, protocol: Holdout, spec: ModelSpec = FOREST) -> HeldOut:
    """Predict each row with a model that has not seen its fold."""
    plan = plan_of(data, protocol, Holding(folds=4))
    return out_of_fold(spec, data, plan, max_false_positive_rate=0.05, seed=0)


def test_what_is_left_to_learn_from_does_not_turn_figures_round() -> None:
    """Where nothing tells the classes apart, every source gets the share of malicious rows.

    Without the source of malicious captures alone, benign ones are more: its captures would be called less
    likely malicious than those of the benign source, and figures put together would fall below guessing.
    """
    kinds = ["a"] * 8 + ["b"] * 8 + ["c", "d"] * 4
    y = [1] * 8 + [0] * 8 + [0, 0, 1, 1] * 2
    data = dataset(y, list(range(24)), kinds, values=np.zeros(24))
    rows = held_out(data, "leave-source-out", QUICK).rows
    assert rows["probability"].to_numpy() == pytest.approx(0.5, abs=0.02)


def judged(data: Dataset, protocol: Holdout, spec: ModelSpec = FOREST) -> Judged:
    """Hold out and judge."""
    return judge(held_out(data, protocol, spec), data, seed=0, draws=50)


def all_judged(
    data: Dataset, protocols: tuple[Holdout, ...], spec: ModelSpec = FOREST
) -> dict[Holdout, Judged]:
    """Judge by several protocols."""
    return {protocol: judged(data, protocol, spec) for protocol in protocols}


def test_random_folds_flatter_and_grouped_folds_do_not(tmp_path: Path) -> None:
    """Where captures can be recognised but not judged, random folds look good and grouped ones do not."""
    data = leaky(tmp_path)
    results = all_judged(data, ("grouped", "random"))
    areas = {name: found.result.metrics["roc_auc"].value for name, found in results.items()}
    assert areas["random"] is not None
    assert areas["grouped"] is not None
    assert areas["random"] > 0.8
    assert areas["grouped"] < 0.7
    flattery = gap(results)["grouped"]["roc_auc"]
    assert flattery.value == areas["random"] - areas["grouped"]
    assert flattery.low is not None
    assert flattery.high is not None
    assert 0 < flattery.low < flattery.value < flattery.high


def test_leaving_a_source_out_shows_what_grouped_folds_do_not() -> None:
    """Where a feature tells the source and the source the label, grouped folds flatter, too."""
    data = confounded()
    results = all_judged(data, ("grouped", "leave-source-out", "random"))
    areas = {name: found.result.metrics["roc_auc"].value or 0.0 for name, found in results.items()}
    assert areas["grouped"] > 0.8
    assert areas["leave-source-out"] < 0.6
    assert gap(results)["leave-source-out"]["roc_auc"].value == pytest.approx(
        areas["random"] - areas["leave-source-out"]
    )


def test_every_row_is_predicted_once_and_captures_stay_whole(tmp_path: Path) -> None:
    """Predictions are the dataset's rows, in order; each fold has one threshold; no capture is split."""
    data = leaky(tmp_path)
    found = held_out(data, "grouped").rows
    assert found.select(data.keys.columns).equals(data.keys)
    assert found.group_by("capture_id").agg(pl.col("fold").n_unique())["fold"].unique().to_list() == [1]
    assert found.group_by("fold").agg(pl.col("threshold").n_unique())["threshold"].unique().to_list() == [1]
    assert found.filter(
        (pl.col("verdict") == "malicious") != (pl.col("probability") >= pl.col("threshold"))
    ).is_empty()
    assert found["fold"].n_unique() == 4


def test_whoever_watches_sees_each_split_and_its_model() -> None:
    """The model that is shown gives the predictions of the rows that its split holds out."""
    data = dataset([0, 1] * 12, [number // 2 for number in range(24)])
    seen: list[tuple[Split, Fitted, NDArray[np.float64]]] = []
    plan = plan_of(data, "grouped", Holding(folds=3))
    found = out_of_fold(
        QUICK,
        data,
        plan,
        max_false_positive_rate=0.05,
        seed=0,
        watch=lambda *shown: seen.append(shown),
    )
    assert [split.name for split, _, _ in seen] == ["fold 1", "fold 2", "fold 3"]
    for split, fitted, given in seen:
        rows = found.rows["probability"].to_numpy()[split.test]
        assert given.tolist() == rows.tolist()
        assert fitted.probability(data.inputs[split.test]) == pytest.approx(rows)


def test_a_source_that_cannot_be_left_out_is_named_and_the_others_go_on() -> None:
    """Without source b only one class is left; without a all is well: a is judged, b has its reason."""
    y = [0] * 6 + [1] * 6 + [0] * 6
    data = dataset(y, list(range(18)), ["b"] * 12 + ["a"] * 6)
    found = held_out(data, "leave-source-out", QUICK)
    assert found.rows["source"].unique().to_list() == ["a"]
    assert [split.name for split in found.plan.splits] == ["a"]
    assert found.notes[-1].startswith("b could not be held out: ")
    assert found.positions.tolist() == list(range(12, 18))


def test_grouped_folds_that_cannot_be_made_are_not_half_made() -> None:
    """Grouped folds are all or nothing: a fold that leaves too little to calibrate within ends them."""
    data = dataset([0, 1] * 2, [0, 1, 2, 3])
    with pytest.raises(BadData, match="malicious and"):
        out_of_fold(
            QUICK,
            data,
            plan_of(data, "grouped", Holding(folds=2)),
            max_false_positive_rate=0.05,
            seed=0,
        )


def test_rows_learned_from_are_never_judged() -> None:
    """A plan that has a row, or a capture, on both sides is refused; the control may split captures."""
    one, groups = np.array([0, 1]), np.array([0, 0, 0])
    with pytest.raises(ValueError, match="rows of 'x' are learned from and held out"):
        refuse_leaks(Split("x", one, one), groups, safe=False)
    apart = Split("x", one, np.array([2]))
    with pytest.raises(ValueError, match="captures of 'x' are learned from and held out"):
        refuse_leaks(apart, groups, safe=True)
    refuse_leaks(apart, groups, safe=False)


def test_a_figure_is_refused_for_rows_learned_from() -> None:
    """Nothing is fitted, let alone judged, where a plan leaks."""
    data = dataset([0, 1] * 12, [number // 2 for number in range(24)])
    everything = np.arange(24)
    leak = Plan("grouped", (Split("all", everything, everything),))
    with pytest.raises(ValueError, match="learned from and held out"):
        out_of_fold(QUICK, data, leak, max_false_positive_rate=0.05, seed=0)


def test_the_gap_is_of_the_rows_that_both_hold_out() -> None:
    """By time fewer rows are held out: random folds are judged on the same, drawn as the same captures."""
    y = [0, 1] * 20
    data = dataset(y, list(range(40)), days=[float(day) for day in range(40)])
    results = all_judged(data, ("temporal", "random"), QUICK)
    common = set(results["temporal"].held_out.positions.tolist())
    assert len(common) < 40
    rows = results["random"].held_out.rows[sorted(common)]
    alone = judge(HeldOut(results["random"].held_out.plan, rows, np.array(sorted(common)), ()), data, seed=0)
    mine = results["temporal"].result.metrics["recall"].value
    theirs = alone.result.metrics["recall"].value
    assert mine is not None
    assert theirs is not None
    assert gap(results)["temporal"]["recall"].value == pytest.approx(theirs - mine)
