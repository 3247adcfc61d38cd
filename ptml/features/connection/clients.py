"""How usual the program is that asks a web server, and whether it gets what it asks for: over http.log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.connection.rows import rows_of, with_shares
from ptml.features.expressions import entropy
from ptml.features.family import family
from ptml.features.mime import disagrees

if TYPE_CHECKING:
    from ptml.features.family import Logs

USUAL = ("GET", "POST", "HEAD", "OPTIONS")
_EXTENSION = r"\.([A-Za-z0-9]{1,8})$"


def client_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of http.log with the share of their user agent in the capture, and content beside extension.

    >>> http = pl.LazyFrame({"capture_id": "c1", "uid": ["C1"], "uri": ["/a/logo.PNG?x=1"],
    ...                      "resp_mime_types": [["application/x-dosexec"]]})
    >>> client_rows({"http": http}).collect()["disagrees"].item()
    True
    """
    rows = rows_of("http")(logs)
    if rows is None:
        return None
    if {"uri", "resp_mime_types"} <= set(rows.collect_schema()):
        extension = pl.col("uri").str.extract(r"^([^?#]*)").str.tail(9).str.extract(_EXTENSION)
        rows = rows.with_columns(disagrees=disagrees(extension, pl.col("resp_mime_types").list.first()))
    return with_shares(lambda _: rows, "user_agent")(logs)


def http_unusual_method() -> pl.Expr:
    """A request is none of GET, POST, HEAD and OPTIONS.

    Unit: flag. Type: Boolean. Range: true, false. Logs: http. Scope: connection.
    Null: no method known. Source: RFC 9110, section 9; Bialczak and Mazurczyk 2020.

    >>> pl.DataFrame({"method": ["GET", "PROPFIND"]}).select(http_unusual_method()).item()
    True
    """
    return (~pl.col("method").str.to_uppercase().is_in(USUAL)).max()


def http_user_agent_entropy() -> pl.Expr:
    """Shannon entropy of the bytes of a user agent; of several the least.

    Unit: bits a byte. Type: Float32. Range: 0 to 8. Logs: http. Scope: connection.
    Null: no user agent sent. Source: ptml; clients made by hand.

    >>> pl.DataFrame({"user_agent": ["abcd", None]}).select(http_user_agent_entropy()).item()
    2.0
    """
    return entropy(pl.col("user_agent")).min()


def http_user_agent_share() -> pl.Expr:
    """Share of the capture's requests that have this user agent; of several the least.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no user agent sent. Source: Grill and Rehak 2014.

    >>> pl.DataFrame({"user_agent_share": [0.5, 0.25]}).select(http_user_agent_share()).item()
    0.25
    """
    return pl.col("user_agent_share").min()


def http_extension_disagrees() -> pl.Expr:
    """An answer is of another kind than the extension in its URI says: a program as an image.

    Unit: flag. Type: Boolean. Range: true, false. Logs: http. Scope: connection.
    Null: no answer with a known kind for a known extension. Source: Zeek file signatures.

    >>> pl.DataFrame({"disagrees": [False, None]}).select(http_extension_disagrees()).item()
    False
    """
    return pl.col("disagrees").max()


CLIENTS = family(
    "http",
    (
        http_unusual_method,
        http_user_agent_entropy,
        http_user_agent_share,
        http_extension_disagrees,
    ),
    client_rows,
)
