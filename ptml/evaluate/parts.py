"""The parts that an evaluation's results are made of."""

from __future__ import annotations

from typing import Literal

from ptml.settings import Section
from ptml.types import Level  # noqa: TC001 - pydantic resolves annotations at run time


class Estimate(Section):
    """A figure with its 95 % interval from a bootstrap over captures; null with the reason where unknown."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


class SplitResult(Section):
    """One time that rows were held out.

    Attributes:
        name: What was held out: a fold, a window of time, a family, a source, or some of them.
        learn_captures: Captures learned from.
        learn_rows: Their rows.
        captures: Captures held out.
        rows: Their rows.
        malicious: Rows of these that are malicious.
        threshold: Chosen within what was learned from.
        roc_auc: Of the rows held out; null where they have one class only.
        pr_auc: Likewise.
        recall: Share of the malicious rows called malicious; null where there are none.
        false_positive_rate: Share of the benign rows that were; null where there are none.
        starts: Time of the first row held out, ISO 8601; null where rows have no time.
        ends: Time of the last.
    """

    name: str
    learn_captures: int
    learn_rows: int
    captures: int
    rows: int
    malicious: int
    threshold: float
    roc_auc: float | None
    pr_auc: float | None
    recall: float | None
    false_positive_rate: float | None
    starts: str | None = None
    ends: str | None = None


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
    """Points of a curve, thinned to a few hundred; x ascending.

    Attributes:
        x: Where.
        y: The curve.
        band_x: Where the band is given: an even grid, so not at `x`.
        low: Lower end of the band that holds 95 % of the bootstrap's curves; null where few define it.
        high: Its upper end.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    band_x: tuple[float, ...] = ()
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


class CalibrationBin(Section):
    """Rows whose probability lies in one tenth: their mean probability, and the share that is malicious.

    Both are weighted as the model was calibrated: by capture, or by row.
    """

    low: float
    high: float
    rows: int
    mean_probability: float
    malicious_share: float


class Detection(Section):
    """Malicious captures: which were detected, and how long it took.

    A capture is detected if at least one of its malicious rows was called malicious. The time runs from the
    first connection of the capture to the first of these; a level without times has none.

    Attributes:
        captures: Captures with malicious rows.
        detected: Those with at least one of these called malicious.
        seconds: Time to detection over those detected: quantiles by name, p10 p25 p50 p75 p90.
    """

    captures: int
    detected: int
    seconds: dict[str, float] | None = None


class AlertLoad(Section):
    """How many alerts there would be.

    A host-day is a day (UTC) on which a host opened a connection that was held out, in one capture.

    Attributes:
        host_days: How many there are.
        benign_host_days: Those with benign connections.
        alerts: Connections called malicious.
        false_alarms: Those of them that are benign.
    """

    host_days: int
    benign_host_days: int
    alerts: int
    false_alarms: int


class MatrixCell(Section):
    """A model of one source on another.

    Attributes:
        train: Source, or sources together, that the model learned from.
        test: Source that it judged; where it is the same, captures of it were held out.
        captures: Captures judged.
        rows: Their rows.
        malicious: Rows of these that are malicious.
        roc_auc: Null with the reason where the source has one class, or the model could not be made.
        low: Lower end of the 95 % interval.
        high: Its upper end.
        recall: Null where there are no malicious rows.
        false_positive_rate: Null where there are no benign rows.
        reason: Why there is no ROC-AUC.
    """

    train: str
    test: str
    captures: int
    rows: int
    malicious: int
    roc_auc: float | None = None
    low: float | None = None
    high: float | None = None
    recall: float | None = None
    false_positive_rate: float | None = None
    reason: str | None = None


class SourceMatrix(Section):
    """What a model of one source makes of another; a cell for each pair.

    A source with one class cannot be learned from alone: all of these together are one row.

    Attributes:
        train: Names of the rows.
        test: Names of the columns.
        cells: Row by row.
        notes: What a reader must know, such as sources left out.
    """

    train: tuple[str, ...]
    test: tuple[str, ...]
    cells: tuple[MatrixCell, ...]
    notes: tuple[str, ...] = ()


class Importance(Section):
    """What a model owes to a family of features: the drop of ROC-AUC when it is permuted on held-out rows.

    Attributes:
        family: Name of the family of features.
        features: How many features it has.
        drop: ROC-AUC less that with the family permuted.
        low: Lower end of the 95 % interval.
        high: Its upper end.
    """

    family: str
    features: int
    drop: float
    low: float | None = None
    high: float | None = None


class Mistake(Section):
    """An error worth looking at.

    Attributes:
        kind: `false_alarm` or `missed`.
        capture_id: Its capture.
        uid: Its connection; null where captures are judged.
        source: Who published the capture.
        family: What it is; null where nobody said.
        probability: What the model gave it.
        reasons: What moved it most, in words.
    """

    kind: Literal["false_alarm", "missed"]
    capture_id: str
    uid: str | None
    source: str
    family: str | None
    probability: float
    reasons: tuple[str, ...] = ()


class Comparison(Section):
    """Two models on the same rows, each held out by the same protocol: this one less the other.

    Attributes:
        against: Name of the other model.
        level: Where they were compared.
        protocol: How rows were held out.
        differences: By metric; every row weighs the same.
        differences_by_capture: Every capture weighs the same.
    """

    against: str
    level: Level
    protocol: str
    differences: dict[str, Estimate]
    differences_by_capture: dict[str, Estimate]


class NamedFamily(Section):
    """How naming did on the captures of one family, held out.

    Attributes:
        family: Its name.
        captures: Its captures.
        first: How many of them had it come first, whether it was named or not.
        named: How many were named as it.
        named_other: How many were named as another family.
        precision: Share right of all captures named as it; null where none was.
        unseen: How many came out unknown when no capture of the family had been learned from; null where
            that could not be done.
        unseen_as: What those that got a name were called most often; null where all came out unknown.
    """

    family: str
    captures: int
    first: int
    named: int
    named_other: int
    precision: float | None
    unseen: int | None = None
    unseen_as: str | None = None


class FamilyNaming(Section):
    """How well families are named, taking for granted that the captures are malicious.

    Attributes:
        captures: Malicious captures of families that can be named, each held out once with its group.
        rare: Malicious captures of families too rare to be named: for these, unknown is right.
        unnamed: Malicious captures of no known family; they are not judged.
        metrics: `top_1` and `top_3`: share of captures whose family came first, or among the first three;
            `macro_f1`: of the names given, averaged over the families, an answer of unknown being a miss;
            `named`: share that got a name; `right`: share of all names, those of rare families too, that
            were right; `rare_unknown`: share of the captures of rare families that came out unknown;
            `unseen_unknown`: the same of families of which nothing had been learned, though they can be
            named.
        families: One by one.
        too_few: Families that cannot be judged, and in how many groups of captures they are.
        answers: The columns of `confusion`: each family, then unknown.
        confusion: Captures by family (rows: each family, then the rare ones together) and answer.
        notes: What a reader must know.
    """

    captures: int
    rare: int
    unnamed: int
    metrics: dict[str, Estimate]
    families: tuple[NamedFamily, ...]
    too_few: dict[str, int]
    answers: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    notes: tuple[str, ...] = ()
