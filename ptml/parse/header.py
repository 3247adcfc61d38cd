"""The ``#`` lines of Zeek's TSV logs: what they declare about the lines that follow."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from ptml.zeektypes import unescape

DIRECTIVES = frozenset(
    {
        b"separator",
        b"set_separator",
        b"empty_field",
        b"unset_field",
        b"path",
        b"open",
        b"close",
        b"fields",
        b"types",
    }
)
MAX_FIELDS = 10_000
NUL = "\0"
"""Arrow cannot have it in a column's name."""
PACKING = "   "
"""Stratosphere's labeller appends labels to the last field behind three blanks instead of a separator."""
LABEL_NAMES = {"detailed-label": "detailed_label", "detailedlabel": "detailed_label"}
_SEPARATOR_LINE = re.compile(rb"(.{0,32}?)(?<!set_)separator[ \t]+(?:\\x[0-9a-fA-F]{2}|[^\s\w]|\t)\s*$")
_OTHER_LINE = re.compile(
    rb"([^\w\s{\[]{1,8})(?:set_separator|empty_field|unset_field|path|open|fields|types)\b"
)


@dataclass(frozen=True, slots=True)
class LogHeader:
    """What a section of a log declares; the defaults are Zeek's.

    Attributes:
        path: The log's name, such as ``conn``; None if undeclared.
        fields: Field names, in order.
        types: Zeek types, in the same order.
        separator: Between fields: one byte.
        set_separator: Between the elements of a set or vector.
        empty: Marks an empty string, set or vector.
        unset: Marks a value that is not there.
        prefix: What header lines begin with.
        packed: How many of the last fields are packed into one, behind blanks.
        problem: Why the lines that follow cannot be read, as far as one header line tells.
        crlf: Whether lines end in CRLF.
    """

    path: str | None = None
    fields: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    separator: str = "\t"
    set_separator: str = ","
    empty: str = "(empty)"
    unset: str = "-"
    prefix: str = "#"
    packed: int = 1
    problem: str | None = None
    crlf: bool = field(default=False, compare=False)

    def with_line(self, line: bytes) -> LogHeader:
        r"""Take in one header line.

        >>> LogHeader().with_line(b"#path\tconn").path
        'conn'
        """
        crlf = line.endswith(b"\r")
        text = line.removesuffix(b"\r").decode("utf-8", errors="backslashreplace").removeprefix(self.prefix)
        if text.startswith("separator"):
            # A new section begins: what the last one declared no longer holds.
            return replace(LogHeader(prefix=self.prefix, crlf=crlf), **_separator(text))
        key, *values = text.split(self.separator)
        return replace(self, **_declared(key, values))

    def fault(self) -> str | None:
        """Tell why data lines cannot be read with what was declared; None if they can."""
        if self.problem is not None or not self.fields:
            return self.problem or "no #fields line before it"
        count = len(self.fields)
        if count > MAX_FIELDS:
            return f"#fields names {count} fields; at most {MAX_FIELDS} are read"
        if any(NUL in name for name in self.fields):
            return "#fields names a field with a NUL in it"
        if len(set(self.fields)) != count:
            return "#fields names a field twice"
        if len(self.types) != count:
            return f"#fields names {count} fields but #types {len(self.types)} types"
        return None


def _separator(text: str) -> dict[str, Any]:
    separator = unescape(re.sub(r"^separator[ \t]?", "", text))
    if len(separator.encode()) == 1:
        return {"separator": separator}
    return {"problem": f"#separator declares {separator!r}; one byte was expected"}


def _declared(key: str, values: list[str]) -> dict[str, Any]:
    first = values[0] if values else ""
    if key == "fields":
        names, packed = _unpacked(values)
        names = tuple(LABEL_NAMES.get(name, name) for name in names)
        return {"fields": names, "types": (), "packed": packed}
    known: dict[str, dict[str, Any]] = {
        "set_separator": {"set_separator": unescape(first)},
        "empty_field": {"empty": first},
        "unset_field": {"unset": first},
        "path": {"path": first or None},
        "types": {"types": _unpacked(values)[0]},
    }
    return known.get(key, {})


def _unpacked(values: list[str]) -> tuple[tuple[str, ...], int]:
    last = values[-1].split(PACKING) if values else []
    return (*values[:-1], *last), max(1, len(last))


def header_prefix(data: bytes) -> str | None:
    r"""Tell what header lines begin with, from the first lines of a log; None if there is no header.

    >>> header_prefix(b"#separator \\x09\n"), header_prefix(b"%fields\tts\n"), header_prefix(b"a\tb\n")
    ('#', '%', None)
    """
    lines = [line.removesuffix(b"\r") for line in data.split(b"\n", 8)[:8]]
    for line in lines:
        # An empty prefix on the first line may be an accident; the others then tell.
        found = _SEPARATOR_LINE.match(line) or _OTHER_LINE.match(line)
        if found and found[1]:
            return found[1].decode("utf-8", errors="backslashreplace")
        if not line.startswith(b"#") and not (found or not line.strip()):
            return "" if _SEPARATOR_LINE.match(lines[0]) else None
    return "" if _SEPARATOR_LINE.match(lines[0]) else None


def is_directive(line: bytes, header: LogHeader) -> bool:
    r"""Tell a header line by its exact key, since a value may begin with ``#`` too.

    >>> is_directive(b"#close\t2026-01-01", LogHeader()), is_directive(b"#1 fan\t80", LogHeader())
    (True, False)
    """
    prefix = header.prefix.encode()
    if not line.startswith(prefix):
        return False
    rest = line[len(prefix) :].removesuffix(b"\r")
    if rest.startswith(b"separator"):
        return rest[9:10] in {b" ", b"\t"}
    return rest.split(header.separator.encode(), 1)[0] in DIRECTIVES
