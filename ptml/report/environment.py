"""How templates become pages: everything escaped, nothing loaded, one strict content policy."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ptml.report.cells import bar, shade
from ptml.text import plain_text
from ptml.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

TEMPLATES = Path(__file__).parent / "templates"
NOTHING = "\N{EN DASH}"
MINUTE, HOUR = 60, 3600
ROUNDS_TO_NOTHING = 0.0005
GAP = "\N{NARROW NO-BREAK SPACE}"


@cache
def environment() -> Environment:
    """Make the one template environment: autoescape for every template, undefined names are errors."""
    loader = FileSystemLoader(TEMPLATES)
    result = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    result.filters.update(
        text=text,
        count=count,
        probability=probability,
        decimal=decimal,
        signed=signed,
        moment=moment,
        plural=plural,
        seconds=seconds,
        size=size,
        short=short,
        milliseconds=milliseconds,
        number=number,
    )
    result.globals.update(bar=bar, shade=shade)
    return result


def render(template: str, scripts: Sequence[str] = ("tables.js",), **values: object) -> str:
    """Render a page with its style sheet and script inside, which the content policy admits by hash alone.

    The script sorts and searches tables; every page says all that it has to say without it.

    Args:
        template: Which page.
        scripts: Files that make its script, in their order.
        values: What the template names.
    """
    style = (TEMPLATES / "style.css").read_text("utf-8")
    script = "".join((TEMPLATES / name).read_text("utf-8") for name in scripts)
    own = {"style": Markup(style), "script": Markup(script)}  # noqa: S704 - our own files
    return (
        environment()
        .get_template(template)
        .render(**own, policy=_policy(style, script), version=__version__, **values)
    )


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def text(value: object) -> str:
    r"""Show any value as text without characters that act or hide; null as a dash.

    >>> text("a\x1b[31m"), text(None) == NOTHING
    ('a�[31m', True)
    """
    return NOTHING if value is None else plain_text(str(value))


def count(value: int | None) -> str:
    """Write a whole number with narrow gaps between thousands; null as a dash.

    >>> count(1234567).replace(GAP, "_")
    '1_234_567'
    """
    return NOTHING if value is None else f"{value:,}".replace(",", GAP)


def probability(value: float | None) -> str:
    """Write a probability; what would round to 0 or 1 without being it is written as a bound.

    >>> [probability(p) for p in (0.1234, 0.00001, 0.99999, 1.0)]
    ['0.123', '<0.001', '>0.999', '1.000']
    """
    if value is None:
        return NOTHING
    if 0 < value < ROUNDS_TO_NOTHING:
        return "<0.001"
    if 1 - ROUNDS_TO_NOTHING <= value < 1:
        return ">0.999"
    return f"{value:.3f}"


def decimal(value: float | None, digits: int = 3) -> str:
    """Write a number with a fixed count of decimals; null as a dash.

    >>> decimal(0.5), decimal(None) == NOTHING
    ('0.500', True)
    """
    return NOTHING if value is None else f"{value:.{digits}f}"


def signed(value: float | None) -> str:
    """Write a difference with its sign; null as a dash.

    >>> signed(0.25), signed(-0.5)
    ('+0.250', '-0.500')
    """
    return NOTHING if value is None else f"{value:+.3f}"


def moment(value: datetime | None) -> str:
    """Write a moment in UTC to the second; null as a dash.

    >>> moment(datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC))
    '2026-11-23 01:02:03'
    """
    return NOTHING if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def milliseconds(value: int | None) -> str:
    """Write a moment, given in milliseconds since 1970, in UTC; null as a dash.

    >>> milliseconds(1_764_000_000_123)
    '2025-11-24 16:00:00.123'
    """
    if value is None:
        return NOTHING
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
    return moment.isoformat(" ", "milliseconds").removesuffix("+00:00")


def number(value: float | None) -> str:
    """Write a number as it is, with narrow gaps between thousands; null as a dash.

    >>> [number(one).replace(GAP, "_") for one in (1234567, 0.25, 1234.5)]
    ['1_234_567', '0.25', '1_234.5']
    """
    return NOTHING if value is None else f"{value:,}".replace(",", GAP)


def seconds(value: float | None) -> str:
    """Write a length of time in the unit that suits it; null as a dash.

    >>> seconds(3.21), seconds(600.0), seconds(90_000.0), seconds(None) == NOTHING
    ('3.2 s', '10 min', '25.0 h', True)
    """
    if value is None:
        return NOTHING
    if value < 2 * MINUTE:
        return f"{value:.1f} s"
    return f"{value / MINUTE:.0f} min" if value < 2 * HOUR else f"{value / HOUR:.1f} h"


def size(value: float | None) -> str:
    """Write a number of bytes in the unit that suits it; null as a dash.

    >>> size(999), size(1_500_000), size(2.5e12), size(None) == NOTHING
    ('999 B', '1.5 MB', '2.5 TB', True)
    """
    if value is None:
        return NOTHING
    for factor, unit in ((1e18, "EB"), (1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= factor:
            return f"{value / factor:.1f} {unit}"
    return f"{value:.0f} B"


def short(value: object, most: int = 120) -> str:
    """Show any value as text, long ones cut and marked so.

    >>> short("a" * 500, 4)
    'aaa…'
    """
    shown = text(value)
    return shown if len(shown) <= most else f"{shown[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def plural(number: int, one: str, many: str) -> str:
    """Write a count with its noun.

    >>> plural(1, "capture", "captures"), plural(3, "capture", "captures")
    ('1 capture', '3 captures')
    """
    return f"{count(number)} {one if number == 1 else many}"
