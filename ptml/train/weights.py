"""How much each row counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptml.types import Weights


def row_weights(keys: pl.DataFrame, weights: Weights) -> NDArray[np.float64]:
    """Weigh rows so that captures, sources, families or rows weigh the same; weights average 1.

    Within a source, or a family, every capture weighs the same. What is benign counts as one family.

    Args:
        keys: `capture_id`, and what `weights` names: `source`, or `family` and `y`.
        weights: What weighs the same.

    >>> keys = pl.DataFrame({"capture_id": ["a", "a", "b", "c"], "source": ["x", "x", "x", "y"]})
    >>> row_weights(keys, "capture").round(3).tolist()
    [0.667, 0.667, 1.333, 1.333]
    >>> row_weights(keys, "source").tolist()
    [0.5, 0.5, 1.0, 2.0]
    """
    if weights == "row":
        return np.ones(keys.height)
    whole = {
        "capture": pl.lit(""),
        "source": pl.col("source"),
        "family": pl.when(pl.col("y") == 1)
        .then(pl.lit("=") + pl.col("family").fill_null(""))
        .otherwise(pl.lit("")),
    }[weights]
    found = keys.select("capture_id", whole=whole).select(
        wholes=pl.col("whole").n_unique(),
        captures=pl.col("capture_id").n_unique().over("whole"),
        rows=pl.len().over("whole", "capture_id"),
    )
    result: NDArray[np.float64] = keys.height / found.cast(pl.Float64).fold(lambda a, b: a * b).to_numpy()
    return result
