"""Naming the family of malicious captures: one estimator a family, each of which may say no.

Only malicious captures are learned from. A classifier that must choose among the families it knows gives one
of them to every capture; here each family has an estimator of the spec's kind that tells it from all other
malicious captures, and where none is sure enough the family is unknown. How sure is enough is chosen on
captures held out, those of families too rare to be named among them: for these, unknown is the right answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ptml.artifact import FamilyFigures, FamilyManifest, family_log_odds, first_of, log_odds
from ptml.errors import BadData
from ptml.train.calibrate import fit_calibration
from ptml.train.estimators import fit_pipeline
from ptml.train.fit import side_by_side
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    from ptml.train.dataset import Dataset
    from ptml.train.spec import ModelSpec
    from ptml.types import Progress

RARE = -1
"""Number of every family that cannot be named."""
FEWEST = 2
NEVER = -np.inf
"""Log-odds of a family that a fold leaves nothing to learn from."""


@dataclass(frozen=True, slots=True)
class FittedFamilies:
    """What names families.

    Attributes:
        pipelines: A fitted pipeline a family.
        part: What a model's manifest says of it, but for its file.
    """

    pipelines: tuple[Pipeline, ...]
    part: FamilyManifest

    def log_odds(self, inputs: pl.DataFrame) -> NDArray[np.float64]:
        """Give what each family's estimator says of each row, a column a family."""
        return family_log_odds(self.pipelines, inputs)


def named_rows(data: Dataset, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Select the malicious rows whose family is known."""
    known = (data.y == 1) & data.keys["family"].is_not_null().to_numpy()
    kept: NDArray[np.int64] = rows[known[rows]]
    return kept


def family_sizes(data: Dataset, rows: NDArray[np.int64]) -> dict[str, int]:
    """Count the groups of captures of each family, the largest first."""
    table = pl.DataFrame({"family": data.keys["family"].gather(rows), "group": data.groups[rows]})
    counted = table.group_by("family").agg(pl.col("group").n_unique())
    return dict(counted.sort(["group", "family"], descending=[True, False]).iter_rows())


def families_to_name(sizes: dict[str, int], spec: ModelSpec) -> tuple[str, ...]:
    """Select the families with enough groups of captures, by name.

    Raises:
        BadData: Fewer than two have.
    """
    assert spec.family is not None
    enough = sorted(name for name, size in sizes.items() if size >= spec.family.min_captures)
    if len(enough) < FEWEST:
        raise BadData(
            f"naming families needs two of {spec.family.min_captures} captures each; "
            f"{len(enough)} of {len(sizes)} families have so many",
            hint="name the families of more captures, lower family.min_captures, or leave [family] out",
        )
    return tuple(enough)


def fit_families(
    spec: ModelSpec,
    data: Dataset,
    rows: NDArray[np.int64],
    *,
    folds: int,
    seed: int,
    families: Sequence[str] | None = None,
    progress: Progress = silent,
) -> FittedFamilies:
    """Fit what names the families of malicious captures.

    Args:
        spec: The model spec; it has a `family`.
        data: The captures.
        rows: Positions of those to learn from, of which only the malicious with a family are.
        folds: Folds of whole groups by which confidence is calibrated and chosen, at most.
        seed: Seed of everything random.
        families: The families to name; those with enough captures if not given.
        progress: Called as the work goes on.

    Raises:
        BadData: Fewer than two families have enough captures.
    """
    assert spec.family is not None
    rows = rows[~data.unknown[rows]]
    named = named_rows(data, rows)
    sizes = family_sizes(data, named)
    families = families_to_name(sizes, spec) if families is None else tuple(families)
    code = codes_of(data.keys["family"].gather(named), families)
    folds = min(folds, *(sizes.get(name, 0) for name in families))
    if folds < FEWEST:
        raise BadData("a family to be named has fewer than two captures to learn from")
    learning = _Learning(_one_against_all(spec), data, named, code, len(families), seed)
    fold_of = family_folds(code, data.groups[named], folds, seed)
    with side_by_side(data.inputs) as pool:
        odds = learning.held_out(pool, fold_of, progress)
        pipelines = learning.whole(pool)
    is_family = code[:, None] == np.arange(len(families))
    told = np.isfinite(odds)
    calibration = fit_calibration(
        odds[told], is_family[told].astype(np.int8), np.ones(np.count_nonzero(told))
    )
    first = first_of(odds)
    highest = calibration.apply(odds[np.arange(len(first)), first])
    confidence = choose_confidence(highest, first == code, spec.family.precision)
    part = FamilyManifest(
        families=families,
        calibration=calibration,
        confidence=confidence,
        precision=spec.family.precision,
        out_of_fold=_figures(highest >= confidence, first == code, code != RARE),
        too_few={name: size for name, size in sizes.items() if name not in families},
        unnamed=int(data.y[rows].sum()) - len(named),
    )
    return FittedFamilies(pipelines, part)


def codes_of(family: pl.Series, families: Sequence[str]) -> NDArray[np.int64]:
    """Number the family of each row, as the families to be named are numbered; `RARE` for the others.

    >>> codes_of(pl.Series(["b", "c", "a"]), ("a", "b")).tolist()
    [1, -1, 0]
    """
    numbers = {name: number for number, name in enumerate(families)}
    return np.array([numbers.get(name, RARE) for name in family], np.int64)


def family_folds(
    code: NDArray[np.int64], groups: NDArray[np.int64], folds: int, seed: int
) -> NDArray[np.int64]:
    """Give every row the number of the fold that holds it out: groups whole, each family spread evenly.

    >>> fold = family_folds(np.array([0, 0, 1, 1, 0]), np.array([0, 1, 2, 3, 0]), 2, 0)
    >>> bool(fold[0] == fold[4] != fold[1] and fold[2] != fold[3])
    True
    """
    names, first, group = np.unique(groups, return_index=True, return_inverse=True)
    drawn = np.random.default_rng(seed).permutation(len(names))
    order = drawn[np.argsort(code[first][drawn], kind="stable")]
    fold = np.empty(len(names), np.int64)
    fold[order] = np.arange(len(names)) % folds
    result: NDArray[np.int64] = fold[group]
    return result


def choose_confidence(highest: NDArray[np.float64], right: NDArray[np.bool_], precision: float) -> float:
    """Find the lowest confidence of which on this share of names, at least, are right; 1 if there is none.

    It lies halfway between the last row that is named and the next below.

    Args:
        highest: Probability of the family that comes first, of rows held out.
        right: Whether it is the right one.
        precision: The share.

    >>> choose_confidence(np.array([0.9, 0.7, 0.5, 0.3]), np.array([True, True, False, False]), 0.9)
    0.6
    """
    values, inverse = np.unique(highest, return_inverse=True)
    rows = np.bincount(inverse, minlength=len(values))[::-1].cumsum()[::-1]
    correct = np.bincount(inverse, weights=right, minlength=len(values))[::-1].cumsum()[::-1]
    enough = np.flatnonzero(correct >= precision * rows * (1 - 1e-12))
    if len(enough) == 0:
        return 1.0
    lowest = int(enough[0])
    below = float(values[lowest - 1]) if lowest else 0.0
    return (float(values[lowest]) + below) / 2


def _figures(named: NDArray[np.bool_], right: NDArray[np.bool_], known: NDArray[np.bool_]) -> FamilyFigures:
    return FamilyFigures(
        rows=len(named),
        named=float(named.mean()),
        right=float(right[named].mean()) if named.any() else None,
        first=float(right[known].mean()),
    )


def _one_against_all(spec: ModelSpec) -> ModelSpec:
    """Drop from a spec what is about malicious against benign, and what a few captures cannot feed."""
    return spec.model_copy(update={"monotone": {}, "early_stopping": 0, "search": None})


@dataclass(frozen=True, slots=True)
class _Learning:
    """The rows of one call of `fit_families`."""

    spec: ModelSpec
    data: Dataset
    rows: NDArray[np.int64]
    code: NDArray[np.int64]
    families: int
    seed: int

    def fit(self, family: int, learn: NDArray[np.int64]) -> Pipeline | None:
        """Fit one family against the rest of some rows; None where one of both is empty."""
        y = (self.code[learn] == family).astype(np.int8)
        if not 0 < y.sum() < len(y):
            return None
        rows = self.rows[learn]
        weights = self.data.weights[rows]
        return fit_pipeline(
            self.spec,
            self.data.contracts,
            self.data.inputs[rows],
            y,
            weights / weights.mean(),
            level=self.data.level,
            seed=self.seed,
        )

    def whole(self, pool: Executor) -> tuple[Any, ...]:
        """Fit each family on all rows."""
        rows = np.arange(len(self.rows))
        return tuple(pool.map(lambda family: self.fit(family, rows), range(self.families)))

    def held_out(self, pool: Executor, fold_of: NDArray[np.int64], progress: Progress) -> NDArray[np.float64]:
        """Give the log-odds of each family for each row, by fits without its fold."""
        odds = np.full((len(self.rows), self.families), NEVER)
        folds = int(fold_of.max()) + 1

        def fold(number: int) -> None:
            test = np.flatnonzero(fold_of == number)
            inputs = self.data.inputs[self.rows[test]]
            for family in range(self.families):
                fitted = self.fit(family, np.flatnonzero(fold_of != number))
                if fitted is not None:
                    odds[test, family] = log_odds(fitted, inputs)

        for number, _ in enumerate(pool.map(fold, range(folds)), start=1):
            progress("capture: families", number, folds)
        return odds
