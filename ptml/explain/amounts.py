"""Values with their units, as a person writes them."""

from __future__ import annotations

import math

from ptml.text import plain_text

MINUTE, HOUR, DAY = 60, 3600, 86_400
DIGITS = 3
WHOLE_PERCENT = 0.1
LEAST = 0.001
"""What is nearer to nothing is written as a bound."""
LIKELY = "mean base-2 logarithm"
PLAIN = ("ratio", "score", "version", "port number", "letters", "category", "not stated")
"""Units that say nothing beside their number."""
KILO, STEPS = 1000, ("kB", "MB", "GB", "TB")


def amount(value: object, unit: str) -> str | None:
    """Write a value with its unit; None where it is unknown.

    >>> [amount(*pair) for pair in ((0.25, "share"), (7200.0, "seconds"), (1, "packets"), (True, "flag"))]
    ['25 %', '2 h', '1 packet', 'yes']
    >>> amount(float("nan"), "bytes") is None
    True
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return plain_text(str(value))
    return _measured(float(value), unit)


def _measured(value: float, unit: str) -> str:
    if unit in {"share", "percent"}:
        return percent(value if unit == "share" else value / 100)
    if unit == "seconds":
        return period(value)
    if unit.startswith("bytes"):
        return size(value) + unit.partition(",")[0].removeprefix("bytes")
    plain = unit in PLAIN or unit.startswith(LIKELY)
    return number(value) if plain else f"{number(value)} {unit if value != 1 else _singular(unit)}"


def number(value: float) -> str:
    """Write a number to three digits, whole ones as they are.

    >>> number(12345.0), number(0.123456), number(-0.0)
    ('12 345', '0.123', '0')
    """
    if 0 < abs(value) < LEAST:
        return f"<{LEAST}" if value > 0 else f">-{LEAST}"
    if value == int(value) or abs(value) >= 10**DIGITS:
        return f"{round(value):,}".replace(",", " ")
    return f"{value:.{DIGITS}g}"


def percent(share: float) -> str:
    """Write a share in percent.

    >>> percent(0.256), percent(0.004), percent(0.0)
    ('26 %', '0.4 %', '0 %')
    """
    if share >= WHOLE_PERCENT:
        return f"{share * 100:.0f} %"
    return f"{number(float(f'{share * 100:.2g}'))} %"


def period(seconds: float) -> str:
    """Write a length of time in the unit that suits it.

    >>> period(0.0021), period(59.97), period(5400.0), period(21_600.0), period(200_000.0)
    ('2.1 ms', '60 s', '90 min', '6 h', '2.31 days')
    """
    size = abs(seconds)
    if size and size < 1:
        return f"{_rounded(seconds * 1000)} ms" if size < WHOLE_PERCENT else f"{_rounded(seconds)} s"
    for limit, unit, name in ((2 * MINUTE, 1, "s"), (2 * HOUR, MINUTE, "min"), (2 * DAY, HOUR, "h")):
        if size < limit:
            return f"{_rounded(seconds / unit)} {name}"
    return f"{_rounded(seconds / DAY)} days"


def size(count: float) -> str:
    """Write bytes in the unit that suits them.

    >>> size(517.0), size(1.0), size(48_200.0), size(3e9)
    ('517 bytes', '1 byte', '48.2 kB', '3 GB')
    """
    if abs(count) < KILO:
        return f"{_rounded(count)} {'byte' if count == 1 else 'bytes'}"
    step = min(int(math.log(abs(count), KILO)), len(STEPS))
    return f"{_rounded(count / KILO**step)} {STEPS[step - 1]}"


def _rounded(value: float) -> str:
    return number(float(f"{value:.{DIGITS}g}")) if abs(value) < 10**DIGITS else number(value)


def _singular(unit: str) -> str:
    """Take one: of the first word of a unit.

    >>> [_singular(unit) for unit in ("queries", "searches", "hosts an hour", "entries", "bits a byte")]
    ['query', 'search', 'host an hour', 'entry', 'bit a byte']
    """
    first, space, rest = unit.partition(" ")
    if first == "user":
        return "user agent"
    for end, one in (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("s", "")):
        if first.endswith(end):
            return first.removesuffix(end) + one + space + rest
    return unit
