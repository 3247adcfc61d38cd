"""``ptml similar``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ptml.cli._options import AllowPrivate, AsJson, Certificates, Data, Quiet, Record, Replay, Url, workspace
from ptml.cli._packettotal import show_rows
from ptml.cli._render import remark, show_json, show_table

if TYPE_CHECKING:
    from ptml.features.similar import Similar

MD5 = re.compile(r"[0-9A-Fa-f]{32}")
COLUMNS = (
    "distance",
    "capture_id",
    "name",
    "label",
    "family",
    "source",
    "most_alike_in",
    "most_different_in",
)
SHOWN = 3


def similar(
    capture: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="A capture's id (or its beginning), name or MD5; or a folder of Zeek logs."
        ),
    ],
    source: Annotated[
        Literal["packettotal"] | None,
        typer.Option(
            help="Where to look; without it among the captures at hand. An MD5 that these do not have is "
            "looked for at PacketTotal."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="Captures at hand to show.")] = 10,
    intensity: Annotated[
        Literal["minimal", "low", "medium", "high"],
        typer.Option(help="PacketTotal: how thoroughly; high was known to run out of time."),
    ] = "low",
    weighting_mode: Annotated[
        Literal["behavior", "content"], typer.Option(help="PacketTotal: what counts, behaviour or content.")
    ] = "behavior",
    prioritize_uncommon_fields: Annotated[
        bool,
        typer.Option("--prioritize-uncommon-fields", help="PacketTotal: let rare terms count for more."),
    ] = False,
    data: Data = None,
    url: Url = None,
    record: Record = None,
    replay: Replay = None,
    allow_private: AllowPrivate = False,
    ca: Certificates = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find captures that are like one, among those at hand or at PacketTotal.

    Captures at hand are compared by the features of whole captures (`ptml features` makes them), each family
    of features counting the same; docs/similar.md tells how far apart two captures are. Captures of one
    source resemble each other whatever they hold: look at the source before you believe the label.

    Examples:
      ptml similar c0b5a
      ptml similar zeek/2026-11-23 --limit 3
      ptml similar d210f4dbea97949f694e849507951881 --source packettotal --intensity medium
    """
    from ptml.features.similar import has_md5, similar_captures
    from ptml.sources.packettotal.functions import similar as find_similar
    from ptml.sources.protocol import Options
    from ptml.sources.registry import Network

    place = workspace(data)
    if source is None and (MD5.fullmatch(capture) is None or has_md5(place, capture)):
        near = similar_captures(place, capture, limit=limit)
        if as_json:
            show_json(near.to_dict())
        else:
            _show(near, quiet=quiet)
        return
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
    show_rows(f"{len(found['results'])} similar captures at packettotal", found["results"])
    done = {name: value for name, value in found.items() if name not in {"results", "result_count"}}
    remark(f"  the service says that it did: {done}", quiet=quiet)


def _show(near: Similar, *, quiet: bool) -> None:
    """Show the nearest captures, and what to hold their nearness against."""
    rows = [
        (
            one.distance,
            one.capture_id,
            one.name,
            one.label,
            one.family,
            one.source,
            ", ".join([*one.families][:SHOWN]),
            ", ".join(gap.feature for gap in one.differences),
        )
        for one in near.neighbours
    ]
    show_table(f"{len(rows)} of {near.compared} captures, nearest to {near.capture} first", COLUMNS, rows)
    remark(f"  half of all are within {near.median:.4f}; --json has every family and value", quiet=quiet)
    if near.without_features:
        remark(f"  {near.without_features} captures have no features and were not compared", quiet=quiet)
