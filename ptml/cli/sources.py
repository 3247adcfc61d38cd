"""``ptml sources``."""

from __future__ import annotations

from dataclasses import asdict

from ptml.cli._options import AsJson
from ptml.cli._render import show_json, show_table


def sources(as_json: AsJson = False) -> None:
    """List where captures can be fetched from.

    For each source: what it offers, what it needs, its terms and how to cite it. PTML_<NAME>_URL in the
    environment names another place that is laid out like a source. Your own captures come in by `ptml add`.

    Examples:
      ptml sources
      ptml sources --json
    """
    from ptml.sources.registry import sources as list_sources

    found = list_sources()
    if as_json:
        show_json({"sources": [asdict(about) | {"needs": about.needs} for about in found]})
        return
    rows = [
        (about.name, about.offers, about.ids, about.needs, about.terms, about.citation) for about in found
    ]
    columns = ("source", "offers", "ids and queries", "needs", "terms", "cite")
    show_table(f"{len(found)} sources; `ptml add` brings in your own", columns, rows)
