"""The connections that the page holds, column by column: each text once, in the order that it sorts in.

A column of text is a list of its distinct words and for each row a word's number; so the page's script sorts
numbers, and 100 000 connections take some 8 MB.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl
from markupsafe import Markup

from ptml.report.capture.names import connection_names
from ptml.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Row: TypeAlias = dict[str, Any]
Shown: TypeAlias = "list[tuple[str, str, str]]"

MOST_ROWS = 100_000
MOST_BYTES = 14_000_000
"""Of the embedded table: all of a page is to stay below 15 MB."""
LONGEST_TEXT = 200
PLAIN_ROWS = 50
"""Rows that are there without scripts, too."""
UNSAFE: Mapping[int, str] = {ord(one): f"\\u{ord(one):04x}" for one in "<>&"}
"""What could end or open markup, as JSON also writes it."""
COLUMNS: Shown = [
    ("ts", "Began (UTC)", "time"),
    ("id.orig_h", "Originator", "address"),
    ("id.orig_p", "Port", "port"),
    ("id.resp_h", "Responder", "address"),
    ("id.resp_p", "Port", "port"),
    ("proto", "Protocol", "text"),
    ("service", "Service", "text"),
    ("name", "Name", "wide"),
    ("duration", "Seconds", "number"),
    ("orig_bytes", "Sent", "number"),
    ("resp_bytes", "Received", "number"),
    ("conn_state", "State", "text"),
    ("uid", "uid", "id"),
]
"""Column, title, kind; `wide` is text that may be long."""
SCORED: Shown = [("probability", "Probability", "number"), ("verdict", "Verdict", "text")]
CAPTURE: Shown = [("capture", "Capture", "text")]


@dataclass(frozen=True, slots=True)
class Table:
    """The table of connections.

    Attributes:
        titles: Title and kind of each column.
        plain: The first rows as texts and numbers.
        rows: Rows that the page holds.
        total: Rows that there are.
        data: All of these rows as JSON that may stand in a page.
        order: What the rows are sorted by.
        clipped: Texts that were shortened.
    """

    titles: Sequence[tuple[str, str]]
    plain: Sequence[Sequence[Any]]
    rows: int
    total: int
    data: Markup
    order: str
    clipped: int


def connection_table(
    conn: pl.LazyFrame,
    logs: Mapping[str, pl.LazyFrame],
    *,
    total: int,
    scored: bool,
    names: Mapping[str, str],
    most_bytes: int = MOST_BYTES,
) -> Table:
    """Make the table: the riskiest connections where they are scored, else the first.

    Args:
        conn: Shaped connections, with ``probability`` and ``verdict`` where they are scored.
        logs: All logs.
        total: Connections that there are.
        scored: Whether they are scored.
        names: Captures by id; a column tells them where there are several.
        most_bytes: What its JSON may take; where it would be more, fewer rows are kept.
    """
    by = ["probability", "ts", "uid"] if scored else ["ts", "uid"]
    down = [one == "probability" for one in by]
    kept = conn.sort(by, descending=down, nulls_last=True).head(MOST_ROWS).collect(engine="streaming")
    uids = kept.lazy().select("capture_id", "uid").unique()
    named = connection_names(logs, uids).collect(engine="streaming")
    frame = kept.join(named, on=["capture_id", "uid"], how="left", nulls_equal=True, maintain_order="left")
    shown = [*COLUMNS]
    if scored:
        shown = [*SCORED, *shown]
    if len(names) > 1:
        frame = frame.with_columns(pl.col("capture_id").replace(names).alias("capture"))
        shown = [*shown, *CAPTURE]
    rows = frame.height
    while True:
        columns, clipped = _columns(frame.head(rows), shown)
        data = _json({"rows": rows, "columns": columns})
        if len(data.encode()) <= most_bytes or not rows:
            break
        rows = min(rows - 1, int(rows * most_bytes / len(data.encode()) * 0.98))
    return Table(
        [(title, kind) for _, title, kind in shown],
        _plain(columns, min(rows, PLAIN_ROWS)),
        rows,
        total,
        data,
        "the riskiest first" if scored else "the earliest first",
        clipped,
    )


def _columns(frame: pl.DataFrame, shown: Shown) -> tuple[list[Row], int]:
    columns, clipped = [], 0
    for name, title, kind in shown:
        series = frame[name]
        if kind == "time":
            values = series.dt.epoch("ms").to_list()
        elif kind in {"number", "port"}:
            values = (series.round(4) if series.dtype.is_float() else series).to_list()
        else:
            words, values, cut = _coded(series, _address if kind == "address" else str)
            clipped += cut
            columns.append({"title": title, "kind": kind, "words": words, "values": values})
            continue
        columns.append({"title": title, "kind": kind, "values": values})
    return columns, clipped


def _coded(series: pl.Series, key: Callable[[str], Any]) -> tuple[list[str], list[int | None], int]:
    raw = series.unique().drop_nulls().to_list()
    shown = {one: _short(plain_text(one)) for one in raw}
    words = sorted(set(shown.values()), key=key)
    number = {word: place for place, word in enumerate(words)}
    place = {one: number[short] for one, short in shown.items()}
    values = [None if one is None else place[one] for one in series.to_list()]
    return words, values, sum(len(one) > LONGEST_TEXT for one in raw)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _address(text: str) -> tuple[int, int, str]:
    """Order addresses as numbers, and what is none after them."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return (9, 0, text)
    return (address.version, int(address), text)


def _json(value: Mapping[str, Any]) -> Markup:
    """Write JSON that cannot end the element it stands in, whatever its strings hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.translate(UNSAFE))  # noqa: S704 - no character of markup is left


def _plain(columns: Iterable[Row], rows: int) -> list[list[Any]]:
    shown = []
    for column in columns:
        words = column.get("words")
        values = column["values"][:rows]
        shown.append([words[one] if words and one is not None else one for one in values])
    return [list(row) for row in zip(*shown, strict=True)]
