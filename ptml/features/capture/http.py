"""What the hosts of a capture ask of web servers: over all rows of http.log."""

from __future__ import annotations

import polars as pl

from ptml.features.capture import requests, webhosts
from ptml.features.connection.http import CLIENT_ERROR
from ptml.features.expressions import ADDRESS, share
from ptml.features.family import Logs, family
from ptml.features.mime import EXECUTABLE


def all_http_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of http.log.

    >>> all_http_rows({}) is None
    True
    """
    return logs.get("http")


def http_transactions() -> pl.Expr:
    """Requests in the capture.

    Unit: requests. Type: UInt32. Range: 1 or more. Logs: http. Scope: capture.
    Null: no row in http.log. Source: Perdisci et al. 2010.

    >>> pl.DataFrame({"method": ["GET", "GET"]}).select(http_transactions()).item()
    2
    """
    return pl.len()


def http_hosts() -> pl.Expr:
    """Distinct hosts named in requests.

    Unit: hosts. Type: UInt32. Range: 0 or more. Logs: http. Scope: capture.
    Null: no row in http.log. Source: Zeek http.log.

    >>> pl.DataFrame({"host": ["a.com", "a.com", "b.com", None]}).select(http_hosts()).item()
    2
    """
    return pl.col("host").drop_nulls().n_unique()


def user_agents() -> pl.Expr:
    """Distinct user agents.

    Unit: user agents. Type: UInt32. Range: 0 or more. Logs: http. Scope: capture.
    Null: no row in http.log. Source: Bekerman et al. 2015.

    >>> pl.DataFrame({"user_agent": ["curl/8.5", "curl/8.5", None]}).select(user_agents()).item()
    1
    """
    return pl.col("user_agent").drop_nulls().n_unique()


def post_share() -> pl.Expr:
    """Share of the requests that post.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no method known. Source: Perdisci et al. 2010.

    >>> pl.DataFrame({"method": ["GET", "POST", None]}).select(post_share()).item()
    0.5
    """
    return share(pl.col("method") == "POST")


def error_share() -> pl.Expr:
    """Share of the answers with a status of 400 or above.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no status known. Source: Bekerman et al. 2015.

    >>> pl.DataFrame({"status_code": [200, 404, None]}).select(error_share()).item()
    0.5
    """
    return share(pl.col("status_code") >= CLIENT_ERROR)


def host_is_address_share() -> pl.Expr:
    """Share of the requests that name their server by address.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no Host header known. Source: ptml; an address built in needs no name.

    >>> pl.DataFrame({"host": ["a.com", "192.0.2.1", None]}).select(host_is_address_share()).item()
    0.5
    """
    return share(pl.col("host").str.contains(ADDRESS))


def no_user_agent_share() -> pl.Expr:
    """Share of the requests without a user agent.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no row in http.log. Source: Bialczak and Mazurczyk 2020.

    >>> pl.DataFrame({"user_agent": ["curl/8.5", None]}).select(no_user_agent_share()).item()
    0.5
    """
    return share(pl.col("user_agent").is_null())


def median_uri_length() -> pl.Expr:
    """Median length of the URIs asked for.

    Unit: characters. Type: Float32. Range: 0 or more. Logs: http. Scope: capture.
    Null: no URI known. Source: Perdisci et al. 2010.

    >>> pl.DataFrame({"uri": ["/", "/ab", "/abcde"]}).select(median_uri_length()).item()
    3.0
    """
    return pl.col("uri").str.len_chars().median()


def executable_downloads() -> pl.Expr:
    """Responses that were programs, by their content.

    Unit: responses. Type: UInt32. Range: 0 or more. Logs: http. Scope: capture.
    Null: no response had a body with a known type. Source: Zeek file signatures.

    >>> types = [["application/x-dosexec"], ["text/html"], None]
    >>> pl.DataFrame({"resp_mime_types": types}).select(executable_downloads()).item()
    1
    """
    program = pl.col("resp_mime_types").list.eval(pl.element().is_in(EXECUTABLE)).list.any()
    return pl.when(program.count() > 0).then(program.sum())


_KEY = ("capture_id",)
CAPTURE_HTTP = (
    family(
        "http",
        (
            http_transactions,
            http_hosts,
            user_agents,
            post_share,
            error_share,
            host_is_address_share,
            no_user_agent_share,
            median_uri_length,
            executable_downloads,
        ),
        all_http_rows,
        _KEY,
    ),
    family(
        "http",
        (
            requests.redirect_share,
            requests.server_error_share,
            requests.http_unanswered_share,
            requests.other_method_share,
            requests.methods,
            requests.no_referrer_share,
            requests.parameters_share,
            requests.longest_uri,
            requests.median_response_bytes,
            requests.request_body_share,
            requests.largest_request_body,
            requests.executable_share,
        ),
        all_http_rows,
        _KEY,
    ),
    family(
        "http",
        (webhosts.top_user_agent_share, webhosts.user_agent_evenness, webhosts.lone_user_agent_share),
        webhosts.by_user_agent,
        _KEY,
        condensed=True,
    ),
    family(
        "http",
        (webhosts.top_http_host_share, webhosts.http_host_evenness, webhosts.repeated_request_share),
        webhosts.by_web_host,
        _KEY,
        condensed=True,
    ),
)
