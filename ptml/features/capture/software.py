"""Which programs the hosts of a capture run: over hosts in software.log."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import share
from ptml.features.family import Logs, family
from ptml.features.software import VERSION, known_by_time, software_rows


def by_host(logs: Logs) -> pl.LazyFrame | None:
    """Hosts, each with what is known of it in the end (see :func:`ptml.features.software.known_by_time`).

    >>> by_host({}) is None
    True
    """
    rows = software_rows(logs)
    return None if rows is None else known_by_time(rows).group_by("capture_id", "host").agg(pl.all().max())


def software_hosts() -> pl.Expr:
    """Hosts of which a program is known.

    Unit: hosts. Type: UInt32. Range: 1 or more. Logs: software. Scope: capture.
    Null: no row in software.log. Source: Zeek software.log.

    >>> pl.DataFrame({"names": [2, 1]}).select(software_hosts()).item()
    2
    """
    return pl.len()


def most_user_agents_of_a_host() -> pl.Expr:
    """Most user agents known of one host.

    Unit: user agents. Type: UInt32. Range: 0 or more. Logs: software. Scope: capture.
    Null: no row in software.log. Source: Zeek software.log; Grill and Rehak 2014.

    >>> pl.DataFrame({"agents": [0, 4]}).select(most_user_agents_of_a_host()).item()
    4
    """
    return pl.col("agents").max()


def most_versions_of_a_program() -> pl.Expr:
    """Most versions of one program known of one host.

    Unit: versions. Type: UInt32. Range: 0 or more. Logs: software. Scope: capture.
    Null: no row in software.log. Source: Zeek policy/frameworks/software/version-changes.

    >>> pl.DataFrame({"versions": [1, 3]}).select(most_versions_of_a_program()).item()
    3
    """
    return pl.col("versions").max()


def software_tool_share() -> pl.Expr:
    """Share of the hosts with a known program that run a script's library, a download tool or a scanner.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: software. Scope: capture.
    Null: no row in software.log. Source: Zeek software.log.

    >>> pl.DataFrame({"tool": [True, False]}).select(software_tool_share()).item()
    0.5
    """
    return share(pl.col("tool"))


def software_names() -> pl.Expr:
    """Distinct programs known of any host.

    Unit: programs. Type: UInt32. Range: 1 or more. Logs: software. Scope: capture.
    Null: no row in software.log. Source: Zeek software.log.

    >>> pl.DataFrame({"name": ["curl", "curl", "nginx"]}).select(software_names()).item()
    2
    """
    return pl.col("name").n_unique()


def software_without_version_share() -> pl.Expr:
    """Share of the rows of software.log from which Zeek could read no version.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: software. Scope: capture.
    Null: no row in software.log. Source: Zeek software.log.

    >>> unknown = dict.fromkeys(VERSION[1:])
    >>> pl.DataFrame({"version.major": [8, None], **unknown}).select(software_without_version_share()).item()
    0.5
    """
    return share(pl.all_horizontal(pl.col(name).is_null() for name in VERSION))


_KEY = ("capture_id",)
CAPTURE_SOFTWARE = (
    family(
        "software",
        (
            software_hosts,
            most_user_agents_of_a_host,
            most_versions_of_a_program,
            software_tool_share,
        ),
        by_host,
        _KEY,
        condensed=True,
    ),
    family("software", (software_names, software_without_version_share), software_rows, _KEY),
)
