"""What an evaluation cannot show, and what its own figures warn of, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptml.report.environment import count, plural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ptml.report.evaluation import LevelPage

BASE_RATES = {100: 0.01, 1_000: 0.001, 10_000: 0.0001}
FEW = 30
TIME = (
    "Captures were not held out by time. How fast the model ages, and what next year's traffic gives, "
    "is not measured."
)
FAMILIES = (
    "Folds hold out captures, not families: other captures of a family may have been learned from. "
    "What a family never seen gives is not measured."
)
LABELS = (
    "Where a capture is labelled as a whole, its ordinary connections carry the label too, "
    "so that figures for connections count background as missed or found."
)
ALWAYS = (("Time", TIME), ("Families", FAMILIES), ("Labels", LABELS))


def pitfalls(levels: Sequence[LevelPage]) -> list[tuple[str, str]]:
    """List what a reader must know, name and text: first what the figures show, then what always holds."""
    found: list[tuple[str, str]] = []
    for level in levels:
        found += [*_split(level), *_sources(level), *_base_rates(level), *_few(level), *_threshold(level)]
    return [*found, *ALWAYS]


def precision_at(base_rate: float, recall: float, false_positive_rate: float) -> float | None:
    """Tell what share of alerts is true where a given share of all is malicious; None if there are no alerts.

    >>> round(precision_at(0.0001, 0.95, 0.001), 3)
    0.087
    """
    true, false = base_rate * recall, (1 - base_rate) * false_positive_rate
    return true / (true + false) if true + false > 0 else None


def _split(level: LevelPage) -> list[tuple[str, str]]:
    if level.gap is None:
        return [
            (
                f"{level.title}: split",
                "Only one protocol was run, so nothing shows how much a random split flatters.",
            )
        ]
    text = (
        f"With rows drawn at random the ROC-AUC changes by {level.gap:+.3f}: that figure comes of knowing "
        "the captures, and must not be quoted as what to expect."
    )
    return [(f"{level.title}: split", text)]


def _sources(level: LevelPage) -> list[tuple[str, str]]:
    sources: Sequence[Mapping[str, Any]] = level.main["per_source"]
    single = [one for one in sources if one["malicious"] in (0, one["rows"])]
    if not single:
        return []
    rows = sum(one["rows"] for one in single)
    text = (
        f"{len(single)} of {plural(len(sources), 'source', 'sources')} ({count(rows)} of "
        f"{count(sum(one['rows'] for one in sources))} rows) have one label only: a model that learns to "
        "tell sources apart looks good here and fails elsewhere."
    )
    return [(f"{level.title}: source and label", text)]


def _base_rates(level: LevelPage) -> list[tuple[str, str]]:
    figures = level.main["metrics"]
    recall, false_alarms = figures["recall"]["value"], figures["false_positive_rate"]["value"]
    if recall is None or false_alarms is None:
        return []
    precisions = {one_in: precision_at(rate, recall, false_alarms) for one_in, rate in BASE_RATES.items()}
    parts = [
        f"1 in {count(one_in)}: {value:.1%}" for one_in, value in precisions.items() if value is not None
    ]
    if not parts:
        return []
    text = (
        f"The share of alerts that are true depends on how rare malicious {level.level}s are. "
        f"At this recall and false alarm rate, {', '.join(parts)}."
    )
    return [(f"{level.title}: base rate", text)]


def _few(level: LevelPage) -> list[tuple[str, str]]:
    families = level.main["per_family"]
    small = sum(one["captures"] < FEW for one in families)
    if not small:
        return []
    text = (
        f"{small} of {len(families)} families have fewer than {FEW} captures: "
        "their rows above are anecdotes, not rates."
    )
    return [(f"{level.title}: small numbers", text)]


def _threshold(level: LevelPage) -> list[tuple[str, str]]:
    thresholds = level.main["thresholds"]
    if not thresholds:
        return []
    low, high = min(thresholds), max(thresholds)
    text = f"Each fold chose its own within its training part, from {low:.3f} to {high:.3f}."
    return [(f"{level.title}: threshold", text)]
