"""Whether files are what they are called, and whether they were seen before: over files.log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.connection.files import file_rows
from ptml.features.family import family
from ptml.features.mime import disagrees

if TYPE_CHECKING:
    from ptml.features.family import Logs

HASHES = ("sha256", "sha1", "md5")
_EXTENSION = r"\.([A-Za-z0-9]{1,8})$"
_LONGEST_FILE = 1e9  # seconds: a duration beyond it is nonsense, and would overflow the clock
_US_PER_S = 1_000_000


def kind_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of files.log, one for each connection of a file, with content beside name and hash before.

    A file was seen before if another with its hash had ended strictly before it began: then its hash was
    known. The strongest hash that Zeek was told to make is taken.

    >>> from datetime import datetime
    >>> files = pl.LazyFrame({"capture_id": "c1", "uid": ["C1", "C2"], "sha1": "aa", "duration": 1.0,
    ...                       "ts": [datetime(2026, 1, 1, 0, 0, 0), datetime(2026, 1, 1, 0, 0, 2)]})
    >>> kind_rows({"files": files}).sort("uid").collect()["seen_before"].to_list()
    [False, True]
    """
    rows = file_rows(logs)
    if rows is None:
        return None
    present = rows.collect_schema().names()
    if {"filename", "mime_type"} <= set(present):
        extension = pl.col("filename").str.tail(9).str.extract(_EXTENSION)
        rows = rows.with_columns(disagrees=disagrees(extension, pl.col("mime_type")))
    hashes = [pl.concat_str(pl.lit(f"{name}:"), name) for name in HASHES if name in present]
    if not hashes or "ts" not in present:
        return rows
    lasted = (
        pl.col("duration").fill_null(0.0).clip(0.0, _LONGEST_FILE) if "duration" in present else pl.lit(0.0)
    )
    start = pl.col("ts").dt.epoch("us")
    rows = rows.with_columns(hash=pl.coalesce(hashes), start=start)
    rows = rows.with_columns(end=pl.col("start") + (lasted * _US_PER_S).cast(pl.Int64))
    first = (
        rows.drop_nulls("hash").group_by("capture_id", "hash").agg(pl.col("end").min().alias("known_from"))
    )
    rows = rows.join(first, on=["capture_id", "hash"], how="left", nulls_equal=True)
    return rows.with_columns(seen_before=pl.col("known_from") < pl.col("start"))


def file_extension_disagrees() -> pl.Expr:
    """A file is of another kind than the extension of its name says.

    Unit: flag. Type: Boolean. Range: true, false. Logs: files. Scope: connection.
    Null: no named file of a known kind with a known extension. Source: MITRE ATT&CK T1036.008.

    >>> pl.DataFrame({"disagrees": [True, None]}).select(file_extension_disagrees()).item()
    True
    """
    return pl.col("disagrees").max()


def file_seen_before() -> pl.Expr:
    """A file of the same content had been seen whole in the capture before.

    Unit: flag. Type: Boolean. Range: true, false. Logs: files. Scope: past.
    Null: no hash (a script makes them). Source: Zeek files.log.

    >>> pl.DataFrame({"seen_before": [True, None]}).select(file_seen_before()).item()
    True
    """
    return pl.col("seen_before").max()


FILE_KINDS = family(
    "files",
    (
        file_extension_disagrees,
        file_seen_before,
    ),
    kind_rows,
)
