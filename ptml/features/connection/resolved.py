"""Whether a host had looked up where it connects to, and by which name: earlier answers in dns.log."""

from __future__ import annotations

import polars as pl

from ptml.features.family import family
from ptml.features.resolved import READS, TOGETHER, answers, resolved_columns


def dest_resolved() -> pl.Expr:
    """An earlier answer to the originator held the responder's address.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn, dns. Scope: past.
    Null: an address is unset, or no row of dns.log had come by then. Source: Whyte et al. 2005, DNS-based
    detection of scanning worms.

    >>> pl.DataFrame({"resolved": [True]}).select(dest_resolved()).item()
    True
    """
    return pl.col("resolved")


def dest_resolved_by_any() -> pl.Expr:
    """An earlier answer to any host of the capture held the responder's address.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn, dns. Scope: past.
    Null: an address is unset, or no row of dns.log had come by then. Source: Whyte et al. 2005, DNS-based
    detection of scanning worms.

    >>> pl.DataFrame({"resolved_by_any": [False]}).select(dest_resolved_by_any()).item()
    False
    """
    return pl.col("resolved_by_any")


def seconds_since_resolved() -> pl.Expr:
    """Time since the latest answer to the originator that held the responder's address.

    Unit: seconds. Type: Float32. Range: 0 or more. Logs: conn, dns. Scope: past.
    Null: no earlier answer to the originator holds the address, or dns.log is missing. Source: Whyte et al.
    2005, DNS-based detection of scanning worms.

    >>> pl.DataFrame({"since": [1.5]}).select(seconds_since_resolved()).item()
    1.5
    """
    return pl.col("since")


def dest_name_length() -> pl.Expr:
    """Length of the name that the address was found by, its public suffix left out.

    Unit: characters. Type: UInt8. Range: 1 to 255. Logs: conn, dns. Scope: past.
    Null: no earlier answer to the originator holds the address, or dns.log is missing. Source: Antonakakis
    et al. 2010, Notos.

    >>> pl.DataFrame({"name_length": [7]}).select(dest_name_length()).item()
    7
    """
    return pl.col("name_length")


def dest_name_subdomains() -> pl.Expr:
    """Labels before the registered domain in the name that the address was found by.

    Unit: labels. Type: UInt8. Range: 0 to 255. Logs: conn, dns. Scope: past.
    Null: no earlier answer to the originator holds the address, or dns.log is missing, or the name has no
    registered domain. Source: Schueppen et al. 2018, FANCI.

    >>> pl.DataFrame({"subdomains": [1]}).select(dest_name_subdomains()).item()
    1
    """
    return pl.col("subdomains")


def dest_name_suffix_known() -> pl.Expr:
    """The name that the address was found by ends in a public suffix that the list knows.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn, dns. Scope: past.
    Null: no earlier answer to the originator holds the address, or dns.log is missing. Source:
    publicsuffix.org.

    >>> pl.DataFrame({"suffix_known": [True]}).select(dest_name_suffix_known()).item()
    True
    """
    return pl.col("suffix_known")


def dest_name_digit_share() -> pl.Expr:
    """Share of digits in the name that the address was found by, its public suffix left out.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn, dns. Scope: past.
    Null: no earlier answer to the originator holds the address, or dns.log is missing. Source: Bilge et al.
    2011, EXPOSURE.

    >>> pl.DataFrame({"digit_share": [0.5]}).select(dest_name_digit_share()).item()
    0.5
    """
    return pl.col("digit_share")


def dest_name_consonants() -> pl.Expr:
    """Longest run of consonants in the name that the address was found by.

    Unit: characters. Type: UInt8. Range: 0 to 255. Logs: conn, dns. Scope: past.
    Null: no earlier answer to the originator holds the address, or dns.log is missing. Source: Schueppen et
    al. 2018, FANCI.

    >>> pl.DataFrame({"consonant_run": [9]}).select(dest_name_consonants()).item()
    9
    """
    return pl.col("consonant_run")


def dest_name_likelihood() -> pl.Expr:
    """How much the name that the address was found by reads like English words.

    Unit: mean base-2 logarithm of a character's probability after the two before it. Type: Float32. Range:
    -15.9375 to 0. Logs: conn, dns. Scope: past.
    Null: no earlier answer to the originator holds the address, or dns.log is missing. Source: Schiavoni et
    al. 2014, Phoenix; Yadav et al. 2010.

    >>> pl.DataFrame({"likelihood": [-3.5]}).select(dest_name_likelihood()).item()
    -3.5
    """
    return pl.col("likelihood")


RESOLVED = family(
    "resolved",
    (
        dest_resolved,
        dest_resolved_by_any,
        seconds_since_resolved,
        dest_name_length,
        dest_name_subdomains,
        dest_name_suffix_known,
        dest_name_digit_share,
        dest_name_consonants,
        dest_name_likelihood,
    ),
    resolved_columns,
    (),
    together=TOGETHER,
    reads=READS,
    also=answers,
)
