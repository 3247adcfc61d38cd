"""What an evaluation found: the content of `evaluation.json`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ptml.evaluate.parts import (  # noqa: TC001 - pydantic resolves annotations at run time
    AlertLoad,
    CalibrationBin,
    Comparison,
    Curve,
    Detection,
    Estimate,
    FamilyNaming,
    FamilyResult,
    Importance,
    Mistake,
    SourceMatrix,
    SourceResult,
    SplitResult,
)
from ptml.settings import Section
from ptml.types import Level  # noqa: TC001 - pydantic resolves annotations at run time


class ProtocolResult(Section):
    """One protocol's result at one level.

    Attributes:
        protocol: `grouped`, `temporal`, `leave-family-out`, `leave-source-out` or `random`.
        safe: Whether the figure says anything about captures not seen.
        description: How rows were held out.
        folds: How many times rows were held out.
        splits: Each of these times, in order.
        thresholds: The threshold that each of them chose within its training part.
        rows_not_held_out: Rows that this protocol never holds out; its figures are not about them.
        notes: What a reader must know, such as sources that were held out together.
        metrics: Every row weighs the same; by the names of `ptml.evaluate.metrics.METRICS`.
        metrics_by_capture: Every capture weighs the same, however many rows it has.
        macro: Mean over the sources (leave-source-out) or families (leave-family-out) or windows (temporal)
            that have both classes, each weighing the same, by metric; empty for the other protocols.
        area_under_time: Of each metric over the windows of `temporal`, as in TESSERACT; empty elsewhere.
        by_seed: Each metric's value with each of `Evaluation.seeds`; empty where there is one seed only.
        per_source: The verdicts, a source at a time.
        per_family: The verdicts on malicious rows, a family at a time.
        roc: False positive rate against true positive rate.
        precision_recall: Recall against precision.
        calibration: Predicted against observed, in tenths.
        detection: Malicious captures detected, and after what time.
        alerts: Alerts a host and day.
    """

    protocol: str
    safe: bool
    description: str
    folds: int
    splits: tuple[SplitResult, ...] = ()
    thresholds: tuple[float, ...]
    rows_not_held_out: int = 0
    notes: tuple[str, ...] = ()
    metrics: dict[str, Estimate]
    metrics_by_capture: dict[str, Estimate]
    macro: dict[str, Estimate] = Field(default_factory=dict)
    area_under_time: dict[str, float | None] = Field(default_factory=dict)
    by_seed: dict[str, tuple[float | None, ...]] = Field(default_factory=dict)
    per_source: tuple[SourceResult, ...]
    per_family: tuple[FamilyResult, ...]
    roc: Curve
    precision_recall: Curve
    calibration: tuple[CalibrationBin, ...]
    detection: Detection | None = None
    alerts: AlertLoad | None = None


class LevelResult(Section):
    """All protocols at one level.

    Attributes:
        data: Rows, malicious rows, captures, rows left out by reason.
        protocols: By name.
        not_possible: Protocols that this data does not allow, with the reason.
        gap: What random folds flatter: random less the protocol, by protocol and metric, on the rows that
            both hold out; the interval is that of the same captures drawn for both.
        matrix: What a model of one source makes of another.
        importances: What the model owes to each family of features, the most important first.
        mistakes: The errors made with the most confidence.
        naming: How well the family of malicious captures is named, where the spec asks for that.
    """

    data: dict[str, Any]
    protocols: dict[str, ProtocolResult]
    not_possible: dict[str, str] = Field(default_factory=dict)
    gap: dict[str, dict[str, Estimate]] = Field(default_factory=dict)
    matrix: SourceMatrix | None = None
    importances: tuple[Importance, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    naming: FamilyNaming | None = None


class Evaluation(Section):
    """The content of `evaluation.json`.

    Attributes:
        model: Name of the model.
        fingerprint: Hash of all that determines this evaluation.
        model_fingerprint: That of the model.
        spec: The model spec that was fitted anew in each fold.
        seed: Seed of everything random.
        seeds: All seeds that folds and fits were made with; the figures are those of the first.
        draws: Draws of the bootstrap.
        feature_version: Version of the features.
        headline: The gap, in a sentence a level.
        notes: What a reader must know.
        labels: How connections got their labels.
        levels: Results by level.
        comparisons: This model against others, on the same folds and captures.
        audit: What the audit of the data says: its light, and its checks; null where none was made.
    """

    model: str
    fingerprint: str
    model_fingerprint: str
    spec: dict[str, Any]
    seed: int
    seeds: tuple[int, ...] = ()
    draws: int
    feature_version: str
    headline: tuple[str, ...]
    notes: tuple[str, ...] = ()
    labels: dict[str, Any] = Field(default_factory=dict)
    levels: dict[Level, LevelResult]
    comparisons: tuple[Comparison, ...] = ()
    audit: dict[str, Any] | None = None
