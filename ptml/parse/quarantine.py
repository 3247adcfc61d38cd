"""The quarantine table of a capture, written while it grows: a hostile file may fill it without end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl
import pyarrow.parquet as pq

from ptml.io import writing
from ptml.schema import QUARANTINE

if TYPE_CHECKING:
    import pyarrow as pa

    from ptml.manifest import PendingFile, Publication
    from ptml.parse.blocks import Reject

HELD_BYTES = 16 << 20
ROW_BYTES = 512
SCHEMA = {name: dtype for name, dtype in QUARANTINE.schema.items() if name != "capture_id"}  # in the path


@dataclass(slots=True)
class Quarantine:
    """Takes rejects and writes them, a few megabytes at a time."""

    publication: Publication
    count: int = 0
    held: list[dict[str, object]] = field(default_factory=list)
    held_bytes: int = 0
    pending: PendingFile | None = None
    writer: pq.ParquetWriter | None = None

    def add(self, name: str, log: str, reject: Reject) -> None:
        """Set one line or file aside."""
        self.count += 1
        self.held_bytes += len(reject.raw) + ROW_BYTES
        self.held.append(
            {
                "path": name,
                "log": log,
                "line": reject.line,
                "offset": reject.offset,
                "reason": reject.reason,
                "raw": reject.raw,
            }
        )
        if self.held_bytes >= HELD_BYTES:
            self._write()

    def close(self) -> None:
        """Write what is held and finish the file."""
        if self.held:
            self._write()
        if self.writer is not None and self.pending is not None:
            with writing(self.pending.temporary):
                self.writer.close()
            self.pending.rows = self.count

    def _write(self) -> None:
        frame = pl.DataFrame(self.held, schema=SCHEMA)
        table: pa.Table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self.pending is None:
            self.pending = self.publication.new_part("quarantine")
        with writing(self.pending.temporary):
            if self.writer is None:
                self.writer = pq.ParquetWriter(self.pending.temporary, table.schema, compression="zstd")
            self.writer.write_table(table)
        self.held, self.held_bytes = [], 0
