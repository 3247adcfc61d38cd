"""From the scores of a capture's connections to one score of the capture.

A capture's connections are pooled in several ways, since a malicious capture may hold one telling connection
or a thousand that are a little suspicious. A small logistic regression weighs these, and the score of the
capture's own features where there is one. All of it is plain numbers in the manifest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from ptml.settings import Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

StackInput: TypeAlias = Literal["features", "noisy_or", "top_10_mean", "median", "p90", "highest"]
Finite: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
FEATURES: StackInput = "features"
POOLS: tuple[StackInput, ...] = ("noisy_or", "top_10_mean", "median", "p90", "highest")
TOP = 10
CERTAIN = 1e-6
"""No connection counts as surer than this: one alone would decide otherwise."""


def pool(captures: pl.Series, probability: NDArray[np.float64]) -> pl.DataFrame:
    """Pool the probabilities of connections by capture; the order of the rows does not matter.

    Args:
        captures: capture_id of each connection.
        probability: Calibrated probability of each.

    Returns:
        capture_id (ascending), then log-odds: ``noisy_or`` that any connection is malicious, were they
        independent; ``top_10_mean`` of the ten highest; ``median`` and ``p90`` (quantiles, between two values
        in proportion); ``highest``.

    >>> pool(pl.Series("capture_id", ["a", "a", "b"]), np.array([0.5, 0.5, 0.5])).select(
    ...     "capture_id", pl.col("noisy_or", "median").round(3)
    ... ).rows()
    [('a', 1.099, 0.0), ('b', 0.0, 0.0)]
    """
    share = np.clip(probability, CERTAIN, 1 - CERTAIN)
    odds = np.log(share) - np.log1p(-share)
    names = captures.unique().sort()
    code = captures.rank("dense").to_numpy().astype(np.int64) - 1
    order = np.lexsort((odds, code))  # sums in the order of their values are the same in any order of rows
    odds, share = odds[order], share[order]
    sizes = np.bincount(code, minlength=len(names))
    ends = np.cumsum(sizes)
    starts = ends - sizes
    none = -np.add.reduceat(np.log1p(-share), starts) if len(names) else np.empty(0)
    top = np.arange(len(odds)) >= np.repeat(ends - TOP, sizes)
    top_sums = np.add.reduceat(np.where(top, odds, 0), starts) if len(names) else np.empty(0)
    return pl.DataFrame(
        {
            "capture_id": names,
            "noisy_or": none + np.log(-np.expm1(-none)),
            "top_10_mean": top_sums / np.minimum(sizes, TOP),
            "median": _quantile(odds, starts, sizes, 0.5),
            "p90": _quantile(odds, starts, sizes, 0.9),
            "highest": odds[ends - 1],
        },
        schema={"capture_id": pl.String, **dict.fromkeys(POOLS, pl.Float64)},
    )


def stack_table(captures: pl.Series, pooled: pl.DataFrame, own: NDArray[np.float64] | None) -> pl.DataFrame:
    """Lay out a stack's inputs in the order of the captures; a capture without connections has null pools.

    >>> pooled = pool(pl.Series("capture_id", ["a"]), np.array([0.5]))
    >>> stack_table(pl.Series("capture_id", ["b", "a"]), pooled, None)["highest"].to_list()
    [None, 0.0]
    """
    table = (
        captures.rename("capture_id")
        .to_frame()
        .join(pooled, on="capture_id", how="left", maintain_order="left")
    )
    return table if own is None else table.with_columns(pl.Series(FEATURES, own))


def _quantile(
    odds: NDArray[np.float64], starts: NDArray[np.int64], sizes: NDArray[np.int64], share: float
) -> NDArray[np.float64]:
    place = share * (sizes - 1)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, sizes - 1)
    low, high = odds[starts + below], odds[starts + above]
    result: NDArray[np.float64] = low + (place - below) * (high - low)
    return result


class CaptureStack(Section):
    """A logistic regression on scores: log-odds = intercept + sum of weight x (value - middle) / spread.

    Attributes:
        inputs: What it looks at: the log-odds by the capture's own `features`, and pools.
        middles: Mean of each input in training; it stands in for what is unknown.
        spreads: Standard deviation of each.
        weights: Weight of each.
        intercept: Where it begins.
    """

    inputs: tuple[StackInput, ...] = Field(min_length=1)
    middles: tuple[Finite, ...]
    spreads: tuple[Positive, ...]
    weights: tuple[Finite, ...]
    intercept: Finite

    @model_validator(mode="after")
    def _fits(self) -> CaptureStack:
        if len(set(self.inputs)) != len(self.inputs):
            raise ValueError("an input is named twice")
        if not len(self.inputs) == len(self.middles) == len(self.spreads) == len(self.weights):
            raise ValueError("inputs, middles, spreads and weights are not of one length")
        return self

    def log_odds(self, table: pl.DataFrame) -> NDArray[np.float64]:
        """Give the log-odds of each capture.

        Args:
            table: The inputs, a row a capture; null where one is unknown.

        >>> stack = CaptureStack(
        ...     inputs=("median",), middles=(1.0,), spreads=(2.0,), weights=(4.0,), intercept=0.5
        ... )
        >>> stack.log_odds(pl.DataFrame({"median": [2.0, None]})).tolist()
        [2.5, 0.5]
        """
        columns = zip(self.inputs, self.middles, self.spreads, self.weights, strict=True)
        result = np.full(table.height, self.intercept)
        for name, middle, spread, weight in columns:
            value = table[name].fill_null(middle).to_numpy()
            result += weight * (value - middle) / spread
        return result
