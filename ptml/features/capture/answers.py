"""What the hosts of a capture ask name servers for and what they are told: over all rows of dns.log."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import not_negative, ratio, share

_SERVFAIL, _REFUSED = 2, 5
_PTR, _MX = 12, 15
_ADDRESSES = (1, 28)
_US_PER_MINUTE = 60_000_000


def servfail_share() -> pl.Expr:
    """Share of the answers that say that the server failed.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no answer known. Source: RFC 1035, section 4.1.1; Antonakakis et al. 2012, Pleiades.

    >>> pl.DataFrame({"rcode": [0, 2, None]}).select(servfail_share()).item()
    0.5
    """
    return share(pl.col("rcode") == _SERVFAIL)


def dns_refused_share() -> pl.Expr:
    """Share of the answers that refuse the question.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no answer known. Source: RFC 1035, section 4.1.1.

    >>> pl.DataFrame({"rcode": [0, 5, None]}).select(dns_refused_share()).item()
    0.5
    """
    return share(pl.col("rcode") == _REFUSED)


def address_question_share() -> pl.Expr:
    """Share of the questions for an IPv4 or IPv6 address.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no question type known. Source: RFC 1035; RFC 3596.

    >>> pl.DataFrame({"qtype": [1, 28, 12, 15, None]}).select(address_question_share()).item()
    0.5
    """
    return share(pl.col("qtype").is_in(_ADDRESSES))


def reverse_question_share() -> pl.Expr:
    """Share of the questions for the name of an address, as scanners ask.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no question type known. Source: RFC 1035, section 3.5.

    >>> pl.DataFrame({"qtype": [1, 12, None]}).select(reverse_question_share()).item()
    0.5
    """
    return share(pl.col("qtype") == _PTR)


def mail_question_share() -> pl.Expr:
    """Share of the questions for the mail server of a domain, as senders of spam ask.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no question type known. Source: RFC 5321, section 5.1.

    >>> pl.DataFrame({"qtype": [1, 15, None]}).select(mail_question_share()).item()
    0.5
    """
    return share(pl.col("qtype") == _MX)


def question_types() -> pl.Expr:
    """Distinct types of question.

    Unit: types. Type: UInt32. Range: 0 or more. Logs: dns. Scope: capture.
    Null: no row in dns.log. Source: RFC 1035, section 3.2.2.

    >>> pl.DataFrame({"qtype": [1, 1, 16, None]}).select(question_types()).item()
    2
    """
    return pl.col("qtype").drop_nulls().n_unique()


def longest_txt_answer() -> pl.Expr:
    """Length of the longest text that an answer carries, as Zeek writes it.

    Unit: characters. Type: UInt32. Range: 0 or more. Logs: dns. Scope: capture.
    Null: no text answered. Source: Farnham 2013.

    >>> rows = pl.DataFrame({"answers": [["TXT 3 abc", "192.0.2.1"], ["TXT 1 a"], None]})
    >>> rows.select(longest_txt_answer()).item()
    9
    """
    text = pl.element().filter(pl.element().str.starts_with("TXT "))
    return pl.col("answers").list.eval(text.str.len_chars()).list.max().max()


def median_answers() -> pl.Expr:
    """Median count of records in the answers that have some.

    Unit: records. Type: Float32. Range: 1 or more. Logs: dns. Scope: capture.
    Null: no answer has records. Source: Bilge et al. 2011, EXPOSURE.

    >>> rows = pl.DataFrame({"answers": [["192.0.2.1"], ["192.0.2.1", "192.0.2.2"], ["a.com"] * 9, [], None]})
    >>> rows.select(median_answers()).item()
    2.0
    """
    records = pl.col("answers").list.len()
    return records.filter(records > 0).median()


def median_ttl() -> pl.Expr:
    """Median over the answers of the least time to live among their records.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: dns. Scope: capture.
    Null: no time to live known. Source: Bilge et al. 2011, EXPOSURE.

    >>> pl.DataFrame({"TTLs": [[60.0, 300.0], [10.0], None]}).select(median_ttl()).item()
    35.0
    """
    return _least_ttl().median()


def ttl_p10() -> pl.Expr:
    """Time to live that nine answers in ten reach, taking the least of their records.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: dns. Scope: capture.
    Null: no time to live known. Source: Bilge et al. 2011, EXPOSURE.

    >>> pl.DataFrame({"TTLs": [[0.0, 9.0], [10.0], [20.0], [30.0], [40.0]]}).select(ttl_p10()).item()
    4.0
    """
    return _least_ttl().quantile(0.1, "linear")


def dns_per_minute() -> pl.Expr:
    """Questions over the span of their times.

    Unit: questions a minute. Type: Float32. Range: above 0. Logs: dns. Scope: capture.
    Null: all at once. Source: Zeek dns.log.

    >>> rows = pl.DataFrame({"ts": pl.Series([0, 30_000_000]).cast(pl.Datetime("us"))})
    >>> rows.select(dns_per_minute()).item()
    4.0
    """
    span = (pl.col("ts").max() - pl.col("ts").min()).dt.total_microseconds()
    return ratio(pl.len().cast(pl.Float64) * _US_PER_MINUTE, span)


def _least_ttl() -> pl.Expr:
    return not_negative(pl.col("TTLs").list.min())
