"""The part of a model that names the family of malicious captures, or says that it does not know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from ptml.artifact.calibration import Calibration  # noqa: TC001 - pydantic resolves annotations at run time
from ptml.settings import Section

if TYPE_CHECKING:
    from numpy.typing import NDArray


class FamilyFigures(Section):
    """How naming did on malicious captures that were held out while fitting, rare families among them.

    Attributes:
        rows: How many they are.
        named: Share of them that got a name.
        right: Share of these names that were right; null where none was given.
        first: Share of those of families that can be named whose family came first, named or not.
    """

    rows: int = Field(ge=0)
    named: float = Field(ge=0, le=1)
    right: float | None = Field(None, ge=0, le=1)
    first: float = Field(ge=0, le=1)


class FamilyManifest(Section):
    """What names families: one estimator a family, that tells it from all other malicious captures.

    Since each estimator speaks for one family only, all may say no: then the family is unknown.

    Attributes:
        families: The families that can be named, in the order of their estimators.
        calibration: What makes log-odds the probability of being that family.
        confidence: From which probability on a family is named.
        precision: Share of names that were to be right on captures held out, by which that was chosen.
        out_of_fold: How that did there.
        too_few: Families with too few captures to be named, and in how many groups of captures they are;
            they stand for what is unknown.
        unnamed: Malicious captures of no known family; nothing was learned from them.
        file: The estimators.
        sha256: Hash of that file.
    """

    families: tuple[str, ...] = Field(min_length=2)
    calibration: Calibration
    confidence: float = Field(ge=0, le=1)
    precision: float = Field(gt=0, le=1)
    out_of_fold: FamilyFigures
    too_few: dict[str, int] = Field(default_factory=dict)
    unnamed: int = Field(0, ge=0)
    file: str = Field("", pattern=r"^(family-[0-9a-f]{12}\.skops)?$")
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")

    @model_validator(mode="after")
    def _once(self) -> FamilyManifest:
        if len(set(self.families)) != len(self.families):
            raise ValueError("a family stands there twice")
        return self

    def answers(self, log_odds: NDArray[np.float64]) -> pl.DataFrame:
        """Name the family of each row, or none.

        Args:
            log_odds: What each family's estimator says, a column a family.

        Returns:
            ``family``, null where it is unknown, and ``family_probability``, of the family that comes first
            whether it is named or not.
        """
        probability = self.calibration.apply(log_odds)
        first = first_of(log_odds)
        highest = probability[np.arange(len(first)), first]
        named = pl.Series(self.families, dtype=pl.String).gather(first)
        return pl.DataFrame({"family": named, "family_probability": highest}).with_columns(
            pl.when(pl.col("family_probability") >= self.confidence).then("family")
        )


def first_of(log_odds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give the column of the highest log-odds of each row; the first of equal ones.

    >>> first_of(np.array([[-1.0, 2.0], [0.0, 0.0]])).tolist()
    [1, 0]
    """
    first: NDArray[np.int64] = np.argmax(log_odds, axis=1).astype(np.int64)
    return first
