"""How Windows machines and users logged on: over a connection's rows of kerberos.log and ntlm.log."""

from __future__ import annotations

import polars as pl

from ptml.features.connection.rows import rows_of
from ptml.features.expressions import BYTE, at_most, distinct
from ptml.features.family import family

_UNKNOWN_NAME = "KDC_ERR_C_PRINCIPAL_UNKNOWN"


def kerberos_failures() -> pl.Expr:
    """Requests that were refused.

    Unit: requests. Type: UInt8. Range: 0 to 255, where it saturates. Logs: kerberos. Scope: connection.
    Null: no outcome known. Source: MITRE ATT&CK T1110.003.

    >>> pl.DataFrame({"success": [True, False, None]}).select(kerberos_failures()).item()
    1
    """
    success = pl.col("success")
    return pl.when(success.count() > 0).then(at_most((~success).sum(), BYTE))


def kerberos_logon() -> pl.Expr:
    """A user or machine logged on: the first ticket was asked for, not one for a service.

    Unit: flag. Type: Boolean. Range: true, false. Logs: kerberos. Scope: connection.
    Null: no kind of request known. Source: RFC 4120, section 3.1.

    >>> pl.DataFrame({"request_type": ["TGS"]}).select(kerberos_logon()).item()
    False
    """
    return (pl.col("request_type") == "AS").max()


def kerberos_services() -> pl.Expr:
    """Different services for which tickets were asked.

    Unit: services. Type: UInt8. Range: 0 to 255, where it saturates. Logs: kerberos. Scope: connection.
    Null: no row in kerberos.log. Source: Kerberoasting, MITRE ATT&CK T1558.003.

    >>> pl.DataFrame({"service": ["cifs/A", "cifs/B", "cifs/A"]}).select(kerberos_services()).item()
    2
    """
    return at_most(distinct(pl.col("service")), BYTE)


def kerberos_rc4() -> pl.Expr:
    """A ticket is enciphered by RC4, whose key can be guessed offline.

    Unit: flag. Type: Boolean. Range: true, false. Logs: kerberos. Scope: connection.
    Null: no cipher known. Source: Kerberoasting, MITRE ATT&CK T1558.003.

    >>> pl.DataFrame({"cipher": ["rc4-hmac", None]}).select(kerberos_rc4()).item()
    True
    """
    return pl.col("cipher").str.contains("(?i)rc4").max()


def kerberos_unknown_name() -> pl.Expr:
    """A name was asked for that the domain does not have.

    Unit: flag. Type: Boolean. Range: true, false. Logs: kerberos. Scope: connection.
    Null: no error. Source: MITRE ATT&CK T1087.002.

    >>> pl.DataFrame({"error_msg": ["KDC_ERR_PREAUTH_REQUIRED"]}).select(kerberos_unknown_name()).item()
    False
    """
    return (pl.col("error_msg") == _UNKNOWN_NAME).max()


def ntlm_success() -> pl.Expr:
    """A logon worked.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ntlm. Scope: connection.
    Null: no outcome known. Source: Zeek ntlm.log.

    >>> pl.DataFrame({"success": [False, True]}).select(ntlm_success()).item()
    True
    """
    return pl.col("success").max()


def ntlm_anonymous() -> pl.Expr:
    """A logon named no user.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ntlm. Scope: connection.
    Null: no row in ntlm.log. Source: null sessions, MITRE ATT&CK T1087.

    >>> pl.DataFrame({"username": [None]}).select(ntlm_anonymous()).item()
    True
    """
    return pl.col("username").is_null().max()


def ntlm_local_account() -> pl.Expr:
    """The account is of the client machine itself, not of the domain.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ntlm. Scope: connection.
    Null: the domain or the machine is not named. Source: MITRE ATT&CK T1550.002.

    >>> pl.DataFrame({"domainname": ["WIN10"], "hostname": ["win10"]}).select(ntlm_local_account()).item()
    True
    """
    domain, host = (pl.col(name).str.to_lowercase() for name in ("domainname", "hostname"))
    return (domain == host).max()


KERBEROS = family(
    "kerberos",
    (
        kerberos_failures,
        kerberos_logon,
        kerberos_services,
        kerberos_rc4,
        kerberos_unknown_name,
    ),
    rows_of("kerberos"),
)
NTLM = family(
    "ntlm",
    (
        ntlm_success,
        ntlm_anonymous,
        ntlm_local_account,
    ),
    rows_of("ntlm"),
)
