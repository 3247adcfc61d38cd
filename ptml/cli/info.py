"""``ptml info``."""

from __future__ import annotations

from typing import Annotated

import typer

from ptml.cli._options import AllowPrivate, AsJson, Certificates, Data, SourceName, workspace
from ptml.cli._render import show_json, show_table


def info(
    source: SourceName,
    identity: Annotated[str, typer.Argument(metavar="ID", help="What the source calls it.")],
    data: Data = None,
    allow_private: AllowPrivate = False,
    ca: Certificates = None,
    as_json: AsJson = False,
) -> None:
    """Show what a source says of something; nothing is downloaded.

    Examples:
      ptml info zenodo 7965515
    """
    from ptml.sources.looking import info as ask_source
    from ptml.sources.registry import Network

    facts = ask_source(source, identity, network=Network(allow_private, ca), workspace=workspace(data))
    if as_json:
        show_json(facts)
        return
    rows = [(name, _text(value)) for name, value in facts.items()]
    show_table(f"{source} {identity}", ("what", "value"), rows)


def _text(value: object) -> object:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else value
