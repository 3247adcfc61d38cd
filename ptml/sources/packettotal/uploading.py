"""Uploading a capture: what it would reveal is told first, and nothing is sent without a yes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ptml.errors import BadData, MissingTool, SettingsError
from ptml.identity import is_pcap
from ptml.io import chunks
from ptml.sources.packettotal.api import LARGEST_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ptml.sources.packettotal.api import PacketTotal
    from ptml.sources.upload.replace import Replaced
    from ptml.sources.upload.reveal import Revealed
    from ptml.types import JsonObject

NEEDED = ("dpkt", "ipanon")
PUBLIC = "uploads become public, for good: there is no call that takes one back"
NOT_LOOKED_FOR = (
    "not looked for: names in other protocols (SMB, Kerberos, LDAP, …), content, what spreads over packets"
)


@dataclass(frozen=True, slots=True)
class Examined:
    """A capture that may be uploaded, and what it would reveal.

    Attributes:
        path: What would be sent: the capture, or its copy with other addresses.
        revealed: What that would reveal.
        original: What the capture itself would, where there is a copy.
        replaced: What the copy is like.
    """

    path: Path
    revealed: Revealed
    original: Revealed | None = None
    replaced: Replaced | None = None

    def to_dict(self) -> JsonObject:
        """Give it as plain JSON values."""
        return {
            "path": str(self.path),
            "reveals": self.revealed.to_dict(),
            "original_reveals": self.original.to_dict() if self.original else None,
            "copy": self.replaced.to_dict() if self.replaced else None,
            "not_looked_for": NOT_LOOKED_FOR,
        }


@dataclass(frozen=True, slots=True)
class Analyzed:
    """What became of an upload.

    Attributes:
        examined: What was sent, and what it reveals.
        id: The capture's id.
        known: Whether it was there already.
        queue: Where its analysis can be watched.
        info: What is known of it; None where that was not waited for.
    """

    examined: Examined
    id: str
    known: bool
    queue: str | None
    info: dict[str, Any] | None

    def to_dict(self) -> JsonObject:
        """Give it as plain JSON values."""
        return {
            "id": self.id,
            "known": self.known,
            "queue": self.queue,
            "info": self.info,
            "sent": self.examined.to_dict(),
        }


def examine(path: Path, *, copy_to: Path | None = None) -> Examined:
    """Look at what a capture would reveal, and write a copy with other addresses if a path for it is named.

    Raises:
        MissingInput: The capture cannot be opened.
        MissingTool: The extra that reads captures is not installed.
        BadData: It is no packet capture, or of a link that is not known.
        CannotWrite: The copy cannot be written.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise MissingTool(
            f"looking into packet captures needs {' and '.join(missing)}, not installed; nothing was sent",
            hint="install the extra: pip install 'ptml[upload]'",
        )
    from ptml.sources.upload.replace import with_other_addresses
    from ptml.sources.upload.reveal import reveal

    if not is_pcap(path):
        raise BadData(f"{path} is no packet capture; nothing was sent", hint="give a pcap or pcapng")
    revealed = reveal(path)
    if copy_to is None:
        return Examined(path, revealed)
    if copy_to.exists():
        raise SettingsError(f"{copy_to} exists; nothing was written or sent", hint="name another file")
    replaced = with_other_addresses(path, copy_to)
    return Examined(copy_to, reveal(copy_to), revealed, replaced)


def upload(
    api: PacketTotal,
    examined: Examined,
    *,
    yes: bool = False,
    name: str | None = None,
    sources: Sequence[str] = (),
    wait: bool = True,
) -> Analyzed:
    """Upload a capture that was examined, and wait for its analysis.

    Args:
        api: Where to.
        examined: What to send.
        yes: That its sender knows what it reveals and that it becomes public.
        name: What it is to be called; else its id. A file's name may reveal something too, so it is not sent.
        sources: URLs of articles on it.
        wait: Whether to wait for its analysis.

    Raises:
        SettingsError: Nobody said yes, or it is too large.
        DownloadError: It was refused, or not analysed in time.
    """
    if not yes:
        raise SettingsError(
            f"nothing was sent: {PUBLIC}", hint="say --yes once you have read what it reveals"
        )
    data = _data(examined.path)
    done = api.analyze(data, name=name, sources=sources)
    info = api.analysed(done.id) if wait else None
    return Analyzed(examined, done.id, done.known, done.queue, info)


def _data(path: Path) -> bytes:
    parts, size = [], 0
    for piece in chunks(path):
        parts.append(piece)
        size += len(piece)
        if size > LARGEST_UPLOAD:
            break  # what is too large need not be read to its end
    return b"".join(parts)
