"""A dataset of a few columns, and a model whose workings are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl

from ptml.artifact import contracts_of
from ptml.train.dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from ptml.train.fit import Fitted


def dataset(
    inputs: pl.DataFrame,
    y: Sequence[int],
    groups: Sequence[int],
    *,
    sources: Sequence[str] | None = None,
) -> Dataset:
    """Make a dataset of connections; group n is capture cn."""
    keys = pl.DataFrame(
        {
            "capture_id": [f"c{group}" for group in groups],
            "uid": [f"C{row}" for row in range(len(y))],
            "source": list(sources or ["lab"] * len(y)),
            "family": [None if label == 0 else "emotet" for label in y],
        },
        schema_overrides={"family": pl.String},
    )
    return Dataset(
        level="connection",
        contracts=contracts_of(inputs.schema, "connection"),
        inputs=inputs,
        y=np.array(y, np.int8),
        keys=keys,
        groups=np.array(groups, np.int64),
        weights=np.ones(len(y)),
        captures={},
        available=len(y),
        excluded={},
        unit="file",
        unknown=np.zeros(len(y), np.bool_),
    )


@dataclass(frozen=True)
class Known:
    """A model that is a function of the inputs."""

    function: Callable[[pl.DataFrame], NDArray[np.float64]]
    threshold: float = 0.5

    def probability(self, inputs: pl.DataFrame) -> NDArray[np.float64]:
        """Apply the function."""
        return self.function(inputs)

    @classmethod
    def of(cls, expression: pl.Expr, threshold: float = 0.5) -> Fitted:
        """Make a model whose log-odds are an expression."""

        def function(inputs: pl.DataFrame) -> NDArray[np.float64]:
            log_odds = inputs.select(expression.alias("value"))["value"].to_numpy().astype(np.float64)
            result: NDArray[np.float64] = 1 / (1 + np.exp(-log_odds))
            return result

        return cast("Fitted", cls(function, threshold))
