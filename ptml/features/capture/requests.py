"""How the hosts of a capture use HTTP, request by request: over all rows of http.log."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import share
from ptml.features.mime import EXECUTABLE

_SERVER_ERROR = 500
_REDIRECTS = (300, 399)
_COMMON = ("GET", "HEAD", "POST")


def redirect_share() -> pl.Expr:
    """Share of the answers that send the client elsewhere: a status of 300 to 399.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no status known. Source: Bekerman et al. 2015.

    >>> pl.DataFrame({"status_code": [200, 302, None]}).select(redirect_share()).item()
    0.5
    """
    return share(pl.col("status_code").is_between(*_REDIRECTS))


def server_error_share() -> pl.Expr:
    """Share of the answers with a status of 500 or above.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no status known. Source: Bekerman et al. 2015.

    >>> pl.DataFrame({"status_code": [200, 503, None]}).select(server_error_share()).item()
    0.5
    """
    return share(pl.col("status_code") >= _SERVER_ERROR)


def http_unanswered_share() -> pl.Expr:
    """Share of the requests without a status.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no row in http.log. Source: Zeek http.log.

    >>> pl.DataFrame({"status_code": [200, None]}).select(http_unanswered_share()).item()
    0.5
    """
    return share(pl.col("status_code").is_null())


def other_method_share() -> pl.Expr:
    """Share of the requests that neither get, nor head, nor post.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no method known. Source: RFC 9110, section 9; Bialczak and Mazurczyk 2020.

    >>> pl.DataFrame({"method": ["GET", "CONNECT", None]}).select(other_method_share()).item()
    0.5
    """
    return share(~pl.col("method").is_in(_COMMON))


def methods() -> pl.Expr:
    """Distinct methods.

    Unit: methods. Type: UInt32. Range: 0 or more. Logs: http. Scope: capture.
    Null: no row in http.log. Source: Bekerman et al. 2015.

    >>> pl.DataFrame({"method": ["GET", "GET", "POST", None]}).select(methods()).item()
    2
    """
    return pl.col("method").drop_nulls().n_unique()


def no_referrer_share() -> pl.Expr:
    """Share of the requests that do not say where the link was found.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no row in http.log. Source: Bialczak and Mazurczyk 2020.

    >>> pl.DataFrame({"referrer": ["http://a.com/", None]}).select(no_referrer_share()).item()
    0.5
    """
    return share(pl.col("referrer").is_null())


def parameters_share() -> pl.Expr:
    """Share of the URIs with parameters.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no URI known. Source: Perdisci et al. 2010.

    >>> pl.DataFrame({"uri": ["/a?b=c", "/", None]}).select(parameters_share()).item()
    0.5
    """
    return share(pl.col("uri").str.contains("?", literal=True))


def longest_uri() -> pl.Expr:
    """Length of the longest URI.

    Unit: characters. Type: UInt32. Range: 0 or more. Logs: http. Scope: capture.
    Null: no URI known. Source: Perdisci et al. 2010.

    >>> pl.DataFrame({"uri": ["/", "/abc", None]}).select(longest_uri()).item()
    4
    """
    return pl.col("uri").str.len_chars().max()


def median_response_bytes() -> pl.Expr:
    """Median size of the bodies of answers that have one.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: http. Scope: capture.
    Null: no answer has a body. Source: Perdisci et al. 2010.

    >>> pl.DataFrame({"response_body_len": [0, 10, 30, None]}).select(median_response_bytes()).item()
    20.0
    """
    size = pl.col("response_body_len")
    return size.filter(size > 0).median()


def request_body_share() -> pl.Expr:
    """Share of the requests that carry a body.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no size known. Source: Bekerman et al. 2015.

    >>> pl.DataFrame({"request_body_len": [0, 10, None]}).select(request_body_share()).item()
    0.5
    """
    return share(pl.col("request_body_len") > 0)


def largest_request_body() -> pl.Expr:
    """Size of the largest body of a request.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: http. Scope: capture.
    Null: no size known. Source: ptml; exfiltration over HTTP, MITRE ATT&CK T1048.003.

    >>> pl.DataFrame({"request_body_len": [0, 10, None]}).select(largest_request_body()).item()
    10
    """
    return pl.col("request_body_len").max()


def executable_share() -> pl.Expr:
    """Share of the answers with a known content type that were programs.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: http. Scope: capture.
    Null: no answer had a body with a known type. Source: Zeek file signatures.

    >>> rows = pl.DataFrame({"resp_mime_types": [["application/x-dosexec"], ["text/html"], None]})
    >>> rows.select(executable_share()).item()
    0.5
    """
    program = pl.col("resp_mime_types").list.eval(pl.element().is_in(EXECUTABLE)).list.any()
    return share(program)
