"""Plans of what is held out when: by capture, by time, by family, by source, and at random as the control.

Whatever a protocol holds out, no group has rows on both sides: a row is held out together with its group, or
else its group is not learned from. Only the control breaks this, which is what it is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.errors import BadData
from ptml.train.splits import Protocol, Split, assign_folds
from ptml.train.windows import temporal_splits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ptml.types import Holdout

NAMED = 3
FEWEST_SOURCES = 2


@dataclass(frozen=True, slots=True)
class Rows:
    """What is known of the rows of a dataset without their features.

    Attributes:
        y: 1 for malicious, 0 for benign.
        groups: Group of each row.
        keys: capture_id, source, family and ts of each; `period` where periods were named.
    """

    y: NDArray[np.int8]
    groups: NDArray[np.int64]
    keys: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Holding:
    """How a protocol holds rows out.

    Attributes:
        folds: Folds of grouped and random, windows of temporal.
        seed: Seed of whatever is drawn.
        max_splits: Times that sources, and families, are held out at most; small ones then go together.
        min_family_captures: Captures that a family needs to be held out.
    """

    folds: int = 5
    seed: int = 0
    max_splits: int = 10
    min_family_captures: int = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """The splits of a protocol, none of which holds out a row that another does; and what to know of them."""

    protocol: Holdout
    splits: tuple[Split, ...]
    notes: tuple[str, ...] = ()


def plan_splits(protocol: Holdout, rows: Rows, how: Holding) -> Plan:
    """Decide which rows are held out when.

    Args:
        protocol: What is held out together.
        rows: The rows, without their features.
        how: How often, and with which bounds.

    Raises:
        BadData: The data does not allow this protocol: too few captures of a class, one source only, no
            family with enough captures, no times.
    """
    match protocol:
        case "grouped" | "random":
            return Plan(protocol, _fold_splits(protocol, rows, how))
        case "temporal":
            splits, notes = temporal_splits(rows.y, rows.groups, rows.keys, how.folds)
            return Plan(protocol, splits, notes)
        case "leave-source-out":
            return source_splits(rows, how)
        case "leave-family-out":
            return family_splits(rows, how)


def _fold_splits(protocol: Protocol, rows: Rows, how: Holding) -> tuple[Split, ...]:
    fold_of = assign_folds(protocol, rows.y, rows.groups, how.folds, how.seed)
    return tuple(Split.of(f"fold {fold + 1}", fold_of != fold, fold_of == fold) for fold in range(how.folds))


def source_splits(rows: Rows, how: Holding) -> Plan:
    """Hold out each source; where there are many, small ones together.

    A group that another source has rows in, too, is not learned from while either is held out.

    >>> keys = pl.DataFrame({"capture_id": ["a", "b", "c"], "source": ["x", "y", "y"]})
    >>> plan = source_splits(Rows(np.array([0, 1, 0], np.int8), np.arange(3), keys), Holding())
    >>> [(split.name, split.test.tolist()) for split in plan.splits]
    [('y', [1, 2]), ('x', [0])]

    Raises:
        BadData: There is one source only.
    """
    sizes = _captures(rows.keys, "source")
    if len(sizes) < FEWEST_SOURCES:
        raise BadData(
            f"leaving a source out needs two sources; there is {len(sizes)}",
            hint="add captures that somebody else published",
        )
    bundles = bundle(sizes, how.max_splits)
    sources = rows.keys["source"]
    splits = []
    for names in bundles:
        test = sources.is_in(list(names)).to_numpy()
        splits.append(Split.of(_together(names), ~_touched(rows.groups, test), test))
    return Plan("leave-source-out", tuple(splits), _bundled("sources", bundles))


def family_splits(rows: Rows, how: Holding) -> Plan:
    """Hold out each family that has enough captures, with a share of the benign captures beside it.

    Malicious rows without a family, and those of smaller families, are learned from and never held out.

    Raises:
        BadData: No family has enough captures.
    """
    malicious = rows.y == 1
    family = rows.keys["family"].to_numpy().astype(object)
    sizes = _captures(rows.keys.filter(pl.Series(malicious)).drop_nulls("family"), "family")
    known = {name: size for name, size in sizes.items() if size >= how.min_family_captures}
    if not known:
        raise BadData(
            f"no family has {how.min_family_captures} captures; there are {len(sizes)} families",
            hint="name the families of malicious captures in the catalog, or lower `min_family_captures`",
        )
    bundles = bundle(known, how.max_splits)
    number = {name: index for index, names in enumerate(bundles) for name in names}
    attack = np.where(malicious, [number.get(name, -1) for name in family], -1)
    home = _homes(rows, attack, len(bundles), how.seed)
    splits = []
    for index, names in enumerate(bundles):
        test = (attack == index) | (~malicious & (home[rows.groups] == index))
        splits.append(Split.of(_together(names), ~_touched(rows.groups, test), test))
    notes = _bundled("families", bundles)
    if len(known) < len(sizes):
        few = f"{len(sizes) - len(known)} of {len(sizes)} families have fewer than "
        notes += (f"{few}{how.min_family_captures} captures and are learned from, never held out",)
    return Plan("leave-family-out", tuple(splits), notes)


def _homes(rows: Rows, attack: NDArray[np.int64], bundles: int, seed: int) -> NDArray[np.int64]:
    """Say with which bundle each group's benign rows are held out: its attack's, else any; -1 for never."""
    count = int(rows.groups.max()) + 1
    attacked = np.zeros((count, bundles), np.int64)
    np.add.at(attacked, (rows.groups[attack >= 0], attack[attack >= 0]), 1)
    home = np.where(attacked.any(axis=1), attacked.argmax(axis=1), -1)
    benign = np.setdiff1d(np.unique(rows.groups), np.unique(rows.groups[rows.y == 1]))
    home[np.random.default_rng(seed).permutation(benign)] = np.arange(len(benign)) % bundles
    return home


def bundle(sizes: Mapping[str, int], most: int) -> list[tuple[str, ...]]:
    """Put names into at most so many bundles of about the same size, the largest first.

    >>> bundle({"a": 5, "b": 3, "c": 2}, 2)
    [('a',), ('b', 'c')]
    """
    bundles: list[tuple[int, list[str]]] = [(0, []) for _ in range(min(most, len(sizes)))]
    for name, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        smallest = min(range(len(bundles)), key=lambda index: bundles[index][0])
        total, names = bundles[smallest]
        bundles[smallest] = (total + size, [*names, name])
    return [tuple(names) for _, names in bundles]


def _captures(keys: pl.DataFrame, by: str) -> dict[str, int]:
    counted = keys.group_by(by).agg(pl.col("capture_id").n_unique()).sort(by)
    return dict(counted.iter_rows())


def _touched(groups: NDArray[np.int64], test: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell the rows of all groups that have a row held out."""
    has = np.zeros(int(groups.max()) + 1, np.bool_)
    has[groups[test]] = True
    return has[groups]


def _together(names: Sequence[str]) -> str:
    """Name a bundle.

    >>> _together(["a", "b", "c", "d", "e"])
    'a + b + c + 2 more'
    """
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return " + ".join([*names[:NAMED], *more])


def _bundled(what: str, bundles: Sequence[Sequence[str]]) -> tuple[str, ...]:
    total = sum(map(len, bundles))
    if total == len(bundles):
        return ()
    text = (
        f"{total} {what} were held out in {len(bundles)} bundles, small ones together: "
        "a model that judges one of them has seen none of its bundle"
    )
    return (text,)
