"""Tables of connections and other logs under other column names, through alias tables kept as data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.errors import BadData
from ptml.parse.header import NUL
from ptml.parse.schemas import COMMON, field_types, load

if TYPE_CHECKING:
    from collections.abc import Sequence

NEEDED = 2  # columns that must be known before a table counts as a log
NAME = re.compile(r"[A-Za-z][\w ./()-]{0,79}")
"""What may be the name of a column; an address, a time or another value is none."""
ADDRESSES = ("id.orig_h", "id.resp_h")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Whose column names they are, and how labels are made of them.

    Attributes:
        name: Whose.
        columns: Their name, normalised → Zeek's.
        requires: Columns without which it is not this dialect.
        log: The log it is, whatever the file's name.
        unset: Texts that stand for no value.
        labels: Label column → `from` (columns, the first that tells wins), `values` and `unset` texts.
    """

    name: str
    columns: dict[str, str]
    requires: tuple[str, ...] = ()
    log: str | None = None
    unset: tuple[str, ...] = ()
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """A table's columns by Zeek's names, in the table's order."""

    dialect: Dialect
    log: str
    names: tuple[str, ...]
    types: dict[str, str]

    @property
    def unknown(self) -> list[str]:
        """Columns that Zeek does not know; they are kept as text."""
        return [name for name in self.names if name not in self.types]

    def with_labels(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the label columns that the dialect tells in its own way."""
        made = []
        for name, rule in self.dialect.labels.items():
            sources = [column for column in rule["from"] if column in frame.columns]
            if sources and name not in frame.columns:
                made.append(pl.coalesce(_label(column, rule) for column in sources).alias(name))
        return frame.with_columns(made)


def _label(column: str, rule: dict[str, Any]) -> pl.Expr:
    text = pl.col(column).cast(pl.String)
    key = text.str.to_lowercase()
    if "values" in rule:
        return key.replace_strict(rule["values"], default=text)
    return pl.when(~key.is_in(rule["unset"])).then(text)


def normal(name: str) -> str:
    """Give a column name without case, blanks, dots, underscores and hyphens.

    >>> normal("Sender IP") == normal("sender_ip")
    True
    """
    return re.sub(r"[\s._-]+", "", name).lower()


@cache
def dialects() -> tuple[Dialect, ...]:
    """Give the known dialects.

    >>> [dialect.name for dialect in dialects()]
    ['UWF-ZeekData', 'PacketTotal', "Zeek's own names"]
    """
    return tuple(
        Dialect(
            one["name"],
            {normal(name): zeek for name, zeek in one["columns"].items()},
            tuple(normal(name) for name in one["requires"]),
            one.get("log"),
            tuple(one["unset"]),
            one["labels"],
        )
        for one in load("aliases.json")["dialects"]
    )


def find_layout(
    header: Sequence[str], log: str | None, *, fixed: bool = False, named: bool = False
) -> Layout | None:
    """Tell what a table's columns are; None if too few are known.

    Args:
        header: Its column names.
        log: Which log its file's name tells.
        fixed: Whether that is certain.
        named: Whether the file is called a table of that log: then names of any kind will do.

    >>> layout = find_layout(["Sender IP", "Target IP", "Fancy"], "conn")
    >>> layout.names, layout.unknown
    (('id.orig_h', 'id.resp_h', 'Fancy'), ['Fancy'])

    Raises:
        BadData: Two columns mean the same, or a conn log lacks both addresses.
    """
    if any(NUL in name for name in header):
        raise BadData("a table with a NUL in a column's name")
    present = {normal(name) for name in header}
    fitting = [
        _layout(header, dialect, log if fixed else dialect.log or log)
        for dialect in dialects()
        if present.issuperset(dialect.requires)
    ]
    best = max(fitting, key=lambda layout: len(layout.names) - len(layout.unknown))
    if len(best.names) - len(best.unknown) < NEEDED and not (named and all(map(NAME.fullmatch, header))):
        return None
    if len(set(best.names)) != len(best.names):
        raise BadData(f"a table whose columns mean the same field twice: {', '.join(best.names)[:200]}")
    if best.log == "conn" and not set(ADDRESSES) & set(best.names):
        raise BadData(f"a table of connections without addresses; it has {', '.join(header)[:200]}")
    return best


def _layout(header: Sequence[str], dialect: Dialect, log: str | None) -> Layout:
    types = {**COMMON, **(field_types(log) if log else {})}
    own = {normal(name): name for name in types}
    zeek = [dialect.columns.get(normal(name)) or own.get(normal(name), name) for name in header]
    known = {name: types[name] for name in zeek if name in types}
    return Layout(dialect, log or "unknown", tuple(zeek), known)
