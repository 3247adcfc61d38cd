"""How requests spread over user agents and over the hosts that they name: groups of rows of http.log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.expressions import evenness, ratio, share, top_share

if TYPE_CHECKING:
    from ptml.features.family import Logs


def by_user_agent(logs: Logs) -> pl.LazyFrame | None:
    """User agents, each with its ``requests``.

    >>> http = pl.LazyFrame({"capture_id": "c", "user_agent": ["curl/8.5", "curl/8.5", None]})
    >>> by_user_agent({"http": http}).collect()["requests"].to_list()
    [2]
    """
    if "http" not in logs or "user_agent" not in logs["http"].collect_schema():
        return None
    rows = logs["http"].select("capture_id", "user_agent").drop_nulls("user_agent")
    return rows.group_by("capture_id", "user_agent").agg(pl.len().cast(pl.Int64).alias("requests"))


def by_web_host(logs: Logs) -> pl.LazyFrame | None:
    """Hosts named in requests: how often each is ``asked`` for a URI, and for how many ``uris``.

    >>> http = pl.LazyFrame({"capture_id": "c", "host": "a.com", "uri": ["/", "/", "/x"]})
    >>> by_web_host({"http": http}).select("asked", "uris").collect().row(0)
    (3, 2)
    """
    if "http" not in logs or not {"host", "uri"} <= set(logs["http"].collect_schema()):
        return None
    rows = logs["http"].select("capture_id", "host", "uri").drop_nulls(["host", "uri"])
    asked = rows.group_by("capture_id", "host", "uri").agg(pl.len().cast(pl.Int64).alias("asked"))
    uris = pl.len().cast(pl.Int64).alias("uris")
    return asked.group_by("capture_id", "host").agg(pl.col("asked").sum(), uris)


def top_user_agent_share() -> pl.Expr:
    """Share of the requests with a user agent that name the most common one.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no user agent known. Source: Grill and Rehak 2014.

    >>> pl.DataFrame({"requests": [3, 1]}).select(top_user_agent_share()).item()
    0.75
    """
    return top_share(pl.col("requests"))


def user_agent_evenness() -> pl.Expr:
    """Entropy of requests over user agents, as a share of the greatest possible.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: fewer than two user agents. Source: Lakhina et al. 2005, taken over user agents.

    >>> pl.DataFrame({"requests": [3, 3]}).select(user_agent_evenness()).item()
    1.0
    """
    return evenness(pl.col("requests"))


def lone_user_agent_share() -> pl.Expr:
    """Share of the user agents that made one request.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no user agent known. Source: Grill and Rehak 2014.

    >>> pl.DataFrame({"requests": [3, 1]}).select(lone_user_agent_share()).item()
    0.5
    """
    return share(pl.col("requests") == 1)


def top_http_host_share() -> pl.Expr:
    """Share of the requests with a Host header that go to the host asked most.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no Host header known. Source: Zeek http.log.

    >>> pl.DataFrame({"asked": [3, 1]}).select(top_http_host_share()).item()
    0.75
    """
    return top_share(pl.col("asked"))


def http_host_evenness() -> pl.Expr:
    """Entropy of requests over hosts named in them, as a share of the greatest possible.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: fewer than two hosts named. Source: Lakhina et al. 2005, taken over hosts asked.

    >>> pl.DataFrame({"asked": [3, 3]}).select(http_host_evenness()).item()
    1.0
    """
    return evenness(pl.col("asked"))


def repeated_request_share() -> pl.Expr:
    """Share of the requests that ask a host for a URI that was asked before, as callers home do.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no Host header or no URI known. Source: ptml; callers home repeat themselves.

    >>> pl.DataFrame({"asked": [4, 1], "uris": [3, 1]}).select(repeated_request_share()).item()
    0.2
    """
    return ratio((pl.col("asked") - pl.col("uris")).sum().cast(pl.Float64), pl.col("asked").sum())
