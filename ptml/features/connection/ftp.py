"""What was done by FTP: over a connection's rows of ftp.log."""

from __future__ import annotations

import polars as pl

from ptml.features.connection.rows import rows_of
from ptml.features.expressions import BYTE, at_most, total
from ptml.features.family import family

UPLOAD = ("STOR", "STOU", "APPE")
ANONYMOUS = ("anonymous", "ftp")
_ERROR = 400


def ftp_commands() -> pl.Expr:
    """Commands that Zeek logs: transfers, deletions and the set-up of data channels.

    Unit: commands. Type: UInt8. Range: 1 to 255, where it saturates. Logs: ftp. Scope: connection.
    Null: no row in ftp.log. Source: Zeek ftp.log.

    >>> pl.DataFrame({"command": ["PASV", "RETR"]}).select(ftp_commands()).item()
    2
    """
    return at_most(pl.len(), BYTE)


def ftp_upload() -> pl.Expr:
    """A file was sent to the server.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ftp. Scope: connection.
    Null: no command known. Source: exfiltration over FTP, MITRE ATT&CK T1048.003.

    >>> pl.DataFrame({"command": ["PASV", "STOR"]}).select(ftp_upload()).item()
    True
    """
    return pl.col("command").str.to_uppercase().is_in(UPLOAD).max()


def ftp_anonymous() -> pl.Expr:
    """The user was anonymous.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ftp. Scope: connection.
    Null: no user seen. Source: RFC 1635.

    >>> pl.DataFrame({"user": ["Anonymous"]}).select(ftp_anonymous()).item()
    True
    """
    return pl.col("user").str.to_lowercase().is_in(ANONYMOUS).max()


def ftp_errors() -> pl.Expr:
    """Commands that the server refused.

    Unit: commands. Type: UInt8. Range: 0 to 255, where it saturates. Logs: ftp. Scope: connection.
    Null: no answer known. Source: password guessing, MITRE ATT&CK T1110.

    >>> pl.DataFrame({"reply_code": [226, 530, None]}).select(ftp_errors()).item()
    1
    """
    code = pl.col("reply_code")
    return pl.when(code.count() > 0).then(at_most((code >= _ERROR).sum(), BYTE))


def ftp_active() -> pl.Expr:
    """The server was to open the data channel to the client.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ftp. Scope: connection.
    Null: no data channel. Source: RFC 959.

    >>> pl.DataFrame({"data_channel.passive": [False, True]}).select(ftp_active()).item()
    True
    """
    return (~pl.col("data_channel.passive")).max()


def ftp_bytes() -> pl.Expr:
    """Bytes of the files, as the server told their sizes.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: ftp. Scope: connection.
    Null: no size told. Source: Zeek ftp.log.

    >>> pl.DataFrame({"file_size": [10, 20, None]}).select(ftp_bytes()).item()
    30
    """
    return total("file_size")


FTP = family(
    "ftp",
    (
        ftp_commands,
        ftp_upload,
        ftp_anonymous,
        ftp_errors,
        ftp_active,
        ftp_bytes,
    ),
    rows_of("ftp"),
)
