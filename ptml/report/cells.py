"""What stands in cells of tables besides text: bars and shades, by class, for the policy bars styles."""

from __future__ import annotations

from markupsafe import Markup

BAR_WIDTH, BAR_HEIGHT = 96, 10
SHADES = 10


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


def shade(value: float | None) -> str:
    """Name the shade of a heat table's cell: `h0` to `h10` over 0 to 1; `none` for null.

    >>> shade(0.0), shade(0.5), shade(1.0), shade(None)
    ('h0', 'h5', 'h10', 'none')
    """
    return "none" if value is None else f"h{round(_clip(value) * SHADES)}"


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))


def _round(value: float) -> float:
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded
