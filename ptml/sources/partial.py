"""What there is of a file that has not come whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ptml.io import writing

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from ptml.sources.asks import Ask


@dataclass(slots=True)
class Partial:
    """A file that is not whole, and beside it what tells whether the host still has the same.

    Attributes:
        folder: Where both lie.
        ask: The request that gives the file.
        path: The file.
        note: What the host says of it.
        noted: Whether that is there.
    """

    folder: Path
    ask: Ask
    path: Path = field(init=False)
    note: Path = field(init=False)
    noted: bool = field(init=False)

    def __post_init__(self) -> None:
        key = hashlib.sha256(json.dumps([self.ask.url, sorted(self.ask.query.items())]).encode()).hexdigest()
        self.path = self.folder / f"{key[:32]}.part"
        self.note = self.folder / f"{key[:32]}.json"
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        self.noted = self.note.exists()

    @property
    def size(self) -> int:
        """Give the bytes that are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def validator(self) -> str | None:
        """Give the ETag, else the date, that the host gave for the file; None if it gave neither."""
        if not self.noted:
            return None
        with contextlib.suppress(OSError, ValueError):
            value = json.loads(self.note.read_text("utf-8"))
            return value if isinstance(value, str) else None
        return None

    def is_of(self, headers: httpx.Headers) -> bool:
        """Tell whether an answer is of the same file, as far as it says."""
        known, told = self.validator(), _validator(headers)
        return known is None or told is None or known == told

    def remember(self, headers: httpx.Headers) -> None:
        """Keep what the host says of the file."""
        value = _validator(headers)
        if value is None:
            self.forget()
            return
        with writing(self.note):
            self.note.write_text(json.dumps(value), "utf-8")
        self.noted = True

    def forget(self) -> None:
        """Drop what the host said."""
        if self.noted:
            self.note.unlink(missing_ok=True)
        self.noted = False

    def clear(self) -> None:
        """Drop the bytes, too."""
        self.path.unlink(missing_ok=True)
        self.forget()


def _validator(headers: httpx.Headers) -> str | None:
    etag: str | None = headers.get("etag")
    date: str | None = headers.get("last-modified")
    return etag if etag and not etag.startswith("W/") else date
