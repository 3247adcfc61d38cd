"""What was done on Windows shares: over a connection's rows of smb_files.log and smb_mapping.log."""

from __future__ import annotations

import polars as pl

from ptml.features.connection.rows import rows_of
from ptml.features.expressions import BYTE, SHORT, at_most, distinct
from ptml.features.family import family

PROGRAM = r"(?i)\.(exe|dll|sys|scr|com|pif|cpl|msi|bat|cmd|ps1|vbs|vbe|js|jse|wsf|hta|lnk)$"
ADMIN_SHARE = r"(?i)\\(admin|[a-z])\$$"
"""Shares of whole drives and of the Windows folder, which only administrators may open."""

PIPE = r"(?i)\\ipc\$$"
_NAMED_BY_ADDRESS = r"^\\+[0-9]{1,3}(\.[0-9]{1,3}){3}\\"
_CHANGES = r"DELETE|RENAME"


def smb_files() -> pl.Expr:
    """Different names of files and folders that were touched.

    Unit: names. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: smb_files. Scope: connection.
    Null: no row in smb_files.log. Source: Zeek smb_files.log.

    >>> pl.DataFrame({"name": ["a.txt", "b.txt", "a.txt"]}).select(smb_files()).item()
    2
    """
    return at_most(distinct(pl.col("name")), SHORT)


def smb_changes() -> pl.Expr:
    """Deletions and changes of name: ransomware makes many.

    Unit: actions. Type: UInt8. Range: 0 to 255, where it saturates. Logs: smb_files. Scope: connection.
    Null: no action known. Source: ransomware, MITRE ATT&CK T1486.

    >>> pl.DataFrame({"action": ["SMB::FILE_OPEN", "SMB::FILE_RENAME"]}).select(smb_changes()).item()
    1
    """
    action = pl.col("action")
    return pl.when(action.count() > 0).then(at_most(action.str.contains(_CHANGES).sum(), BYTE))


def smb_programs() -> pl.Expr:
    r"""Different names of programs and scripts that were touched.

    Unit: names. Type: UInt8. Range: 0 to 255, where it saturates. Logs: smb_files. Scope: connection.
    Null: no row in smb_files.log. Source: lateral tool transfer, MITRE ATT&CK T1570.

    >>> pl.DataFrame({"name": ["Windows\\PSEXESVC.exe", "a.txt"]}).select(smb_programs()).item()
    1
    """
    name = pl.col("name")
    return at_most(distinct(name.filter(name.str.contains(PROGRAM))), BYTE)


def smb_admin_file() -> pl.Expr:
    r"""A file on an administrators' share was touched.

    Unit: flag. Type: Boolean. Range: true, false. Logs: smb_files. Scope: connection.
    Null: no share known. Source: MITRE ATT&CK T1021.002.

    >>> pl.DataFrame({"path": ["\\\\HOST\\ADMIN$"]}).select(smb_admin_file()).item()
    True
    """
    return pl.col("path").str.contains(ADMIN_SHARE).max()


def smb_shares() -> pl.Expr:
    """Different shares that were opened.

    Unit: shares. Type: UInt8. Range: 0 to 255, where it saturates. Logs: smb_mapping. Scope: connection.
    Null: no row in smb_mapping.log. Source: network share discovery, MITRE ATT&CK T1135.

    >>> pl.DataFrame({"path": ["a", "b", "a"]}).select(smb_shares()).item()
    2
    """
    return at_most(distinct(pl.col("path").str.to_lowercase()), BYTE)


def smb_admin_share() -> pl.Expr:
    r"""An administrators' share was opened.

    Unit: flag. Type: Boolean. Range: true, false. Logs: smb_mapping. Scope: connection.
    Null: no path known. Source: MITRE ATT&CK T1021.002.

    >>> pl.DataFrame({"path": ["\\\\HOST\\C$"]}).select(smb_admin_share()).item()
    True
    """
    return pl.col("path").str.contains(ADMIN_SHARE).max()


def smb_pipe_share() -> pl.Expr:
    r"""The share for named pipes was opened: remote procedure calls go through it.

    Unit: flag. Type: Boolean. Range: true, false. Logs: smb_mapping. Scope: connection.
    Null: no path known. Source: MITRE ATT&CK T1021.002.

    >>> pl.DataFrame({"path": ["\\\\HOST\\IPC$"]}).select(smb_pipe_share()).item()
    True
    """
    return pl.col("path").str.contains(PIPE).max()


def smb_by_address() -> pl.Expr:
    r"""A share was named by the server's address: tools do that, people seldom.

    Unit: flag. Type: Boolean. Range: true, false. Logs: smb_mapping. Scope: connection.
    Null: no path known. Source: Zeek smb_mapping.log.

    >>> pl.DataFrame({"path": ["\\\\192.0.2.9\\data"]}).select(smb_by_address()).item()
    True
    """
    return pl.col("path").str.contains(_NAMED_BY_ADDRESS).max()


SMB_FILES = family(
    "smb",
    (
        smb_files,
        smb_changes,
        smb_programs,
        smb_admin_file,
    ),
    rows_of("smb_files"),
)
SMB_SHARES = family(
    "smb",
    (
        smb_shares,
        smb_admin_share,
        smb_pipe_share,
        smb_by_address,
    ),
    rows_of("smb_mapping"),
)
