"""What an evaluation's own figures answer to each pitfall: how far, and in which words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ptml.report.environment import count, decimal, plural, signed
from ptml.report.naming import BY_KEY, GROUPED, RANDOM, SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ptml.report.auditing import AuditPage
    from ptml.report.levels import LevelPage

Answer: TypeAlias = Literal["measured", "in part", "open"]
Answered: TypeAlias = tuple[Answer, list[str]]
BASE_RATES = {100: "precision_at_1e-2", 1_000: "precision_at_1e-3", 10_000: "precision_at_1e-4"}
FEW = 30
TEMPORAL = "temporal"
SIMULATED = "simulator"


@dataclass(frozen=True, slots=True)
class Facts:
    """What answers are made from.

    Attributes:
        data: The content of `evaluation.json`.
        levels: Its levels.
        audit: The audit of the data; None where none was made.
    """

    data: Mapping[str, Any]
    levels: Sequence[LevelPage]
    audit: AuditPage | None

    def ran(self, protocol: str) -> bool:
        """Tell whether a protocol has a result at any level."""
        return any(protocol in level.protocols for level in self.levels)

    def audited(self, *words: str) -> list[str]:
        """Say what the audit found amiss in checks of these words."""
        found = self.audit.found(*words) if self.audit else []
        return [f"Audit, {check.level}: {check.title}: {check.says.rstrip('.')}." for check in found]


def sampling(facts: Facts) -> Answered:
    """Do the captures stand for the traffic that the model will meet?"""
    said = []
    for level in facts.levels:
        sources: Sequence[Mapping[str, Any]] = level.main["per_source"]
        rows = sum(one["rows"] for one in sources)
        single = [one for one in sources if one["malicious"] in (0, one["rows"])]
        largest = max(sources, key=lambda one: one["rows"], default=None)
        if single:
            said.append(
                f"{level.title}: {len(single)} of {plural(len(sources), 'source', 'sources')} "
                f"({count(sum(one['rows'] for one in single))} of {count(rows)} rows) have one label only: "
                "a model that learns to tell sources apart looks good here and fails elsewhere."
            )
        if largest is not None and len(sources) > 1:
            said.append(
                f"{level.title}: the largest source gives {largest['rows'] / max(rows, 1):.0%} of the rows."
            )
        small = sum(one["captures"] < FEW for one in level.main["per_family"])
        if small:
            said.append(
                f"{level.title}: {small} of {len(level.main['per_family'])} families have fewer than {FEW} "
                "captures: their rows are anecdotes, not rates."
            )
    said += _areas(facts, SOURCES) or [
        "Sources were not held out: what another network gives is not measured."
    ]
    return ("measured" if facts.ran(SOURCES) else "in part"), [
        *said,
        *facts.audited("source", "balance", "group"),
    ]


def labels(facts: Facts) -> Answered:
    """Are the labels right?"""
    said = []
    policy = facts.data["labels"].get("policy")
    if policy:
        said.append(f"Connections were labelled by the policy {policy}.")
    said.append(
        "Where a capture is labelled as a whole, its ordinary connections carry the label too, "
        "so that figures for connections count background as missed or found."
    )
    doubtful = sum(len(level.found["mistakes"]) for level in facts.levels)
    if doubtful:
        said.append(
            f"{plural(doubtful, 'confident error is', 'confident errors are')} listed with reasons: "
            "wrong labels would be among them."
        )
    return ("in part" if doubtful or facts.audit else "open"), [*said, *facts.audited("label")]


def snooping(facts: Facts) -> Answered:
    """Did the model see anything of what it was judged on?"""
    said = [
        (
            "Whatever is fitted (encoders, imputation, the estimator, calibration, threshold) is fitted anew "
            "without the rows that are judged; captures that share content are held out together."
        )
    ]
    for level in facts.levels:
        gap = level.gap(GROUPED)["value"]
        if gap is not None:
            said.append(
                f"{level.title}: with rows drawn at random the ROC-AUC changes by {signed(gap)}: that figure "
                "comes of knowing the captures, and must not be quoted as what to expect."
            )
    if not facts.ran(RANDOM):
        said.append("No random split was run as a control, so nothing shows how much it flatters.")
    said += _areas(facts, TEMPORAL) or [
        (
            "Captures were not held out by time: how fast the model ages, what next year's traffic gives, "
            "is not measured."
        )
    ]
    measured = facts.ran(RANDOM) and facts.ran(GROUPED) and facts.ran(TEMPORAL)
    return ("measured" if measured else "in part"), [*said, *facts.audited("duplicate", "overlap")]


def spurious(facts: Facts) -> Answered:
    """Does it tell what is malicious, or what only goes with it in this data?"""
    said = ["Addresses, uids, absolute times and names of files and sources are refused as inputs."]
    for level in facts.levels:
        gap = level.gap(SOURCES)["value"]
        if gap is not None:
            said.append(f"{level.title}: a random split shows {signed(gap)} ROC-AUC over sources never seen.")
        if level.found["importances"]:
            top = level.found["importances"][0]
            said.append(
                f"{level.title}: the model owes most to {top['family']} "
                f"({signed(top['drop'])} ROC-AUC when it is shuffled)."
            )
    measured = facts.ran(SOURCES) and any(level.found["importances"] for level in facts.levels)
    return ("measured" if measured else "in part"), [
        *said,
        *facts.audited("feature", "port", "identif", "constant"),
    ]


def parameters(facts: Facts) -> Answered:
    """Was anything chosen by the figures that are reported?"""
    said = [
        "Threshold and calibration come from held-out rows within the learning part, never from rows judged."
    ]
    for level in facts.levels:
        thresholds = level.main["thresholds"]
        if thresholds:
            said.append(
                f"{level.title}: the thresholds so chosen run from {min(thresholds):.3f} "
                f"to {max(thresholds):.3f}."
            )
    seeds = facts.data["seeds"] or (facts.data["seed"],)
    said.append(
        f"Folds and fits were made with {plural(len(seeds), 'seed', 'seeds')}. Whether the spec itself "
        "was chosen after looking at a page like this one, only whoever chose it knows: keep captures "
        "that no choice saw."
    )
    return "in part", said


def baseline(facts: Facts) -> Answered:
    """Is it better than something simple?"""
    found = facts.data["comparisons"]
    if not found:
        return "open", [
            (
                "No other model was evaluated beside it. `ptml evaluate --against` gives the difference, "
                "to logistic regression, say, on the same captures with its interval."
            )
        ]
    said = []
    for one in found:
        area = one["differences"]["roc_auc"]
        held = f"{one['level']}s, {BY_KEY[one['protocol']].title.lower()}"
        said.append(f"Against {one['against']} ({held}): {_figure(area, signs=True)} ROC-AUC.")
    return "measured", said


def measures(facts: Facts) -> Answered:
    """Are the figures those that matter?"""
    said = [
        (
            "Rankings are judged by ROC-AUC, PR-AUC and what is found at few false alarms, verdicts by "
            "recall, false alarms, precision and MCC, probabilities by Brier score and calibration; each "
            "with an interval over captures, by row and by capture, by source and family."
        )
    ]
    for level in facts.levels:
        refused = [
            (name, figures[0]["reason"]) for name, _, figures in level.measures if figures[0]["reason"]
        ]
        said += [
            f"{level.title}: {name} is not given or has no interval: {reason}." for name, reason in refused
        ]
    return "measured", said


def base_rates(facts: Facts) -> Answered:
    """What are alerts worth where malicious traffic is rare?"""
    said = []
    for level in facts.levels:
        figures = {one_in: level.metric(level.main_name.key, name) for one_in, name in BASE_RATES.items()}
        parts = [
            f"1 in {count(one_in)}: {figure['value']:.1%}"
            for one_in, figure in figures.items()
            if figure["value"] is not None
        ]
        if parts:
            said.append(
                f"{level.title}: the share of alerts that are true depends on how rare malicious "
                f"{level.level}s are. At this recall and false alarm rate, {', '.join(parts)}."
            )
    return (
        ("measured", said)
        if said
        else ("open", ["No recall and false alarm rate is known to compute it from."])
    )


def laboratory(facts: Facts) -> Answered:
    """Was it tried where it will be used?"""
    sources = {one["source"]: one["captures"] for level in facts.levels for one in level.main["per_source"]}
    simulated = sources.get(SIMULATED, 0)
    said = []
    if simulated:
        said.append(
            f"{simulated} of {plural(sum(sources.values()), 'capture', 'captures')} are simulated: "
            "figures on them show that the tools work, and nothing about real networks."
        )
    said.append(
        "Captures of sandboxes, honeypots and laboratories are not a network at work, and no figure here "
        "comes of live traffic. Score a week of your own first, look at the alerts, then trust a threshold."
    )
    return "open", [*said, *facts.audited("simulated", "drift")]


def threat(facts: Facts) -> Answered:
    """What if the attacker knows of the model?"""
    said = [
        "No attacker who adapts to the model was tried; every figure is for traffic that does not know of it."
    ]
    for level in facts.levels:
        top = [one["family"] for one in level.found["importances"][:3] if one["drop"] > 0]
        if top:
            said.append(
                f"{level.title}: it owes most to {', '.join(top)}: whoever can change these at will "
                "can evade it."
            )
    return "open", said


def _areas(facts: Facts, protocol: str) -> list[str]:
    found = [(level, level.metric(protocol)) for level in facts.levels if protocol in level.protocols]
    title = BY_KEY[protocol].title.lower()
    return [f"{level.title}, {title}: ROC-AUC {_figure(area)}." for level, area in found]


def _figure(figure: Mapping[str, Any], *, signs: bool = False) -> str:
    if figure["value"] is None:
        return f"unknown ({figure['reason'] or 'not measured'})"
    write = signed if signs else decimal
    if figure["low"] is None:
        return write(figure["value"])
    return f"{write(figure['value'])} ({write(figure['low'])} to {write(figure['high'])})"
