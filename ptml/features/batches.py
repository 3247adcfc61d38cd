"""Features of connections in batches: a capture of any size in bounded memory.

What is held for the whole capture is small: for each log, one row of numbers for each connection that it
mentions, under the number of that connection's row; for the pairs, a few numbers for each connection. Logs
are aggregated one after the other, so that only one at a time needs room to work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.assemble import UID, aggregates, beside, finished, own_features
from ptml.features.inputs import read_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.features.family import Logs

_ROW = "row"


class ConnectionBatches:
    """Connections with their features, in the order of conn.log, a batch at a time.

    Args:
        logs: As for :func:`ptml.features.build.connection_features`.
        batch_rows: Connections in a batch; the last may have fewer. The values do not depend on it.

    Attributes:
        without_uid: Connections left out because they have no uid.
        repeated_uid: Connections left out because an earlier one of their capture has the same uid.

    >>> ts = pl.Series([0, 1, 2]).cast(pl.Datetime("us", "UTC"))
    >>> batches = ConnectionBatches({"conn": pl.LazyFrame({"uid": ["C1", "C1", None], "ts": ts})})
    >>> batches.repeated_uid, batches.without_uid, [batch.height for batch in batches]
    (1, 1, [1])
    """

    def __init__(self, logs: Logs, *, batch_rows: int = 500_000) -> None:
        inputs = read_inputs(logs)
        conn = inputs["conn"]
        self.without_uid: int = conn.select(pl.col("uid").null_count()).collect().item()
        repeated = repeated_rows(conn)
        self.repeated_uid = len(repeated)
        if self.repeated_uid:
            kept = ~pl.col(_ROW).is_in(repeated.implode())
            conn = conn.with_row_index(_ROW).filter(kept).drop(_ROW)
        self._inputs = {**inputs, "conn": conn.filter(pl.col("uid").is_not_null())}
        self._batch_rows = batch_rows

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Compute the batches: at least one, which is empty if there is no connection."""
        conn = self._inputs["conn"]
        uids = conn.select(UID).with_row_index(_ROW)
        tables = [
            uids.join(table, on=UID, how="inner", nulls_equal=True).drop(UID).sort(_ROW).collect()
            for table in aggregates(self._inputs)
        ]
        neighbours = beside(self._inputs).collect()
        start = 0
        for batch in own_features(conn).collect_batches(chunk_size=self._batch_rows, maintain_order=True):
            yield _complete(batch, start, neighbours, tables)
            start += batch.height
        if start == 0:
            yield _complete(own_features(conn).collect(), 0, neighbours, tables)


def repeated_rows(conn: pl.LazyFrame) -> pl.Series:
    """Find the rows whose uid an earlier row of the capture has, by number.

    Hashes are compared first, and uids only where hashes agree: at ten million rows this takes a tenth of
    the memory of comparing uids, and the answer is exact.

    >>> conn = pl.LazyFrame({"capture_id": ["a", "a", "b", "a"], "uid": ["C1", "C2", "C1", "C1"]})
    >>> repeated_rows(conn).to_list()
    [3]
    """
    key = pl.struct(UID)
    named = conn.with_row_index(_ROW).filter(pl.col("uid").is_not_null())
    hashes = named.select(key.hash().alias("hash")).collect()["hash"].sort()
    suspects = hashes.filter(hashes == hashes.shift()).unique()
    if suspects.is_empty():
        return pl.Series(_ROW, [], dtype=pl.UInt32)
    rows = named.filter(key.hash().is_in(suspects.implode())).select(_ROW, *UID).collect()
    return rows.filter(~key.is_first_distinct())[_ROW]


def _complete(
    own: pl.DataFrame, start: int, neighbours: pl.DataFrame, tables: list[pl.DataFrame]
) -> pl.DataFrame:
    """Add to a batch of conn rows what stands beside it and what the other logs say of it."""
    stop = start + own.height
    frame = pl.concat([own, neighbours.slice(start, own.height)], how="horizontal")
    frame = frame.with_row_index(_ROW, start)
    for table in tables:
        first, last = (int(table[_ROW].search_sorted(row)) for row in (start, stop))
        rows = table.slice(first, last - first)
        frame = frame.join(rows, on=_ROW, how="left", maintain_order="left")
    return finished(frame.lazy()).collect()
