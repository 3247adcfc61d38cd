"""How well the family of malicious captures is named, and whether one never seen comes out as unknown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptml.errors import BadData
from ptml.evaluate.bootstrap import DRAWS, estimate
from ptml.evaluate.parts import Estimate, FamilyNaming, NamedFamily
from ptml.evaluate.protocols import INNER_FOLDS
from ptml.train.family import (
    RARE,
    codes_of,
    families_to_name,
    family_folds,
    family_sizes,
    fit_families,
    named_rows,
)
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ptml.train.dataset import Dataset
    from ptml.train.family import FittedFamilies
    from ptml.train.spec import ModelSpec
    from ptml.types import Progress

UNKNOWN = "unknown"
TOP = 3


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered on captures held out.

    Attributes:
        code: Number of each capture's family; `RARE` for those that cannot be named.
        rank: At which place its family came, 0 for the first; beyond all for rare ones.
        answer: Number of the family that it was named as; `RARE` for unknown.
    """

    code: NDArray[np.int64]
    rank: NDArray[np.int64]
    answer: NDArray[np.int64]

    @classmethod
    def of(cls, log_odds: NDArray[np.float64], code: NDArray[np.int64], named: NDArray[np.bool_]) -> Answers:
        """Rank families by their log-odds.

        >>> Answers.of(np.array([[0.1, 0.9], [0.1, 0.9]]), np.array([0, -1]), np.array([True, False]))
        Answers(code=array([ 0, -1]), rank=array([1, 2]), answer=array([ 1, -1]))
        """
        order = np.argsort(-log_odds, axis=1, kind="stable")
        is_it = order == code[:, None]
        rank = np.where(is_it.any(axis=1), is_it.argmax(axis=1), log_odds.shape[1])
        return cls(code, rank, np.where(named, order[:, 0], RARE))


def judge_naming(
    spec: ModelSpec, data: Dataset, *, folds: int, seed: int, progress: Progress = silent
) -> FamilyNaming:
    """Name the family of each malicious capture by what was fitted without its group, and without its family.

    Args:
        spec: The model spec; it has a `family`.
        data: The captures.
        folds: Folds of whole groups, at most.
        seed: Seed of everything random.
        progress: Called as the work goes on.

    Raises:
        BadData: Fewer than two families have enough captures.
    """
    rows = named_rows(data, np.flatnonzero(~data.unknown))
    sizes = family_sizes(data, rows)
    families = families_to_name(sizes, spec)
    code = codes_of(data.keys["family"].gather(rows), families)
    folds = min(folds, *(sizes[name] for name in families))
    fold_of = family_folds(code, data.groups[rows], folds, seed)
    log_odds = np.empty((len(rows), len(families)))
    named = np.empty(len(rows), np.bool_)
    for fold in range(folds):
        progress("capture: naming families", fold, folds)
        at = fold_of == fold
        fitted = _fit(spec, data, rows[~at], seed, families)
        log_odds[at] = fitted.log_odds(data.inputs[rows[at]])
        named[at] = _named(fitted, log_odds[at])
    found = Answers.of(log_odds, code, named)
    unseen, notes = _unseen(spec, data, rows, code, families, seed=seed, progress=progress)
    return FamilyNaming(
        captures=int((code != RARE).sum()),
        rare=int((code == RARE).sum()),
        unnamed=int(data.y[~data.unknown].sum()) - len(rows),
        metrics=naming_metrics(found, data.groups[rows], len(families), unseen, seed),
        families=_one_by_one(found, families, unseen),
        too_few={name: size for name, size in sizes.items() if name not in families},
        answers=(*families, UNKNOWN),
        confusion=_confusion(found, len(families)),
        notes=notes,
    )


def _fit(
    spec: ModelSpec, data: Dataset, rows: NDArray[np.int64], seed: int, families: Sequence[str]
) -> FittedFamilies:
    return fit_families(spec, data, rows, folds=INNER_FOLDS["capture"], seed=seed, families=families)


def _named(fitted: FittedFamilies, log_odds: NDArray[np.float64]) -> NDArray[np.bool_]:
    named: NDArray[np.bool_] = fitted.part.answers(log_odds)["family"].is_not_null().to_numpy()
    return named


def _unseen(
    spec: ModelSpec,
    data: Dataset,
    rows: NDArray[np.int64],
    code: NDArray[np.int64],
    families: Sequence[str],
    *,
    seed: int,
    progress: Progress,
) -> tuple[dict[str, list[str | None]], tuple[str, ...]]:
    """Give what the captures of each family are named as by what has learned from no group of theirs."""
    found: dict[str, list[str | None]] = {}
    notes: list[str] = []
    for number, family in enumerate(families):
        progress("capture: families never seen", number, len(families))
        its = code == number
        learn = rows[~np.isin(data.groups[rows], data.groups[rows[its]])]
        others = [name for name in families if name != family]
        try:
            fitted = _fit(spec, data, learn, seed, others)
        except BadData as error:
            notes.append(f"{family} could not be left out: {error.message}")
            continue
        answers = fitted.part.answers(fitted.log_odds(data.inputs[rows[its]]))
        found[family] = answers["family"].to_list()
    progress("capture: families never seen", len(families), len(families))
    return found, tuple(notes)


def naming_metrics(
    found: Answers,
    groups: NDArray[np.int64],
    families: int,
    unseen: Mapping[str, Sequence[str | None]],
    seed: int,
) -> dict[str, Estimate]:
    """Measure names, with intervals from draws of whole groups of captures.

    Args:
        found: What was answered.
        groups: Group of each capture.
        families: How many families can be named.
        unseen: What captures of each family were named as by what had never seen it.
        seed: Seed of the draws.
    """
    known, named = found.code != RARE, found.answer != RARE
    right = named & (found.code == found.answer)
    shares = {
        "top_1": (known & (found.rank == 0), known),
        "top_3": (known & (found.rank < TOP), known),
        "named": (known & named, known),
        "right": (right, named),
        "rare_unknown": (~known & ~named, ~known),
    }
    _, group = np.unique(groups, return_inverse=True)
    count = int(group.max()) + 1
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=DRAWS)
    times = np.vstack([np.ones(count, np.int64), draws])[:, group]  # the first: every group once
    result = {}
    for name, (part, whole) in shares.items():
        with np.errstate(invalid="ignore"):
            values = (times @ part) / (times @ whole)
        result[name] = _estimate(values)
    each = np.arange(families)
    its, as_it = found.code[:, None] == each, found.answer[:, None] == each
    with np.errstate(invalid="ignore"):
        f1 = 2 * (times @ (its & as_it)) / (times @ its + times @ as_it)
    drawn = times @ its > 0
    result["macro_f1"] = _estimate(np.where(drawn, f1, 0).sum(axis=1) / np.maximum(drawn.sum(axis=1), 1))
    answers = [name for names in unseen.values() for name in names]
    result["unseen_unknown"] = (
        Estimate(value=answers.count(None) / len(answers), reason="too few families for an interval")
        if answers
        else Estimate(value=None, reason="no family could be left out")
    )
    return result


def _estimate(values: NDArray[np.float64]) -> Estimate:
    if np.isnan(values[0]):
        return Estimate(value=None, reason="there is none to judge")
    return estimate(float(values[0]), values[1:])


def _one_by_one(
    found: Answers, families: Sequence[str], unseen: Mapping[str, Sequence[str | None]]
) -> tuple[NamedFamily, ...]:
    result = []
    for number, family in enumerate(families):
        its, as_it = found.code == number, found.answer == number
        named = int((its & as_it).sum())
        answers = unseen.get(family)
        others = Counter(name for name in answers or () if name is not None)
        result.append(
            NamedFamily(
                family=family,
                captures=int(its.sum()),
                first=int((its & (found.rank == 0)).sum()),
                named=named,
                named_other=int((its & (found.answer != RARE)).sum()) - named,
                precision=named / int(as_it.sum()) if as_it.any() else None,
                unseen=None if answers is None else list(answers).count(None),
                unseen_as=min(others, key=lambda name: (-others[name], name)) if others else None,
            )
        )
    return tuple(result)


def _confusion(found: Answers, families: int) -> tuple[tuple[int, ...], ...]:
    """Count captures by family and answer; rare families are the last row, unknown the last column."""
    counts = np.zeros((families + 1, families + 1), np.int64)
    np.add.at(counts, (found.code, found.answer), 1)  # RARE is -1: the last
    return tuple(tuple(row) for row in counts.tolist())
