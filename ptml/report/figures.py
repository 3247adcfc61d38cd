"""The charts of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptml.report.charts import Interval, Line, interval_chart, line_chart
from ptml.report.drawing import Look
from ptml.report.environment import decimal, signed
from ptml.report.naming import RANDOM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from ptml.report.charts import Point
    from ptml.report.levels import LevelPage

BANDS = 1
"""Lines of a chart that have their band drawn, from the first: more would hide each other."""
MOST_IMPORTANT = 12


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, what else it shows, and the same chart for a phone where that is another one."""

    title: str
    drawing: Markup
    remark: str = ""
    narrow: Markup | None = None


def overview(level: LevelPage) -> Figure | None:
    """Draw each protocol's ROC-AUC with its interval; None where none has any."""
    rows = [
        Interval(name.title, name.look, area["value"], area["low"], area["high"], decimal(area["value"]))
        for name in level.names
        if (area := level.metric(name.key))["value"] is not None
    ]
    if not rows:
        return None
    ends = [end for row in rows for end in (row.value, row.low) if end is not None]
    start = 0.0 if min(ends) < 0.5 else 0.5  # noqa: PLR2004 - what guessing gives
    title = f"ROC-AUC by what was held out, {level.level}s"
    label = "ROC-AUC; 0.5 is what guessing gives"
    return _intervals("ROC-AUC by what was held out", title, label, rows, (start, 1))


def curves(level: LevelPage) -> list[Figure]:
    """Draw ROC, precision-recall and calibration curves, a line a protocol."""
    ring = "The ring is the threshold; the band holds 95 % of the bootstrap's curves."
    places = {
        name.key: tuple(level.metric(name.key, metric)["value"] for metric in _VERDICTS)
        for name in level.names
    }
    roc = _lines(level, "roc", {key: (false, found) for key, (found, false, _) in places.items()})
    precise = {key: (found, precision) for key, (found, _, precision) in places.items()}
    return [
        Figure(
            "ROC curve",
            line_chart(
                f"ROC curve, {level.level}s",
                x_label="False positive rate",
                y_label="True positive rate",
                lines=roc,
                diagonal=True,
            ),
            f"{ring} The diagonal is what guessing gives.",
        ),
        Figure(
            "ROC curve where false alarms are few",
            line_chart(
                f"ROC curve with false positive rates from 0.0001, {level.level}s",
                x_label="False positive rate, logarithmic",
                y_label="True positive rate",
                lines=roc,
                x_scale="log",
            ),
            "The left half is where a sensor has to work.",
        ),
        Figure(
            "Precision and recall",
            line_chart(
                f"Precision-recall curve, {level.level}s",
                x_label="Recall",
                y_label="Precision",
                lines=_lines(level, "precision_recall", precise),
            ),
            f"{ring} Precision holds for this dataset's share of malicious rows.",
        ),
        Figure(
            "Calibration",
            line_chart(
                f"Calibration, {level.level}s",
                x_label="Mean probability given",
                y_label="Share malicious",
                lines=[
                    Line(name.title, name.look, _bins(result["calibration"]), dots=True)
                    for name, result in level.results
                ],
                diagonal=True,
            ),
            "On the diagonal a probability means what it says; above it, it says too little.",
        ),
    ]


_VERDICTS = ("recall", "false_positive_rate", "precision")


def importances(level: LevelPage) -> Figure | None:
    """Draw what the model owes to the most important families of features; None where nobody measured."""
    rows = [
        Interval(one["family"], Look("--accent"), one["drop"], one["low"], one["high"], signed(one["drop"]))
        for one in level.found["importances"][:MOST_IMPORTANT]
    ]
    if not rows:
        return None
    label = "Loss of ROC-AUC without it"
    return _intervals("Most important", f"Importance of features, {level.level}s", label, rows)


def _intervals(
    caption: str, title: str, label: str, rows: Sequence[Interval], domain: Point | None = None
) -> Figure:
    wide, narrow = (
        interval_chart(title, label=label, rows=rows, domain=domain, narrow=narrow)
        for narrow in (False, True)
    )
    return Figure(caption, wide, narrow=narrow)


def _lines(
    level: LevelPage, curve: str, marks: Mapping[str, tuple[float | None, float | None]]
) -> list[Line]:
    lines = []
    for number, (name, result) in enumerate(level.results):
        points: Mapping[str, Any] = result[curve]
        band = _band(points) if number < BANDS and name.key != RANDOM else ()
        x, y = marks[name.key]
        mark = None if x is None or y is None else (x, y)
        along = list(zip(points["x"], points["y"], strict=True))
        lines.append(Line(name.title, name.look, along, band=band, mark=mark))
    return lines


def _band(curve: Mapping[str, Any]) -> list[tuple[float, float, float]]:
    ends = zip(curve["band_x"], curve["low"], curve["high"], strict=True)
    return [(x, low, high) for x, low, high in ends if low is not None and high is not None]


def _bins(bins: Sequence[Mapping[str, float]]) -> list[tuple[float, float]]:
    return [(one["mean_probability"], one["malicious_share"]) for one in bins]
