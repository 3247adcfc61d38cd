"""The calls that only PacketTotal has, as functions."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from ptml.errors import SettingsError
from ptml.sources.packettotal.source import NAME, OWN_URL, PacketTotalSource
from ptml.sources.packettotal.summary import Summary, summary_of
from ptml.sources.packettotal.uploading import Analyzed, Examined, examine, upload
from ptml.sources.registry import Network, opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ptml.sources.packettotal.api import Intensity, PacketTotal, Weighting
    from ptml.sources.protocol import Options

URL_VARIABLE = "PTML_PACKETTOTAL_URL"


@contextlib.contextmanager
def connected(network: Network | None = None, options: Options | None = None) -> Iterator[PacketTotal]:
    """Lend the API.

    Args:
        network: How the network may be used.
        options: Another base URL, a folder to record to or to replay from, how long to wait.

    Raises:
        SettingsError: There is no key, the base URL is none, or options contradict each other.
        MissingInput: There is no recording to answer from.
    """
    with opened(NAME, network, options=options) as (source, _):
        assert isinstance(source, PacketTotalSource)
        yield source.api


def packettotal_usage(network: Network | None = None, options: Options | None = None) -> dict[str, Any]:
    """Tell what the owner of the key has used, in the service's own words.

    Raises:
        SettingsError: There is no key.
        DownloadError: The key was refused, or no sound answer came.
    """
    with connected(network, options) as api:
        return api.usage()


def packettotal_random(network: Network | None = None, options: Options | None = None) -> dict[str, Any]:
    """Tell of a capture that the service chooses.

    Raises:
        SettingsError: There is no key.
        DownloadError: The key was refused, or no sound answer came.
    """
    with connected(network, options) as api:
        return api.random()


def packettotal_analysis(
    md5: str, network: Network | None = None, options: Options | None = None, *, accuracy: str | None = None
) -> Summary:
    """Sum a capture up.

    Args:
        md5: Its id.
        network: How the network may be used.
        options: See `connected`.
        accuracy: Of the statistics; ``high`` is the one value that is known.

    Raises:
        SettingsError: There is no key, or that is no id.
        DownloadError: The capture is not known there, or no sound answer came.
    """
    with connected(network, options) as api:
        return summary_of(api.analysis(md5, accuracy))


def similar(
    md5: str,
    network: Network | None = None,
    options: Options | None = None,
    *,
    intensity: Intensity = "low",
    weighting_mode: Weighting = "behavior",
    prioritize_uncommon_fields: bool = False,
) -> dict[str, Any]:
    """Find captures that share terms with one.

    Args:
        md5: Its id.
        network: How the network may be used.
        options: See `connected`.
        intensity: How thoroughly; ``high`` was known to run out of time.
        weighting_mode: By behaviour or by content.
        prioritize_uncommon_fields: Whether rare terms count for more.

    Returns:
        ``results``, ``result_count``, and what the service says that it did.

    Raises:
        SettingsError: There is no key, or that is no id.
        DownloadError: The capture is not known there, or no sound answer came.
    """
    with connected(network, options) as api:
        return api.similar(
            md5,
            intensity=intensity,
            weighting_mode=weighting_mode,
            prioritize_uncommon_fields=prioritize_uncommon_fields,
        )


def packettotal_analyze(
    path: Path,
    network: Network | None = None,
    options: Options | None = None,
    *,
    yes: bool = False,
    copy_to: Path | None = None,
    name: str | None = None,
    sources: Sequence[str] = (),
    wait: bool = True,
) -> Analyzed:
    """Look at what a capture would reveal, then upload it, which makes it public.

    Args:
        path: The capture.
        network: How the network may be used.
        options: See `connected`; a base URL has to be named, here or in the environment.
        yes: That its sender knows what it reveals and that it becomes public.
        copy_to: Where to write a copy with other addresses, which is sent in its place.
        name: What it is to be called there.
        sources: URLs of articles on it.
        wait: Whether to wait for its analysis.

    Raises:
        SettingsError: Nobody said yes, no base URL was named, there is no key, or it is too large.
        MissingInput: The capture cannot be opened.
        MissingTool: The extra that reads captures is not installed.
        BadData: It is no packet capture.
        DownloadError: It was refused, or not analysed in time.
    """
    examined = examine(path, copy_to=copy_to)
    return packettotal_upload(examined, network, options, yes=yes, name=name, sources=sources, wait=wait)


def packettotal_upload(
    examined: Examined,
    network: Network | None = None,
    options: Options | None = None,
    *,
    yes: bool = False,
    name: str | None = None,
    sources: Sequence[str] = (),
    wait: bool = True,
) -> Analyzed:
    """Upload a capture that was examined; see `packettotal_analyze`."""
    named = (options and (options.url or options.replay)) or os.environ.get(URL_VARIABLE)
    if not named:
        raise SettingsError(
            "an upload needs a base URL that was named; nothing was sent",
            hint=f"--url URL or {URL_VARIABLE}; {OWN_URL} was the service's own, reported down in 2021",
        )
    with connected(network, options) as api:
        return upload(api, examined, yes=yes, name=name, sources=sources, wait=wait)
