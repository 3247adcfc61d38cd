"""Probabilities where malicious traffic is rarer, or more common, than in training.

What a calibrated model says of a row rests on what it saw and on how common malicious rows were in training.
Odds change by one factor for all rows. Thresholds move
along: they were chosen for a share of false alarms, which does not hang on how common malicious rows are. So
the same rows are called malicious, in the same order, and only how likely each is to be so is said anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.errors import ModelMismatch
from ptml.train.calibrate import at_prior

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ptml.artifact import LevelManifest, Model


def require_prior(model: Model, base_rate: float | None) -> None:
    """Insist that a model knows how common malicious rows were in training, if that is to be corrected.

    Raises:
        ModelMismatch: It does not.
    """
    if base_rate is not None and any(level.prior is None for level in model.manifest.levels.values()):
        raise ModelMismatch(
            f"model {model.name!r} does not say how common malicious rows were in its training, so that its "
            "probabilities cannot be turned to a base rate; nothing was scored",
            hint="train it again with this version, or leave --base-rate out",
        )


def at_base_rate(scored: pl.DataFrame, level: LevelManifest, base_rate: float | None) -> pl.DataFrame:
    """Turn probabilities and thresholds to a base rate; verdicts stay.

    Args:
        scored: Scores by the model, as learned.
        level: The level of its manifest.
        base_rate: Share of malicious rows to expect; None leaves all as it is.
    """
    if base_rate is None or level.prior is None:
        return scored
    return _turned(scored, ("probability", "threshold"), level.prior, base_rate)


def as_learned(scores: pl.DataFrame, level: LevelManifest, base_rate: float | None) -> pl.DataFrame:
    """Turn probabilities at a base rate back to what the model said."""
    if base_rate is None or level.prior is None:
        return scores
    return _turned(scores, ("probability",), base_rate, level.prior)


def _turned(scores: pl.DataFrame, names: Iterable[str], old: float, new: float) -> pl.DataFrame:
    columns = (pl.Series(name, at_prior(scores[name].to_numpy(), old, new)) for name in names)
    return scores.with_columns(columns)
