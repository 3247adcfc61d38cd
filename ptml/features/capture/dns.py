"""What the hosts of a capture ask the domain name system: over all rows of dns.log."""

from __future__ import annotations

import polars as pl

from ptml.features.capture import answers, domains
from ptml.features.connection.dns import BULKY_TYPES, NXDOMAIN
from ptml.features.expressions import share
from ptml.features.family import Logs, family
from ptml.features.names import name_facts


def all_dns_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of dns.log.

    >>> all_dns_rows({}) is None
    True
    """
    return logs.get("dns")


def by_domain(logs: Logs) -> pl.LazyFrame | None:
    """Registered domains asked about: the distinct ``names`` under each, its ``questions``, and ``missing``.

    A domain is missing when every answer known about it said that the name does not exist.

    >>> dns = pl.LazyFrame({"capture_id": "c", "query": ["a.x.com", "b.x.com", "b.x.com", "arpa"]})
    >>> by_domain({"dns": dns}).select("domain", "names", "questions").sort("domain").collect().rows()
    [('arpa', 1, 1), ('x.com', 2, 3)]
    """
    if "dns" not in logs or "query" not in logs["dns"].collect_schema():
        return None
    coded = "rcode" in logs["dns"].collect_schema()
    missing = [(pl.col("rcode") == NXDOMAIN).alias("missing")] if coded else []
    asked = logs["dns"].filter(pl.col("query").is_not_null())
    rows = asked.select("capture_id", pl.col("query").str.to_lowercase().str.strip_chars("."), *missing)
    every = [pl.when(pl.col("missing").count() > 0).then(pl.col("missing").all())] if coded else []
    names = rows.group_by("capture_id", "query").agg(pl.len().alias("questions"), *every)
    placed = names.with_columns(domain_of(pl.col("query")).alias("domain"))
    counts = (pl.len().alias("names"), pl.col("questions").sum())
    return placed.group_by("capture_id", "domain").agg(*counts, *every)


def domain_of(name: pl.Expr) -> pl.Expr:
    """Registered domain of a name: its public suffix and one label more; the name itself where there is none.

    >>> names = pl.DataFrame({"query": ["www.example.com", "arpa"]})
    >>> names.select(domain_of(pl.col("query"))).to_series().to_list()
    ['example.com', 'arpa']
    """
    return pl.coalesce(name_facts(name).struct.field("registered"), name)


def dns_transactions() -> pl.Expr:
    """Transactions in the capture.

    Unit: transactions. Type: UInt32. Range: 1 or more. Logs: dns. Scope: capture.
    Null: no row in dns.log. Source: Zeek dns.log.

    >>> pl.DataFrame({"query": ["a.com", "b.com"]}).select(dns_transactions()).item()
    2
    """
    return pl.len()


def nxdomain_share() -> pl.Expr:
    """Share of the answers that say that the name does not exist.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no answer known. Source: Antonakakis et al. 2012, Pleiades.

    >>> pl.DataFrame({"rcode": [0, 3, None]}).select(nxdomain_share()).item()
    0.5
    """
    return share(pl.col("rcode") == NXDOMAIN)


def dns_unanswered_share() -> pl.Expr:
    """Share of the questions that got no answer.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no row in dns.log. Source: Zeek dns.log.

    >>> pl.DataFrame({"rcode": [0, None]}).select(dns_unanswered_share()).item()
    0.5
    """
    return share(pl.col("rcode").is_null())


def dns_bulky_share() -> pl.Expr:
    """Share of the questions for records that carry arbitrary bytes: TXT, NULL or iodine's private type.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no question type known. Source: Farnham 2013.

    >>> pl.DataFrame({"qtype": [1, 16, None]}).select(dns_bulky_share()).item()
    0.5
    """
    return share(pl.col("qtype").is_in(BULKY_TYPES))


def median_query_length() -> pl.Expr:
    """Median length of the names asked for.

    Unit: characters. Type: Float32. Range: 0 or more. Logs: dns. Scope: capture.
    Null: no name known. Source: Antonakakis et al. 2010, Notos.

    >>> pl.DataFrame({"query": ["a.com", "ab.com", "abc.com"]}).select(median_query_length()).item()
    6.0
    """
    return pl.col("query").str.len_chars().median()


def longest_query() -> pl.Expr:
    """Length of the longest name asked for.

    Unit: characters. Type: UInt32. Range: 0 or more. Logs: dns. Scope: capture.
    Null: no name known. Source: Farnham 2013.

    >>> pl.DataFrame({"query": ["a.com", "ab.com"]}).select(longest_query()).item()
    6
    """
    return pl.col("query").str.len_chars().max()


def dns_names() -> pl.Expr:
    """Distinct names asked for.

    Unit: names. Type: UInt32. Range: 1 or more. Logs: dns. Scope: capture.
    Null: no name known. Source: Zeek dns.log.

    >>> pl.DataFrame({"names": [2, 1]}).select(dns_names()).item()
    3
    """
    return pl.col("names").sum()


def dns_domains() -> pl.Expr:
    """Distinct registered domains of the names asked for: the public suffix and one label more.

    Unit: domains. Type: UInt32. Range: 1 or more. Logs: dns. Scope: capture.
    Null: no name known. Source: Zeek dns.log; publicsuffix.org.

    >>> pl.DataFrame({"names": [2, 1]}).select(dns_domains()).item()
    2
    """
    return pl.col("names").len()


def most_names_in_domain() -> pl.Expr:
    """Most distinct names under one registered domain: a tunnel asks a new name each time.

    Unit: names. Type: UInt32. Range: 1 or more. Logs: dns. Scope: capture.
    Null: no name known. Source: RITA v5, C2 over DNS.

    >>> pl.DataFrame({"names": [2, 1]}).select(most_names_in_domain()).item()
    2
    """
    return pl.col("names").max()


_KEY = ("capture_id",)
CAPTURE_DNS = (
    family(
        "dns",
        (
            dns_transactions,
            nxdomain_share,
            dns_unanswered_share,
            dns_bulky_share,
            median_query_length,
            longest_query,
            answers.servfail_share,
            answers.dns_refused_share,
            answers.address_question_share,
            answers.reverse_question_share,
            answers.mail_question_share,
            answers.question_types,
            answers.dns_per_minute,
        ),
        all_dns_rows,
        _KEY,
    ),
    family(
        "dns",
        (answers.longest_txt_answer, answers.median_answers, answers.median_ttl, answers.ttl_p10),
        all_dns_rows,
        _KEY,
    ),
    family(
        "dns",
        (
            dns_names,
            dns_domains,
            most_names_in_domain,
            domains.random_domain_share,
            domains.lone_name_domain_share,
            domains.names_gini,
            domains.domain_evenness,
            domains.top_domain_share,
            domains.failed_domain_share,
            domains.median_domain_length,
        ),
        by_domain,
        _KEY,
        condensed=True,
    ),
)
