"""What an evaluation found: the content of `evaluation.json`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ptml.settings import Section
from ptml.types import Level  # noqa: TC001 - pydantic resolves annotations at run time


class Estimate(Section):
    """A metric with its 95 % interval from a bootstrap over captures; null with the reason where unknown."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


class SourceResult(Section):
    """How one source's rows fared.

    Attributes:
        source: Who published the captures.
        captures: How many there are.
        rows: Their rows.
        malicious: Rows that are malicious.
        recall: Share of these that were called malicious; null where there are none.
        false_positive_rate: Share of the benign rows that were; null where there are none.
        roc_auc: Within the source; null where it has one class only.
    """

    source: str
    captures: int
    rows: int
    malicious: int
    recall: float | None
    false_positive_rate: float | None
    roc_auc: float | None


class FamilyResult(Section):
    """How one malware family or attack fared.

    Attributes:
        family: Its name; `unnamed` where nobody said.
        captures: Captures with rows of it.
        captures_detected: Those with at least one of these rows called malicious.
        rows: Malicious rows of it.
        recall: Share of these that were called malicious.
    """

    family: str
    captures: int
    captures_detected: int
    rows: int
    recall: float


class Curve(Section):
    """Points of a curve, thinned to a few hundred; x ascending."""

    x: tuple[float, ...]
    y: tuple[float, ...]


class CalibrationBin(Section):
    """Rows whose probability lies in one tenth: their mean probability, and the share that is malicious.

    Both are weighted as the model was calibrated: by capture, or by row.
    """

    low: float
    high: float
    rows: int
    mean_probability: float
    malicious_share: float


class ProtocolResult(Section):
    """One protocol's result at one level.

    Attributes:
        protocol: `grouped` or `random`.
        safe: Whether the figure says anything about captures not seen.
        description: How rows were held out.
        folds: How many folds.
        thresholds: The threshold that each fold chose within its training part.
        metrics: Every row weighs the same.
        metrics_by_capture: Every capture weighs the same, however many rows it has.
        per_source: The verdicts, a source at a time.
        per_family: The verdicts on malicious rows, a family at a time.
        roc: False positive rate against true positive rate.
        precision_recall: Recall against precision.
        calibration: Predicted against observed, in tenths.
    """

    protocol: str
    safe: bool
    description: str
    folds: int
    thresholds: tuple[float, ...]
    metrics: dict[str, Estimate]
    metrics_by_capture: dict[str, Estimate]
    per_source: tuple[SourceResult, ...]
    per_family: tuple[FamilyResult, ...]
    roc: Curve
    precision_recall: Curve
    calibration: tuple[CalibrationBin, ...]


class LevelResult(Section):
    """All protocols at one level.

    Attributes:
        data: Rows, malicious rows, captures, rows left out by reason.
        protocols: By name.
        gap: What random folds flatter: random less grouped, by metric.
    """

    data: dict[str, Any]
    protocols: dict[str, ProtocolResult]
    gap: dict[str, float | None] = Field(default_factory=dict)


class Evaluation(Section):
    """The content of `evaluation.json`.

    Attributes:
        model: Name of the model.
        fingerprint: Hash of all that determines this evaluation.
        model_fingerprint: That of the model.
        spec: The model spec that was fitted anew in each fold.
        seed: Seed of everything random.
        draws: Draws of the bootstrap.
        feature_version: Version of the features.
        headline: The gap, in a sentence a level.
        notes: What a reader must know.
        levels: Results by level.
        audit: What the audit of the data says: its light, and its checks; null where none was made.
    """

    model: str
    fingerprint: str
    model_fingerprint: str
    spec: dict[str, Any]
    seed: int
    draws: int
    feature_version: str
    headline: tuple[str, ...]
    notes: tuple[str, ...] = ()
    levels: dict[Level, LevelResult]
    audit: dict[str, Any] | None = None
