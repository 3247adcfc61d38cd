"""JSON lines read one by one: whatever their shape, and where something is out of the ordinary."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.parse.batch import Batch, Misfit
from ptml.parse.header import MAX_FIELDS, NUL
from ptml.parse.jsonshape import LOG, Record, flat, unwrap
from ptml.parse.jsonvalues import clean_text, typed_value
from ptml.parse.schemas import default_fields, field_types
from ptml.zeektypes import polars_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.parse.blocks import Reject
    from ptml.parse.lines import Lines

MAX_CELLS = 20_000_000


@dataclass(slots=True)
class _Rows:
    """The rows of one log, and all names that occur in them."""

    log: str
    names: dict[str, None]
    rows: list[Record] = field(default_factory=list)
    misfits: list[Misfit] = field(default_factory=list)

    def batch(self) -> Batch:
        types = field_types(self.log)
        schema = {name: polars_type(types[name]) if name in types else pl.String() for name in self.names}
        frame = pl.DataFrame(self.rows, schema=schema, orient="row")
        return Batch(self.log, frame, types=types, misfits=self.misfits)


def read_lines(lines: Lines, log: str, *, fixed: bool) -> Iterator[Batch]:
    """Read JSON lines of any shape, of one log or several, in their order within each log.

    Args:
        lines: The lines.
        log: The log that they belong to if they do not say.
        fixed: Whether they belong to it whatever they say.
    """
    logs: dict[str, _Rows] = {}
    rejects: list[Reject] = []
    left_out: set[str] = set()
    for index, line in lines.each():
        try:
            name, row, envelope, faults = _row(line, log, fixed=fixed)
            rows = logs.setdefault(name, _Rows(name, dict.fromkeys(default_fields(name))))
            if len(rows.names.keys() | row.keys()) > MAX_FIELDS:
                raise ValueError(f"more than {MAX_FIELDS} different fields")  # noqa: TRY301 - a reason like the others
        except (ValueError, RecursionError) as error:
            rejects.append(lines.reject(index, str(error)))
            continue
        if faults:
            reject = lines.reject(index, "; ".join(faults.values()))
            rows.misfits.append(Misfit(len(rows.rows), tuple(faults), reject))
        rows.names |= dict.fromkeys(row)
        rows.rows.append(row)
        left_out.update(map(clean_text, envelope))
        if len(rows.rows) * len(rows.names) > MAX_CELLS:
            yield logs.pop(name).batch()
    notes = (f"left out of a forwarder's envelope: {', '.join(sorted(left_out))}",) if left_out else ()
    for rows in logs.values():
        yield replace(rows.batch(), rejects=rejects, notes=notes)
        rejects = []
    if rejects:
        yield Batch(log, rejects=rejects)


def _row(line: bytes, log: str, *, fixed: bool) -> tuple[str, Record, tuple[str, ...], dict[str, str]]:
    """Read a line: its log, its row, what was left out of an envelope, and what does not fit, by column."""
    value = json.loads(line.decode("utf-8", errors="surrogateescape"))
    if not isinstance(value, dict):
        raise ValueError(f"a JSON {type(value).__name__} where an object was expected")  # noqa: TRY004 - bad data, not a bug
    told, record, envelope = unwrap(value)
    name = log if fixed or told is None else told
    if not LOG.fullmatch(name):
        raise ValueError(f"_path {name[:100]!r} is no log's name")
    types = field_types(name)
    row: Record = {}
    faults: dict[str, str] = {}
    for written, item in flat(record, name):
        key = clean_text(written)
        if NUL in key:
            raise ValueError("a field with a NUL in its name")
        try:
            value_of_field: Any = typed_value(item, types.get(key))
        except (TypeError, ValueError, OverflowError):
            faults[key] = f"{key}: {str(item)[:60]!r} is no {types[key]}"
            value_of_field = None
        if value_of_field is not None or key not in row:
            row[key] = value_of_field
    if not row and not default_fields(name):
        raise ValueError("no field, and none are known of such a log")
    return name, row, envelope, faults
