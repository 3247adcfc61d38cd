"""What files a connection carried: over its rows of files.log, certificates left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.expressions import BYTE, at_most, total
from ptml.features.family import family
from ptml.features.mime import ARCHIVE, DOCUMENT, EXECUTABLE, SCRIPT

if TYPE_CHECKING:
    from ptml.features.family import Logs


def file_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of files.log, one for each connection of a file.

    Older Zeek lists the connections of a file in ``conn_uids``, newer names one in ``uid``. Whether the
    certificates of TLS are logged as files differs between versions too, so they are left out.

    >>> files = pl.LazyFrame({"capture_id": ["c1"], "conn_uids": [["C1", "C2"]], "source": ["FTP_DATA"]})
    >>> file_rows({"files": files}).collect()["uid"].to_list()
    ['C1', 'C2']
    """
    if "files" not in logs:
        return None
    files = logs["files"]
    names = files.collect_schema().names()
    if "source" in names:
        files = files.filter(pl.col("source").is_null() | (pl.col("source") != "SSL"))
    if "conn_uids" in names:
        uid = pl.col("conn_uids").list.unique()
        if "uid" in names:
            uid = pl.coalesce(uid, pl.concat_list("uid"))
        files = files.with_columns(uid.alias("uid")).explode("uid").drop("conn_uids")
    elif "uid" not in names:
        return None
    return files.filter(pl.col("uid").is_not_null())


def file_count() -> pl.Expr:
    """Files in the connection.

    Unit: files. Type: UInt8. Range: 1 to 255, where it saturates. Logs: files. Scope: connection.
    Null: no row in files.log. Source: Zeek files.log.

    >>> pl.DataFrame({"mime_type": ["text/plain", None]}).select(file_count()).item()
    2
    """
    return at_most(pl.len(), BYTE)


def file_bytes() -> pl.Expr:
    """Bytes of all files, as far as seen.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: files. Scope: connection.
    Null: no row in files.log. Source: Zeek files.log.

    >>> pl.DataFrame({"seen_bytes": [10, 20]}).select(file_bytes()).item()
    30
    """
    return total("seen_bytes")


def file_from_orig() -> pl.Expr:
    """The originator sent a file: an upload.

    Unit: flag. Type: Boolean. Range: true, false. Logs: files. Scope: connection.
    Null: no sender known. Source: Zeek files.log.

    >>> pl.DataFrame({"is_orig": [False, True]}).select(file_from_orig()).item()
    True
    """
    return pl.col("is_orig").max()


def file_named() -> pl.Expr:
    """A file came with a name, as attachments and downloads do.

    Unit: flag. Type: Boolean. Range: true, false. Logs: files. Scope: connection.
    Null: no row in files.log. Source: Zeek files.log.

    >>> pl.DataFrame({"filename": [None, "a.exe"]}).select(file_named()).item()
    True
    """
    return pl.col("filename").is_not_null().max()


def file_executable() -> pl.Expr:
    """A file is a program, by its content.

    Unit: flag. Type: Boolean. Range: true, false. Logs: files. Scope: connection.
    Null: no content type known. Source: Zeek file signatures.

    >>> pl.DataFrame({"mime_type": ["application/x-dosexec", None]}).select(file_executable()).item()
    True
    """
    return pl.col("mime_type").is_in(EXECUTABLE).max()


def file_archive() -> pl.Expr:
    """A file is an archive, by its content.

    Unit: flag. Type: Boolean. Range: true, false. Logs: files. Scope: connection.
    Null: no content type known. Source: Zeek file signatures.

    >>> pl.DataFrame({"mime_type": ["application/zip"]}).select(file_archive()).item()
    True
    """
    return pl.col("mime_type").is_in(ARCHIVE).max()


def file_document() -> pl.Expr:
    """A file is a document that can carry macros or exploits, by its content.

    Unit: flag. Type: Boolean. Range: true, false. Logs: files. Scope: connection.
    Null: no content type known. Source: Zeek file signatures.

    >>> pl.DataFrame({"mime_type": ["application/pdf"]}).select(file_document()).item()
    True
    """
    return pl.col("mime_type").is_in(DOCUMENT).max()


def file_script() -> pl.Expr:
    """A file is a script or Flash, by its content.

    Unit: flag. Type: Boolean. Range: true, false. Logs: files. Scope: connection.
    Null: no content type known. Source: Zeek file signatures.

    >>> pl.DataFrame({"mime_type": ["text/plain"]}).select(file_script()).item()
    False
    """
    return pl.col("mime_type").is_in(SCRIPT).max()


FILES = family(
    "files",
    (
        file_count,
        file_bytes,
        file_from_orig,
        file_named,
        file_executable,
        file_archive,
        file_document,
        file_script,
    ),
    file_rows,
)
