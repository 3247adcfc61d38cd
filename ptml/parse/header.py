"""The ``#`` lines of Zeek's TSV logs: what they declare about the lines that follow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ptml.errors import BadData
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
        crlf: Whether lines end in CRLF.
    """

    path: str | None = None
    fields: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    separator: str = "\t"
    set_separator: str = ","
    empty: str = "(empty)"
    unset: str = "-"
    crlf: bool = field(default=False, compare=False)

    def with_line(self, line: bytes) -> LogHeader:
        r"""Take in one header line.

        >>> LogHeader().with_line(b"#path\tconn").path
        'conn'

        Raises:
            BadData: The separator is not one byte.
        """
        crlf = line.endswith(b"\r")
        text = line.removesuffix(b"\r").decode("utf-8", errors="backslashreplace")
        if text.startswith("#separator"):
            # A new section begins: what the last one declared no longer holds.
            return replace(LogHeader(), separator=_separator(text), crlf=crlf)
        key, *values = text.removeprefix("#").split(self.separator)
        return replace(self, **_declared(key, values))

    def require_usable(self) -> LogHeader:
        """Insist that data lines can be read with what was declared.

        Raises:
            BadData: No fields, a name twice, or another number of types than of fields.
        """
        if not self.fields:
            raise BadData("no #fields line before the first data line")
        if len(set(self.fields)) != len(self.fields):
            raise BadData("#fields names a field twice")
        if len(self.types) != len(self.fields):
            raise BadData(f"#fields names {len(self.fields)} fields but #types {len(self.types)} types")
        return self


def _separator(text: str) -> str:
    separator = unescape(text.removeprefix("#separator").removeprefix(" "))
    if len(separator.encode()) != 1:
        raise BadData(f"#separator declares {separator!r}; one byte was expected")
    return separator


def _declared(key: str, values: list[str]) -> dict[str, Any]:
    first = values[0] if values else ""
    known: dict[str, dict[str, Any]] = {
        "set_separator": {"set_separator": unescape(first)},
        "empty_field": {"empty": first},
        "unset_field": {"unset": first},
        "path": {"path": first or None},
        "fields": {"fields": tuple(values)},
        "types": {"types": tuple(values)},
    }
    return known.get(key, {})


def is_directive(line: bytes) -> bool:
    r"""Tell a header line by its exact key, since a value may begin with ``#`` too.

    >>> is_directive(b"#close\t2026-01-01"), is_directive(b"#1 fan\t80")
    (True, False)
    """
    key = line[1:].split(b"\t", 1)[0].split(b" ", 1)[0].strip(b"\r")
    if key in DIRECTIVES:
        return True
    return any(
        line[1:].startswith(known) and not line[1 + len(known) :][:1].isalnum() for known in DIRECTIVES
    )
