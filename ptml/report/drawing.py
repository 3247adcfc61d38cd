"""How Vega-Lite draws: in the page's own colours, without script or style attribute, the same bytes anywhere.

A chart is a Vega-Lite specification; vl-convert draws it. Colours are the page's CSS variables, so that it
follows light, dark and print. Extents of axes are fixed, so that the fonts of a machine move nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from markupsafe import Markup

from ptml.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping

VEGA_LITE = "6.4"
FONT = "system-ui, sans-serif"
CONFIG: Mapping[str, Any] = {
    "aria": False,
    **{mark: {"aria": False} for mark in ("area", "line", "point", "rect", "rule", "text")},
    "background": None,
    "padding": {"left": 4, "right": 14, "top": 8, "bottom": 4},
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": "var(--rule)",
        "labelColor": "var(--soft)",
        "labelFont": FONT,
        "labelFontSize": 11.5,
        "labelPadding": 7,
        "labelFlush": False,
        "titleColor": "var(--ink)",
        "titleFont": FONT,
        "titleFontSize": 12.5,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
}
OPENING = re.compile(r'<svg [^>]*\bviewBox="(0 0 [\d.]+ [\d.]+)"[^>]*>')
Spec: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """How a line looks, so that it is told apart without its colour, too.

    Attributes:
        colour: A CSS variable of the page.
        dash: Lengths of strokes and gaps; empty for a whole line.
    """

    colour: str
    dash: tuple[int, ...] = ()

    @property
    def stroke(self) -> str:
        """The colour as CSS has it."""
        return f"var({self.colour})"


def _plain(part: Any) -> Any:  # noqa: ANN401 - any part of a specification
    """Mark what acts or hides in texts: a control character, measured as XML, would end the process."""
    if isinstance(part, dict):
        return {key: _plain(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_plain(value) for value in part]
    return plain_text(part) if isinstance(part, str) else part


def drawn(spec: Spec, title: str, description: str) -> Markup:
    """Draw a specification as inline SVG that says in words what it shows.

    Args:
        spec: The specification, without configuration.
        title: The chart's name.
        description: What it shows, for those who cannot see it.

    >>> dot = {"mark": "point", "data": {"values": [{"x": 1}]}}
    >>> str(drawn(dot, "a dot", "one dot"))[:18]
    '<svg class="chart"'
    """
    import vl_convert  # noqa: PLC0415 - a JavaScript engine, which only a report needs

    shown = _plain({**spec, "config": CONFIG})
    svg = vl_convert.vegalite_to_svg(shown, vl_version=VEGA_LITE, allowed_base_urls=[])
    opening = OPENING.match(svg)
    assert opening is not None, svg[:200]
    start = Markup(
        '<svg class="chart" viewBox="{}" role="img" aria-label="{}"><title>{}</title><desc>{}</desc>'
    )
    inside = Markup(svg[opening.end() :])  # noqa: S704 - Vega escapes the texts that it draws
    said = [plain_text(text) for text in (title, title, description)]
    return start.format(opening[1], *said) + inside
