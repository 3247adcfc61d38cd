"""Looking before fetching: search, information, and what a fetch would bring."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from ptml.sources.planning import options_of, plan_fetch
from ptml.sources.registry import Network, opened

if TYPE_CHECKING:
    from ptml.settings import FetchSettings
    from ptml.sources.planning import Plan
    from ptml.sources.protocol import Hit, Options
    from ptml.workspace import Workspace


def search(
    source: str,
    query: str,
    *,
    limit: int = 20,
    network: Network | None = None,
    workspace: Workspace | None = None,
    options: Options | None = None,
) -> list[Hit]:
    """Look for captures at a source.

    Args:
        source: Which.
        query: In the source's own words.
        limit: Hits at most.
        network: How the network may be used.
        workspace: Where index pages are kept.
        options: What is asked of it beyond the ordinary.

    Raises:
        SettingsError: There is no such source, it needs a key, or it cannot be searched.
        DownloadError: It did not answer as expected.
    """
    with opened(source, network, workspace, options) as (found, _):
        return list(islice(found.search(query, limit), limit))


def info(
    source: str,
    identity: str,
    *,
    network: Network | None = None,
    workspace: Workspace | None = None,
    options: Options | None = None,
) -> dict[str, Any]:
    """Ask a source what it says of something.

    Args:
        source: Which.
        identity: What it calls it.
        network: How the network may be used.
        workspace: Where index pages are kept.
        options: What is asked of it beyond the ordinary.

    Raises:
        SettingsError: There is no such source, or it needs a key.
        DownloadError: It did not answer as expected.
    """
    with opened(source, network, workspace, options) as (found, _):
        return found.info(identity)


def plan(workspace: Workspace, settings: FetchSettings, *, force: bool = False) -> Plan:
    """Tell what a fetch would bring, without fetching it.

    Raises:
        SettingsError: There is no such source, or it needs a key.
        DownloadError: It did not answer as expected.
        MissingInput: There is nothing to fetch.
    """
    network = Network(settings.allow_private, settings.ca)
    with opened(settings.source, network, workspace, options_of(settings)) as (source, _):
        return plan_fetch(workspace, source, settings, force=force)
