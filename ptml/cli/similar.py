"""``ptml similar``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ptml.cli._options import AllowPrivate, AsJson, Certificates, Quiet, Record, Replay, Url
from ptml.cli._packettotal import show_rows
from ptml.cli._render import remark, show_json


def similar(
    capture: Annotated[str, typer.Argument(metavar="ID", help="The capture's id at the source.")],
    source: Annotated[Literal["packettotal"], typer.Option(help="Where to look.")] = "packettotal",
    intensity: Annotated[
        Literal["minimal", "low", "medium", "high"],
        typer.Option(help="How thoroughly; high was known to run out of time."),
    ] = "low",
    weighting_mode: Annotated[
        Literal["behavior", "content"], typer.Option(help="What counts: behaviour or content.")
    ] = "behavior",
    prioritize_uncommon_fields: Annotated[
        bool, typer.Option("--prioritize-uncommon-fields", help="Let rare terms count for more.")
    ] = False,
    url: Url = None,
    record: Record = None,
    replay: Replay = None,
    allow_private: AllowPrivate = False,
    ca: Certificates = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find captures that are like one, at a source that can tell.

    Examples:
      ptml similar d210f4dbea97949f694e849507951881
      ptml similar d210f4dbea97949f694e849507951881 --intensity medium --weighting-mode content
    """
    from ptml.sources.packettotal.functions import similar as find_similar
    from ptml.sources.protocol import Options
    from ptml.sources.registry import Network

    found = find_similar(
        capture,
        Network(allow_private, ca),
        Options(url=url, record=record, replay=replay),
        intensity=intensity,
        weighting_mode=weighting_mode,
        prioritize_uncommon_fields=prioritize_uncommon_fields,
    )
    if as_json:
        show_json(found)
        return
    show_rows(f"{len(found['results'])} similar captures at {source}", found["results"])
    done = {name: value for name, value in found.items() if name not in {"results", "result_count"}}
    remark(f"  the service says that it did: {done}", quiet=quiet)
