"""Tables a source, a family and a split, the points of curves, and when captures are detected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.metrics import precision_recall_curve, roc_curve

from ptml.evaluate.bootstrap import band
from ptml.evaluate.metrics import BINS, tenths
from ptml.evaluate.parts import (
    AlertLoad,
    CalibrationBin,
    Curve,
    Detection,
    FamilyResult,
    SourceResult,
    SplitResult,
)
from ptml.evaluate.ranking import GRID, ranking_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptml.evaluate.outcome import Outcome
    from ptml.evaluate.ranking import Sweep
    from ptml.train.dataset import Dataset
    from ptml.train.splits import Split

POINTS = 200
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def per_source(predictions: pl.DataFrame) -> tuple[SourceResult, ...]:
    """Count each source's rows and verdicts, by name.

    >>> rows = {"capture_id": ["a", "b"], "source": ["x", "x"], "label": ["malicious", "benign"],
    ...         "verdict": ["malicious", "benign"], "probability": [0.9, 0.1]}
    >>> per_source(pl.DataFrame(rows))[0].recall
    1.0
    """
    return tuple(
        SourceResult(source=str(name), **_counts(part), roc_auc=_areas(part)["roc_auc"])
        for (name,), part in _parts(predictions, "source")
    )


def _parts(predictions: pl.DataFrame, by: str) -> list[tuple[tuple[object, ...], pl.DataFrame]]:
    return sorted(predictions.group_by(by), key=lambda item: str(item[0][0]))


def _counts(part: pl.DataFrame) -> dict[str, Any]:
    malicious = part["label"] == "malicious"
    recall, false_positive_rate = called_rates(part)
    return {
        "captures": part["capture_id"].n_unique(),
        "rows": part.height,
        "malicious": int(malicious.sum()),
        "recall": recall,
        "false_positive_rate": false_positive_rate,
    }


def called_rates(part: pl.DataFrame) -> tuple[float | None, float | None]:
    """Give the shares of the malicious and of the benign rows called malicious; null where there are none.

    >>> called_rates(pl.DataFrame({"label": ["benign"] * 2, "verdict": ["benign", "malicious"]}))
    (None, 0.5)
    """
    called, malicious = ((part[column] == "malicious").to_numpy() for column in ("verdict", "label"))
    recall, rate = (float(called[rows].mean()) if rows.any() else None for rows in (malicious, ~malicious))
    return recall, rate


def _areas(part: pl.DataFrame) -> dict[str, float | None]:
    y = (part["label"] == "malicious").to_numpy().astype(np.int8)
    if y.all() or not y.any():
        return {"roc_auc": None, "pr_auc": None}
    found = ranking_values(part["probability"].to_numpy(), y)
    return {name: found[name] for name in ("roc_auc", "pr_auc")}


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


def per_split(predictions: pl.DataFrame, splits: tuple[Split, ...], data: Dataset) -> tuple[SplitResult, ...]:
    """Count each split's rows and verdicts, and what it learned from, in order."""
    captures = data.keys["capture_id"]
    return tuple(
        SplitResult(
            name=split.name,
            learn_captures=captures[split.learn].n_unique(),
            learn_rows=len(split.learn),
            threshold=part["threshold"][0],
            **_counts(part),
            **_areas(part),
            **_times(part),
        )
        for number, split in enumerate(splits)
        for part in (predictions.filter(pl.col("fold") == number),)
    )


def _times(part: pl.DataFrame) -> dict[str, str | None]:
    if "ts" not in part.columns or part["ts"].is_null().all():
        return {"starts": None, "ends": None}
    first, last = part.select(first=pl.col("ts").min(), last=pl.col("ts").max()).row(0)
    return {"starts": first.isoformat(), "ends": last.isoformat()}


def curves(outcome: Outcome, sweep: Sweep) -> tuple[Curve, Curve]:
    """Give the ROC and the precision-recall curve, every row weighing the same, thinned evenly along the way.

    Args:
        outcome: Predictions of rows that were held out.
        sweep: Its draws, for the bands.

    Returns:
        Both curves; empty where there is one class only.
    """
    if not outcome.both_classes():
        return Curve(x=(), y=()), Curve(x=(), y=())
    fpr, tpr, _ = roc_curve(outcome.y, outcome.probability, drop_intermediate=True)
    kept = _thinned(fpr + tpr)
    precision, recall, _ = (part[::-1] for part in precision_recall_curve(outcome.y, outcome.probability))
    precision, recall = precision[1:], recall[1:]
    some = _thinned(recall + np.linspace(0, 1, len(recall)))
    bands = [band(points) for points in (sweep.tpr, sweep.precision)]
    grid = tuple(GRID.round(6).tolist())
    return (
        Curve(x=tuple(fpr[kept]), y=tuple(tpr[kept]), band_x=grid, low=bands[0][0], high=bands[0][1]),
        Curve(
            x=tuple(recall[some]), y=tuple(precision[some]), band_x=grid, low=bands[1][0], high=bands[1][1]
        ),
    )


def _thinned(way: NDArray[np.float64]) -> NDArray[np.int64]:
    """Keep some hundreds of places, evenly along a way that never goes back, both ends among them."""
    steps = np.searchsorted(way, np.linspace(way[0], way[-1], POINTS) - 1e-12)
    return np.unique(np.append(np.clip(steps, 0, len(way) - 1), len(way) - 1))


def calibration_bins(
    probability: NDArray[np.float64], y: NDArray[np.int8], weights: NDArray[np.float64]
) -> tuple[CalibrationBin, ...]:
    """Compare predicted with observed in tenths of the probability; empty tenths are left out.

    >>> calibration_bins(np.array([0.1, 0.12]), np.array([0, 1], np.int8), np.ones(2))[0].malicious_share
    0.5
    """
    tenth = tenths(probability)
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


def detection(predictions: pl.DataFrame) -> Detection:
    """Tell which malicious captures were detected, and how long after their first connection.

    Times are those of the rows held out; where whole captures are judged, there are none.

    >>> from datetime import datetime
    >>> at = [datetime(2024, 1, 1, 0, 0, second) for second in (0, 10, 30)]
    >>> rows = {"capture_id": ["a"] * 3, "uid": ["x", "y", "z"], "ts": at,
    ...         "label": ["benign", "malicious", "malicious"],
    ...         "verdict": ["malicious", "benign", "malicious"]}
    >>> detection(pl.DataFrame(rows)).seconds["p50"]
    30.0
    """
    caught = (pl.col("label") == "malicious") & (pl.col("verdict") == "malicious")
    timed = {"ts", "uid"} <= set(predictions.columns)
    waited = pl.col("ts").filter(caught).min() - pl.col("ts").min() if timed else pl.lit(None, pl.Duration)
    found = predictions.group_by("capture_id").agg(
        malicious=(pl.col("label") == "malicious").any(), detected=caught.any(), waited=waited
    )
    malicious = found.filter("malicious")
    seconds = malicious["waited"].drop_nulls().dt.total_microseconds() / 1e6
    return Detection(
        captures=malicious.height,
        detected=int(malicious["detected"].sum()),
        seconds={f"p{round(q * 100)}": float(seconds.quantile(q, "linear") or 0.0) for q in QUANTILES}
        if len(seconds)
        else None,
    )


def alert_load(outcome: Outcome) -> AlertLoad | None:
    """Count host-days and the alerts on them; None where no row has a host and a time."""
    _, _, days, benign_days, alerts, false = (int(part.sum()) for part in outcome.counted())
    if not days:
        return None
    return AlertLoad(host_days=days, benign_host_days=benign_days, alerts=alerts, false_alarms=false)
