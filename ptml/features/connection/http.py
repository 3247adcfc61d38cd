"""What a connection asked of a web server, and what came back: over its rows of http.log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.expressions import ADDRESS, BYTE, SHORT, at_most, entropy, share, total
from ptml.features.family import family
from ptml.features.mime import EXECUTABLE

if TYPE_CHECKING:
    from ptml.features.family import Logs

CLIENT_ERROR = 400


def http_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of http.log that belong to a connection.

    >>> http_rows({}) is None
    True
    """
    return logs["http"].filter(pl.col("uid").is_not_null()) if "http" in logs else None


def http_requests() -> pl.Expr:
    """Requests in the connection.

    Unit: requests. Type: UInt8. Range: 1 to 255, where it saturates. Logs: http. Scope: connection.
    Null: no row in http.log. Source: Perdisci et al. 2010.

    >>> pl.DataFrame({"method": ["GET", "GET"]}).select(http_requests()).item()
    2
    """
    return at_most(pl.len(), BYTE)


def http_post_share() -> pl.Expr:
    """Share of the requests that post.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: connection.
    Null: no method known. Source: Perdisci et al. 2010.

    >>> pl.DataFrame({"method": ["GET", "POST", None]}).select(http_post_share()).item()
    0.5
    """
    return share(pl.col("method") == "POST")


def http_error_share() -> pl.Expr:
    """Share of the answers with a status of 400 or above.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: connection.
    Null: no status known. Source: Bekerman et al. 2015.

    >>> pl.DataFrame({"status_code": [200, 404, 503, None]}).select(http_error_share()).item() > 0.66
    True
    """
    return share(pl.col("status_code") >= CLIENT_ERROR)


def http_uri_length() -> pl.Expr:
    """Length of the longest URI asked for.

    Unit: characters. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: http. Scope: connection.
    Null: no URI known. Source: Perdisci et al. 2010.

    >>> pl.DataFrame({"uri": ["/", "/a.php", None]}).select(http_uri_length()).item()
    6
    """
    return at_most(pl.col("uri").str.len_chars().max(), SHORT)


def http_uri_entropy() -> pl.Expr:
    """Greatest Shannon entropy of the bytes of a URI asked for.

    Unit: bits a byte. Type: Float32. Range: 0 to 8. Logs: http. Scope: connection.
    Null: no URI known. Source: ptml; Shannon 1948.

    >>> pl.DataFrame({"uri": ["////", "/abc"]}).select(http_uri_entropy()).item()
    2.0
    """
    return entropy(pl.col("uri")).max()


def http_uri_depth() -> pl.Expr:
    """Most slashes in the path of a URI asked for.

    Unit: slashes. Type: UInt8. Range: 0 to 255, where it saturates. Logs: http. Scope: connection.
    Null: no URI known. Source: ptml; after the length of URLs, Perdisci et al. 2010.

    >>> pl.DataFrame({"uri": ["/a/b?c=/d/", "/"]}).select(http_uri_depth()).item()
    2
    """
    return at_most(pl.col("uri").str.extract(r"^([^?]*)").str.count_matches("/", literal=True).max(), BYTE)


def http_uri_parameters() -> pl.Expr:
    """Most parameters in the query of a URI asked for.

    Unit: parameters. Type: UInt8. Range: 0 to 255, where it saturates. Logs: http. Scope: connection.
    Null: no URI known. Source: Perdisci et al. 2010.

    >>> pl.DataFrame({"uri": ["/a?x=1&y=2", "/a?", "/b"]}).select(http_uri_parameters()).item()
    2
    """
    return at_most(pl.col("uri").str.count_matches("[?&][^?&]").max(), BYTE)


def http_host_is_address() -> pl.Expr:
    """A request named its server by address, not by name.

    Unit: flag. Type: Boolean. Range: true, false. Logs: http. Scope: connection.
    Null: no Host header known. Source: ptml; an address built in needs no name.

    >>> pl.DataFrame({"host": ["a.com", "192.0.2.1:8080", None]}).select(http_host_is_address()).item()
    True
    """
    return pl.col("host").str.contains(ADDRESS).max()


def http_user_agent_length() -> pl.Expr:
    """Length of the shortest user agent: browsers write long ones, hand-made clients short ones.

    Unit: characters. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: http. Scope: connection.
    Null: no user agent sent. Source: ptml; clients made by hand.

    >>> pl.DataFrame({"user_agent": ["curl/8.5", None]}).select(http_user_agent_length()).item()
    8
    """
    return at_most(pl.col("user_agent").str.len_chars().min(), SHORT)


def http_user_agent_missing() -> pl.Expr:
    """A request came without a user agent.

    Unit: flag. Type: Boolean. Range: true, false. Logs: http. Scope: connection.
    Null: no row in http.log. Source: Bialczak and Mazurczyk 2020.

    >>> pl.DataFrame({"user_agent": ["curl/8.5", None]}).select(http_user_agent_missing()).item()
    True
    """
    return pl.col("user_agent").is_null().max()


def http_referrer_missing_share() -> pl.Expr:
    """Share of the requests without a referrer.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: connection.
    Null: no row in http.log. Source: Bialczak and Mazurczyk 2020.

    >>> pl.DataFrame({"referrer": ["http://a.com/", None]}).select(http_referrer_missing_share()).item()
    0.5
    """
    return share(pl.col("referrer").is_null())


def http_request_bytes() -> pl.Expr:
    """Bytes that all request bodies carried.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: http. Scope: connection.
    Null: no length known. Source: Perdisci et al. 2010.

    >>> pl.DataFrame({"request_body_len": [3, 4, None]}).select(http_request_bytes()).item()
    7
    """
    return total("request_body_len")


def http_response_bytes() -> pl.Expr:
    """Bytes that all response bodies carried.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: http. Scope: connection.
    Null: no length known. Source: Perdisci et al. 2010.

    >>> pl.DataFrame({"response_body_len": [3, 4, None]}).select(http_response_bytes()).item()
    7
    """
    return total("response_body_len")


def http_executable() -> pl.Expr:
    """A response was a program, by its content.

    Unit: flag. Type: Boolean. Range: true, false. Logs: http. Scope: connection.
    Null: no response had a body with a known type. Source: Zeek file signatures.

    >>> pl.DataFrame({"resp_mime_types": [["application/x-dosexec"], None]}).select(http_executable()).item()
    True
    """
    return pl.col("resp_mime_types").list.eval(pl.element().is_in(EXECUTABLE)).list.any().max()


HTTP = family(
    "http",
    (
        http_requests,
        http_post_share,
        http_error_share,
        http_uri_length,
        http_uri_entropy,
        http_uri_depth,
        http_uri_parameters,
        http_host_is_address,
        http_user_agent_length,
        http_user_agent_missing,
        http_referrer_missing_share,
        http_request_bytes,
        http_response_bytes,
        http_executable,
    ),
    http_rows,
)
