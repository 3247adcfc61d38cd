"""How far captures are apart, by the features of whole captures.

The distance is worked out in three steps. (1) A number is replaced by its place among the
captures at hand, the share of them that have a lower one, equal ones counted half: so no unit and no outlier
decides. Two captures differ in a feature by the difference of their places, from 0 to 1; in a category by 0
or 1. Where one has no value and the other has, they differ by a half: more than two captures at random do
(a third), less than the ends. Where neither has one, the feature says nothing. (2) The difference in a family
of features is the mean over those of its features that say something. (3) The distance is the mean over the
families, so that one of forty features counts as much as one of four. Features that are the same for all
captures at hand are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.features.featureset import STANDARD

if TYPE_CHECKING:
    from numpy.typing import NDArray

ONE_UNKNOWN = 0.5
OWN = "own features"
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """How much two captures differ in one feature.

    Attributes:
        feature: Its name.
        family: The family that it belongs to.
        here: Its value in the capture that was asked about; null where it has none.
        there: Its value in the other.
        difference: From 0 to 1.
    """

    feature: str
    family: str
    here: float | str | None
    there: float | str | None
    difference: float


class Distances:
    """How far one capture is from others, in each feature, each family and in all.

    Args:
        one: Its features, a row.
        others: Theirs, a row a capture.
        among: Those of all captures at hand, which give each value its place.

    Attributes:
        total: The distance of each of the others; nan where no feature says anything.
    """

    def __init__(self, one: pl.DataFrame, others: pl.DataFrame, among: pl.DataFrame) -> None:
        self._one, self._others = one, others
        self.names = [name for name in among.columns if among[name].n_unique() > 1]
        self._apart = np.full((others.height, len(self.names)), np.nan)
        for number, name in enumerate(self.names):
            self._apart[:, number] = _differences(one[name], others[name], among[name])
        title = {feature.name: family.name for family in STANDARD.capture for feature in family.features}
        self._family = np.array([title.get(name, OWN) for name in self.names])
        self.titles = list(dict.fromkeys(self._family.tolist()))
        self.by_family = (
            np.stack([_mean(self._apart[:, self._family == title]) for title in self.titles], axis=1)
            if self.titles
            else np.full((others.height, 1), np.nan)
        )
        self.total = _mean(self.by_family)

    def families(self, at: int) -> dict[str, float]:
        """Give the difference from one of the others in each family of features, the smallest first."""
        found = [
            (round(float(value), 6), title)
            for title, value in zip(self.titles, self.by_family[at], strict=True)
            if np.isfinite(value)
        ]
        return {title: value for value, title in sorted(found)}

    def largest(self, at: int) -> tuple[Difference, ...]:
        """Give the features in which it differs most from one of the others."""
        apart = np.nan_to_num(self._apart[at])
        order = np.argsort(-apart, kind="stable")[:SHOWN]
        return tuple(
            Difference(
                feature=self.names[number],
                family=str(self._family[number]),
                here=self._one[self.names[number]].item(),
                there=self._others[self.names[number]][at],
                difference=round(float(apart[number]), 6),
            )
            for number in order.tolist()
            if apart[number] > 0
        )


def places(values: pl.Series, among: pl.Series) -> NDArray[np.float64]:
    """Give each number its place among others: the share below, equal ones counted half; nan for null.

    >>> places(pl.Series([1.0, 5.0, None]), pl.Series([1.0, 1.0, 3.0, None, 9.0])).tolist()
    [0.25, 0.75, nan]
    """
    known = np.sort(_numbers(among.drop_nulls()))
    known = known[np.isfinite(known)]
    asked = _numbers(values)
    low, high = (np.searchsorted(known, asked, side) for side in ("left", "right"))
    found: NDArray[np.float64] = (low + high) / 2 / max(len(known), 1)
    return np.where(np.isfinite(asked), found, np.nan)


def _numbers(values: pl.Series) -> NDArray[np.float64]:
    return values.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _differences(one: pl.Series, others: pl.Series, among: pl.Series) -> NDArray[np.float64]:
    if among.dtype.is_numeric() or among.dtype == pl.Boolean:
        mine, theirs = places(one, among), places(others, among)
        apart = np.abs(theirs - mine)
        unknown, both = np.isnan(theirs) != np.isnan(mine), np.isnan(theirs) & np.isnan(mine)
    else:
        mine_null, null = one.is_null().to_numpy(), others.is_null().to_numpy()
        value = one.cast(pl.String).item()
        apart = (others.cast(pl.String) != value).fill_null(value=True).to_numpy().astype(np.float64)
        unknown, both = null != mine_null, null & mine_null
    return np.where(both, np.nan, np.where(unknown, ONE_UNKNOWN, apart))


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average each row over what is known; nan where nothing is."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        result: NDArray[np.float64] = np.where(known, values, 0).sum(axis=1) / known.sum(axis=1)
    return result
