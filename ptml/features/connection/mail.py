"""How mail was handed on: over a connection's rows of smtp.log."""

from __future__ import annotations

import polars as pl

from ptml.features.connection.rows import rows_of
from ptml.features.expressions import ADDRESS, BYTE, at_most
from ptml.features.family import family

_MAILBOX = r"([^\s<>@\",;]+@[^\s<>@\",;]+?)[>\s,;]*$"


def _mailbox(column: str) -> pl.Expr:
    return pl.col(column).str.tail(_LONGEST).str.extract(_MAILBOX).str.to_lowercase()


_LONGEST = 512  # characters: more than an address may have


def smtp_messages() -> pl.Expr:
    """Messages, or tries at one.

    Unit: messages. Type: UInt8. Range: 1 to 255, where it saturates. Logs: smtp. Scope: connection.
    Null: no row in smtp.log. Source: Zeek smtp.log.

    >>> pl.DataFrame({"subject": ["a", None]}).select(smtp_messages()).item()
    2
    """
    return at_most(pl.len(), BYTE)


def smtp_recipients() -> pl.Expr:
    """Most recipients of one message.

    Unit: recipients. Type: UInt8. Range: 0 to 255, where it saturates. Logs: smtp. Scope: connection.
    Null: no recipient seen. Source: Zeek smtp.log.

    >>> pl.DataFrame({"rcptto": [["a@x.org", "b@x.org"], None]}).select(smtp_recipients()).item()
    2
    """
    return at_most(pl.col("rcptto").list.len().max(), BYTE)


def smtp_sender_differs() -> pl.Expr:
    """The sender in the letter is not the one on the envelope.

    Unit: flag. Type: Boolean. Range: true, false. Logs: smtp. Scope: connection.
    Null: one of them is not seen. Source: RFC 5321; RFC 5322.

    >>> rows = {"from": ["Bank <bank@x.org>"], "mailfrom": ["spam@y.org"]}
    >>> pl.DataFrame(rows).select(smtp_sender_differs()).item()
    True
    """
    return (_mailbox("from") != _mailbox("mailfrom")).max()


def smtp_reply_elsewhere() -> pl.Expr:
    """Answers would go to another address than the sender's.

    Unit: flag. Type: Boolean. Range: true, false. Logs: smtp. Scope: connection.
    Null: no sender or no reply-to. Source: business e-mail compromise, FBI IC3.

    >>> pl.DataFrame({"from": ["A <a@x.org>"], "reply_to": ["a@z.org"]}).select(smtp_reply_elsewhere()).item()
    True
    """
    return (_mailbox("from") != _mailbox("reply_to")).max()


def smtp_parts() -> pl.Expr:
    """Most parts of one message: text, HTML and each attachment are one each.

    Unit: parts. Type: UInt8. Range: 0 to 255, where it saturates. Logs: smtp. Scope: connection.
    Null: no message seen. Source: Zeek smtp.log.

    >>> pl.DataFrame({"fuids": [["Fa", "Fb"], []]}).select(smtp_parts()).item()
    2
    """
    return at_most(pl.col("fuids").list.len().max(), BYTE)


def smtp_tls() -> pl.Expr:
    """The session went on inside TLS.

    Unit: flag. Type: Boolean. Range: true, false. Logs: smtp. Scope: connection.
    Null: unset. Source: RFC 3207.

    >>> pl.DataFrame({"tls": [True]}).select(smtp_tls()).item()
    True
    """
    return pl.col("tls").max()


def smtp_refused() -> pl.Expr:
    """The server's last word was a refusal.

    Unit: flag. Type: Boolean. Range: true, false. Logs: smtp. Scope: connection.
    Null: no answer seen. Source: Zeek smtp.log.

    >>> pl.DataFrame({"last_reply": ["250 ok", "554 blocked"]}).select(smtp_refused()).item()
    True
    """
    return pl.col("last_reply").str.contains("^[45]").max()


def smtp_helo_address() -> pl.Expr:
    """The client greeted with an address, not with a name.

    Unit: flag. Type: Boolean. Range: true, false. Logs: smtp. Scope: connection.
    Null: no greeting seen. Source: RFC 5321, section 4.1.4.

    >>> pl.DataFrame({"helo": ["[192.0.2.7]"]}).select(smtp_helo_address()).item()
    True
    """
    return pl.col("helo").str.contains(ADDRESS).max()


def smtp_hops() -> pl.Expr:
    """Most machines that a message had passed, as it says itself.

    Unit: machines. Type: UInt8. Range: 0 to 255, where it saturates. Logs: smtp. Scope: connection.
    Null: no path seen. Source: Zeek smtp.log.

    >>> pl.DataFrame({"path": [["192.0.2.1", "192.0.2.2"]]}).select(smtp_hops()).item()
    2
    """
    return at_most(pl.col("path").list.len().max(), BYTE)


def smtp_agent_missing() -> pl.Expr:
    """A message does not say which program wrote it.

    Unit: flag. Type: Boolean. Range: true, false. Logs: smtp. Scope: connection.
    Null: no row in smtp.log. Source: Zeek smtp.log.

    >>> pl.DataFrame({"user_agent": ["Outlook 12.0"]}).select(smtp_agent_missing()).item()
    False
    """
    return pl.col("user_agent").is_null().max()


MAIL = family(
    "smtp",
    (
        smtp_messages,
        smtp_recipients,
        smtp_sender_differs,
        smtp_reply_elsewhere,
        smtp_parts,
        smtp_tls,
        smtp_refused,
        smtp_helo_address,
        smtp_hops,
        smtp_agent_missing,
    ),
    rows_of("smtp"),
)
