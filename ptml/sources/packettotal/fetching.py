"""Captures of PacketTotal into the workspace: what is there already is left alone."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ptml.catalog import read_catalog, read_provenance, upsert
from ptml.errors import DownloadError, MissingInput, PtmlError, SettingsError
from ptml.identity import capture_id_of_logs, capture_id_of_sha256
from ptml.manifest import read_manifest_or_none
from ptml.sources.packettotal.api import checked_id
from ptml.sources.packettotal.looking import find
from ptml.sources.packettotal.unpack import unpack
from ptml.sources.raw import STAGE, publish_raw
from ptml.stage import StageReport
from ptml.types import silent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ptml.manifest import Manifest
    from ptml.sources.packettotal.api import PacketTotal
    from ptml.sources.packettotal.unpack import Unpacked
    from ptml.types import Label, Progress
    from ptml.workspace import Workspace

SOURCE = "packettotal"
DOWNLOADS = 4


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of the captures.

    Attributes:
        label: What the user says that they are; what a query finds is no label.
        family: Likewise.
        keep_pcap: Whether the capture files are kept beside the tables.
        carved: Whether carved files come out of the archives.
    """

    label: Label | None = None
    family: str | None = None
    keep_pcap: bool = True
    carved: bool = False


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A capture that has arrived."""

    md5: str
    info: dict[str, Any]
    unpacked: Unpacked
    manifest: Manifest
    copied: bool


@dataclass(slots=True)
class _Tally:
    done: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    size: int = 0


def wanted_ids(
    api: PacketTotal, ids: Iterable[str] = (), *, query: str | None = None, limit: int | None = None
) -> list[str]:
    """Name the captures to fetch: those that are named, then those that a deep search finds, the best first.

    Raises:
        SettingsError: Nothing is named, or something that is no id.
        MissingInput: The search finds nothing.
        DownloadError: The search fails.
    """
    named = [checked_id(one) for one in ids]
    if not named and query is None:
        raise SettingsError("nothing to fetch: neither ids nor a query", hint='ID…, or --query "emotet"')
    found = [checked_id(one["id"]) for one in find(api, query, deep=True, limit=limit)] if query else []
    if not named and not found:
        raise MissingInput(f"no capture matches {query!r}", hint="`ptml search packettotal` tries a query")
    return list(dict.fromkeys([*named, *found]))


def fetch_packettotal(
    workspace: Workspace,
    api: PacketTotal,
    ids: Iterable[str],
    wish: Wish | None = None,
    *,
    jobs: int = DOWNLOADS,
    force: bool = False,
    progress: Progress = silent,
) -> StageReport:
    """Fetch captures into ``raw/packettotal/`` and list them in the catalog.

    Each is listed as soon as it has arrived, so a run that is stopped keeps what it has.

    Args:
        workspace: Where to.
        api: Where from.
        ids: Their ids.
        wish: What is wanted of them.
        jobs: How many at a time.
        force: Fetch again what is there.
        progress: Told after each capture.

    Raises:
        BadData: No capture could be fetched at all.
        WorkspaceBusy: Another run holds the workspace.
    """
    started = time.perf_counter()
    wish, tally = wish or Wish(), _Tally()
    ids = list(ids)
    with workspace.locked():
        there = {} if force else _there(workspace)
        for md5 in ids:
            if md5 in there:
                tally.unchanged.append(there[md5])
                _label_again(workspace, there[md5], wish, tally)
        todo = [md5 for md5 in ids if md5 not in there]
        progress("fetch", 0, len(todo))
        with workspace.scratch_folder() as folder, ThreadPoolExecutor(max(jobs, 1)) as pool:
            running = {pool.submit(_fetch_one, workspace, api, md5, folder, wish): md5 for md5 in todo}
            try:
                for number, future in enumerate(as_completed(running), 1):
                    _take(workspace, running[future], future.exception() or future.result(), wish, tally)
                    progress("fetch", number, len(todo))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    report = StageReport(
        stage="fetch",
        done=tuple(sorted(tally.done)),
        unchanged=tuple(sorted(set(tally.unchanged))),
        failed=tally.failed,
        counts={"bytes": tally.size},
        notes=dict(tally.notes),
        seconds=round(time.perf_counter() - started, 3),
    )
    if not report.done and not report.unchanged and report.failed:
        md5, why = next(iter(sorted(report.failed.items())))
        raise DownloadError(f"nothing was fetched: {md5}: {why}")
    return report


def _there(workspace: Workspace) -> dict[str, str]:
    """Tell which captures are there already: id at the source → capture id."""
    rows = read_provenance(workspace).select("capture_id", "source", "source_id").iter_rows()
    known = {str(md5): str(capture_id) for capture_id, source, md5 in rows if source == SOURCE}
    return {
        md5: capture_id
        for md5, capture_id in known.items()
        if read_manifest_or_none(workspace, STAGE, capture_id) is not None
    }


def _fetch_one(workspace: Workspace, api: PacketTotal, md5: str, folder: Path, wish: Wish) -> _Fetched:
    info = api.info(md5)
    archive, room = folder / f"{md5}.zip", folder / md5
    api.download(md5, archive)
    room.mkdir()
    found = unpack(archive, room, keep_pcap=wish.keep_pcap, carved=wish.carved)
    archive.unlink()
    if found.pcap_md5 not in (None, md5):
        raise DownloadError(
            f"the archive holds another capture: its MD5 is {found.pcap_md5}; it was not kept",
            hint="try again later, and see the base URL",
        )
    capture_id = _capture_id(found)
    old = read_manifest_or_none(workspace, STAGE, capture_id)
    if old is not None and old.parameters.get("source") != SOURCE:
        return _Fetched(md5, info, found, old, copied=False)
    manifest, copied = publish_raw(workspace, SOURCE, capture_id, found.files, parameters={"source": SOURCE})
    return _Fetched(md5, info, found, manifest, copied)


def _capture_id(found: Unpacked) -> str:
    if found.pcap_sha256 is not None:
        return capture_id_of_sha256(found.pcap_sha256)
    return capture_id_of_logs(path for name, path in found.files.items() if name.endswith(".csv"))


def _take(
    workspace: Workspace, md5: str, result: _Fetched | BaseException, wish: Wish, tally: _Tally
) -> None:
    if isinstance(result, PtmlError):
        tally.failed[md5] = str(result)
        return
    if isinstance(result, BaseException):
        raise result
    capture_id = result.manifest.capture_id
    tally.notes.update(result.unpacked.notes)
    (tally.done if result.copied else tally.unchanged).append(capture_id)
    size = sum(file.bytes for file in result.manifest.files)
    tally.size += size
    row: dict[str, object] = {
        "capture_id": capture_id,
        "name": str(result.info.get("name") or md5),
        "label": "unknown",
        "label_level": "capture",
        "unit": "file",
        "md5": md5,
        "sha256": result.unpacked.pcap_sha256,
        "size_bytes": size,
        "tags": [],
    }
    origin: dict[str, object] = {
        "capture_id": capture_id,
        "source": SOURCE,
        "url": str(result.info.get("packettotal_link") or "") or None,
        "source_id": md5,
        "licence": "not stated; uploads were public",
        "citation": f"PacketTotal, capture {md5}",
        "fetched_at": datetime.now(UTC),
    }
    upsert(workspace, [_labelled(_known(workspace, capture_id) or row, wish, tally)], [origin])


def _label_again(workspace: Workspace, capture_id: str, wish: Wish, tally: _Tally) -> None:
    known = _known(workspace, capture_id)
    if known is not None:
        row = _labelled(known, wish, tally)
        if row != known:
            upsert(workspace, [row], [])


def _known(workspace: Workspace, capture_id: str) -> dict[str, Any] | None:
    rows = read_catalog(workspace).filter(capture_id=capture_id).to_dicts()
    return rows[0] if rows else None


def _labelled(row: dict[str, Any], wish: Wish, tally: _Tally) -> dict[str, Any]:
    """Say of a capture what the user says, unless something else is known of it."""
    told = {name: value for name, value in (("label", wish.label), ("family", wish.family)) if value}
    for name, value in told.items():
        before = row.get(name)
        if before not in (None, "unknown", value):
            tally.notes[f"{row['name']}: {name} stays {before}, which contradicts {value}"] += 1
            return row
    return row | told | ({"label_method": "option"} if wish.label else {})
