"""The charts of reports: lines in the unit square, and figures with their intervals.

Each carries a name and a description for screen readers; pages repeat the numbers in tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ptml.report.drawing import FONT, Look, Spec, drawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

SIDE = 380
WIDE, NARROW = 420, 300
NAMES_WIDTH = 190
STEP, NARROW_STEP = 30, 52
MAX_POINTS = 400
LOW = 1e-4
Point: TypeAlias = tuple[float, float]
NAMES_BESIDE: Spec = {
    "labelLimit": NAMES_WIDTH - 12,
    "labelFontSize": 12.5,
    "labelColor": "var(--ink)",
    "title": None,
    "minExtent": NAMES_WIDTH,
    "maxExtent": NAMES_WIDTH,
}
NAMES_ABOVE: Spec = {
    "mark": {
        "type": "text",
        "align": "left",
        "dy": -24,
        "fontSize": 12.5,
        "font": FONT,
        "fill": "var(--ink)",
        "limit": NARROW,
    },
    "encoding": {"x": {"value": 0}, "text": {"field": "name", "type": "nominal"}},
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart.

    Attributes:
        name: What the key calls it.
        look: How it is drawn.
        points: In drawing order, both coordinates within 0 and 1.
        band: Where, lower and upper end of a band around it.
        mark: A point to ring, such as the chosen threshold.
        dots: Mark each point; for the few of a calibration plot.
    """

    name: str
    look: Look
    points: Sequence[Point]
    band: Sequence[tuple[float, float, float]] = ()
    mark: Point | None = None
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its interval, in a row of its own.

    Attributes:
        name: What it is of.
        look: Its colour.
        value: The figure.
        low: Lower end of the interval; None where it has none.
        high: Its upper end.
        text: The figure as it is written beside it.
    """

    name: str
    look: Look
    value: float
    low: float | None
    high: float | None
    text: str


def line_chart(
    title: str,
    *,
    x_label: str,
    y_label: str,
    lines: Sequence[Line],
    diagonal: bool = False,
    x_scale: Literal["linear", "log"] = "linear",
) -> Markup:
    """Draw lines in the unit square, as ROC, precision-recall and calibration curves are.

    Args:
        title: What the chart shows; also its accessible name.
        x_label: What the horizontal axis counts.
        y_label: What the vertical axis counts.
        lines: The lines, the most important one first: it is drawn last, over the others.
        diagonal: Draw a dotted diagonal.
        x_scale: `log` shows 0.0001 to 1 on the horizontal axis, and what lies below at its left end.

    >>> line = Line("s", Look("--accent"), [(0, 0), (1, 1)])
    >>> chart = line_chart("ROC", x_label="False", y_label="True", lines=[line])
    >>> 'aria-label="ROC"' in chart, 'stroke="var(--accent)"' in chart
    (True, True)
    """
    floor = LOW if x_scale == "log" else 0.0
    x_axis = {"domain": [floor, 1], "type": x_scale, "nice": False}
    ticks = {"values": [1e-4, 1e-3, 1e-2, 1e-1, 1]} if x_scale == "log" else {"tickCount": 5}
    layers = [_diagonal()] if diagonal else []
    for line in reversed(lines):
        layers += _line_layers(line, floor)
    spec = {
        "width": SIDE,
        "height": SIDE * 3 // 4,
        "layer": layers or [_text_layer("no data")],
        "encoding": {
            "x": _quantity("x", x_label, x_axis, extent=20, **ticks),
            "y": _quantity("y", y_label, {"domain": [0, 1]}, extent=22, tickCount=5),
        },
    }
    spoken = "; ".join(_spoken(line) for line in lines) or "no data"
    return drawn(spec, title, f"{y_label} against {x_label}. {spoken}.")


def interval_chart(
    title: str, *, label: str, rows: Sequence[Interval], domain: Point | None = None, narrow: bool = False
) -> Markup:
    """Draw a point and its interval for each row, the number beside it.

    Args:
        title: What the chart shows; also its accessible name.
        label: What the axis counts.
        rows: From top to bottom.
        domain: Ends of the axis; by default wide enough for all.
        narrow: Draw it for a phone: names stand above their rows rather than beside them.

    >>> row = Interval("grouped", Look("--accent"), 0.75, 0.7, 0.8, "0.750")
    >>> "0.750" in interval_chart("Gap", label="ROC-AUC", rows=[row])
    True
    """
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    low, high = domain or (min([0.0, *ends]), max([0.0, *ends]))
    values = [
        {
            "name": row.name,
            "x": row.value,
            "low": row.value if row.low is None else row.low,
            "high": row.value if row.high is None else row.high,
            "text": row.text,
            "colour": row.look.stroke,
        }
        for row in rows
    ]
    colour = {"field": "colour", "type": "nominal", "scale": None, "legend": None}
    spec = {
        "width": NARROW if narrow else WIDE,
        "height": {"step": NARROW_STEP if narrow else STEP},
        "data": {"values": values},
        "encoding": {
            "y": {
                "field": "name",
                "type": "nominal",
                "sort": None,
                "axis": None if narrow else NAMES_BESIDE,
            },
            "x": _quantity(
                "x",
                label,
                {"domain": [low, high], "nice": False},
                extent=20,
                tickCount=4 if narrow else 6,
            ),
        },
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 6, "opacity": 0.35, "strokeCap": "round"},
                "encoding": {"x": {"field": "low"}, "x2": {"field": "high"}, "color": colour},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
                "encoding": {"color": colour},
            },
            {
                "mark": {"type": "text", "dy": -11, "fontSize": 12, "font": FONT, "fill": "var(--ink)"},
                "encoding": {"text": {"field": "text", "type": "nominal"}},
            },
            *([NAMES_ABOVE] if narrow else []),
        ],
    }
    return drawn(spec, title, "; ".join(f"{row.name}: {row.text}" for row in rows) or "no data")


def thinned(points: Sequence[Point], limit: int = MAX_POINTS) -> list[Point]:
    """Keep at most `limit` points, evenly by rank, both ends among them.

    >>> thinned([(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)], 3)
    [(0, 0), (2, 2), (4, 4)]
    """
    if len(points) <= limit:
        return list(points)
    last = len(points) - 1
    return [points[round(number * last / (limit - 1))] for number in range(limit)]


def _line_layers(line: Line, floor: float) -> list[Spec]:
    stroke = {"stroke": line.look.stroke, "strokeWidth": 2.2, "strokeJoin": "round"}
    points = [(max(x, floor), y) for x, y in thinned(line.points)]
    order = {"order": {"field": "i", "type": "quantitative"}}
    layers: list[Spec] = []
    if line.band:
        band = [{"x": max(x, floor), "y": low, "high": high} for x, low, high in line.band]
        mark = {"type": "area", "fill": line.look.stroke, "fillOpacity": 0.16, "stroke": None}
        layers.append({"mark": mark, "data": {"values": band}, "encoding": {"y2": {"field": "high"}}})
    layers.append(
        {"mark": {"type": "line", **stroke, "strokeDash": list(line.look.dash)}, "data": _data(points)}
        | {"encoding": order}
    )
    ring = {
        "type": "point",
        "fill": "var(--card)",
        "stroke": line.look.stroke,
        "opacity": 1,
        "strokeWidth": 2.2,
    }
    if line.dots:
        layers.append({"mark": {**ring, "size": 40}, "data": _data(points)})
    if line.mark is not None:
        x, y = line.mark
        layers.append({"mark": {**ring, "size": 90}, "data": _data([(max(x, floor), y)])})
    return layers


def _diagonal() -> Spec:
    mark = {"type": "line", "stroke": "var(--soft)", "strokeWidth": 1, "strokeDash": [2, 4]}
    return {"mark": mark, "data": _data([(0, 0), (1, 1)])}


def _text_layer(text: str) -> Spec:
    mark = {"type": "text", "text": text, "fill": "var(--soft)", "font": FONT}
    return {"mark": mark, "data": _data([(0.5, 0.5)])}


def _data(points: Sequence[Point]) -> Spec:
    return {"values": [{"i": i, "x": round(x, 5), "y": round(y, 5)} for i, (x, y) in enumerate(points)]}


def _quantity(field: str, label: str, scale: Spec, *, extent: int, **axis: object) -> Spec:
    fixed = {"title": label, "minExtent": extent, "maxExtent": extent, **axis}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": fixed}


def _spoken(line: Line) -> str:
    if not line.points:
        return f"{line.name}: no points"
    (x0, y0), (x1, y1) = line.points[0], line.points[-1]
    return f"{line.name}: {len(line.points)} points from ({x0:.2f}, {y0:.2f}) to ({x1:.2f}, {y1:.2f})"
