"""A capture's batches → Parquet, a dataset each log, and what was set aside."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ptml.io import writing
from ptml.meter import wrote_rows
from ptml.parse.quarantine import Quarantine
from ptml.workspace import safe_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ptml.manifest import PendingFile, Publication
    from ptml.parse.batch import Batch

SAMPLE_ROWS = 4096


@dataclass(slots=True)
class _OpenPart:
    pending: PendingFile
    writer: pq.ParquetWriter
    schema: pa.Schema


@dataclass(slots=True)
class CaptureWriter:
    """Writes a capture's batches: one Parquet part a log, a further one where the columns change."""

    publication: Publication
    parts: dict[str, _OpenPart] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    notes: dict[str, None] = field(default_factory=dict)
    quarantine: Quarantine = field(init=False)

    def __post_init__(self) -> None:
        self.quarantine = Quarantine(self.publication)

    def add(self, name: str, batch: Batch) -> None:
        """Write a batch's rows, and set its rejects aside.

        Args:
            name: The file that it is from.
            batch: What was read.

        Raises:
            CannotWrite: The operating system refused.
        """
        name = name if batch.member is None else f"{name}/{batch.member}"
        self.notes |= dict.fromkeys(batch.notes)
        for reject in batch.rejects:
            self.quarantine.add(name, batch.log, reject)
        if batch.frame.height:
            log = safe_name(batch.log)
            table = _arrow(batch)
            part = self._part(log, table.schema, batch.frame)
            with writing(part.pending.temporary):
                part.writer.write_table(table)
            part.pending.rows = (part.pending.rows or 0) + table.num_rows
            self.rows[log] += table.num_rows
            wrote_rows(table.num_rows)

    def _part(self, log: str, schema: pa.Schema, frame: pl.DataFrame) -> _OpenPart:
        part = self.parts.get(log)
        if part is not None and part.schema.equals(schema):
            return part
        if part is not None:
            part.writer.close()
        pending = self.publication.new_part(f"logs/{log}")
        with writing(pending.temporary):
            writer = pq.ParquetWriter(
                pending.temporary,
                schema,
                compression="zstd",
                compression_level=1,
                use_dictionary=_repetitive(frame),
            )
        self.parts[log] = _OpenPart(pending, writer, schema)
        return self.parts[log]

    def close(self) -> None:
        """Finish the files.

        Raises:
            CannotWrite: The operating system refused.
        """
        for part in self.parts.values():
            with writing(part.pending.temporary):
                part.writer.close()
        self.quarantine.close()

    def by_log(self) -> dict[str, int]:
        """Count rows by log, as a manifest has them."""
        return {f"rows_{log}": rows for log, rows in sorted(self.rows.items())}


def _repetitive(frame: pl.DataFrame) -> list[str]:
    """Name the columns that are worth a dictionary, by the frame's beginning: trying it costs time."""
    beginning = frame.head(SAMPLE_ROWS)
    flat = [column for column in beginning if not column.dtype.is_nested()]
    return [column.name for column in flat if column.n_unique() <= beginning.height / 2]


def _arrow(batch: Batch) -> pa.Table:
    """Give the batch as Arrow with each column's Zeek type as metadata."""
    table = batch.frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    fields: Sequence[pa.Field] = [
        column.with_metadata({"zeek.type": batch.types[column.name]})
        if column.name in batch.types
        else column
        for column in table.schema
    ]
    return pa.Table.from_arrays(table.columns, schema=pa.schema(fields, metadata={"zeek.path": batch.log}))
