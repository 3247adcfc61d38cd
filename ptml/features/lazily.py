"""A table of features that is computed when it is read, and only in those columns that are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping


def lazily(
    schema: Mapping[str, pl.DataType], compute: Callable[[Collection[str]], pl.LazyFrame], name: str
) -> pl.LazyFrame:
    """Make a frame of which a query computes only the columns that it needs.

    Polars itself cannot leave out a join whose columns nobody reads, since a join may repeat rows, nor a part
    of a function of ours; here it tells what it needs before anything is computed.

    Args:
        schema: The columns that there are.
        compute: Computes some of them, in any order.
        name: What a query plan calls the frame.

    >>> def compute(columns):
    ...     print("computes", *columns)
    ...     return pl.LazyFrame({"a": [1, 2], "b": [3, 4]}).select(columns)
    >>> frame = lazily({"a": pl.Int64(), "b": pl.Int64()}, compute, "AB")
    >>> frame.filter(pl.col("b") > 3).select("b").collect().rows()
    computes b
    [(4,)]
    """

    def source(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        _batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        wanted = list(schema) if with_columns is None else with_columns
        rows = compute(wanted)
        # Polars expects the limit first, then the filter, then the columns.
        rows = rows if n_rows is None else rows.head(n_rows)
        rows = rows if predicate is None else rows.filter(predicate)
        yield rows.select(wanted).collect()

    return register_io_source(source, schema=pl.Schema(schema), is_pure=True, explain_name=name)
