"""``ptml fetch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ptml.cli._options import (
    AllowPrivate,
    AsJson,
    Carved,
    Certificates,
    Data,
    DropPcap,
    DryRun,
    Force,
    Quiet,
    Record,
    Replay,
    SourceName,
    Url,
    Wait,
    workspace,
)
from ptml.cli._render import fetching_bar, remark, remarks, show_json, show_report, show_table
from ptml.types import Label

if TYPE_CHECKING:
    from ptml.sources.planning import Plan


def fetch(
    source: SourceName,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="What to fetch.")] = None,
    query: Annotated[
        str | None, typer.Option("--query", metavar="QUERY", help="Fetch what a search finds.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Files at most.")] = 100,
    label: Annotated[
        Label | None, typer.Option(help="Label of what is fetched; else the source's word.")
    ] = None,
    family: Annotated[
        str | None, typer.Option(metavar="NAME", help="Malware family of what is fetched; else the source's.")
    ] = None,
    password: Annotated[
        list[str] | None,
        typer.Option(
            "--password", metavar="TEXT", help="To be tried where an archive is encrypted; repeatable."
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option("--jobs", metavar="N", min=0, max=64, help="Files at a time; 0: as the source likes."),
    ] = 0,
    drop_pcap: DropPcap = False,
    carved: Carved = False,
    url: Url = None,
    wait: Wait = 600.0,
    record: Record = None,
    replay: Replay = None,
    allow_private: AllowPrivate = False,
    ca: Certificates = None,
    data: Data = None,
    force: Force = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Fetch captures from a source into the workspace.

    Files are checked against what the source promises; archives are opened within limits; each capture gets
    a row in the catalog and one in its provenance. Stopped at any moment, the same command goes on where it
    was. What has been fetched is not fetched again.

    Examples:
      ptml fetch manifest captures.csv
      ptml fetch zenodo 7965515 --label benign --dry-run
      ptml fetch packettotal --query "emotet" --limit 50 --label malicious --family emotet
    """
    from ptml.settings import FetchSettings, checked
    from ptml.sources.fetch import fetch as fetch_captures
    from ptml.sources.looking import plan

    values = {
        "source": source,
        "ids": ids or (),
        "query": query,
        "limit": limit,
        "label": label,
        "family": family,
        "passwords": password or (),
        "jobs": jobs,
        "drop_pcap": drop_pcap,
        "carved": carved,
        "url": url,
        "wait": wait,
        "record": record,
        "replay": replay,
        "allow_private": allow_private,
        "ca": ca,
    }
    settings = checked(FetchSettings, values, "ptml fetch")
    if dry_run:
        _show_plan(plan(workspace(data), settings, force=force), as_json=as_json)
        return
    with fetching_bar(quiet=quiet) as progress:
        report = fetch_captures(workspace(data), settings, force=force, progress=progress)
    show_report(report, as_json=as_json, quiet=quiet)


def _show_plan(plan: Plan, *, as_json: bool) -> None:
    failed = {name: str(error) for name, error in plan.failed.items()}
    if as_json:
        show_json(
            {
                "would_fetch": [
                    {
                        "id": one.id,
                        "name": one.name,
                        "url": one.url,
                        "bytes": one.promise.size,
                        "label": one.label,
                    }
                    for one in plan.items
                ],
                "there_already": [item.id for item, _ in plan.known],
                "failed": failed,
            }
        )
        return
    size = f"{plan.size:,} bytes as far as is said"
    title = f"would fetch {len(plan.items)} files, {size}; {len(plan.known)} are there already"
    rows = [(one.name, one.label, one.family, one.promise.size, one.id) for one in plan.items]
    show_table(title, ("name", "label", "family", "bytes", "id"), rows)
    for line in remarks({}, failed, "ids"):
        remark(line)
