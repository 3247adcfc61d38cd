"""``ptml packettotal``: the calls that only PacketTotal has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ptml.cli._app import help_of
from ptml.cli._options import AllowPrivate, AsJson, Certificates, DryRun, Quiet, Record, Replay, Url, Wait
from ptml.cli._packettotal import show_analyzed, show_examined, show_facts, show_info, show_summary
from ptml.cli._render import remark, show_json

if TYPE_CHECKING:
    from ptml.sources.protocol import Options
    from ptml.sources.registry import Network

Md5 = Annotated[str, typer.Argument(metavar="ID", help="The capture's id: the MD5 of its file.")]


def _reach(
    url: str | None,
    record: Path | None,
    replay: Path | None,
    allow_private: bool,
    ca: Path | None,
    wait: float = 600.0,
) -> tuple[Network, Options]:
    """Put together how the API is reached."""
    from ptml.sources.protocol import Options
    from ptml.sources.registry import Network

    return Network(allow_private, ca), Options(url=url, record=record, replay=replay, wait=wait)


def usage(
    url: Url = None,
    record: Record = None,
    replay: Replay = None,
    allow_private: AllowPrivate = False,
    ca: Certificates = None,
    as_json: AsJson = False,
) -> None:
    """Show what the owner of the key has used of the API.

    The key is taken from the variable PACKETTOTAL_API_KEY.

    Examples:
      ptml packettotal usage
    """
    from ptml.sources.packettotal.functions import packettotal_usage

    found = packettotal_usage(*_reach(url, record, replay, allow_private, ca))
    if as_json:
        show_json(found)
    else:
        show_facts("usage", found)


def random(
    url: Url = None,
    record: Record = None,
    replay: Replay = None,
    allow_private: AllowPrivate = False,
    ca: Certificates = None,
    as_json: AsJson = False,
) -> None:
    """Show a capture that the service chooses.

    Examples:
      ptml packettotal random
    """
    from ptml.sources.packettotal.functions import packettotal_random

    found = packettotal_random(*_reach(url, record, replay, allow_private, ca))
    if as_json:
        show_json(found)
    else:
        show_info(found)


def analysis(
    md5: Md5,
    accuracy: Annotated[
        str | None,
        typer.Option(metavar="high", help="Of the statistics; `high` is the one value that is known."),
    ] = None,
    url: Url = None,
    record: Record = None,
    replay: Replay = None,
    allow_private: AllowPrivate = False,
    ca: Certificates = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Sum a capture up: top talkers, statistics, signatures, references, and a flag that is weak.

    Examples:
      ptml packettotal analysis d210f4dbea97949f694e849507951881
      ptml packettotal analysis d210f4dbea97949f694e849507951881 --json
    """
    from ptml.sources.packettotal.functions import packettotal_analysis

    found = packettotal_analysis(md5, *_reach(url, record, replay, allow_private, ca), accuracy=accuracy)
    if as_json:
        show_json(found.to_dict())
    else:
        show_summary(found.to_dict(), quiet=quiet)


def analyze(
    pcap: Annotated[Path, typer.Argument(metavar="PCAP", help="The capture: pcap or pcapng, 6 MB at most.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Upload: you know what it reveals, and that it becomes public.")
    ] = False,
    replace_addresses: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a copy with other addresses, alike where they were alike; upload it."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What it is to be called there; else its id.")
    ] = None,
    article: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="An article on it; repeatable.")
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for its analysis.")] = False,
    url: Url = None,
    record: Record = None,
    replay: Replay = None,
    wait: Wait = 600.0,
    allow_private: AllowPrivate = False,
    ca: Certificates = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Upload a capture, which makes it public.

    First shows the private addresses and the names that it would reveal. Nothing is sent without --yes and
    without a base URL that was named (--url or PTML_PACKETTOTAL_URL).

    Examples:
      ptml packettotal analyze office.pcap --dry-run
      ptml packettotal analyze office.pcap --replace-addresses copy.pcap --yes --url https://lab.example/v1
    """
    from ptml.sources.packettotal.functions import packettotal_upload
    from ptml.sources.packettotal.uploading import examine

    examined = examine(pcap, copy_to=replace_addresses)
    if not as_json:
        show_examined(examined, quiet=quiet)
    if dry_run:
        if as_json:
            show_json({"would_send": examined.to_dict()})
        remark("nothing was sent", quiet=quiet)
        return
    done = packettotal_upload(
        examined,
        *_reach(url, record, replay, allow_private, ca, wait),
        yes=yes,
        name=name,
        sources=article or (),
        wait=not no_wait,
    )
    if as_json:
        show_json(done.to_dict())
    else:
        show_analyzed(done)


group = typer.Typer(
    name="packettotal",
    help="Make the calls that only PacketTotal has.\n\n"
    "The service was reported down in 2021; a compatible server is named by --url or PTML_PACKETTOTAL_URL, "
    "and a recording of earlier calls by --replay. See also ptml search, info, similar and fetch.",
    no_args_is_help=True,
)
for command in (usage, random, analysis, analyze):
    group.command(help=help_of(command))(command)
