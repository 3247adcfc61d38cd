"""The charts of a capture: connections and bytes over time, gaps of beacons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptml.report.drawing import FONT, Spec, drawn
from ptml.report.environment import count, moment, seconds, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from ptml.report.capture.beacons import Beacon, Bin
    from ptml.report.capture.traffic import Timeline

WIDTH, HEIGHT = 440, 140
SMALL_WIDTH, SMALL_HEIGHT = 240, 64
MEGABYTE = 1_000_000
UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
LINES = {"grid": True, "tickCount": 4, "minExtent": 40, "maxExtent": 40}


def over_time(timeline: Timeline) -> list[tuple[str, Markup]]:
    """Draw connections over time, and bytes over time: sent upon received."""
    step = bar_length(timeline.step)
    busiest = max(timeline.bars, key=lambda bar: bar["connections"])
    most = max(bar["sent"] + bar["received"] for bar in timeline.bars)
    factor, unit = next(((one, name) for one, name in UNITS if most >= one), (1.0, "bytes"))
    bars = list(enumerate(timeline.bars))
    begun = [{"x": i, "x2": i + 1, "y": bar["connections"], "y2": 0} for i, bar in bars]
    sizes = []
    for i, bar in bars:
        sent, all_of_it = bar["sent"] / factor, (bar["sent"] + bar["received"]) / factor
        place = {"x": i, "x2": i + 1}
        sizes += [
            {**place, "y": sent, "y2": 0, "colour": "var(--warm)"},
            {**place, "y": all_of_it, "y2": sent, "colour": "var(--accent)"},
        ]
    first, last = moment(timeline.bars[0]["at"]), moment(timeline.bars[-1]["at"])
    said = f"{first} to {last} UTC, a bar is {step}"
    top = f"most, {count(busiest['connections'])}, at {moment(busiest['at'])}"
    spans = [moment(bar["at"]) for bar in timeline.bars]
    return [
        (f"Connections begun in each {step}", _bars(begun, spans, f"Connections over time: {said}", top)),
        (
            f"Bytes of connections begun in each {step}, {unit}",
            _bars(sizes, spans, f"Bytes over time: {said}", f"most {size(most)}"),
        ),
    ]


def bar_length(step: float) -> str:
    """Say how long a bar is.

    >>> [bar_length(step) for step in (0.01, 1, 600, 3600, 86_400)]
    ['0.01 s', '1 s', '10 min', '1 h', '1 d']
    """
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if step >= length and step % length == 0:
            return f"{step / length:g} {unit}"
    return f"{step:g} s"


def _bars(values: Sequence[Spec], spans: Sequence[str], title: str, description: str) -> Markup:
    """Draw bars over numbered steps of time, some of them named: Vega's own times follow the machine."""
    ticks = _ticks(spans)
    names = {str(number): text for number, text in ticks.items()}
    colour = {"field": "colour", "type": "nominal", "scale": None, "legend": None}
    coloured = bool(values) and "colour" in values[0]
    spec: Spec = {
        "width": WIDTH,
        "height": HEIGHT,
        "layer": [
            {
                "data": {"values": list(values)},
                "mark": {"type": "rect", **({} if coloured else {"fill": "var(--accent)"})},
                "encoding": {
                    "x": _steps(len(spans)),
                    "x2": {"field": "x2"},
                    "y": {"field": "y", "type": "quantitative", "title": None, "axis": LINES},
                    "y2": {"field": "y2"},
                    **({"color": colour} if coloured else {}),
                },
            },
            {
                "data": {"values": [{"x": number, "text": names[str(number)]} for number in ticks]},
                "mark": {
                    "type": "text",
                    "align": "left",
                    "dy": 16,
                    "fontSize": 11.5,
                    "font": FONT,
                    "fill": "var(--soft)",
                },
                "encoding": {
                    "x": _steps(len(spans)),
                    "y": {"datum": 0},
                    "text": {"field": "text", "type": "nominal"},
                },
            },
        ],
    }
    return drawn(spec, title, description)


def _steps(steps: int) -> Spec:
    return {
        "field": "x",
        "type": "quantitative",
        "scale": {"domain": [0, steps], "nice": False},
        "axis": None,
    }


def _ticks(spans: Sequence[str]) -> dict[int, str]:
    """Name the first bar with its day, and two more: with their day where it is another one.

    >>> _ticks(["2026-11-23 01:00:00", "2026-11-23 02:00:00", "2026-11-24 01:00:00"])
    {0: '2026-11-23 01:00:00', 1: '02:00:00', 2: '2026-11-24'}
    """
    chosen = sorted({0, len(spans) * 2 // 5, len(spans) * 7 // 10})
    named, day = {}, ""
    for number in chosen:
        date, _, clock = spans[number].partition(" ")
        named[number] = spans[number] if not day else clock if date == day else date
        day = date
    return named


def gaps(beacon: Beacon) -> Markup | None:
    """Draw a beacon's gaps by length; None where they were not counted."""
    if not beacon.gaps:
        return None
    values = [{"x": bin_.low, "x2": bin_.high, "y": bin_.count, "y2": 0} for bin_ in beacon.gaps]
    most = max(beacon.gaps, key=lambda bin_: bin_.count)
    axis = {"title": "seconds between connections", "tickCount": 4, "grid": False}
    spec: Spec = {
        "width": SMALL_WIDTH,
        "height": SMALL_HEIGHT,
        "data": {"values": values},
        "mark": {"type": "rect", "fill": "var(--accent)"},
        "encoding": {
            "x": {
                "field": "x",
                "type": "quantitative",
                "scale": {"domain": [0, beacon.gaps[-1].high], "nice": False},
                "axis": {**axis, "minExtent": 20, "maxExtent": 20},
            },
            "x2": {"field": "x2"},
            "y": {
                "field": "y",
                "type": "quantitative",
                "title": None,
                "axis": {"grid": True, "tickCount": 2, "minExtent": 30, "maxExtent": 30},
            },
            "y2": {"field": "y2"},
        },
    }
    return drawn(spec, f"Gaps of {beacon.row['orig_h']} and {beacon.row['resp']}", _most(most))


def _most(bin_: Bin) -> str:
    return f"most gaps, {count(bin_.count)}, are {seconds(bin_.low)} to {seconds(bin_.high)} long"
