"""Small captures: their logs are read once, since asking again takes longer than the work itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.inputs import read_inputs

if TYPE_CHECKING:
    from ptml.features.family import Logs
    from ptml.features.featureset import FeatureSet

SMALL_ROWS = 50_000


def held_if_small(logs: Logs, rows: int, features: FeatureSet) -> Logs:
    """Read what features need of a capture's logs into memory if it is little; else leave it where it is.

    Args:
        logs: As for :func:`ptml.features.build.connection_features`.
        rows: Rows of all logs together.
        features: Which features.

    Raises:
        BadData: As for :func:`ptml.features.build.connection_features`.

    >>> from ptml.features.featureset import STANDARD
    >>> ts = pl.Series([0]).cast(pl.Datetime("us", "UTC"))
    >>> conn = pl.LazyFrame({"uid": ["C1"], "ts": ts, "vlan": [7]})
    >>> held_if_small({"conn": conn}, 1, STANDARD)["conn"].select("uid", "id.resp_h").collect().row(0)
    ('C1', None)
    """
    if rows > SMALL_ROWS or "conn" not in logs:
        return logs
    inputs = read_inputs(logs, features.columns)
    frames = pl.collect_all(inputs.values())
    return {name: frame.lazy() for name, frame in zip(inputs, frames, strict=True)}
