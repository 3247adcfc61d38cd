"""What was asked of a directory: over a connection's rows of ldap.log and ldap_search.log."""

from __future__ import annotations

import polars as pl

from ptml.features.connection.rows import rows_of
from ptml.features.expressions import BYTE, SHORT, at_most
from ptml.features.family import family

_SUCCESS = ("success", "sasl bind in progress", "referral")


def ldap_messages() -> pl.Expr:
    """Messages that are no searches.

    Unit: messages. Type: UInt8. Range: 1 to 255, where it saturates. Logs: ldap. Scope: connection.
    Null: no row in ldap.log. Source: Zeek ldap.log.

    >>> pl.DataFrame({"opcode": ["bind simple", "unbind"]}).select(ldap_messages()).item()
    2
    """
    return at_most(pl.len(), BYTE)


def ldap_simple_bind() -> pl.Expr:
    """A password was sent as it is.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ldap. Scope: connection.
    Null: no kind of message known. Source: RFC 4513, section 5.1.

    >>> pl.DataFrame({"opcode": ["bind simple"]}).select(ldap_simple_bind()).item()
    True
    """
    return pl.col("opcode").str.contains("(?i)bind simple").max()


def ldap_refused() -> pl.Expr:
    """A message was refused.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ldap. Scope: connection.
    Null: no outcome known. Source: password guessing, MITRE ATT&CK T1110.

    >>> pl.DataFrame({"result": ["success", "invalid credentials"]}).select(ldap_refused()).item()
    True
    """
    return (~pl.col("result").str.to_lowercase().is_in(_SUCCESS)).max()


def ldap_searches() -> pl.Expr:
    """Searches.

    Unit: searches. Type: UInt8. Range: 1 to 255, where it saturates. Logs: ldap_search. Scope: connection.
    Null: no row in ldap_search.log. Source: Zeek ldap_search.log.

    >>> pl.DataFrame({"scope": ["base", "tree"]}).select(ldap_searches()).item()
    2
    """
    return at_most(pl.len(), BYTE)


def ldap_results() -> pl.Expr:
    """Most entries that one search found.

    Unit: entries. Type: UInt16. Range: 0 to 65535, where it saturates. Logs: ldap_search. Scope:
    connection.
    Null: no count known. Source: BloodHound, MITRE ATT&CK T1087.002.

    >>> pl.DataFrame({"result_count": [1, 400]}).select(ldap_results()).item()
    400
    """
    return at_most(pl.col("result_count").max(), SHORT)


def ldap_whole_tree() -> pl.Expr:
    """A search went through a whole tree.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ldap_search. Scope: connection.
    Null: no scope known. Source: BloodHound, MITRE ATT&CK T1087.002.

    >>> pl.DataFrame({"scope": ["base", "tree"]}).select(ldap_whole_tree()).item()
    True
    """
    return pl.col("scope").is_in(["tree", "subtree"]).max()


def ldap_service_accounts() -> pl.Expr:
    """A search looked for accounts with services, as Kerberoasting does first.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ldap_search. Scope: connection.
    Null: no filter known. Source: MITRE ATT&CK T1558.003.

    >>> pl.DataFrame({"filter": ["(servicePrincipalName=*)"]}).select(ldap_service_accounts()).item()
    True
    """
    return pl.col("filter").str.contains("(?i)servicePrincipalName").max()


LDAP = family(
    "ldap",
    (
        ldap_messages,
        ldap_simple_bind,
        ldap_refused,
    ),
    rows_of("ldap"),
)
LDAP_SEARCH = family(
    "ldap",
    (
        ldap_searches,
        ldap_results,
        ldap_whole_tree,
        ldap_service_accounts,
    ),
    rows_of("ldap_search"),
)
