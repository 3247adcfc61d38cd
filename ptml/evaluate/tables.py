"""Per-source and per-family tables, and the points of curves, from held-out predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.evaluate.metrics import Ranking, roc_auc
from ptml.evaluate.parts import CalibrationBin, Curve, FamilyResult, SourceResult

if TYPE_CHECKING:
    from numpy.typing import NDArray

POINTS = 200
BINS = 10


def per_source(predictions: pl.DataFrame) -> tuple[SourceResult, ...]:
    """Count each source's rows and verdicts, by name.

    >>> rows = {"capture_id": ["a", "b"], "source": ["x", "x"], "label": ["malicious", "benign"],
    ...         "verdict": ["malicious", "benign"], "probability": [0.9, 0.1]}
    >>> per_source(pl.DataFrame(rows))[0].recall
    1.0
    """
    return tuple(_source(str(name), part) for (name,), part in _parts(predictions, "source"))


def _parts(predictions: pl.DataFrame, by: str) -> list[tuple[tuple[object, ...], pl.DataFrame]]:
    return sorted(predictions.group_by(by), key=lambda item: str(item[0][0]))


def _source(name: str, part: pl.DataFrame) -> SourceResult:
    y = (part["label"] == "malicious").to_numpy().astype(np.int8)
    called = (part["verdict"] == "malicious").to_numpy()
    ranking = Ranking.of(part["probability"].to_numpy(), y)
    area = roc_auc(*ranking.curve(np.ones(len(y))))
    return SourceResult(
        source=name,
        captures=part["capture_id"].n_unique(),
        rows=part.height,
        malicious=int(y.sum()),
        recall=float(called[y == 1].mean()) if y.any() else None,
        false_positive_rate=float(called[y == 0].mean()) if not y.all() else None,
        roc_auc=None if np.isnan(area) else area,
    )


def per_family(predictions: pl.DataFrame) -> tuple[FamilyResult, ...]:
    """Count each family's malicious rows and how many were called so, by name."""
    malicious = predictions.filter(pl.col("label") == "malicious")
    return tuple(
        FamilyResult(
            family=str(name),
            captures=part["capture_id"].n_unique(),
            captures_detected=part.filter(pl.col("verdict") == "malicious")["capture_id"].n_unique(),
            rows=part.height,
            recall=part.filter(pl.col("verdict") == "malicious").height / part.height,
        )
        for (name,), part in _parts(malicious.with_columns(pl.col("family").fill_null("unnamed")), "family")
    )


def curves(probability: NDArray[np.float64], y: NDArray[np.int8]) -> tuple[Curve, Curve]:
    """Give the ROC and the precision-recall curve, every row weighing the same, thinned evenly along the way.

    >>> roc, _ = curves(np.array([0.9, 0.1]), np.array([1, 0], np.int8))
    >>> roc.x, roc.y
    ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0))
    """
    tp, fp = Ranking.of(probability, y).curve(np.ones(len(y)))
    tpr, fpr = tp / max(tp[-1], 1), fp / max(fp[-1], 1)
    steps = np.searchsorted(tpr + fpr, np.linspace(0, tpr[-1] + fpr[-1], POINTS) - 1e-12)
    kept = np.unique(np.clip(steps, 0, len(tp) - 1))
    precision = tp / (tp + fp)
    return (
        Curve(x=(0.0, *fpr[kept].tolist()), y=(0.0, *tpr[kept].tolist())),
        Curve(x=tuple(tpr[kept].tolist()), y=tuple(precision[kept].tolist())),
    )


def calibration_bins(
    probability: NDArray[np.float64], y: NDArray[np.int8], weights: NDArray[np.float64]
) -> tuple[CalibrationBin, ...]:
    """Compare predicted with observed in tenths of the probability; empty tenths are left out.

    >>> calibration_bins(np.array([0.1, 0.12]), np.array([0, 1], np.int8), np.ones(2))[0].malicious_share
    0.5
    """
    tenth = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    bins = []
    for number in np.unique(tenth).tolist():
        inside = tenth == number
        bins.append(
            CalibrationBin(
                low=number / BINS,
                high=(number + 1) / BINS,
                rows=int(inside.sum()),
                mean_probability=float(np.average(probability[inside], weights=weights[inside])),
                malicious_share=float(np.average(y[inside], weights=weights[inside])),
            )
        )
    return tuple(bins)
