"""Policy `inherit-filtered`: what a fit leaves out, and that nothing held out has a say in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.engine import LocalEngine
from ptml.errors import BadData
from ptml.evaluate.protocols import INNER_FOLDS, out_of_fold
from ptml.labels import label_connections
from ptml.settings import LabelsSettings
from ptml.train import estimators, fit
from ptml.train.contacts import Contacts, leave_out_ordinary
from ptml.train.dataset import SHARED, load_dataset
from ptml.train.holdout import Holding, Rows, plan_splits
from ptml.train.spec import ModelSpec
from ptml.train.splits import assign_folds
from tests.labels.logs import publish_logs, talk_to
from tests.train.builders import Made, build_workspace, captures

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.train.dataset import Dataset
    from ptml.types import LabelPolicy

SPEC = ModelSpec(name="x", estimator="logistic-regression")
ROWS = 8
NAMES: list[str | None] = ["www.shop.example", "shop.example", "c2.evil.example", None] * (ROWS // 4)


def load(root: Path, names: dict[str, list[str | None]], policy: LabelPolicy = "inherit-filtered") -> Dataset:
    """Make six captures of each class whose connections present these server names; evil.example else."""
    made = captures(6, 6, rows=ROWS)
    workspace = build_workspace(root, made)
    for one in made:
        publish_logs(workspace, one, talk_to(one, names.get(one.name, ["evil.example"] * ROWS)))
    label_connections(workspace, LabelsSettings(policy=policy), engine=LocalEngine(1))
    return load_dataset(workspace, "connection", SPEC)


def benign_talk(*names: str | None) -> dict[str, list[str | None]]:
    """Let all benign captures present these names in turn, and the malicious ones NAMES."""
    turn = [names[i % len(names)] for i in range(ROWS)]
    return {f"good{i}": turn for i in range(6)} | {f"bad{i}": NAMES for i in range(6)}


def test_what_benign_captures_contact_is_left_out(tmp_path: Path) -> None:
    """By registered domain: malicious rows to shop.example go, those to evil.example and to nobody stay."""
    data = load(tmp_path, benign_talk("mail.shop.example", None))
    assert data.contacts is not None
    ordinary = data.contacts.ordinary(data.y)
    assert ordinary.sum() == 6 * ROWS / 2
    assert not ordinary[data.y == 0].any()
    assert data.counts()["excluded"] == {SHARED: 6 * ROWS // 2}
    assert "contacts" not in data.inputs.columns
    assert "contacts" not in data.keys.columns


def test_other_policies_filter_nothing(tmp_path: Path) -> None:
    """By policy `inherit` no contact is looked at."""
    assert load(tmp_path, benign_talk("shop.example"), "inherit").contacts is None


def held_out_twice(data: Dataset) -> pl.DataFrame:
    """Predict each row in two grouped folds."""
    plan = plan_splits("grouped", Rows(data.y, data.groups, data.keys), Holding(folds=2))
    return out_of_fold(SPEC, data, plan, max_false_positive_rate=0.1, seed=0).rows


def seen_by_fits(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[float, int]]]:
    """Evaluate in two grouped folds; give bytes, which no two rows share, and label of what each fit saw."""
    found: list[list[tuple[float, int]]] = []
    real = estimators.fit_pipeline

    def spy(spec: Any, contracts: Any, inputs: pl.DataFrame, y: Any, *rest: Any, **more: Any) -> Any:  # noqa: ANN401
        found.append(sorted(zip(inputs["bytes_sum"], y.tolist(), strict=True)))
        return real(spec, contracts, inputs, y, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(fit, "fit_pipeline", spy)
        held_out_twice(data)
    return sorted(found)


def test_held_out_captures_have_no_say_in_the_labels_learned_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the captures of the test fold contact, each fit without them learns from the same rows."""
    before = load(tmp_path / "a", benign_talk("bank.example"))
    folds = assign_folds("grouped", before.y, before.groups, 2, 0)
    ids = set(before.keys["capture_id"].filter(pl.Series(folds == 0)))
    held_out = {one.name for one in captures(6, 6) if one.capture_id in ids}
    assert {name.rstrip("012345") for name in held_out} == {"good", "bad"}
    shop: list[str | None] = ["shop.example"] * ROWS
    changed = {name: shop if name.startswith("good") else NAMES[::-1] for name in held_out}
    after = load(tmp_path / "b", benign_talk("bank.example") | changed)
    assert len(set(before.inputs["bytes_sum"])) == before.inputs.height
    one, other = seen_by_fits(before, monkeypatch), seen_by_fits(after, monkeypatch)
    rest = set(before.inputs["bytes_sum"].filter(pl.Series(folds == 1)))
    untouched = [[seen for seen in fits if {size for size, _ in seen} <= rest] for fits in (one, other)]
    assert untouched[0] == untouched[1]
    assert len(untouched[0]) == 1 + INNER_FOLDS["connection"]
    assert one != other, "the fits that do learn from the changed captures leave out rows"


def test_the_test_folds_own_labels_know_no_filter(tmp_path: Path) -> None:
    """Every row is judged by its inherited label, whether or not benign captures contact the same."""
    data = load(tmp_path, benign_talk("shop.example"))
    rows = held_out_twice(data)
    assert rows.height == 12 * ROWS
    assert rows["label"].value_counts().sort("label").rows() == [
        ("benign", 6 * ROWS),
        ("malicious", 6 * ROWS),
    ]


def test_when_nothing_is_left_it_is_said() -> None:
    """A fit whose malicious rows are all ordinary is refused, with what to do."""
    contacts = Contacts.of(pl.Series([["a"], ["a"]]))
    zeros = np.zeros(2, np.int64)
    with pytest.raises(BadData, match=r"leaves none of 1 malicious(.|\n)*labels\.policy=inherit"):
        leave_out_ordinary(contacts, zeros, np.array([0, 1], np.int8), np.ones(2), keep_group_weight=True)


CONTACT_LISTS = st.lists(
    st.tuples(st.lists(st.sampled_from("abcd"), max_size=3, unique=True), st.booleans()),
    min_size=1,
    max_size=12,
)


@given(CONTACT_LISTS, st.data())
def test_the_filter_is_what_sets_say(rows: list[tuple[list[str], bool]], data: st.DataObject) -> None:
    """For any rows taken: a malicious one is ordinary if its contacts are some, and all benign ones' too."""
    contacts = Contacts.of(pl.Series([names for names, _ in rows], dtype=pl.List(pl.String)))
    taken = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, unique=True))
    y = np.array([rows[i][1] for i in taken], np.int8)
    found = contacts.take(np.array(taken)).ordinary(y)
    benign = {name for i in taken if not rows[i][1] for name in rows[i][0]}
    expected = [bool(rows[i][1] and rows[i][0] and set(rows[i][0]) <= benign) for i in taken]
    assert found.tolist() == expected


def test_a_capture_weighs_the_same_whatever_is_left_of_it() -> None:
    """Where captures weigh the same, the rows left weigh as much as all did; where rows do, as before."""
    contacts = Contacts.of(pl.Series([["a"], ["a"], ["b"], ["c"]]))
    groups, y = np.array([0, 1, 1, 2]), np.array([0, 1, 1, 1], np.int8)
    weights = np.array([1.0, 0.5, 0.5, 1.0])
    rows, even = leave_out_ordinary(contacts, groups, y, weights, keep_group_weight=True)
    assert (rows.tolist(), even.tolist()) == ([0, 2, 3], [1.0, 1.0, 1.0])
    rows, as_before = leave_out_ordinary(contacts, groups, y, weights, keep_group_weight=False)
    assert as_before.tolist() == [1.0, 0.5, 1.0]


def test_private_addresses_are_nobody_in_common(tmp_path: Path) -> None:
    """Connections to 10.0.0.6 without a name are kept though benign captures talk to a 10.0.0.6, too."""
    data = load(tmp_path, {f"{kind}{i}": [None] * ROWS for kind in ("good", "bad") for i in range(6)})
    assert data.contacts is not None
    assert not data.contacts.ordinary(data.y).any()


def test_captures_that_were_never_parsed_are_not_filtered(tmp_path: Path) -> None:
    """Without logs no contact is known: nothing is left out."""
    workspace = build_workspace(tmp_path, [Made("b", "malicious"), Made("g")])
    label_connections(workspace, LabelsSettings(policy="inherit-filtered"), engine=LocalEngine(1))
    assert load_dataset(workspace, "connection", SPEC).contacts is None
