"""From held-out predictions to a result: metrics, tables, curves, and the gap between protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from ptml.evaluate.bootstrap import DRAWS, estimate_metrics
from ptml.evaluate.metrics import METRICS
from ptml.evaluate.parts import Estimate
from ptml.evaluate.protocols import DESCRIPTIONS, SAFE
from ptml.evaluate.results import LevelResult, ProtocolResult
from ptml.evaluate.tables import calibration_bins, curves, per_family, per_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ptml.train.splits import Protocol
    from ptml.types import Level


def judge(
    predictions: pl.DataFrame,
    protocol: Protocol,
    *,
    folds: int,
    seed: int,
    weights: Literal["capture", "row"] = "capture",
    draws: int = DRAWS,
) -> ProtocolResult:
    """Judge held-out predictions.

    Args:
        predictions: What `out_of_fold` gives.
        protocol: How the rows were held out.
        folds: In how many folds.
        seed: Seed of the bootstrap.
        weights: What the model's probabilities were calibrated for: every capture, or every row, the same.
        draws: Its draws.
    """
    probability = predictions["probability"].to_numpy()
    called = (predictions["verdict"] == "malicious").to_numpy()
    y = (predictions["label"] == "malicious").to_numpy().astype(np.int8)
    captures = predictions["capture_id"].rank("dense").to_numpy().astype(np.int64) - 1
    size = np.bincount(captures)[captures]
    ones, even = np.ones(len(y)), len(y) / (captures.max() + 1) / size
    by_row, by_capture = (
        estimate_metrics(probability, called, y, captures, weight, draws=draws, seed=seed)
        for weight in (ones, even)
    )
    roc, precision_recall = curves(probability, y)
    thresholds = predictions.group_by("fold").agg(pl.col("threshold").first()).sort("fold")["threshold"]
    return ProtocolResult(
        protocol=protocol,
        safe=SAFE[protocol],
        description=DESCRIPTIONS[protocol],
        folds=folds,
        thresholds=tuple(thresholds),
        metrics=by_row,
        metrics_by_capture=by_capture,
        per_source=per_source(predictions),
        per_family=per_family(predictions),
        roc=roc,
        precision_recall=precision_recall,
        calibration=calibration_bins(probability, y, even if weights == "capture" else ones),
    )


def gap(protocols: Mapping[str, ProtocolResult]) -> dict[str, dict[str, Estimate]]:
    """Subtract each protocol's figures from the random ones: by how much a random split flatters each metric.

    >>> gap({})
    {}
    """
    random = protocols.get("random")
    if random is None:
        return {}
    result: dict[str, dict[str, Estimate]] = {}
    for protocol, found in protocols.items():
        if protocol != "random":
            pairs = {name: (random.metrics[name].value, found.metrics[name].value) for name in METRICS}
            result[protocol] = {
                name: Estimate(value=None if one is None or other is None else one - other)
                for name, (one, other) in pairs.items()
            }
    return result


def headline(level: Level, result: LevelResult) -> str:
    """Put a level's result in a sentence."""
    parts = []
    for protocol, found in result.protocols.items():
        area = found.metrics["roc_auc"]
        if area.value is None:
            parts.append(f"{protocol}: ROC-AUC unknown ({area.reason})")
        elif area.low is None or area.high is None:
            parts.append(f"{protocol}: ROC-AUC {area.value:.3f}")
        else:
            parts.append(f"{protocol}: ROC-AUC {area.value:.3f} ({area.low:.3f} to {area.high:.3f})")
    flattery = result.gap.get("grouped", {}).get("roc_auc")
    if flattery is not None and flattery.value is not None:
        parts.append(f"a random split flatters by {flattery.value:+.3f}")
    return f"{level}s, {'; '.join(parts)}"
