"""A large table dealt out to files, so that one share of it at a time is worked on in memory.

Rows that belong together, those of one connection or of one pair of hosts, are dealt to the same share by a
hash of their key. This is how a capture of any size is aggregated in bounded memory.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import polars as pl
import pyarrow as pa

from ptml.io import writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_SHARES = 128
"""Files open at a time stay below what systems allow."""
_SHARE = "share"


def share_count(rows: int, share_rows: int) -> int:
    """Tell into how many shares of about so many rows a table is cut.

    >>> share_count(0, 10), share_count(11, 10), share_count(10**9, 10)
    (1, 2, 128)
    """
    return min(max(1, -(-rows // share_rows)), MOST_SHARES)


class Shares:
    """So many shares of a table, each with its rows in the order in which they were dealt.

    A single share stays in memory; several lie in files of `folder`. Use it in a ``with`` statement: leaving
    it removes them.

    Args:
        folder: Where files may go.
        count: How many shares.

    >>> frame = pl.DataFrame({"uid": ["C1", "C2", "C1"], "n": [1, 2, 3]})
    >>> with tempfile.TemporaryDirectory() as folder, Shares(Path(folder), 2) as shares:
    ...     shares.deal(frame, pl.col("n") % 2)
    ...     [shares.read(number)["n"].to_list() for number in range(2)]
    [[2], [1, 3]]
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count
        self._held: list[pl.DataFrame] = []
        self._writers: dict[int, tuple[pa.RecordBatchStreamWriter, pa.OSFile]] = {}
        self._files = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Make room for the files."""
        if self._count > 1:
            self._folder = self._files.enter_context(room(self._folder))
        return self

    def __exit__(self, *exception: object) -> None:
        """Remove the files."""
        for _, file in self._writers.values():
            file.close()
        self._writers.clear()
        self._files.close()
        self._held.clear()

    def deal(self, rows: pl.DataFrame, share: pl.Expr) -> None:
        """Add each row to the share whose number `share` gives.

        Raises:
            CannotWrite: The operating system refused.
        """
        if self._count == 1:
            self._held.append(rows)
            return
        numbered = rows.with_columns(share.cast(pl.UInt32).alias(_SHARE))
        for (number,), part in numbered.partition_by(_SHARE, as_dict=True, include_key=False).items():
            self._append(number, part)

    def deal_by(self, rows: pl.LazyFrame, keys: Sequence[str], batch_rows: int) -> None:
        """Deal rows so that those with equal keys come to the same share; a batch at a time is in memory.

        Raises:
            CannotWrite: The operating system refused.
        """
        if self._count == 1:  # what is small is read at once: the streaming engine takes longer to start
            self._held += [held] if (held := rows.collect()).height else []
            return
        share = pl.struct(keys).hash() % self._count
        for batch in rows.collect_batches(chunk_size=batch_rows, maintain_order=True):
            self.deal(batch, share)

    def __iter__(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """Read the shares that hold rows, one after the other, with their numbers."""
        for number in range(self._count):
            share = self.read(number)
            if share is not None:
                yield number, share

    def read(self, number: int) -> pl.DataFrame | None:
        """Read a share; None if no row was dealt to it. From then on nothing can be added."""
        self._close_writers()
        if self._count == 1:
            return pl.concat(self._held) if self._held else None
        path = self._path(number)
        if not path.exists():
            return None
        with pa.ipc.open_stream(path) as reader:
            return pl.DataFrame(reader.read_all())

    def _append(self, number: int, part: pl.DataFrame) -> None:
        # Older Arrow text, because it copies: rows picked from a batch would drag all of its text along.
        table = part.to_arrow(compat_level=pl.CompatLevel.oldest())
        with writing(self._folder):
            if number not in self._writers:
                file = pa.OSFile(str(self._path(number)), "wb")
                self._writers[number] = (pa.ipc.new_stream(file, table.schema), file)
            self._writers[number][0].write_table(table)

    def _close_writers(self) -> None:
        try:
            with writing(self._folder):
                for writer, _ in self._writers.values():
                    writer.close()
        finally:
            for _, file in self._writers.values():
                file.close()
            self._writers.clear()

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:04d}.arrow"


@contextlib.contextmanager
def room(folder: Path | None) -> Iterator[Path]:
    """Lend a folder of one's own, within `folder` or where the system keeps such; it is removed in the end.

    Raises:
        CannotWrite: The operating system refused.
    """
    with writing(folder or Path(tempfile.gettempdir())):
        own = tempfile.TemporaryDirectory(prefix="ptml-", dir=folder, ignore_cleanup_errors=True)
    with own as path:
        yield Path(path)
