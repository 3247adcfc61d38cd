"""Reading a log whole, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ptml.parse.reader import read_log

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.parse.blocks import Reject


@dataclass
class Whole:
    """All that a file gives: rows by log, rejects and notes in their order."""

    logs: dict[str, pl.DataFrame] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Count the rows of all logs."""
        return sum(frame.height for frame in self.logs.values())

    def only(self) -> pl.DataFrame:
        """Give the rows of the one log that there is."""
        [frame] = self.logs.values()
        return frame


def read_whole(path: Path, *, log: str | None = None, block_bytes: int = 1 << 20) -> Whole:
    """Read a file whole."""
    parts: dict[str, list[pl.DataFrame]] = {}
    whole = Whole()
    for batch in read_log(path, log=log, block_bytes=block_bytes):
        if batch.frame.width:
            parts.setdefault(batch.log, []).append(batch.frame)
        whole.rejects += batch.rejects
        whole.notes += batch.notes
    whole.logs = {log: pl.concat(frames, how="diagonal") for log, frames in parts.items()}
    return whole


def written(path: Path, data: bytes | str) -> Path:
    """Write a file and give its path."""
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path
