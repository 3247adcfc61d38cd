"""``ptml search``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ptml.cli._options import AllowPrivate, AsJson, Certificates, Data, SourceName, workspace
from ptml.cli._render import show_json, show_table


def search(
    source: SourceName,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for, in the source's words.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="Hits at most.")] = 20,
    data: Data = None,
    allow_private: AllowPrivate = False,
    ca: Certificates = None,
    as_json: AsJson = False,
) -> None:
    """Look for captures at a source; nothing is downloaded.

    Examples:
      ptml search zenodo "malware traffic pcap" --limit 5
    """
    from ptml.sources.looking import search as search_source
    from ptml.sources.registry import Network

    hits = search_source(
        source, query, limit=limit, network=Network(allow_private, ca), workspace=workspace(data)
    )
    if as_json:
        show_json({"hits": [asdict(hit) for hit in hits]})
        return
    facts = list(dict.fromkeys(name for hit in hits for name in hit.facts))
    rows = [(hit.id, hit.name, *(hit.facts.get(name) for name in facts)) for hit in hits]
    show_table(f"{len(hits)} hits; ptml fetch {source} ID fetches", ("id", "name", *facts), rows)
