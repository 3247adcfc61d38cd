"""What the names look like that a connection asks for, by the domain name system, HTTP and TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.family import family
from ptml.features.names import name_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptml.features.family import Logs


def named_rows(log: str, column: str) -> Callable[[Logs], pl.LazyFrame | None]:
    """Make the function that gives the rows of a log with the measures of the name in one of its columns.

    Args:
        log: Name of the log.
        column: Its column with names.

    >>> dns = pl.LazyFrame({"capture_id": "c1", "uid": ["C1"], "query": ["www.example.co.uk"]})
    >>> named_rows("dns", "query")({"dns": dns}).collect()["registered"].item()
    'example.co.uk'
    """

    def rows(logs: Logs) -> pl.LazyFrame | None:
        if log not in logs or not {"uid", column} <= set(logs[log].collect_schema()):
            return None
        known = logs[log].drop_nulls(["uid", column])
        return known.select("capture_id", "uid", name_facts(pl.col(column)).alias("facts")).unnest("facts")

    return rows


def dns_suffix_known() -> pl.Expr:
    """All names asked for end in a public suffix that the list knows.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dns. Scope: connection.
    Null: no name asked for. Source: publicsuffix.org.

    >>> pl.DataFrame({"suffix_known": [True, False]}).select(dns_suffix_known()).item()
    False
    """
    return pl.col("suffix_known").min()


def dns_domain_length() -> pl.Expr:
    """Length of the longest registered domain asked for, without its public suffix.

    Unit: characters. Type: UInt8. Range: 1 to 255. Logs: dns. Scope: connection.
    Null: no name asked for, or none with a registered domain. Source: Antonakakis et al. 2010, Notos.

    >>> pl.DataFrame({"domain_length": [7, None]}).select(dns_domain_length()).item()
    7
    """
    return pl.col("domain_length").max()


def dns_subdomains() -> pl.Expr:
    """Most labels before the registered domain in a name asked for.

    Unit: labels. Type: UInt8. Range: 0 to 255. Logs: dns. Scope: connection.
    Null: no name asked for, or none with a registered domain. Source: Schueppen et al. 2018, FANCI.

    >>> pl.DataFrame({"subdomains": [1, 3]}).select(dns_subdomains()).item()
    3
    """
    return pl.col("subdomains").max()


def dns_consonants() -> pl.Expr:
    """Longest run of consonants in a name asked for, its public suffix left out.

    Unit: characters. Type: UInt8. Range: 0 to 255. Logs: dns. Scope: connection.
    Null: no name asked for. Source: Schueppen et al. 2018, FANCI.

    >>> pl.DataFrame({"consonant_run": [2, 9]}).select(dns_consonants()).item()
    9
    """
    return pl.col("consonant_run").max()


def dns_likelihood() -> pl.Expr:
    """How much a name asked for reads like English words; of several the least.

    Unit: mean base-2 logarithm of a character's probability after the two before it. Type: Float32. Range:
    -15.9375 to 0. Logs: dns. Scope: connection.
    Null: no name asked for. Source: Schiavoni et al. 2014, Phoenix; Yadav et al. 2010.

    >>> pl.DataFrame({"likelihood": [-3.5, -11.5]}).select(dns_likelihood()).item()
    -11.5
    """
    return pl.col("likelihood").min()


def dns_international() -> pl.Expr:
    """A name asked for has letters beyond ASCII, as they are or in punycode.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dns. Scope: connection.
    Null: no name asked for. Source: RFC 5891; homograph attacks, Gabrilovich and Gontmakher 2002.

    >>> pl.DataFrame({"international": [True]}).select(dns_international()).item()
    True
    """
    return pl.col("international").max()


def http_host_domain_length() -> pl.Expr:
    """Length of the longest registered domain in a Host header, without its public suffix.

    Unit: characters. Type: UInt8. Range: 1 to 255. Logs: http. Scope: connection.
    Null: no name in a Host header, or none with a registered domain. Source: ptml; as of names in DNS,
    Schueppen et al. 2018, FANCI.

    >>> pl.DataFrame({"domain_length": [7, None]}).select(http_host_domain_length()).item()
    7
    """
    return pl.col("domain_length").max()


def http_host_subdomains() -> pl.Expr:
    """Most labels before the registered domain in a name in a Host header.

    Unit: labels. Type: UInt8. Range: 0 to 255. Logs: http. Scope: connection.
    Null: no name in a Host header, or none with a registered domain. Source: ptml; as of names in DNS,
    Schueppen et al. 2018, FANCI.

    >>> pl.DataFrame({"subdomains": [1, 3]}).select(http_host_subdomains()).item()
    3
    """
    return pl.col("subdomains").max()


def http_host_consonants() -> pl.Expr:
    """Longest run of consonants in a name in a Host header, its public suffix left out.

    Unit: characters. Type: UInt8. Range: 0 to 255. Logs: http. Scope: connection.
    Null: no name in a Host header. Source: Schueppen et al. 2018, FANCI, of names in DNS.

    >>> pl.DataFrame({"consonant_run": [2, 9]}).select(http_host_consonants()).item()
    9
    """
    return pl.col("consonant_run").max()


def http_host_likelihood() -> pl.Expr:
    """How much a name in a Host header reads like English words; of several the least.

    Unit: mean base-2 logarithm of a character's probability after the two before it. Type: Float32. Range:
    -15.9375 to 0. Logs: http. Scope: connection.
    Null: no name in a Host header. Source: Schiavoni et al. 2014, Phoenix; Yadav et al. 2010.

    >>> pl.DataFrame({"likelihood": [-3.5, -11.5]}).select(http_host_likelihood()).item()
    -11.5
    """
    return pl.col("likelihood").min()


def tls_sni_suffix_known() -> pl.Expr:
    """All names of a server asked for end in a public suffix that the list knows.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssl. Scope: connection.
    Null: no server name asked for. Source: publicsuffix.org.

    >>> pl.DataFrame({"suffix_known": [True, False]}).select(tls_sni_suffix_known()).item()
    False
    """
    return pl.col("suffix_known").min()


def tls_sni_domain_length() -> pl.Expr:
    """Length of the longest registered domain of a server asked for, without its public suffix.

    Unit: characters. Type: UInt8. Range: 1 to 255. Logs: ssl. Scope: connection.
    Null: no server name asked for, or none with a registered domain. Source: ptml; as of names in DNS,
    Schueppen et al. 2018, FANCI.

    >>> pl.DataFrame({"domain_length": [7, None]}).select(tls_sni_domain_length()).item()
    7
    """
    return pl.col("domain_length").max()


def tls_sni_subdomains() -> pl.Expr:
    """Most labels before the registered domain in a name of a server asked for.

    Unit: labels. Type: UInt8. Range: 0 to 255. Logs: ssl. Scope: connection.
    Null: no server name asked for, or none with a registered domain. Source: ptml; as of names in DNS,
    Schueppen et al. 2018, FANCI.

    >>> pl.DataFrame({"subdomains": [1, 3]}).select(tls_sni_subdomains()).item()
    3
    """
    return pl.col("subdomains").max()


def tls_sni_consonants() -> pl.Expr:
    """Longest run of consonants in a name of a server asked for, its public suffix left out.

    Unit: characters. Type: UInt8. Range: 0 to 255. Logs: ssl. Scope: connection.
    Null: no server name asked for. Source: Schueppen et al. 2018, FANCI, of names in DNS.

    >>> pl.DataFrame({"consonant_run": [2, 9]}).select(tls_sni_consonants()).item()
    9
    """
    return pl.col("consonant_run").max()


def tls_sni_likelihood() -> pl.Expr:
    """How much a name of a server asked for reads like English words; of several the least.

    Unit: mean base-2 logarithm of a character's probability after the two before it. Type: Float32. Range:
    -15.9375 to 0. Logs: ssl. Scope: connection.
    Null: no server name asked for. Source: Schiavoni et al. 2014, Phoenix; Yadav et al. 2010.

    >>> pl.DataFrame({"likelihood": [-3.5, -11.5]}).select(tls_sni_likelihood()).item()
    -11.5
    """
    return pl.col("likelihood").min()


def tls_sni_digit_share() -> pl.Expr:
    """Greatest share of digits in a name of a server asked for, its public suffix left out.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssl. Scope: connection.
    Null: no server name asked for. Source: ptml; as of names in DNS, Bilge et al. 2011, EXPOSURE.

    >>> pl.DataFrame({"digit_share": [0.5, 0.0]}).select(tls_sni_digit_share()).item()
    0.5
    """
    return pl.col("digit_share").max()


DNS_NAMES = family(
    "dns",
    (
        dns_suffix_known,
        dns_domain_length,
        dns_subdomains,
        dns_consonants,
        dns_likelihood,
        dns_international,
    ),
    named_rows("dns", "query"),
)
HTTP_NAMES = family(
    "http",
    (
        http_host_domain_length,
        http_host_subdomains,
        http_host_consonants,
        http_host_likelihood,
    ),
    named_rows("http", "host"),
)
TLS_NAMES = family(
    "tls",
    (
        tls_sni_suffix_known,
        tls_sni_domain_length,
        tls_sni_subdomains,
        tls_sni_consonants,
        tls_sni_likelihood,
        tls_sni_digit_share,
    ),
    named_rows("ssl", "server_name"),
)
