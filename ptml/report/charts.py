"""Small charts as inline SVG: no script, no style attribute, so that a strict content policy lets them be.

Colours and fonts come from the page's style sheet by class, in light and in dark. Each chart carries a title
and a description for screen readers; pages repeat the numbers in tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 420, 330
LEFT, RIGHT, TOP, BOTTOM = 48, 14, 12, 44
TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
MAX_POINTS = 400
BAR_WIDTH, BAR_HEIGHT = 96, 10

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a chart: its name and points, both coordinates within 0 and 1.

    Attributes:
        name: What the key calls it.
        points: In drawing order.
        dots: Mark each point; for the few of a calibration plot.
    """

    name: str
    points: Sequence[Point]
    dots: bool = False


def unit_chart(
    title: str,
    *,
    x_label: str,
    y_label: str,
    series: Sequence[Series],
    diagonal: str | None = None,
    marks: Sequence[Point] = (),
) -> Markup:
    """Draw lines in the unit square, as ROC, precision-recall and calibration curves are.

    Args:
        title: What the chart shows; also its accessible name.
        x_label: What the horizontal axis counts.
        y_label: What the vertical axis counts.
        series: The lines, at most four of which differ in look.
        diagonal: If given, a dotted diagonal is drawn, and this says what it means.
        marks: Points to ring, such as the chosen threshold; one a line, in its look.

    >>> chart = unit_chart("ROC", x_label="a", y_label="b", series=[Series("s", [(0, 0), (1, 1)])])
    >>> 'points="48,286 406,12"' in chart
    True
    """
    spoken = "; ".join(_spoken(line) for line in series) or "no data"
    parts = [
        Markup("<title>{}</title><desc>{} against {}. {}.</desc>").format(title, y_label, x_label, spoken),
        _axes(x_label, y_label),
    ]
    if diagonal is not None:
        parts.append(
            Markup('<line class="diagonal" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
                *_position((0, 0)), *_position((1, 1))
            )
        )
    for number, line in enumerate(series):
        parts.append(_line(line, number % 4 + 1))
    for number, mark in enumerate(marks):
        x, y = _position(mark)
        parts.append(Markup('<circle class="mark s{}" cx="{}" cy="{}" r="5"/>').format(number % 4 + 1, x, y))
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, title, Markup("").join(parts)
    )


def bar(value: float | None, threshold: float | None = None) -> Markup:
    """Draw a share of 1 as a small bar, with a tick at the threshold; nothing for null.

    The number stands beside it in the page, so it is hidden from screen readers.

    >>> 'width="48"' in bar(0.5)
    True
    >>> str(bar(None))
    ''
    """
    if value is None:
        return Markup("")
    tick = Markup("")
    if threshold is not None:
        tick = Markup('<line class="tick" x1="{0}" x2="{0}" y1="0" y2="{1}"/>').format(
            _round(_clip(threshold) * BAR_WIDTH), BAR_HEIGHT
        )
    over = "over" if threshold is not None and value >= threshold else "under"
    return Markup(
        '<svg class="bar" viewBox="0 0 {0} {1}" width="{0}" height="{1}" aria-hidden="true">'
        '<rect class="rail" width="{0}" height="{1}" rx="2"/>'
        '<rect class="{2}" width="{3}" height="{1}" rx="2"/>{4}</svg>'
    ).format(BAR_WIDTH, BAR_HEIGHT, over, _round(_clip(value) * BAR_WIDTH), tick)


def thinned(points: Sequence[Point], limit: int = MAX_POINTS) -> list[Point]:
    """Keep at most `limit` points, evenly by rank, both ends among them.

    >>> thinned([(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)], 3)
    [(0, 0), (2, 2), (4, 4)]
    """
    if len(points) <= limit:
        return list(points)
    last = len(points) - 1
    return [points[round(number * last / (limit - 1))] for number in range(limit)]


def _axes(x_label: str, y_label: str) -> Markup:
    parts: list[Markup] = []
    for tick in TICKS:
        x, y = _position((tick, tick))
        parts.append(
            Markup(
                '<line class="grid" x1="{0}" y1="{1}" x2="{2}" y2="{1}"/>'
                '<line class="grid" x1="{3}" y1="{4}" x2="{3}" y2="{5}"/>'
                '<text class="number" x="{6}" y="{7}" text-anchor="end">{8}</text>'
                '<text class="number" x="{3}" y="{9}" text-anchor="middle">{8}</text>'
            ).format(
                LEFT, y, WIDTH - RIGHT, x, TOP, HEIGHT - BOTTOM, LEFT - 7, y + 4, tick, HEIGHT - BOTTOM + 17
            )
        )
    middle_x, middle_y = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        Markup(
            '<text class="label" x="{0}" y="{1}" text-anchor="middle">{2}</text>'
            '<text class="label" x="12" y="{3}" text-anchor="middle"'
            ' transform="rotate(-90 12 {3})">{4}</text>'
        ).format(middle_x, HEIGHT - 8, x_label, middle_y, y_label)
    )
    return Markup("").join(parts)


def _line(line: Series, look: int) -> Markup:
    places = [_position(point) for point in thinned(line.points)]
    parts = [
        Markup('<polyline class="line s{}" points="{}"/>').format(
            look, " ".join(f"{x},{y}" for x, y in places)
        )
    ]
    if line.dots:
        parts.extend(
            Markup('<circle class="dot s{}" cx="{}" cy="{}" r="3.5"/>').format(look, x, y) for x, y in places
        )
    return Markup("").join(parts)


def _spoken(line: Series) -> str:
    if not line.points:
        return f"{line.name}: no points"
    (x0, y0), (x1, y1) = line.points[0], line.points[-1]
    return f"{line.name}: {len(line.points)} points from ({x0:.2f}, {y0:.2f}) to ({x1:.2f}, {y1:.2f})"


def _position(point: Point) -> tuple[float, float]:
    x = LEFT + _clip(point[0]) * (WIDTH - LEFT - RIGHT)
    y = HEIGHT - BOTTOM - _clip(point[1]) * (HEIGHT - TOP - BOTTOM)
    return _round(x), _round(y)


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))


def _round(value: float) -> float:
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded
