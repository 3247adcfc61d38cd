"""What a connection asked the domain name system, and what came back: over its rows of dns.log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.expressions import BYTE, PRIVATE, SHORT, at_most, digits, entropy, not_negative, ratio
from ptml.features.family import family

if TYPE_CHECKING:
    from ptml.features.family import Logs

NXDOMAIN = 3
BULKY_TYPES = (10, 16, 65399)
"""NULL, TXT and iodine's private type: records that carry arbitrary bytes, as tunnels need."""


def dns_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of dns.log that belong to a connection.

    >>> dns_rows({}) is None
    True
    """
    return logs["dns"].filter(pl.col("uid").is_not_null()) if "dns" in logs else None


def dns_queries() -> pl.Expr:
    """Transactions in the connection.

    Unit: transactions. Type: UInt8. Range: 1 to 255, where it saturates. Logs: dns. Scope: connection.
    Null: no row in dns.log. Source: Zeek dns.log.

    >>> pl.DataFrame({"query": ["a.com", "b.com"]}).select(dns_queries()).item()
    2
    """
    return at_most(pl.len(), BYTE)


def dns_query_length() -> pl.Expr:
    """Length of the longest name asked for.

    Unit: characters. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: dns. Scope: connection.
    Null: no name. Source: Antonakakis et al. 2010, Notos.

    >>> pl.DataFrame({"query": ["a.com", "ab.org", None]}).select(dns_query_length()).item()
    6
    """
    return at_most(pl.col("query").str.len_chars().max(), SHORT)


def dns_query_labels() -> pl.Expr:
    """Most labels in a name asked for.

    Unit: labels. Type: UInt8. Range: 1 to 255, where it saturates. Logs: dns. Scope: connection.
    Null: no name. Source: Schueppen et al. 2018, FANCI.

    >>> pl.DataFrame({"query": ["a.com", "x.y.b.org", None]}).select(dns_query_labels()).item()
    4
    """
    return at_most(
        (pl.col("query").str.strip_chars(".").str.count_matches(".", literal=True) + 1).max(), BYTE
    )


def dns_longest_label() -> pl.Expr:
    """Length of the longest first label asked for: where tunnels and generated names put their bytes.

    Unit: characters. Type: UInt8. Range: 0 to 255, where it saturates. Logs: dns. Scope: connection.
    Null: no name. Source: ptml; after the length of names, Antonakakis et al. 2010, Notos.

    >>> pl.DataFrame({"query": ["abc.com", "x.longer.org"]}).select(dns_longest_label()).item()
    3
    """
    return at_most(pl.col("query").str.extract(r"^([^.]*)").str.len_chars().max(), BYTE)


def dns_query_entropy() -> pl.Expr:
    """Greatest Shannon entropy of the bytes of a name asked for.

    Unit: bits a byte. Type: Float32. Range: 0 to 8. Logs: dns. Scope: connection.
    Null: no name. Source: Schueppen et al. 2018, FANCI.

    >>> pl.DataFrame({"query": ["aaaa", "abcd"]}).select(dns_query_entropy()).item()
    2.0
    """
    return entropy(pl.col("query")).max()


def dns_digit_share() -> pl.Expr:
    """Greatest share of digits in a name asked for.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: connection.
    Null: no name. Source: Bilge et al. 2011, EXPOSURE.

    >>> pl.DataFrame({"query": ["a1b2", "abcd"]}).select(dns_digit_share()).item()
    0.5
    """
    query = pl.col("query")
    return ratio(digits(query).cast(pl.Float64), query.str.len_chars()).max()


def dns_bulky_type() -> pl.Expr:
    """A question for a record that carries arbitrary bytes: TXT, NULL or iodine's private type.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dns. Scope: connection.
    Null: no question type known. Source: Farnham 2013.

    >>> pl.DataFrame({"qtype": [1, 16, None]}).select(dns_bulky_type()).item()
    True
    """
    return pl.col("qtype").is_in(BULKY_TYPES).max()


def dns_nxdomain() -> pl.Expr:
    """A name did not exist.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dns. Scope: connection.
    Null: no answer code known. Source: Antonakakis et al. 2012, Pleiades.

    >>> pl.DataFrame({"rcode": [0, 3, None]}).select(dns_nxdomain()).item()
    True
    """
    return (pl.col("rcode") == NXDOMAIN).max()


def dns_rejected() -> pl.Expr:
    """The server refused to answer.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dns. Scope: connection.
    Null: unset. Source: Zeek dns.log.

    >>> pl.DataFrame({"rejected": [False, False]}).select(dns_rejected()).item()
    False
    """
    return pl.col("rejected").max()


def dns_answers() -> pl.Expr:
    """Most records in an answer.

    Unit: records. Type: UInt8. Range: 0 to 255, where it saturates. Logs: dns. Scope: connection.
    Null: no answer had a record. Source: Bilge et al. 2011, EXPOSURE.

    >>> pl.DataFrame({"answers": [["192.0.2.1", "192.0.2.2"], None]}).select(dns_answers()).item()
    2
    """
    return at_most(pl.col("answers").list.len().max(), BYTE)


def dns_ttl_min() -> pl.Expr:
    """Shortest time that an answer may be kept: low in fast-flux and in content networks.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: dns. Scope: connection.
    Null: no answer had a record. Source: Bilge et al. 2011, EXPOSURE.

    >>> pl.DataFrame({"TTLs": [[300.0, 60.0], None]}).select(dns_ttl_min()).item()
    60.0
    """
    return pl.col("TTLs").list.min().pipe(not_negative).min()


def dns_answer_private() -> pl.Expr:
    """An answer was an address that the internet does not route.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dns. Scope: connection.
    Null: no answer had a record. Source: RFC 1918; DNS rebinding, Jackson et al. 2007.

    >>> pl.DataFrame({"answers": [["a.com", "10.0.0.1"], None]}).select(dns_answer_private()).item()
    True
    """
    return pl.col("answers").list.eval(pl.element().str.contains(PRIVATE)).list.any().max()


def dns_rtt() -> pl.Expr:
    """Longest wait for an answer.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: dns. Scope: connection.
    Null: no answer was seen, or only before its question (the clock jumped back).
    Source: Zeek dns.log.

    >>> pl.DataFrame({"rtt": [0.25, None]}).select(dns_rtt()).item()
    0.25
    """
    return not_negative(pl.col("rtt")).max()


DNS = family(
    "dns",
    (
        dns_queries,
        dns_query_length,
        dns_query_labels,
        dns_longest_label,
        dns_query_entropy,
        dns_digit_share,
        dns_bulky_type,
        dns_nxdomain,
        dns_rejected,
        dns_answers,
        dns_ttl_min,
        dns_answer_private,
        dns_rtt,
    ),
    dns_rows,
)
