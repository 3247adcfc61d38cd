"""The page on an evaluation, from the content of `evaluation.json`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptml.report.charts import Series, unit_chart
from ptml.report.environment import count, decimal, plural, render
from ptml.report.pitfalls import pitfalls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

GROUPED, RANDOM = "grouped", "random"
PROTOCOLS = {
    GROUPED: "Captures held out whole",
    "temporal": "By time",
    "leave-family-out": "Each family held out",
    "leave-source-out": "Each source held out",
    RANDOM: "Rows at random (unsafe)",
}
MEASURES = {
    "roc_auc": ("ROC-AUC", "chance that a malicious row ranks above a benign one"),
    "pr_auc": ("PR-AUC", "mean precision over all recalls; compare with the share of malicious rows"),
    "tpr_at_fpr_1e-2": (
        "Found at 1 % false alarms",
        "true positive rate where 1 % of benign rows are called",
    ),
    "tpr_at_fpr_1e-3": (
        "Found at 0.1 % false alarms",
        "the same at one false alarm in a thousand benign rows",
    ),
    "recall": ("Recall", "share of malicious rows called malicious at the threshold"),
    "false_positive_rate": ("False alarms", "share of benign rows called malicious at the threshold"),
    "precision": (
        "Precision",
        "share of alerts that are true, at the share of malicious rows in this dataset",
    ),
    "mcc": ("MCC", "agreement of verdict and label: 1 is perfect, 0 is chance"),
    "brier": ("Brier score", "mean squared error of the probability; lower is better"),
}
UNKNOWN: Mapping[str, Any] = {"value": None, "low": None, "high": None, "reason": "not measured"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, the names of its lines for the key, and what else it shows."""

    title: str
    drawing: Markup
    names: Sequence[str]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class LevelPage:
    """What the page shows of one level, connections or captures.

    Attributes:
        level: Its name.
        data: Rows, malicious rows, captures, rows left out by reason.
        protocols: Results by protocol, the honest one first.
    """

    level: str
    data: Mapping[str, Any]
    protocols: Mapping[str, Mapping[str, Any]]

    @property
    def title(self) -> str:
        """Name the level as the page does."""
        return f"{self.level.capitalize()}s"

    @property
    def main(self) -> Mapping[str, Any]:
        """The honest protocol's result, or else the only one there is."""
        return self.protocols.get(GROUPED) or next(iter(self.protocols.values()))

    @property
    def counts(self) -> str:
        """Say in a sentence what was judged."""
        rows = plural(self.data["rows"], self.level, f"{self.level}s")
        captures = plural(self.data["captures"], "capture", "captures")
        share = self.data["malicious"] / max(self.data["rows"], 1)
        of = "" if self.level == "capture" else f" of {captures}"
        return f"{rows}{of}, {count(self.data['malicious'])} of them malicious ({share:.1%})."

    def area(self, protocol: str) -> Mapping[str, Any]:
        """Give a protocol's ROC-AUC with its interval."""
        found = self.protocols.get(protocol)
        return found["metrics"]["roc_auc"] if found else UNKNOWN

    @property
    def gap(self) -> float | None:
        """Tell by how much the unsafe control looks better."""
        grouped, random = self.area(GROUPED)["value"], self.area(RANDOM)["value"]
        return None if grouped is None or random is None else random - grouped

    @property
    def columns(self) -> list[str]:
        """Head the columns of the table of measures."""
        names = [PROTOCOLS[name] for name in self.protocols]
        return [f"{names[0]}, every row the same", f"{names[0]}, every capture the same", *names[1:]]

    @property
    def measures(self) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
        """List each measure: name, meaning, a figure a column."""
        first, *others = self.protocols.values()
        sets = [first["metrics"], first["metrics_by_capture"], *(other["metrics"] for other in others)]
        return [
            (name, meaning, [figures.get(key, UNKNOWN) for figures in sets])
            for key, (name, meaning) in MEASURES.items()
        ]

    @property
    def figures(self) -> list[Figure]:
        """Draw the curves, one line a protocol."""
        names = [PROTOCOLS[name] for name in self.protocols]
        results = self.protocols.values()
        at = [
            (r["metrics"]["false_positive_rate"]["value"], r["metrics"]["recall"]["value"]) for r in results
        ]
        precise = [(r["metrics"]["recall"]["value"], r["metrics"]["precision"]["value"]) for r in results]
        ring = "The ring is the threshold."
        return [
            Figure(
                "ROC curve",
                unit_chart(
                    f"ROC curve, {self.level}s",
                    x_label="False positive rate",
                    y_label="True positive rate",
                    series=_lines(names, [_points(r["roc"]) for r in results]),
                    diagonal="what guessing gives",
                    marks=_known(at),
                ),
                names,
                f"{ring} The diagonal is what guessing gives.",
            ),
            Figure(
                "Precision and recall",
                unit_chart(
                    f"Precision-recall curve, {self.level}s",
                    x_label="Recall",
                    y_label="Precision",
                    series=_lines(names, [_points(r["precision_recall"]) for r in results]),
                    marks=_known(precise),
                ),
                names,
                f"{ring} Precision holds for this dataset's share of malicious rows.",
            ),
            Figure(
                "Calibration",
                unit_chart(
                    f"Calibration, {self.level}s",
                    x_label="Mean probability given",
                    y_label="Share malicious",
                    series=_lines(names, [_bins(r["calibration"]) for r in results], dots=True),
                    diagonal="probabilities that mean what they say",
                ),
                names,
                "On the diagonal a probability means what it says.",
            ),
        ]


def _points(curve: Mapping[str, Sequence[float]]) -> list[tuple[float, float]]:
    return list(zip(curve["x"], curve["y"], strict=True))


def _bins(bins: Sequence[Mapping[str, float]]) -> list[tuple[float, float]]:
    return [(one["mean_probability"], one["malicious_share"]) for one in bins]


def _lines(
    names: Sequence[str], points: Sequence[list[tuple[float, float]]], *, dots: bool = False
) -> list[Series]:
    return [Series(name, line, dots=dots) for name, line in zip(names, points, strict=True)]


def _known(places: Sequence[tuple[float | None, float | None]]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in places if x is not None and y is not None]


def level_pages(data: Mapping[str, Any]) -> list[LevelPage]:
    """Arrange an evaluation by level, the honest protocol first."""
    return [
        LevelPage(
            level,
            found["data"],
            {name: found["protocols"][name] for name in PROTOCOLS if name in found["protocols"]},
        )
        for level, found in data["levels"].items()
    ]


def evaluation_sentence(data: Mapping[str, Any]) -> str:
    """Say in a sentence how a model did on captures that it had not seen.

    >>> area = {"value": 0.8, "low": 0.7, "high": 0.9, "reason": None}
    >>> grouped = {"metrics": {"roc_auc": area}}
    >>> evaluation_sentence({"levels": {"capture": {"data": {}, "protocols": {"grouped": grouped}}}})
    'On captures held out whole: captures ROC-AUC 0.800 (0.700 to 0.900).'
    """
    parts = [f"{page.level}s ROC-AUC {_with_interval(page.area(GROUPED))}" for page in level_pages(data)]
    return f"On captures held out whole: {', '.join(parts)}."


def _with_interval(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return f"unknown ({figure['reason'] or 'not measured'})"
    if figure["low"] is None or figure["high"] is None:
        return decimal(figure["value"])
    return f"{decimal(figure['value'])} ({decimal(figure['low'])} to {decimal(figure['high'])})"


def _headline(levels: Sequence[LevelPage]) -> str:
    first = next((level for level in levels if level.gap is not None), None)
    if first is None:
        return "How good it is on captures it has not seen"
    grouped, random = decimal(first.area(GROUPED)["value"]), decimal(first.area(RANDOM)["value"])
    return f"ROC-AUC {grouped} on captures it had not seen; a random split would claim {random}"


def render_evaluation(data: Mapping[str, Any]) -> str:
    """Make one self-contained HTML page of an evaluation.

    Args:
        data: The content of `evaluation.json`.
    """
    levels = level_pages(data)
    facts = [
        ("Model", data["model"]),
        ("Estimator", data["spec"].get("estimator")),
        ("Seed", data["seed"]),
        ("Bootstrap", f"{count(data['draws'])} draws of whole captures"),
        ("Feature version", data["feature_version"]),
        ("Fingerprint of the model", data["model_fingerprint"]),
        ("Fingerprint of this evaluation", data["fingerprint"]),
    ]
    return render(
        "evaluation.html",
        model=data["model"],
        headline=_headline(levels),
        lead=evaluation_sentence(data),
        levels=levels,
        notes=data["notes"],
        pitfalls=pitfalls(levels),
        facts=facts,
    )
