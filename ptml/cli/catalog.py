"""``ptml catalog``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ptml.cli._app import help_of
from ptml.cli._options import AsJson, Data, Jobs, Quiet, engine, workspace
from ptml.cli._render import progress_bar, remark, show_json, show_table
from ptml.errors import BadData

if TYPE_CHECKING:
    from ptml.inventory import Choice

COLUMNS = ("capture_id", "name", "label", "label_level", "family", "source", "size_bytes")
COUNTED = ("source", "label", "family", "year", "captures")
BAR = 30

Source = Annotated[str | None, typer.Option(metavar="NAME", help="Only captures from this source.")]
Label = Annotated[
    str | None, typer.Option(metavar="LABEL", help="Only malicious, benign, mixed or unknown ones.")
]
Family = Annotated[str | None, typer.Option(metavar="NAME", help="Only this family, by any of its names.")]
Year = Annotated[
    int | None,
    typer.Option(metavar="YEAR", help="Only of this year: when it began, else a date in its name."),
]
Name = Annotated[str | None, typer.Option(metavar="TEXT", help="Only captures with this in their names.")]


def catalog(
    context: typer.Context,
    summary: Annotated[bool, typer.Option("--summary", help="Count by source, label, family, year.")] = False,
    source: Source = None,
    label: Label = None,
    family: Family = None,
    year: Year = None,
    name: Name = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List captures, their labels and their sources.

    Examples:
      ptml catalog
      ptml catalog --family heodo --year 2024
      ptml catalog --summary
      ptml catalog verify
      ptml catalog export captures.csv
    """
    if context.invoked_subcommand is not None:
        return
    from ptml.inventory import catalog as list_captures
    from ptml.inventory import summarise

    rows = list_captures(workspace(data), _choice(source, label, family, year, name))
    counted = summarise(rows)
    if as_json:
        show_json({"captures": len(rows), "summary": counted} if summary else {"captures": rows})
    elif summary:
        _show_summary(len(rows), counted)
    else:
        show_table(f"{len(rows)} captures", COLUMNS, [[row[name] for name in COLUMNS] for row in rows])


def verify(data: Data = None, jobs: Jobs = 0, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Hash the captures' files again, and tell which have changed, are cut or are gone.

    Ends with exit code 4 if something is wrong.

    Examples:
      ptml catalog verify
      ptml catalog verify --json | jq .faults
    """
    from ptml.inventory import catalog_verify

    with progress_bar(quiet=quiet) as progress:
        report = catalog_verify(workspace(data), engine=engine(jobs), progress=progress)
    if as_json:
        show_json(report.to_dict())
    else:
        typer.echo(
            f"{report.captures} captures, {report.files} files, {report.bytes:,} bytes; "
            f"{len(report.faults)} captures with faults"
        )
        for capture_id, why in report.faults.items():
            remark(f"  {capture_id}: {why}")
    if report.faults:
        raise BadData(
            f"{len(report.faults)} of {report.captures} captures are not as they came",
            hint="add or fetch them again with --force",
        )


def export(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv, .jsonl or .parquet file.")],
    source: Source = None,
    label: Label = None,
    family: Family = None,
    year: Year = None,
    name: Name = None,
    data: Data = None,
) -> None:
    """Write the captures and their origins to a file, one row per capture and source.

    Examples:
      ptml catalog export captures.csv
      ptml catalog export emotet.jsonl --family emotet
    """
    from ptml.inventory import catalog_export

    rows = catalog_export(workspace(data), path, _choice(source, label, family, year, name))
    typer.echo(f"{rows} rows: {path}")


def _choice(
    source: str | None, label: str | None, family: str | None, year: int | None, name: str | None
) -> Choice:
    from ptml.inventory import Choice

    return Choice(source, label, family, year, name)


def _show_summary(total: int, counted: list[dict[str, Any]]) -> None:
    """Show counts, each with a bar as long as its share of the largest."""
    largest = max((row["captures"] for row in counted), default=1)
    rows: list[list[object]] = []
    for row in counted:
        shown = row | {"year": row["year"] and str(row["year"])}  # a number would get a comma
        bar = "█" * max(1, round(BAR * row["captures"] / largest))
        rows.append([*(shown[name] for name in COUNTED), bar])
    show_table(f"{total} captures", (*COUNTED, ""), rows)


group = typer.Typer(name="catalog", invoke_without_command=True, callback=catalog, help=help_of(catalog))
for command in (verify, export):
    group.command(help=help_of(command))(command)
