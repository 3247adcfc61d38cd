"""PacketTotal: captures with their analysis, by the API that the service had, or a server that is like it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptml.sources.packettotal.access import Access, connect
from ptml.sources.packettotal.summary import Summary, summary_of
from ptml.sources.packettotal.uploading import Analyzed, Examined, examine, upload

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ptml.sources.packettotal.api import Intensity, Weighting

__all__ = [
    "Access",
    "connect",
    "examine",
    "packettotal_analysis",
    "packettotal_analyze",
    "packettotal_random",
    "packettotal_upload",
    "packettotal_usage",
    "similar",
]


def packettotal_usage(access: Access | None = None) -> dict[str, Any]:
    """Tell what the owner of the key has used, in the service's own words.

    Raises:
        SettingsError: There is no key.
        DownloadError: The key was refused, or no sound answer came.
    """
    with connect(access or Access()) as api:
        return api.usage()


def packettotal_random(access: Access | None = None) -> dict[str, Any]:
    """Tell of a capture that the service chooses.

    Raises:
        SettingsError: There is no key.
        DownloadError: The key was refused, or no sound answer came.
    """
    with connect(access or Access()) as api:
        return api.random()


def packettotal_analysis(md5: str, access: Access | None = None, *, accuracy: str | None = None) -> Summary:
    """Sum a capture up.

    Args:
        md5: Its id.
        access: How to reach the API.
        accuracy: Of the statistics; ``high`` is the one value that is known.

    Raises:
        SettingsError: There is no key, or that is no id.
        DownloadError: The capture is not known there, or no sound answer came.
    """
    with connect(access or Access()) as api:
        return summary_of(api.analysis(md5, accuracy))


def similar(
    md5: str,
    access: Access | None = None,
    *,
    intensity: Intensity = "low",
    weighting_mode: Weighting = "behavior",
    prioritize_uncommon_fields: bool = False,
) -> dict[str, Any]:
    """Find captures that share terms with one.

    Args:
        md5: Its id.
        access: How to reach the API.
        intensity: How thoroughly; ``high`` was known to run out of time.
        weighting_mode: By behaviour or by content.
        prioritize_uncommon_fields: Whether rare terms count for more.

    Returns:
        ``results``, ``result_count``, and what the service says that it did.

    Raises:
        SettingsError: There is no key, or that is no id.
        DownloadError: The capture is not known there, or no sound answer came.
    """
    with connect(access or Access()) as api:
        return api.similar(
            md5,
            intensity=intensity,
            weighting_mode=weighting_mode,
            prioritize_uncommon_fields=prioritize_uncommon_fields,
        )


def packettotal_analyze(
    path: Path,
    access: Access | None = None,
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
        access: How to reach the API; the base URL has to be named.
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
    return packettotal_upload(examined, access, yes=yes, name=name, sources=sources, wait=wait)


def packettotal_upload(
    examined: Examined,
    access: Access | None = None,
    *,
    yes: bool = False,
    name: str | None = None,
    sources: Sequence[str] = (),
    wait: bool = True,
) -> Analyzed:
    """Upload a capture that was examined; see `packettotal_analyze`."""
    with connect(access or Access(), named_only=True) as api:
        return upload(api, examined, yes=yes, name=name, sources=sources, wait=wait)
