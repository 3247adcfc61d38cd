from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from ptml.artifact import AuditMark
from ptml.train.audit import CHECKS, audit_dataset, audited, fingerprint_of, mark_of, worst
from ptml.train.audit.duplicates import row_hashes
from ptml.train.audit.results import Audit
from ptml.train.audit.subject import Subject
from tests.train.audit.datasets import ROWS, clean, number, taken, with_feature, with_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptml.artifact import FeatureContract
    from ptml.train.audit import Finding
    from ptml.train.dataset import Dataset


def one(data: Dataset, name: str) -> Finding:
    """Run one check."""
    (check,) = (check for check in CHECKS if check.name == name)
    return check.finding(Subject(data))


def test_a_flood_does_not_decide_about_a_feature() -> None:
    """A capture of 2,000 rows that a feature gives away leaves the light green: it is one capture of 65."""
    data, flood = clean(), clean(seed=4, captures=1, rows=2000)
    flood = with_feature(flood, "mean_packet_gap", np.full(2000, 1e9))
    data = replace(
        data,
        inputs=pl.concat([data.inputs, flood.inputs]),
        y=np.concatenate([data.y, np.ones(2000, np.int8)]),
        keys=pl.concat([data.keys, flood.keys]),
        groups=np.concatenate([data.groups, np.full(2000, 64)]),
    )
    row_by_row = float(np.mean(data.y[number(data, "mean_packet_gap") > 1e8]))
    found = one(data, "single-feature")
    assert row_by_row == 1
    assert found.light == "green"


def test_nearly_equal_rows_of_many_features_are_found() -> None:
    """With 200 features and changes of a tenth of a percent most copies still fall into one step."""
    rng = np.random.default_rng(1)
    original = rng.lognormal(3, 2, (100, 200))
    rows = np.concatenate([original, original * (1 + rng.uniform(-0.001, 0.001, original.shape))])
    inputs = pl.DataFrame(rows.astype(np.float32), schema=[f"f{i}" for i in range(200)])
    base = taken(clean(captures=20, rows=10), np.arange(200))
    contracts = tuple(named(base, name) for name in inputs.columns)
    data = replace(base, inputs=inputs, contracts=contracts)
    same = [
        (row_hashes(data, offset)[:100] == row_hashes(data, offset)[100:]).to_numpy() for offset in (0, 0.5)
    ]
    assert (same[0] | same[1]).mean() > 0.7
    assert row_hashes(data).n_unique() == 200


def named(data: Dataset, name: str) -> FeatureContract:
    """Give the contract of a number by another name."""
    return data.contracts[0].model_copy(update={"name": name})


def test_unavoidable_error_by_hand() -> None:
    """Of 64 captures of a row three have the same row, one of them benign: that one, or two, will be lost."""
    data = clean(rows=1)
    inputs = data.inputs.clone()
    equal = inputs[:1]
    inputs = pl.concat([equal, equal, inputs[2:3], equal, inputs[4:]])
    found = one(replace(data, inputs=inputs), "label-conflicts")
    assert found.figures["share"] == pytest.approx(3 / 64, abs=1e-4)
    assert found.figures["unavoidable_error"] == pytest.approx(1 / 64, abs=1e-4)


def test_pairs_of_copies_are_named() -> None:
    """The table names both captures, and how many rows they share."""
    data = clean()
    inputs = pl.concat([data.inputs[ROWS : 2 * ROWS], data.inputs[ROWS:]])
    found = one(replace(data, inputs=inputs), "exact-duplicates")
    assert found.table is not None
    assert set(found.table.rows) == {
        (f"c{0:016x}", f"c{1:016x}", ROWS, 1.0),
        (f"c{1:016x}", f"c{0:016x}", ROWS, 1.0),
    }


def without_times(data: Dataset) -> Dataset:
    """Let no capture say when it was made."""
    return with_key(data, "ts", [None] * len(data.y))


def without_hosts(data: Dataset) -> Dataset:
    """Let no host be known."""
    return with_key(data, "host", [None] * len(data.y))


def without_families(data: Dataset) -> Dataset:
    """Let no family be named."""
    return with_key(data, "family", [None] * len(data.y))


def two_captures(data: Dataset) -> Dataset:
    """Keep one capture of each class."""
    return taken(data, data.groups < 2)


def of_nulls(data: Dataset) -> Dataset:
    """Let no feature have a value."""
    return replace(data, inputs=data.inputs.clear(len(data.y)))


@pytest.mark.parametrize(
    ("plant", "check", "reason"),
    [
        (without_times, "time-tells-label", "too few captures say when"),
        (without_times, "time-drift", "20 captures that say when"),
        (without_hosts, "host-tells-label", "no host is known"),
        (without_families, "family-balance", "no family is named"),
        (two_captures, "ports-alone", "3 folds need at least 3 captures"),
        (two_captures, "fold-spread", "3 folds need at least 3 captures"),
        (two_captures, "source-in-features", "fewer than two sources"),
    ],
)
def test_what_cannot_be_checked_says_why(
    plant: Callable[[Dataset], Dataset], check: str, reason: str
) -> None:
    """Where the data do not allow a check it has no light, and gives the reason."""
    found = one(plant(clean()), check)
    assert found.light is None
    assert found.says.startswith("not checked: ")
    assert reason in found.says


@pytest.mark.parametrize("plant", [without_times, two_captures, of_nulls])
def test_poor_datasets_are_audited_to_the_end(plant: Callable[[Dataset], Dataset]) -> None:
    """No times, two captures, nothing but nulls: every check gives a light or a reason."""
    found = audit_dataset(plant(clean()))
    assert [finding.check for finding in found.findings] == [check.name for check in CHECKS]
    assert type(found).model_validate_json(found.model_dump_json()) == found


def test_captures_as_a_whole_are_audited() -> None:
    """One row a capture, without hosts: the clean set is green there, too."""
    data = without_hosts(clean(rows=1, captures=120))
    found = {
        finding.check: finding.light for finding in audit_dataset(replace(data, level="capture")).findings
    }
    assert found.pop("host-tells-label") is None
    assert set(found.values()) == {"green"}


def test_the_same_again_gives_the_same() -> None:
    """An audit depends on the dataset and the seed alone."""
    assert audit_dataset(clean()) == audit_dataset(clean())


@pytest.mark.parametrize(
    "change",
    [
        lambda data: replace(data, y=1 - data.y),
        lambda data: replace(data, groups=data.groups[::-1]),
        lambda data: with_key(data, "source", ["x"] * len(data.y)),
        lambda data: with_feature(data, "duration", number(data, "duration") + 1),
        lambda data: replace(data, contracts=(named(data, "other"), *data.contracts[1:])),
    ],
)
def test_a_changed_dataset_has_another_fingerprint(change: Callable[[Dataset], Dataset]) -> None:
    """Labels, groups, keys, values and names of features all count; so does the seed."""
    data = clean()
    prints = {fingerprint_of(data), fingerprint_of(change(data)), fingerprint_of(data, seed=1)}
    assert len(prints) == 3
    assert fingerprint_of(clean()) == fingerprint_of(data)


def test_an_audit_of_the_same_dataset_is_reused() -> None:
    """What is there of this very dataset is given back as it is; of another it is not."""
    known = audit_dataset(clean()).model_copy(update={"light": "red"})
    old = Audit(ptml_version="1", light="red", levels={"connection": known})
    assert audited(clean(), old) is known
    assert audited(clean(1), old).light == "green"


def test_the_mark_gives_the_worst_first() -> None:
    """The mark has the worst light of all levels, and its reasons name level and check, red ones first."""
    found = audit_dataset(with_key(clean(), "source", np.where(clean().y == 1, "trap", "simulator").tolist()))
    mark = mark_of({"connection": found})
    assert mark.light == worst(["amber", "red"]) == "red"
    assert mark.reasons[0].startswith("red, connections: ")
    assert mark_of({}) == AuditMark(light="green")
