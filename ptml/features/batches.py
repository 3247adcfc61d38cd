"""Features of connections in batches: a capture of any size in bounded memory.

conn.log is cut into ranges of rows, one for each batch. Each family of features is computed share by share
(see :mod:`ptml.features.shares`), and its rows are then dealt to the ranges that they belong to, so that
nothing of the whole capture is in memory at any time.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import polars as pl

from ptml.features.assemble import (
    UID,
    aggregations,
    also,
    beside,
    families_beside,
    finished,
    own_features,
    there,
)
from ptml.features.featureset import STANDARD
from ptml.features.inputs import KEYS, read_inputs
from ptml.features.shares import Shares, room, share_count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ptml.features.family import Logs
    from ptml.features.featureset import FeatureSet

ROW = "row"


class ConnectionBatches:
    """Connections with their features, in the order of conn.log, a batch at a time.

    Each iteration computes them anew.

    Args:
        logs: As for :func:`ptml.features.build.connection_features`.
        features: Which features.
        batch_rows: Rows of conn.log that a batch covers; those left out of it are missing there. The values
            do not depend on it.
        folder: Where a capture of several batches may put temporary files; the system's folder for such if
            None.

    >>> ts = pl.Series([0, 1, 2]).cast(pl.Datetime("us", "UTC"))
    >>> batches = ConnectionBatches({"conn": pl.LazyFrame({"uid": ["C1", "C1", None], "ts": ts})})
    >>> [batch["uid"].to_list() for batch in batches]
    [['C1']]
    """

    def __init__(
        self,
        logs: Logs,
        *,
        features: FeatureSet = STANDARD,
        batch_rows: int = 500_000,
        folder: Path | None = None,
    ) -> None:
        self._inputs = read_inputs(logs, features.columns)
        self._features = features
        self._batch_rows = batch_rows
        self._folder = folder

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Compute the batches: at least one, which is empty if there is no connection.

        Raises:
            CannotWrite: The operating system refused a temporary file.
        """
        rows = self._inputs["conn"].select(pl.len()).collect().item()
        with room(self._folder) as folder, contextlib.ExitStack() as stack:
            work = _Work(
                self._inputs,
                self._features,
                rows,
                batch_rows=self._batch_rows,
                folder=folder,
                stack=stack,
            )
            yield from work.batches()


class _Work:
    """One pass over a capture: what it reads, how it is cut, and the shares that are open."""

    def __init__(
        self,
        inputs: Logs,
        features: FeatureSet,
        rows: int,
        *,
        batch_rows: int,
        folder: Path,
        stack: contextlib.ExitStack,
    ) -> None:
        self.inputs = inputs
        self.features = features
        self.conn = inputs["conn"].with_row_index(ROW)
        self.batch_rows = batch_rows
        self.count = share_count(rows, batch_rows)
        self.range_rows = max(1, -(-rows // self.count))
        self.folder = folder
        self.stack = stack

    def batches(self) -> Iterator[pl.DataFrame]:
        """Compute the batches."""
        empty = True
        uids, repeated = self.uids()
        kept = pl.col("uid").is_not_null() & ~pl.col(ROW).is_in(repeated.implode())
        tables = [*self.beside(kept), *self.aggregated(uids)]
        for number in range(self.count):
            part = self.rows_of(number).filter(kept)
            frame = own_features(self.features.connection, part, ROW).collect()
            for table in tables:
                found = table.read(number)
                if found is not None:
                    frame = frame.join(found, on=ROW, how="left", maintain_order="left")
            for batch in self.finished(frame.lazy()).iter_slices(self.batch_rows):
                if batch.height:
                    empty = False
                    yield batch
        if empty:
            yield self.finished(own_features(self.features.connection, self.conn.clear(), ROW))

    def finished(self, frame: pl.LazyFrame) -> pl.DataFrame:
        """Give the rows of a batch their final columns."""
        return finished(frame, KEYS, self.features.connection_features).collect()

    def rows_of(self, number: int) -> pl.LazyFrame:
        """Read one range of conn.log; cut before it is numbered, since a slice of numbered rows reads all."""
        start = number * self.range_rows
        return self.inputs["conn"].slice(start, self.range_rows).with_row_index(ROW, start)

    def shares(self) -> Shares:
        """Open as many shares as there are ranges, until the work ends."""
        return self.stack.enter_context(Shares(self.folder, self.count))

    def uids(self) -> tuple[Shares, pl.Series]:
        """Number the connections by uid, and list the rows whose uid an earlier row of their capture has."""
        uids, repeated = self.shares(), [pl.Series(ROW, [], dtype=pl.UInt32)]
        with Shares(self.folder, self.count) as dealt:
            named = self.conn.select(ROW, *UID).filter(pl.col("uid").is_not_null())
            dealt.deal_by(named, UID, self.batch_rows)
            for number, share in dealt:
                first = share.select(pl.struct(UID).is_first_distinct()).to_series()
                uids.deal(share.filter(first), pl.lit(number))
                repeated.append(share.filter(~first)[ROW])
        return uids, pl.concat(repeated)

    def beside(self, kept: pl.Expr) -> Iterator[Shares]:
        """Describe each connection beside others; shares are ranges of rows."""
        conn = self.conn.filter(kept)
        for family in families_beside(self.features.connection):
            ranges, tables = self.shares(), also(family, self.inputs)
            with contextlib.ExitStack() as stack:
                dealt, whole = {}, {}
                for name, table in {"conn": conn.select(ROW, *there(family.reads, conn)), **tables}.items():
                    if there(family.together, table) == list(family.together):
                        dealt[name] = stack.enter_context(Shares(self.folder, self.count))
                        dealt[name].deal_by(table, family.together, self.batch_rows)
                    else:
                        whole[name] = table.collect().lazy()
                for number, share in dealt.pop("conn"):
                    parts = {name: others.read(number) for name, others in dealt.items()}
                    missing = {name: tables[name].clear() for name, part in parts.items() if part is None}
                    found_in = {name: part.lazy() for name, part in parts.items() if part is not None}
                    logs = {"conn": share.lazy(), **whole, **missing, **found_in}
                    found = beside([family], logs).collect()
                    ranges.deal(share.select(ROW).hstack(found), self.range_of_row())
            yield ranges

    def aggregated(self, uids: Shares) -> Iterator[Shares]:
        """Aggregate each family's rows of another log by connection; shares are ranges of rows."""
        for one in aggregations(self.features.connection, self.inputs):
            ranges = self.shares()
            with Shares(self.folder, self.count) as dealt:
                dealt.deal_by(one.rows, UID, self.batch_rows)
                for number, share in dealt:
                    named = uids.read(number)
                    if named is not None:
                        found = named.lazy().join(one.of(share.lazy()), on=UID, how="inner", nulls_equal=True)
                        ranges.deal(found.drop(UID).collect(), self.range_of_row())
            yield ranges

    def range_of_row(self) -> pl.Expr:
        """Tell to which range a row belongs."""
        return pl.col(ROW) // self.range_rows
