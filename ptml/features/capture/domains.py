"""What domains the hosts of a capture ask for: over the domains in dns.log."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import digits, entropy, evenness, gini, share, top_share

_SHORTEST = 7
_DIGITS = 0.2
_BITS = 3.0
_CONSONANTS = r"(?i)[bcdfghjklmnpqrstvwxz]{4}"
_SIGNS = 2


def random_domain_share() -> pl.Expr:
    """Share of the domains whose own label looks made by a machine.

    At least 7 characters, and two of: a fifth are digits; 4 consonants in a row; 3 bits of entropy a byte.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no name known. Source: Antonakakis et al. 2012, Pleiades.

    >>> pl.DataFrame({"domain": ["xk7qzw94bt.com", "wikipedia.org"]}).select(random_domain_share()).item()
    0.5
    """
    return share(_looks_random())


def lone_name_domain_share() -> pl.Expr:
    """Share of the domains under which one name was asked for.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no name known. Source: ptml; generated domains are asked for under one name.

    >>> pl.DataFrame({"names": [1, 4]}).select(lone_name_domain_share()).item()
    0.5
    """
    return share(pl.col("names") == 1)


def names_gini() -> pl.Expr:
    """How unequally the domains share the names asked for, as a Gini coefficient.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no name known. Source: Gini 1912.

    >>> pl.DataFrame({"names": [1, 3]}).select(names_gini()).item()
    0.25
    """
    return gini(pl.col("names"))


def domain_evenness() -> pl.Expr:
    """Entropy of questions over domains, as a share of the greatest possible.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no name known, or one domain. Source: Lakhina et al. 2005, taken over domains.

    >>> pl.DataFrame({"questions": [5, 5]}).select(domain_evenness()).item()
    1.0
    """
    return evenness(pl.col("questions"))


def top_domain_share() -> pl.Expr:
    """Share of the questions that are about the domain asked for most.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no name known. Source: ptml; after C2 over DNS, RITA v5.

    >>> pl.DataFrame({"questions": [3, 1]}).select(top_domain_share()).item()
    0.75
    """
    return top_share(pl.col("questions"))


def failed_domain_share() -> pl.Expr:
    """Share of the domains under which every answer said that the name does not exist.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: dns. Scope: capture.
    Null: no answer known. Source: Antonakakis et al. 2012, Pleiades.

    >>> pl.DataFrame({"missing": [True, False, None]}).select(failed_domain_share()).item()
    0.5
    """
    return share(pl.col("missing"))


def median_domain_length() -> pl.Expr:
    """Median length of the domains asked for.

    Unit: characters. Type: Float32. Range: 0 or more. Logs: dns. Scope: capture.
    Null: no name known. Source: Antonakakis et al. 2010, Notos.

    >>> pl.DataFrame({"domain": ["a.com", "abc.com"]}).select(median_domain_length()).item()
    6.0
    """
    return pl.col("domain").str.len_chars().median()


def _looks_random() -> pl.Expr:
    label = pl.col("domain").str.extract(r"^([^.]*)")
    size = label.str.len_bytes()
    signs = pl.sum_horizontal(
        digits(label) >= _DIGITS * size, label.str.contains(_CONSONANTS), entropy(label) >= _BITS
    )
    return pl.when(label.is_not_null()).then((size >= _SHORTEST) & (signs >= _SIGNS))
