"""``ptml report``."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ptml.cli._options import AsJson, Quiet, SetParse, parse_settings
from ptml.cli._render import remark, show_json

if TYPE_CHECKING:
    from ptml.report.capture.places import Enrichment


class Asked(StrEnum):
    """Whom to ask about addresses."""

    ipinfo = "ipinfo"


def report(
    path: Annotated[
        Path,
        typer.Argument(
            help="A folder of Zeek logs, a log, a PCAP, or a folder that parse or score wrote.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The page. [default: report.html there, capture.html with scores]"),
    ] = None,
    geo: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE.mmdb",
            help="A database of countries or networks, MaxMind's or IPinfo's; may be repeated.",
        ),
    ] = None,
    enrich: Annotated[
        Asked | None,
        typer.Option(help="Ask ipinfo.io about public destinations; its token is in IPINFO_TOKEN."),
    ] = None,
    set_: SetParse = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make one HTML page on a capture, scored or not.

    It shows traffic over time, protocols, top talkers, names, files, notices, beacon candidates, a table of
    connections to search and sort, and of a folder of scores the alerts with their reasons. The page is one
    file, works offline and sends nothing.

    Examples:
      ptml report /var/log/zeek/2026-11-23 --out monday.html
      ptml report incident.pcap --geo GeoLite2-Country.mmdb
      ptml report data/scores/latest
    """
    from ptml.report.capture import report as report_on

    done = report_on(
        path,
        out=out,
        geo=geo or (),
        enrichment=None if enrich is None else _enrichment(),
        parsing=parse_settings(set_),
    )
    if as_json:
        show_json(done.to_dict())
        return
    typer.echo(str(done.page))
    for note in done.notes:
        remark(f"  note: {note}", quiet=quiet)


def _enrichment() -> Enrichment:
    from ptml.report.capture.places import Enrichment
    from ptml.sources.ipinfo import token

    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Enrichment(token(), home / "ptml" / "ipinfo.json")
