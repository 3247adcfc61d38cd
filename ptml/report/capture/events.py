"""Files that went over the wire, and what Zeek itself found remarkable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from ptml.report.capture.shapes import shaped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row: TypeAlias = dict[str, Any]

SHOWN = 15


@dataclass(frozen=True, slots=True)
class Files:
    """What went over the wire.

    Attributes:
        kinds: By type: ``name``, ``times``, ``bytes``.
        largest: By content: ``hash``, ``name``, ``filename``, ``source``, ``times``, ``bytes`` of one.
    """

    kinds: Sequence[Row]
    largest: Sequence[Row]


def files(logs: Mapping[str, pl.LazyFrame]) -> Files | None:
    """Count files by type and by hash; None where there is no files.log. Certificates are no files here."""
    frame = shaped(logs, "files")
    if frame is None:
        return None
    digest = pl.coalesce("sha256", "sha1", "md5").alias("hash")
    size = pl.col("seen_bytes").cast(pl.Float64)
    counts = (pl.len().alias("times"), size.sum().alias("bytes"))
    kinds = frame.group_by(pl.col("mime_type").alias("name")).agg(counts)
    kinds = kinds.sort("times", "name", descending=[True, False], nulls_last=True).head(SHOWN)
    certificate = pl.col("mime_type").str.contains("x509|pkix|ocsp").fill_null(value=False)
    contents = (
        frame.filter(~certificate)
        .with_columns(digest)
        .filter(pl.col("hash").is_not_null())
        .group_by("hash")
        .agg(
            pl.col("mime_type").min().alias("name"),
            pl.col("filename").min(),
            pl.col("source").min(),
            pl.len().alias("times"),
            size.max().alias("bytes"),
        )
    )
    largest = contents.sort("bytes", "hash", descending=[True, False], nulls_last=True).head(SHOWN)
    found = pl.collect_all([kinds, largest], engine="streaming")
    return Files(*(table.to_dicts() for table in found))


def notices(logs: Mapping[str, pl.LazyFrame]) -> list[Row] | None:
    """Count Zeek's notices by kind, with the first message of each; None where there is no notice.log."""
    frame = shaped(logs, "notice")
    if frame is None:
        return None
    by = pl.coalesce("src", "id.orig_h").n_unique().alias("hosts")
    counted = frame.group_by(pl.col("note").alias("name")).agg(
        pl.len().alias("times"), by, pl.col("msg").min().alias("message")
    )
    return _most(counted)


def weirds(logs: Mapping[str, pl.LazyFrame]) -> list[Row] | None:
    """Count what Zeek found weird by kind; None where there is no weird.log."""
    frame = shaped(logs, "weird")
    if frame is None:
        return None
    hosts = pl.col("id.orig_h").n_unique().alias("hosts")
    return _most(frame.group_by("name").agg(pl.len().alias("times"), hosts))


def _most(counted: pl.LazyFrame) -> list[Row]:
    ordered = counted.sort("times", "name", descending=[True, False], nulls_last=True)
    return ordered.head(SHOWN).collect(engine="streaming").to_dicts()
