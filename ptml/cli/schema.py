"""``ptml schema``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ptml.cli._options import AsJson
from ptml.cli._render import show_json, show_table

if TYPE_CHECKING:
    from ptml.parse.describe import ColumnSchema, Schema


def schema(
    log: Annotated[
        str | None, typer.Argument(metavar="[LOG]", help="A Zeek log, or one of ptml's own tables.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain the fields of Zeek's logs and of ptml's own tables.

    Lists what is known, or shows each field of one log or table: its type in Zeek and in the tables, and
    what it means. Logs that are not known are typed by their own header.

    Examples:
      ptml schema
      ptml schema conn
      ptml schema conn --json
    """
    from ptml.parse.describe import schema as describe

    found = list(describe(*([log] if log else [])).values())
    if as_json:
        show_json(found[0].to_dict() if log else {"schemas": [one.to_dict() for one in found]})
    elif log:
        _show(found[0])
    else:
        rows = [(one.name, one.kind, one.meaning) for one in found]
        title = f"{len(rows)} logs and tables; ptml schema NAME shows the fields"
        show_table(title, ("name", "", "meaning"), rows)


def _show(one: Schema) -> None:
    title = f"{one.name}: {one.meaning}"
    if one.kind == "table":
        rows = [(column.name, column.dtype, column.meaning) for column in one.columns]
        show_table(title, ("column", "type", "meaning"), rows)
        return
    columns = ("field", "Zeek type", "column type", "meaning")
    own = [column for column in one.columns if column.source is None]
    show_table(f"{title} ({one.source})", columns, [_row(column) for column in own])
    others = [column for column in one.columns if column.source is not None]
    show_table(
        "and from other versions, scripts and packages",
        (*columns, "from"),
        [(*_row(column), column.source) for column in others],
    )


def _row(column: ColumnSchema) -> tuple[str | None, ...]:
    return column.name, column.zeek_type, column.dtype, column.meaning
