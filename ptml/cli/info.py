"""``ptml info``."""

from __future__ import annotations

from typing import Annotated

import typer

from ptml.cli._options import (
    AllowPrivate,
    AsJson,
    Certificates,
    Data,
    Record,
    Replay,
    SourceName,
    Url,
    workspace,
)
from ptml.cli._packettotal import show_known
from ptml.cli._render import show_json, show_table


def info(
    source: SourceName,
    identity: Annotated[str, typer.Argument(metavar="ID", help="What the source calls it.")],
    url: Url = None,
    record: Record = None,
    replay: Replay = None,
    data: Data = None,
    allow_private: AllowPrivate = False,
    ca: Certificates = None,
    as_json: AsJson = False,
) -> None:
    """Show what a source says of something; nothing is downloaded.

    Examples:
      ptml info zenodo 7965515
      ptml info packettotal d210f4dbea97949f694e849507951881
    """
    from ptml.sources.looking import info as ask_source
    from ptml.sources.protocol import Options
    from ptml.sources.registry import Network

    facts = ask_source(
        source,
        identity,
        network=Network(allow_private, ca),
        workspace=workspace(data),
        options=Options(url=url, record=record, replay=replay),
    )
    if as_json:
        show_json(facts)
        return
    if source == "packettotal":
        show_known(facts)
        return
    rows = [(name, _text(value)) for name, value in facts.items()]
    show_table(f"{source} {identity}", ("what", "value"), rows)


def _text(value: object) -> object:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else value
