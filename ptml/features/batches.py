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
    described,
    families_beside,
    finished,
    own_features,
    prepared,
    there,
)
from ptml.features.beacons import (
    KINDS,
    NAMES,
    SPAN,
    TYPES,
    capture_spans,
    name_scores,
    named_rows,
    pair_table,
    sorted_table,
)
from ptml.features.connection.beacon import SCORES_OF
from ptml.features.featureset import STANDARD
from ptml.features.inputs import KEYS, read_inputs
from ptml.features.pairs import PAIR
from ptml.features.shares import Shares, room, share_count
from ptml.io import writing

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
        pairs: Where the table of pairs of a single capture is to be written, before the first batch comes.
            Its ``capture_id`` stays out, as in every dataset with a folder a capture.

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
        pairs: Path | None = None,
    ) -> None:
        self._inputs = read_inputs(logs, features.columns)
        self._features = features
        self._batch_rows = batch_rows
        self._folder = folder
        self._pairs = pairs

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
                pairs=self._pairs,
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
        pairs: Path | None,
    ) -> None:
        self.inputs = inputs
        self.features = features
        self.conn = inputs["conn"].with_row_index(ROW)
        self.batch_rows = batch_rows
        self.count = share_count(rows, batch_rows)
        self.range_rows = max(1, -(-rows // self.count))
        self.folder = folder
        self.stack = stack
        self.pairs = pairs
        self.pair_files: list[Path] = []

    def batches(self) -> Iterator[pl.DataFrame]:
        """Compute the batches."""
        empty = True
        uids, repeated = self.uids()
        kept = pl.col("uid").is_not_null() & ~pl.col(ROW).is_in(repeated.implode())
        conn = self.conn.filter(kept)
        span = capture_spans(conn).lazy()
        tables = [*self.beside(conn, span), *self.aggregated(uids, self.names(conn, span))]
        self.write_pairs()
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

    def beside(self, conn: pl.LazyFrame, span: pl.LazyFrame) -> Iterator[Shares]:
        """Describe each connection beside others; shares are ranges of rows."""
        for family in families_beside(self.features.connection):
            ranges, tables = self.shares(), also(family, self.inputs)
            if family.also and not tables:
                continue
            with contextlib.ExitStack() as stack:
                dealt, whole = {}, {}
                for name, table in {"conn": prepared(family, conn, ROW), **tables}.items():
                    if there(family.together, table) == list(family.together):
                        dealt[name] = stack.enter_context(Shares(self.folder, self.count))
                        dealt[name].deal_by(table, family.together, self.batch_rows)
                    else:
                        whole[name] = table.collect().lazy()
                for number, share in dealt.pop("conn"):
                    parts = {name: others.read(number) for name, others in dealt.items()}
                    missing = {name: tables[name].clear() for name, part in parts.items() if part is None}
                    found_in = {name: part.lazy() for name, part in parts.items() if part is not None}
                    logs = {"conn": share.lazy(), SPAN: span, **whole, **missing, **found_in}
                    found = described(family, logs)
                    if family.pairs is not None:
                        self.keep_pairs(family.pairs(logs).collect(), KINDS[0])
                    if found is not None:
                        self.deal(share.select(ROW).hstack(found.collect()), ranges)
            yield ranges

    def deal(self, rows: pl.DataFrame, ranges: Shares) -> None:
        """Deal rows to their ranges, some at a time: a share may be a whole capture, if one host's."""
        for part in rows.iter_slices(self.range_rows):
            ranges.deal(part, self.range_of_row())

    def names(self, conn: pl.LazyFrame, span: pl.LazyFrame) -> Logs:
        """Score the pairs of a source and a name share by share, and lay the scores aside in files."""
        scores: dict[str, pl.LazyFrame] = {}
        for kind in NAMES:
            rows = named_rows({**self.inputs, "conn": conn, SPAN: span}, kind)
            if rows is None:
                continue
            files: list[Path] = []
            with Shares(self.folder, self.count) as dealt:
                dealt.deal_by(rows, PAIR[:3], self.batch_rows)
                for number, share in dealt:
                    files.append(self.folder / f"{kind}-{number}.parquet")
                    with writing(files[-1]):
                        name_scores(share, kind).write_parquet(files[-1], compression="lz4")
                    self.keep_pairs(share, kind)
            if files:
                scores[SCORES_OF.format(kind)] = pl.scan_parquet(files, glob=False, hive_partitioning=False)
        return scores

    def keep_pairs(self, rows: pl.DataFrame, kind: str) -> None:
        """Lay the pairs of a share aside for the table of pairs."""
        if self.pairs is not None:
            path = self.folder / f"pairs-{len(self.pair_files)}.parquet"
            with writing(path):
                pair_table(rows, kind).write_parquet(path, compression="lz4")
            self.pair_files.append(path)

    def write_pairs(self) -> None:
        """Put the table of pairs together."""
        if self.pairs is None:
            return
        table = pl.LazyFrame(schema=TYPES)
        if self.pair_files:
            table = pl.scan_parquet(self.pair_files, glob=False, hive_partitioning=False)
        table = sorted_table(table).drop("capture_id")
        with writing(self.pairs):
            table.sink_parquet(self.pairs, compression="zstd", compression_level=1)

    def aggregated(self, uids: Shares, scores: Logs) -> Iterator[Shares]:
        """Aggregate each family's rows of another log by connection; shares are ranges of rows."""
        for one in aggregations(self.features.connection, {**self.inputs, **scores}):
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
