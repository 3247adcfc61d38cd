"""``ptml catalog``."""

from __future__ import annotations

from typing import Annotated

import typer

from ptml.cli._options import AsJson, Data, workspace
from ptml.cli._render import show_json, show_table

COLUMNS = ("capture_id", "name", "label", "label_level", "family", "source", "size_bytes")


def catalog(
    summary: Annotated[bool, typer.Option("--summary", help="Count by source, label and family.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List captures, their labels and their sources.

    Examples:
      ptml catalog
      ptml catalog --summary
    """
    from ptml.catalog import catalog as list_captures
    from ptml.catalog import summarise

    rows = list_captures(workspace(data))
    counted = summarise(rows)
    if as_json:
        show_json({"captures": len(rows), "summary": counted} if summary else {"captures": rows})
    elif summary:
        columns = ("source", "label", "family", "captures")
        show_table(f"{len(rows)} captures", columns, [[row[name] for name in columns] for row in counted])
    else:
        show_table(f"{len(rows)} captures", COLUMNS, [[row[name] for name in COLUMNS] for row in rows])
