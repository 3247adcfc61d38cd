"""The sources there are: a line each."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

from ptml.errors import SettingsError, did_you_mean
from ptml.sources.http import CONNECTIONS, Client
from ptml.sources.pages import Pages
from ptml.sources.protocol import Access, Options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ptml.sources.protocol import About, Source
    from ptml.workspace import Workspace

SOURCES = {
    "cape": "ptml.sources.cape:Cape",
    "manifest": "ptml.sources.manifest:ManifestSource",
    "mta": "ptml.sources.mta:MalwareTrafficAnalysis",
    "packettotal": "ptml.sources.packettotal.source:PacketTotalSource",
    "stratosphere": "ptml.sources.stratosphere:Stratosphere",
    "triage": "ptml.sources.triage:Triage",
    "uwf": "ptml.sources.uwf:UwfZeekData",
    "zenodo": "ptml.sources.zenodo:Zenodo",
}


@dataclass(frozen=True, slots=True)
class Network:
    """How the network may be used.

    Attributes:
        allow_private: Whether private and loopback addresses may be connected to.
        ca: A file of certificates to trust in place of all others.
        connections: How many may be open at a time.
    """

    allow_private: bool = False
    ca: Path | None = None
    connections: int = CONNECTIONS


def sources() -> list[About]:
    """List the sources: what each offers and needs, its terms, how to cite it.

    >>> [about.needs for about in sources() if about.name == "manifest"]
    ['nothing']
    """
    return [_class(name).about for name in sorted(SOURCES)]


def about(name: str) -> About:
    """Tell of a source.

    Raises:
        SettingsError: There is none of this name.
    """
    return _class(name).about


@contextlib.contextmanager
def opened(
    name: str,
    network: Network | None = None,
    workspace: Workspace | None = None,
    options: Options | None = None,
) -> Iterator[tuple[Source, Access]]:
    """Lend a source, with the network open to it.

    Args:
        name: Which.
        network: How the network may be used.
        workspace: Where its index pages are kept, if it is there.
        options: What is asked of it beyond the ordinary.

    Raises:
        SettingsError: There is none of this name, it needs a key that is not there, or an option is not its.
    """
    network, options = network or Network(), options or Options()
    kind = _class(name)
    if unknown := options.beyond(kind.about.options):
        raise SettingsError(f"{kind.about.title} has no use for {unknown[0]}", hint=f"leave {unknown[0]} out")
    url = options.url.rstrip("/") if options.url else base_url(kind.about)
    secret = "" if options.replay else _secret(kind.about)
    with Client(
        allow_private=network.allow_private,
        pace=kind.about.pace if url == kind.about.url else 0.0,  # whoever names a place knows its pace
        ca=network.ca,
        connections=network.connections,
    ) as client:
        there = workspace is not None and workspace.root.is_dir()
        pages = Pages(client, workspace.pages) if workspace and there else Pages(client)
        access = Access(client, pages, url, secret, options)
        yield cast("Callable[[Access], Source]", kind)(access), access


def base_url(what: About) -> str:
    """Give a source's address: that of the environment, else its own."""
    return (os.environ.get(f"PTML_{what.name.upper().replace('-', '_')}_URL") or what.url).rstrip("/")


def _secret(what: About) -> str:
    secret = os.environ.get(what.key, "").strip() if what.key else ""
    if what.key and not secret:
        raise SettingsError(
            f"{what.title} needs a key, and {what.key} is not set; nothing was asked",
            hint=f"{what.key}=… ptml …; keys are taken from the environment only",
        )
    return secret


def _class(name: str) -> type[Source]:
    if name not in SOURCES:
        raise SettingsError(f"there is no source {name!r}", hint=did_you_mean([name], sorted(SOURCES)))
    module, _, attribute = SOURCES[name].partition(":")
    return cast("type[Source]", getattr(import_module(module), attribute))
