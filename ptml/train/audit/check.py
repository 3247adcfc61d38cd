"""What a check is, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ptml.train.audit.results import Finding, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ptml.train.audit.results import Cell
    from ptml.train.audit.statistics import Area
    from ptml.train.audit.subject import Subject
    from ptml.types import Light

SHOWN = 20
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Found:
    """What a check gives: its light (None where it could not look), a sentence, figures, details."""

    light: Light | None
    says: str
    figures: Mapping[str, Cell] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A check: what does the looking, and what a reader must know of it.

    Attributes:
        name: Its name in files and options.
        title: What it looks at.
        run: Looks at a dataset.
        bounds: Where amber and red begin.
        meaning: Why it matters.
        advice: What to do.
    """

    name: str
    title: str
    run: Callable[[Subject], Found]
    bounds: str
    meaning: str
    advice: str

    def finding(self, subject: Subject) -> Finding:
        """Look at a dataset."""
        found = self.run(subject)
        table = Table(columns=found.columns, rows=tuple(map(_rounded, found.rows[:SHOWN])))
        return Finding(
            check=self.name,
            title=self.title,
            light=found.light,
            says=found.says,
            meaning=self.meaning,
            advice=self.advice,
            bounds=self.bounds,
            figures=dict(zip(found.figures, _rounded(tuple(found.figures.values())), strict=True)),
            table=table if found.rows else None,
        )


def _rounded(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(round(cell, DIGITS) if isinstance(cell, float) else cell for cell in cells)


def lit(value: float, amber: float, red: float) -> Light:
    """Give the light of a figure that is worse the higher it is.

    >>> lit(0.1, 0.2, 0.5), lit(0.2, 0.2, 0.5), lit(0.9, 0.2, 0.5)
    ('green', 'amber', 'red')
    """
    return "red" if value >= red else "amber" if value >= amber else "green"


def area_text(area: Area) -> str:
    """Write a ROC-AUC with its interval.

    >>> from ptml.train.audit.statistics import Area
    >>> area_text(Area(0.8, 0.7, 0.9))
    '0.80 (0.70 to 0.90)'
    """
    return f"{area.value:.2f} ({area.low:.2f} to {area.high:.2f})"


def area_figures(name: str, area: Area) -> dict[str, Cell]:
    """Name the figures of a ROC-AUC.

    >>> from ptml.train.audit.statistics import Area
    >>> area_figures("auc", Area(0.8, 0.7, 0.9))
    {'auc': 0.8, 'auc_low': 0.7, 'auc_high': 0.9}
    """
    return {name: area.value, f"{name}_low": area.low, f"{name}_high": area.high}


def nothing_to_check(reason: str) -> Found:
    """Say why a check could not look.

    >>> nothing_to_check("no times are known").light is None
    True
    """
    return Found(None, f"not checked: {reason}")
