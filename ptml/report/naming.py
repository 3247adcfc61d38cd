"""What a page calls protocols and measures, and what these mean."""

from __future__ import annotations

from dataclasses import dataclass

from ptml.report.drawing import Look

GROUPED, SOURCES, RANDOM = "grouped", "leave-source-out", "random"


@dataclass(frozen=True, slots=True)
class ProtocolName:
    """How a page speaks of a protocol.

    Attributes:
        key: Its name in `evaluation.json`.
        title: Its name on the page.
        meaning: What its figures tell.
        look: Its line in charts.
    """

    key: str
    title: str
    meaning: str
    look: Look


PROTOCOLS: tuple[ProtocolName, ...] = (
    ProtocolName(
        GROUPED,
        "Captures held out",
        "what to expect on new captures like these",
        Look("--accent"),
    ),
    ProtocolName(
        "temporal",
        "Later captures held out",
        "what to expect of traffic later than what was learned from",
        Look("--fourth", (10, 3, 2, 3)),
    ),
    ProtocolName(
        "leave-family-out",
        "Families held out",
        "what to expect of a family that nobody has labelled yet",
        Look("--third", (2, 3)),
    ),
    ProtocolName(
        SOURCES,
        "Sources held out",
        "what to expect on a network or sandbox that it has not learned from",
        Look("--bad", (12, 4)),
    ),
    ProtocolName(
        RANDOM,
        "Rows at random (unsafe)",
        "nothing but how much a random split flatters",
        Look("--warm", (6, 4)),
    ),
)
BY_KEY = {protocol.key: protocol for protocol in PROTOCOLS}

MEASURES: dict[str, tuple[str, str]] = {
    "roc_auc": ("ROC-AUC", "chance that a malicious row ranks above a benign one"),
    "pr_auc": ("PR-AUC", "mean precision over all recalls; compare with the share of malicious rows"),
    "tpr_at_fpr_1e-2": (
        "Found at 1 % false alarms",
        "true positive rate where 1 % of benign rows are called",
    ),
    "tpr_at_fpr_1e-3": ("Found at 0.1 %", "the same at one false alarm in a thousand benign rows"),
    "tpr_at_fpr_1e-4": ("Found at 0.01 %", "the same at one in ten thousand"),
    "partial_auc_1e-2": ("Partial AUC to 1 %", "area left of 1 % false alarms, scaled so that chance is 0.5"),
    "recall": ("Recall", "share of malicious rows called malicious at the threshold"),
    "false_positive_rate": ("False alarms", "share of benign rows called malicious at the threshold"),
    "precision": (
        "Precision",
        "share of alerts that are true, at the share of malicious rows in this dataset",
    ),
    "precision_at_1e-2": ("Precision at 1 in 100", "the same where one row in a hundred is malicious"),
    "precision_at_1e-3": ("Precision at 1 in 1 000", "the same where one in a thousand is"),
    "precision_at_1e-4": ("Precision at 1 in 10 000", "the same where one in ten thousand is"),
    "mcc": ("MCC", "agreement of verdict and label: 1 is perfect, 0 is chance"),
    "brier": ("Brier score", "mean squared error of the probability; lower is better"),
    "captures_detected": ("Captures detected", "share of malicious captures with at least one true alert"),
    "alerts_per_host_day": ("Alerts a host-day", "alerts for each day on which a host opened a connection"),
    "false_alarms_per_host_day": ("False alarms a host-day", "of these the benign ones, on benign host-days"),
    "ece": (
        "ECE",
        "mean distance between the probability given and the share that is malicious; lower is better",
    ),
}
"""Name and meaning of each measure, in the order of the table."""
