"""``ptml search``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ptml.cli._options import (
    AllowPrivate,
    AsJson,
    Certificates,
    Data,
    Deep,
    Record,
    Replay,
    SourceName,
    Url,
    Wait,
    workspace,
)
from ptml.cli._render import show_json, show_table


def search(
    source: SourceName,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for, in the source's words.")],
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Hits at most.")] = 20,
    deep: Deep = False,
    url: Url = None,
    wait: Wait = 600.0,
    record: Record = None,
    replay: Replay = None,
    data: Data = None,
    allow_private: AllowPrivate = False,
    ca: Certificates = None,
    as_json: AsJson = False,
) -> None:
    """Look for captures at a source; nothing is downloaded.

    Examples:
      ptml search zenodo "malware traffic pcap" --limit 5
      ptml search packettotal "emotet" --deep
    """
    from ptml.sources.looking import search as search_source
    from ptml.sources.protocol import Options
    from ptml.sources.registry import Network

    hits = search_source(
        source,
        query,
        limit=limit,
        network=Network(allow_private, ca),
        workspace=workspace(data),
        options=Options(url=url, deep=deep, wait=wait, record=record, replay=replay),
    )
    if as_json:
        show_json({"hits": [asdict(hit) for hit in hits]})
        return
    facts = list(dict.fromkeys(name for hit in hits for name in hit.facts))
    named = any(hit.name for hit in hits)
    rows = [
        (hit.id, *([hit.name] if named else []), *(_text(hit.facts.get(name)) for name in facts))
        for hit in hits
    ]
    columns = ("id", *(["name"] if named else []), *facts)
    show_table(f"{len(hits)} hits; ptml fetch {source} ID fetches", columns, rows)


def _text(value: object) -> object:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else value
