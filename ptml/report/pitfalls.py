"""The ten pitfalls of Arp et al. (USENIX Security 2022), each answered from what an evaluation measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptml.report import answers
from ptml.report.answers import Answer, Facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ptml.report.answers import Answered
    from ptml.report.auditing import AuditPage
    from ptml.report.levels import LevelPage

BADGES: dict[Answer, str] = {"measured": "green", "in part": "amber", "open": "unknown"}
PITFALLS: tuple[tuple[str, str, Callable[[Facts], Answered]], ...] = (
    ("P1", "Sampling bias", answers.sampling),
    ("P2", "Label inaccuracy", answers.labels),
    ("P3", "Data snooping", answers.snooping),
    ("P4", "Spurious correlations", answers.spurious),
    ("P5", "Biased parameter selection", answers.parameters),
    ("P6", "Inappropriate baseline", answers.baseline),
    ("P7", "Inappropriate performance measures", answers.measures),
    ("P8", "Base rate fallacy", answers.base_rates),
    ("P9", "Lab-only evaluation", answers.laboratory),
    ("P10", "Inappropriate threat model", answers.threat),
)
"""Number and name, as the paper has them, and who answers."""


@dataclass(frozen=True, slots=True)
class Pitfall:
    """A pitfall, answered.

    Attributes:
        key: Its number in the paper.
        name: Its name there.
        question: What it asks of an evaluation.
        answer: How far this evaluation answers it.
        facts: The answer, in sentences.
    """

    key: str
    name: str
    question: str
    answer: Answer
    facts: Sequence[str]

    @property
    def badge(self) -> str:
        """Class of the badge that shows how far."""
        return BADGES[self.answer]


def pitfalls(data: Mapping[str, Any], levels: Sequence[LevelPage], audit: AuditPage | None) -> list[Pitfall]:
    """Answer all ten.

    Args:
        data: The content of `evaluation.json`.
        levels: Its levels.
        audit: The audit of the data; None where none was made.
    """
    facts = Facts(data, levels, audit)
    found = []
    for key, name, answer in PITFALLS:
        how_far, sentences = answer(facts)
        found.append(Pitfall(key, name, (answer.__doc__ or "").strip(), how_far, sentences))
    return found
