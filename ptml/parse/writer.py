"""A capture's batches → Parquet, a dataset each log, and what was set aside."""

from __future__ import annotations

from base64 import b64encode
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
    from ptml.parse.blocks import Reject
    from ptml.types import JsonObject

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
    lines: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    quarantine: Quarantine = field(init=False)

    def __post_init__(self) -> None:
        self.quarantine = Quarantine(self.publication)

    def begin(self, name: str) -> None:
        """Take note of a file, which may have no lines."""
        self.lines.setdefault(name, {})

    def add(self, name: str, batch: Batch) -> None:
        """Write a batch's rows, and set its rejects aside.

        Args:
            name: The file that it is from.
            batch: What was read.

        Raises:
            CannotWrite: The operating system refused.
        """
        self.notes |= dict.fromkeys(batch.notes)
        for reject in batch.rejects:
            self.set_aside(name, batch.log, reject, batch.member)
        if batch.frame.height:
            log = safe_name(batch.log)
            table = _arrow(batch)
            part = self._part(log, table.schema, batch.frame)
            with writing(part.pending.temporary):
                part.writer.write_table(table)
            part.pending.rows = (part.pending.rows or 0) + table.num_rows
            self.rows[log] += table.num_rows
            self._count(name, log)["rows"] += table.num_rows
            wrote_rows(table.num_rows)

    def set_aside(self, name: str, log: str, reject: Reject, member: str | None = None) -> None:
        """Set a line or a whole file aside.

        Args:
            name: The file that it is from.
            log: The log.
            reject: The line, or what there is of the file.
            member: Its name in the file, if that is an archive.

        Raises:
            CannotWrite: The operating system refused.
        """
        self._count(name, log)["quarantined"] += 1
        self.quarantine.add(name if member is None else f"{name}/{member}", log, reject)

    def _count(self, name: str, log: str) -> Counter[str]:
        return self.lines.setdefault(name, {}).setdefault(log, Counter(rows=0, quarantined=0))

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
                store_schema=False,
            )
            writer.add_key_value_metadata({"ARROW:schema": b64encode(_declared(schema).serialize())})
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

    def by_file(self) -> JsonObject:
        """Count rows and lines set aside by file and log, as a manifest has them: all lines of each file."""
        return {
            name: {log: dict(count) for log, count in sorted(logs.items())}
            for name, logs in sorted(self.lines.items())
        }

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
    table = batch.frame.to_arrow(compat_level=pl.CompatLevel.newest())
    fields: Sequence[pa.Field] = [
        column.with_metadata({"zeek.type": batch.types[column.name]})
        if column.name in batch.types
        else column
        for column in table.schema
    ]
    return pa.Table.from_arrays(table.columns, schema=pa.schema(fields, metadata={"zeek.path": batch.log}))


def _declared(schema: pa.Schema) -> pa.Schema:
    """Give the schema that readers are told: text as all of them know it, though it is written from views.

    Text is the same bytes in Parquet either way; to turn Polars' views into it would only be a copy.
    """
    return pa.schema([column.with_type(_known(column.type)) for column in schema], metadata=schema.metadata)


def _known(dtype: pa.DataType) -> pa.DataType:
    if pa.types.is_large_list(dtype):
        return pa.large_list(_known(dtype.value_type))
    return pa.large_string() if pa.types.is_string_view(dtype) else dtype
