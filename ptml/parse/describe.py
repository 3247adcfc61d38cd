"""What is known of Zeek's logs and of ptml's own tables, field by field."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from ptml.errors import SettingsError, did_you_mean
from ptml.parse.knownlogs import ADDED, LogField, ZeekLog, zeek_logs
from ptml.schema import TABLES, Table
from ptml.zeektypes import polars_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

CAPTURE_ID = LogField("capture_id", "string", "which capture", "ptml parse")
"""The field that ptml itself adds to the logs of a workspace."""


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """A field of a log or a column of a table.

    Args:
        name: Its name.
        zeek_type: Zeek's type; None for ptml's own tables.
        dtype: The Polars type that it has in tables.
        meaning: What it says.
        source: What adds it to a log, where Zeek by default does not write it.
        key: It is part of the table's key.
    """

    name: str
    zeek_type: str | None
    dtype: str
    meaning: str
    source: str | None = None
    key: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """A log or table: what it is about, what writes it, and its columns in order."""

    name: str
    kind: Literal["log", "table"]
    meaning: str
    source: str
    columns: tuple[ColumnSchema, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as JSON takes it."""
        return asdict(self)


def schema(*names: str) -> Mapping[str, Schema]:
    """Describe Zeek logs and ptml's tables by name; without a name, all that are known.

    Args:
        names: Logs, such as `conn` or `conn.log`, and tables, such as `catalog`.

    Raises:
        SettingsError: There is no log or table of such a name.

    >>> schema("conn")["conn"].columns[8].meaning[:34]
    'from the first packet to the last;'
    >>> schema("labels")["labels"].kind, len(schema()) > 60
    ('table', True)
    """
    known = _known()
    wanted = [name.removesuffix(".log") for name in names]
    for name in wanted:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise SettingsError(
                f"no log or table is known as {name!r}; other logs are typed by their own header",
                hint=did_you_mean([name], near) or "`ptml schema` lists what is known",
            )
    return {name: known[name] for name in wanted or known}


@cache
def _known() -> dict[str, Schema]:
    logs = [_of_log(log) for log in zeek_logs().values()]
    return {one.name: one for one in (*logs, *(_of_table(table) for table in TABLES))}


def _of_log(log: ZeekLog) -> Schema:
    # Zeek's own field of a name comes before what others add under it.
    fields = {field.name: field for field in (CAPTURE_ID, *ADDED)} | {
        field.name: field for field in (*log.fields, *log.extra)
    }
    names = dict.fromkeys(field.name for field in (*log.fields, *log.extra, CAPTURE_ID, *ADDED))
    return Schema(log.name, "log", log.meaning, log.source, tuple(_of_field(fields[name]) for name in names))


def _of_field(field: LogField) -> ColumnSchema:
    return ColumnSchema(field.name, field.type, _text(polars_type(field.type)), field.meaning, field.source)


def _of_table(table: Table) -> Schema:
    columns = (
        ColumnSchema(column.name, None, _text(column.dtype), column.meaning, key=column.name in table.key)
        for column in table.columns
    )
    return Schema(table.name, "table", table.meaning, "ptml", tuple(columns))


def _text(dtype: pl.DataType) -> str:
    """Write a type as a reader would, without the names of its arguments.

    >>> _text(polars_type("vector[time]"))
    "List(Datetime('us', 'UTC'))"
    """
    return re.sub(r"\w+=", "", str(dtype))
