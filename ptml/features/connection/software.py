"""What was known of the programs of both hosts when a connection ended: software.log, by host and time."""

from __future__ import annotations

import polars as pl

from ptml.features.expressions import BYTE, at_most
from ptml.features.family import family
from ptml.features.software import known_of, software_of


def src_software() -> pl.Expr:
    """Distinct programs known of the originator when the connection ended.

    Unit: programs. Type: UInt8. Range: 1 to 255, where it saturates. Logs: conn, software. Scope: past.
    Null: nothing is known of the host by then. Source: Zeek software.log.

    >>> pl.DataFrame({"names": [2]}).select(src_software()).item()
    2
    """
    return at_most(pl.col("names"), BYTE)


def src_user_agents() -> pl.Expr:
    """Distinct user agents known of the originator when the connection ended.

    Unit: user agents. Type: UInt8. Range: 0 to 255, where it saturates. Logs: conn, software. Scope: past.
    Null: nothing is known of the host by then. Source: Zeek software.log; Grill and Rehak 2014.

    >>> pl.DataFrame({"agents": [300]}).select(src_user_agents()).item()
    255
    """
    return at_most(pl.col("agents"), BYTE)


def src_software_versions() -> pl.Expr:
    """Most versions of one program known of the originator when the connection ended.

    Unit: versions. Type: UInt8. Range: 0 to 255, where it saturates. Logs: conn, software. Scope: past.
    Null: nothing is known of the host by then. Source: Zeek policy/frameworks/software/version-changes.

    A host that seems to run many versions of a browser makes its user agents up, or is several hosts.

    >>> pl.DataFrame({"versions": [3]}).select(src_software_versions()).item()
    3
    """
    return at_most(pl.col("versions"), BYTE)


def src_software_behind() -> pl.Expr:
    """Most major versions by which a program of the originator was behind the newest in the capture by then.

    Unit: versions. Type: UInt8. Range: 0 to 255, where it saturates. Logs: conn, software. Scope: past.
    Null: nothing is known of the host by then. Source: Zeek policy/frameworks/software/vulnerable.

    >>> pl.DataFrame({"behind": [45]}).select(src_software_behind()).item()
    45
    """
    return at_most(pl.col("behind"), BYTE)


def src_software_tool() -> pl.Expr:
    """The originator is known to run a script's library, a download tool or a scanner.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn, software. Scope: past.
    Null: nothing is known of the host by then. Source: Zeek software.log.

    >>> pl.DataFrame({"tool": [True]}).select(src_software_tool()).item()
    True
    """
    return pl.col("tool")


def dst_software() -> pl.Expr:
    """Distinct programs known of the responder when the connection ended.

    Unit: programs. Type: UInt8. Range: 1 to 255, where it saturates. Logs: conn, software. Scope: past.
    Null: nothing is known of the host by then. Source: Zeek software.log.

    >>> pl.DataFrame({"names": [2]}).select(dst_software()).item()
    2
    """
    return at_most(pl.col("names"), BYTE)


def dst_software_on_port() -> pl.Expr:
    """Server software had been seen on this port of the responder when the connection ended.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn, software. Scope: past.
    Null: nothing is known of the host by then. Source: Zeek software.log.

    >>> pl.DataFrame({"on_port": [False]}).select(dst_software_on_port()).item()
    False
    """
    return pl.col("on_port")


SOFTWARE = (
    family(
        "software",
        (
            src_software,
            src_user_agents,
            src_software_versions,
            src_software_behind,
            src_software_tool,
        ),
        software_of("id.orig_h"),
        (),
        together=("capture_id", "id.orig_h"),
        reads=("capture_id", "id.orig_h", "ts", "duration"),
        also=known_of("id.orig_h"),
    ),
    family(
        "software",
        (dst_software, dst_software_on_port),
        software_of("id.resp_h"),
        (),
        together=("capture_id", "id.resp_h"),
        reads=("capture_id", "id.resp_h", "id.resp_p", "ts", "duration"),
        also=known_of("id.resp_h"),
    ),
)
