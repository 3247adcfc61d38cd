"""``ptml similar``."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import typer

from ptml.cli._options import AllowPrivate, AsJson, Certificates, Quiet, Record, Replay, Url
from ptml.cli._packettotal import show_rows
from ptml.cli._render import remark, show_json

MD5 = re.compile(r"[0-9A-Fa-f]{32}")


def similar(
    capture: Annotated[str, typer.Argument(metavar="ID", help="The capture's id at the source.")],
    source: Annotated[
        Literal["packettotal"] | None,
        typer.Option(help="Where to look; without it an MD5 is looked for at PacketTotal."),
    ] = None,
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

    PacketTotal is the only source that can today; captures at hand are not compared with one another yet.

    Examples:
      ptml similar d210f4dbea97949f694e849507951881
      ptml similar d210f4dbea97949f694e849507951881 --intensity medium --weighting-mode content
    """
    from ptml.errors import SettingsError
    from ptml.sources.packettotal.functions import similar as find_similar
    from ptml.sources.protocol import Options
    from ptml.sources.registry import Network
    from ptml.text import plain_text

    if source is None and MD5.fullmatch(capture) is None:
        raise SettingsError(
            f"{plain_text(capture[:64])!r} is no MD5, by which PacketTotal knows captures, and that is the "
            "only source that finds similar ones; captures at hand cannot be compared with one another yet",
            hint="ptml catalog --json gives the MD5 of a capture; ptml similar MD5 --source packettotal",
        )
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
