"""What files the hosts of a capture exchange: over all rows of files.log."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import share
from ptml.features.family import Logs, family
from ptml.features.mime import ARCHIVE, DOCUMENT, EXECUTABLE, SCRIPT


def all_file_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of files.log.

    >>> all_file_rows({}) is None
    True
    """
    return logs.get("files")


def capture_files() -> pl.Expr:
    """Files that Zeek saw.

    Unit: files. Type: UInt32. Range: 1 or more. Logs: files. Scope: capture.
    Null: no row in files.log. Source: Zeek files.log.

    >>> pl.DataFrame({"mime_type": ["text/html", None]}).select(capture_files()).item()
    2
    """
    return pl.len()


def program_file_share() -> pl.Expr:
    """Share of the files of known type that are programs.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: files. Scope: capture.
    Null: no type known. Source: Zeek file signatures.

    >>> rows = pl.DataFrame({"mime_type": ["application/x-dosexec", "text/html", None]})
    >>> rows.select(program_file_share()).item()
    0.5
    """
    return share(pl.col("mime_type").is_in(EXECUTABLE))


def archive_file_share() -> pl.Expr:
    """Share of the files of known type that are archives.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: files. Scope: capture.
    Null: no type known. Source: Zeek file signatures.

    >>> rows = pl.DataFrame({"mime_type": ["application/zip", "text/html", None]})
    >>> rows.select(archive_file_share()).item()
    0.5
    """
    return share(pl.col("mime_type").is_in(ARCHIVE))


def document_file_share() -> pl.Expr:
    """Share of the files of known type that are office documents or PDF.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: files. Scope: capture.
    Null: no type known. Source: Zeek file signatures.

    >>> rows = pl.DataFrame({"mime_type": ["application/pdf", "text/html", None]})
    >>> rows.select(document_file_share()).item()
    0.5
    """
    return share(pl.col("mime_type").is_in(DOCUMENT))


def script_file_share() -> pl.Expr:
    """Share of the files of known type that are scripts.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: files. Scope: capture.
    Null: no type known. Source: Zeek file signatures.

    >>> pl.DataFrame({"mime_type": ["text/x-python", "text/html", None]}).select(script_file_share()).item()
    0.5
    """
    return share(pl.col("mime_type").is_in(SCRIPT))


def file_types() -> pl.Expr:
    """Distinct types of files.

    Unit: types. Type: UInt32. Range: 0 or more. Logs: files. Scope: capture.
    Null: no row in files.log. Source: Zeek file signatures.

    >>> pl.DataFrame({"mime_type": ["text/html", "text/html", None]}).select(file_types()).item()
    1
    """
    return pl.col("mime_type").drop_nulls().n_unique()


def uploaded_file_share() -> pl.Expr:
    """Share of the files that the originator sent.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: files. Scope: capture.
    Null: none known. Source: Zeek files.log.

    >>> pl.DataFrame({"is_orig": [True, False, None]}).select(uploaded_file_share()).item()
    0.5
    """
    return share(pl.col("is_orig"))


def median_file_bytes() -> pl.Expr:
    """Median size of the files, as far as seen.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: files. Scope: capture.
    Null: no size known. Source: Zeek files.log.

    >>> pl.DataFrame({"seen_bytes": [1, 5, 9, None]}).select(median_file_bytes()).item()
    5.0
    """
    return pl.col("seen_bytes").median()


def largest_file_bytes() -> pl.Expr:
    """Size of the largest file, as far as seen.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: files. Scope: capture.
    Null: no size known. Source: Zeek files.log.

    >>> pl.DataFrame({"seen_bytes": [1, 5, 9, None]}).select(largest_file_bytes()).item()
    9
    """
    return pl.col("seen_bytes").max()


def incomplete_file_share() -> pl.Expr:
    """Share of the files of which the sensor missed bytes.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: files. Scope: capture.
    Null: none known. Source: Zeek files.log.

    >>> pl.DataFrame({"missing_bytes": [0, 5, None]}).select(incomplete_file_share()).item()
    0.5
    """
    return share(pl.col("missing_bytes") > 0)


CAPTURE_FILES = family(
    "files",
    (
        capture_files,
        program_file_share,
        archive_file_share,
        document_file_share,
        script_file_share,
        file_types,
        uploaded_file_share,
        median_file_bytes,
        largest_file_bytes,
        incomplete_file_share,
    ),
    all_file_rows,
    ("capture_id",),
)
