"""What software.log has told of a host by the time that a connection of it ends.

Zeek writes a row when it first sees a program on a host, and when its version changes. The row names the host
and no connection, so it is joined by host and time: a row counts for connections that end when it was written
or later. By default Zeek keeps such a list of the site's own hosts only, so nothing is known of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.inputs import COLUMNS
from ptml.features.moment.columns import end

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptml.features.family import Logs

BROWSER, SERVER = "HTTP::BROWSER", "SERVER$"
TOOL = (
    r"(?i)^(curl|wget|python|go-http|java\b|libwww|lwp|okhttp|apache-httpclient|powershell|windowspowershell"
    r"|winhttp|php|ruby|axios|node-fetch|nmap|nessus|openvas|nikto|sqlmap|masscan|zgrab|zmap|hydra|medusa"
    r"|dirbuster|gobuster|wpscan|nuclei|libssh|paramiko|jsch|ncrack|metasploit|winrm)"
)
"""Programs, libraries and scanners that scripts use where people use a browser."""
VERSION = ("version.major", "version.minor", "version.minor2", "version.minor3")
KNOWN = ("names", "agents", "versions", "behind", "tool")
"""What is known of a host at a time; none of it ever falls."""


def software_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of software.log that name a host, a time and a program; columns that the log lacks are null.

    >>> software_rows({}) is None
    True
    """
    if "software" not in logs:
        return None
    present = logs["software"].collect_schema().names()
    if not {"ts", "host", "name"} <= set(present):
        return None
    lacking = [
        pl.lit(None, dtype).alias(name) for name, dtype in COLUMNS["software"].items() if name not in present
    ]
    return logs["software"].with_columns(lacking).drop_nulls(["ts", "host", "name"])


def known_by_time(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Tell for each host and each time of a row of it what was known from then on (``at``, microseconds).

    Args:
        rows: As :func:`software_rows` gives them.

    >>> from datetime import datetime
    >>> software = pl.LazyFrame({"capture_id": "c1", "ts": [datetime(2026, 1, 1, hour) for hour in (1, 2, 3)],
    ...     "host": "10.0.0.5", "name": ["Firefox", "curl", "Firefox"], "version.major": [90, 8, 45]})
    >>> known = known_by_time(software_rows({"software": software}))
    >>> known.select("names", "versions", "behind", "tool").collect().rows()
    [(1, 1, 0, False), (2, 1, 0, True), (2, 2, 45, True)]
    """
    program = ("capture_id", "host", "name")
    ordered = rows.with_columns(
        at=pl.col("ts").dt.epoch("us"),
        agent=pl.when(pl.col("software_type") == BROWSER).then("unparsed_version"),
    ).sort("at", "capture_id", "host", "name", *VERSION, "agent")
    # The newest version is that of all hosts of the capture, rows of the same instant included.
    newest = pl.col("version.major").cum_max().over("capture_id", "name")
    ordered = ordered.with_columns(newest=newest).with_columns(
        newest=pl.col("newest").max().over("capture_id", "name", "at")
    )
    versioned = pl.any_horizontal(pl.col(VERSION).is_not_null())
    first = {
        "names": pl.struct(program).is_first_distinct(),
        "agents": pl.struct("capture_id", "host", "agent").is_first_distinct()
        & pl.col("agent").is_not_null(),
        "versions": pl.struct(*program, *VERSION).is_first_distinct() & versioned,
    }
    host = ("capture_id", "host")
    counted = ordered.with_columns(**first).with_columns(
        names=pl.col("names").cum_sum().over(host),
        agents=pl.col("agents").cum_sum().over(host),
        versions=pl.col("versions").cum_sum().over(program),
        behind=pl.col("newest") - pl.col("version.major"),
        tool=pl.col("name").str.contains(TOOL),
    )
    running = (pl.col("versions", "behind").fill_null(0).cum_max().over(host),)
    return (
        counted.with_columns(*running, pl.col("tool").cast(pl.UInt8).cum_max().over(host))
        .group_by(*host, "at")
        .agg(pl.col(KNOWN).max())
        .with_columns(pl.col("tool").cast(pl.Boolean))
        .sort(*host, "at")
    )


def known_of(side: str) -> Callable[[Logs], dict[str, pl.LazyFrame]]:
    """Make the function that gives a family what is known of the hosts on one side of its connections.

    Args:
        side: ``id.orig_h`` or ``id.resp_h``.

    Returns:
        The table ``programs`` (see :func:`known_by_time`), and ``servers`` with the first time that server
        software was seen on a port; the host is named like the side. Nothing without a software.log.

    >>> known_of("id.orig_h")({})
    {}
    """

    def tables(logs: Logs) -> dict[str, pl.LazyFrame]:
        rows = software_rows(logs)
        if rows is None:
            return {}
        servers = rows.filter(pl.col("software_type").str.contains(SERVER)).drop_nulls("host_p")
        first = servers.group_by("capture_id", "host", "host_p").agg(
            pl.col("ts").dt.epoch("us").min().alias("at")
        )
        return {
            "programs": known_by_time(rows).rename({"host": side}),
            "servers": first.rename({"host": side}),
        }

    return tables


def software_of(side: str) -> Callable[[Logs], pl.LazyFrame | None]:
    """Make the function that tells of each connection what is known of the host on one side when it ends.

    Args:
        side: ``id.orig_h`` or ``id.resp_h``.

    Returns:
        One row for each of conn's, in its order: :data:`KNOWN`, and whether server software was seen
        ``on_port``; all null where nothing is known of the host by then.

    >>> software_of("id.orig_h")({"conn": pl.LazyFrame()}) is None
    True
    """
    keys = ("capture_id", side)

    def columns(logs: Logs) -> pl.LazyFrame | None:
        if "programs" not in logs:
            return None
        conn = logs["conn"]
        present = conn.collect_schema().names()
        port = [name for name in ("id.resp_p",) if name in present]
        rows = conn.select(*_no_null(*keys), *port, end(present).alias("end")).with_row_index("row")
        known = logs["programs"].with_columns(_no_null(*keys)).sort("at")
        found = rows.sort("end", "row").join_asof(
            known, left_on="end", right_on="at", by=keys, strategy="backward", check_sortedness=False
        )
        if port:
            servers = (
                logs["servers"].with_columns(_no_null(*keys)).rename({"host_p": "id.resp_p", "at": "served"})
            )
            found = found.join(servers, on=[*keys, "id.resp_p"], how="left")
            on_port = pl.when(pl.col("at").is_not_null()).then(
                (pl.col("served") <= pl.col("end")).fill_null(False)
            )
            found = found.with_columns(on_port=on_port)
        return found.sort("row").select(*KNOWN, *(["on_port"] if port else []))

    return columns


def _no_null(capture: str, host: str) -> list[pl.Expr]:
    """Joins by time do not match nulls: a table without captures is one capture; no host is no row's."""
    return [pl.col(capture).fill_null(""), pl.col(host)]
