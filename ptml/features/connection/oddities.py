"""What Zeek found odd or worth a note: over a connection's rows of weird.log and notice.log."""

from __future__ import annotations

import polars as pl

from ptml.features.connection.rows import rows_of
from ptml.features.expressions import BYTE, SHORT, at_most
from ptml.features.family import family

CHECKSUM = "(?i)checksum"
STREAM = (
    "data_before_established|above_hole|active_connection_reuse|possible_split_routing|window_recision"
    "|SYN_|FIN_|RST_"
)
GUESSING = r"Password_Guessing|Bruteforc|Login_By_Password_Guesser"


def weird_count() -> pl.Expr:
    """Oddities.

    Unit: oddities. Type: UInt16. Range: 1 to 65535, where it saturates. Logs: weird. Scope: connection.
    Null: no row in weird.log. Source: Zeek weird.log.

    >>> pl.DataFrame({"name": ["a", "a"]}).select(weird_count()).item()
    2
    """
    return at_most(pl.len(), SHORT)


def weird_checksum() -> pl.Expr:
    """A checksum was wrong: often the sensor's own network card.

    Unit: flag. Type: Boolean. Range: true, false. Logs: weird. Scope: connection.
    Null: no kind known. Source: Zeek weird.log.

    >>> pl.DataFrame({"name": ["bad_UDP_checksum"]}).select(weird_checksum()).item()
    True
    """
    return pl.col("name").str.contains(CHECKSUM).max()


def weird_stream() -> pl.Expr:
    """Packets of TCP came in an order that its rules do not know.

    Unit: flag. Type: Boolean. Range: true, false. Logs: weird. Scope: connection.
    Null: no kind known. Source: Zeek weird.log.

    >>> pl.DataFrame({"name": ["data_before_established"]}).select(weird_stream()).item()
    True
    """
    return pl.col("name").str.contains(STREAM).max()


def weird_dns() -> pl.Expr:
    """A message of the domain name system was malformed.

    Unit: flag. Type: Boolean. Range: true, false. Logs: weird. Scope: connection.
    Null: no kind known. Source: Zeek weird.log.

    >>> pl.DataFrame({"name": ["DNS_Conn_count_too_large"]}).select(weird_dns()).item()
    True
    """
    return pl.col("name").str.contains("(?i)^dns_").max()


def weird_http() -> pl.Expr:
    """Something that looked like HTTP broke its rules.

    Unit: flag. Type: Boolean. Range: true, false. Logs: weird. Scope: connection.
    Null: no kind known. Source: Zeek weird.log.

    >>> pl.DataFrame({"name": ["bad_HTTP_request"]}).select(weird_http()).item()
    True
    """
    return pl.col("name").str.contains("(?i)http").max()


def notice_count() -> pl.Expr:
    """Notes.

    Unit: notes. Type: UInt8. Range: 1 to 255, where it saturates. Logs: notice. Scope: connection.
    Null: no row in notice.log. Source: Zeek notice.log.

    >>> pl.DataFrame({"note": ["a", "a"]}).select(notice_count()).item()
    2
    """
    return at_most(pl.len(), BYTE)


def notice_certificate() -> pl.Expr:
    """A note on a certificate or on weak TLS.

    Unit: flag. Type: Boolean. Range: true, false. Logs: notice. Scope: connection.
    Null: no kind known. Source: Zeek notice.log.

    >>> pl.DataFrame({"note": ["SSL::Invalid_Server_Cert"]}).select(notice_certificate()).item()
    True
    """
    return pl.col("note").str.contains("^SSL::|^Heartbleed").max()


def notice_malware() -> pl.Expr:
    """A note that a file is known as malicious.

    Unit: flag. Type: Boolean. Range: true, false. Logs: notice. Scope: connection.
    Null: no kind known. Source: Team Cymru malware hash registry.

    >>> pl.DataFrame({"note": ["TeamCymruMalwareHashRegistry::Match"]}).select(notice_malware()).item()
    True
    """
    return pl.col("note").str.contains("(?i)malware").max()


def notice_scan() -> pl.Expr:
    """A note on a scan.

    Unit: flag. Type: Boolean. Range: true, false. Logs: notice. Scope: connection.
    Null: no kind known. Source: Zeek notice.log.

    >>> pl.DataFrame({"note": ["Scan::Port_Scan"]}).select(notice_scan()).item()
    True
    """
    return pl.col("note").str.contains("(?i)scan").max()


def notice_guessing() -> pl.Expr:
    """A note on guessed passwords.

    Unit: flag. Type: Boolean. Range: true, false. Logs: notice. Scope: connection.
    Null: no kind known. Source: Zeek notice.log.

    >>> pl.DataFrame({"note": ["SSH::Password_Guessing"]}).select(notice_guessing()).item()
    True
    """
    return pl.col("note").str.contains(GUESSING).max()


WEIRD = family(
    "weird",
    (
        weird_count,
        weird_checksum,
        weird_stream,
        weird_dns,
        weird_http,
    ),
    rows_of("weird"),
)
NOTICE = family(
    "notice",
    (
        notice_count,
        notice_certificate,
        notice_malware,
        notice_scan,
        notice_guessing,
    ),
    rows_of("notice"),
)
