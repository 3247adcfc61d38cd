"""What a connection spoke, and whether on the port where it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.features.expressions import BYTE
from ptml.features.family import family

if TYPE_CHECKING:
    from collections.abc import Callable

PROTOCOLS = ("tcp", "udp", "icmp")
_PROTOCOLS = pl.Enum([*PROTOCOLS, "other"])
_PORT_CLASSES = pl.Enum(["well_known", "registered", "dynamic"])
_LAST_WELL_KNOWN = 1023
_LAST_REGISTERED = 49151
USUAL_PORTS: dict[str, tuple[int, ...]] = {
    "dce_rpc": (135, 445),
    "dhcp": (67, 68),
    "dns": (53, 5353, 5355, 137),
    "ftp": (21,),
    "gssapi": (88, 389, 445),
    "http": (80, 8080, 8000, 3128, 5985),
    "imap": (143,),
    "irc": (6667, 6666, 6668, 6669),
    "krb": (88,),
    "krb_tcp": (88,),
    "ldap_tcp": (389, 3268),
    "ldap_udp": (389,),
    "mysql": (3306,),
    "ntlm": (139, 445),
    "ntp": (123,),
    "pop3": (110,),
    "postgresql": (5432,),
    "quic": (443,),
    "radius": (1812, 1813),
    "rdp": (3389,),
    "sip": (5060,),
    "smb": (139, 445),
    "smtp": (25, 587),
    "snmp": (161, 162),
    "socks": (1080,),
    "ssh": (22,),
    "ssl": (443, 465, 636, 853, 993, 995, 8443),
    "syslog": (514,),
}
"""Zeek's services that stand for themselves, with the ports where each is at home (IANA and common use)."""

_PORTS = 2**16
_OTHER = "other"
_SERVICES = pl.Enum([*USUAL_PORTS, _OTHER])
_NUMBERS = {name: number for number, name in enumerate(USUAL_PORTS)}
_AT_HOME = [_NUMBERS[name] * _PORTS + port for name, ports in USUAL_PORTS.items() for port in ports]
"""Each service with each of its ports as one number, which is looked up faster than both."""


def proto() -> pl.Expr:
    """Transport protocol.

    Unit: category. Type: Enum. Range: tcp, udp, icmp, other. Logs: conn. Scope: connection.
    Null: unset. Source: Zeek conn.log.

    >>> pl.DataFrame({"proto": ["tcp", "unknown_transport", None]}).select(proto()).to_series().to_list()
    ['tcp', 'other', None]
    """
    value, other = pl.col("proto"), pl.lit(_OTHER, _PROTOCOLS)
    return value.cast(_PROTOCOLS, strict=False).fill_null(pl.when(value.is_not_null()).then(other))


def service() -> pl.Expr:
    """Application protocol that Zeek recognised; of several the alphabetically first, failed ones left out.

    Unit: category. Type: Enum. Logs: conn. Scope: connection.
    Range: dce_rpc, dhcp, dns, ftp, gssapi, http, imap, irc, krb, krb_tcp, ldap_tcp, ldap_udp, mysql, ntlm,
    ntp, pop3, postgresql, quic, radius, rdp, sip, smb, smtp, snmp, socks, ssh, ssl, syslog, other.
    Null: none recognised. Source: Zeek dynamic protocol detection, Dreger et al. 2006.

    >>> conns = pl.DataFrame({"service": ["ssl,http", "-ssl", "-ssl,http", "modbus", None]})
    >>> conns.select(service()).to_series().to_list()
    ['http', None, 'http', 'other', None]
    >>> unset = pl.DataFrame({"service": [None, None]}, {"service": pl.String})
    >>> unset.select(service()).to_series().to_list(), unset.head(0).select(service()).height
    ([None, None], 0)
    """
    return _of_each(_first, _SERVICES)


def service_count() -> pl.Expr:
    """Application protocols that Zeek recognised in the connection, failed ones left out.

    Unit: protocols. Type: UInt8. Range: 1 or more. Logs: conn. Scope: connection.
    Null: none recognised. Source: Zeek dynamic protocol detection, Dreger et al. 2006.

    >>> conns = pl.DataFrame({"service": ["gssapi,smb,dce_rpc", "-ssl", None]})
    >>> conns.select(service_count()).to_series().to_list()
    [3, None, None]
    """
    return _of_each(_count, pl.UInt8())


def well_known_port() -> pl.Expr:
    """The responder's port, if it is a well-known one.

    Unit: port number. Type: UInt16. Range: 0 to 1023. Logs: conn. Scope: connection.
    Null: unset, ICMP (whose "port" is a code), or above 1023: such a port names a laboratory's set-up.
    Source: IANA; RFC 6335.

    >>> conns = pl.DataFrame({"proto": ["tcp", "tcp", "icmp"], "id.resp_p": [443, 8443, 3]})
    >>> conns.select(well_known_port()).to_series().to_list()
    [443, None, None]
    """
    port = pl.col("id.resp_p")
    return pl.when((port <= _LAST_WELL_KNOWN) & (pl.col("proto") != "icmp")).then(port)


def resp_port_class() -> pl.Expr:
    """Range of the responder's port.

    Unit: category. Type: Enum. Range: well_known, registered, dynamic. Logs: conn. Scope: connection.
    Null: unset or ICMP. Source: IANA; RFC 6335.

    >>> conns = pl.DataFrame({"proto": ["tcp", "udp", "tcp", "icmp"], "id.resp_p": [80, 8080, 50000, 0]})
    >>> conns.select(resp_port_class()).to_series().to_list()
    ['well_known', 'registered', 'dynamic', None]
    """
    port = pl.when(pl.col("proto") != "icmp").then(pl.col("id.resp_p"))
    return (
        pl.when(port <= _LAST_WELL_KNOWN)
        .then(pl.lit("well_known", _PORT_CLASSES))
        .when(port <= _LAST_REGISTERED)
        .then(pl.lit("registered", _PORT_CLASSES))
        .when(port.is_not_null())
        .then(pl.lit("dynamic", _PORT_CLASSES))
    )


def orig_port_well_known() -> pl.Expr:
    """The originator came from a well-known port, as servers, relays and crafted packets do.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: unset or ICMP. Source: IANA; RFC 6335.

    >>> conns = pl.DataFrame({"proto": ["udp", "tcp", "icmp"], "id.orig_p": [123, 50000, 8]})
    >>> conns.select(orig_port_well_known()).to_series().to_list()
    [True, False, None]
    """
    return pl.when(pl.col("proto") != "icmp").then(pl.col("id.orig_p") <= _LAST_WELL_KNOWN)


def service_on_usual_port() -> pl.Expr:
    """The recognised service runs on a port where it is at home.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: no service of the list was recognised, or the port is unset. Source: Zeek dynamic protocol
    detection, Dreger et al. 2006; MITRE ATT&CK T1571.

    >>> conns = pl.DataFrame({"service": ["http", "http", None], "id.resp_p": [80, 4444, 80]})
    >>> conns.select(service_on_usual_port()).to_series().to_list()
    [True, False, None]
    """
    first = _of_each(_first, _SERVICES)
    number = pl.when(first != _OTHER).then(first.to_physical().cast(pl.UInt32))
    return (number * _PORTS + pl.col("id.resp_p")).is_in(_AT_HOME)


def unrecognised_on_well_known_port() -> pl.Expr:
    """Payload flowed to a well-known port, yet Zeek recognised no protocol.

    Unit: flag. Type: Boolean. Range: true, false. Logs: conn. Scope: connection.
    Null: not a TCP or UDP port below 1024, or payload from the originator unknown or none. Source: Zeek
    dynamic protocol detection, Dreger et al. 2006.

    >>> conns = pl.DataFrame(
    ...     {
    ...         "proto": ["tcp", "tcp", "tcp"],
    ...         "id.resp_p": [443, 443, 4444],
    ...         "service": [None, "ssl", None],
    ...         "orig_bytes": [9, 9, 9],
    ...     }
    ... )
    >>> conns.select(unrecognised_on_well_known_port()).to_series().to_list()
    [True, False, None]
    """
    has_port = pl.col("proto").is_in(["tcp", "udp"]) & (pl.col("id.resp_p") <= _LAST_WELL_KNOWN)
    return pl.when(has_port & (pl.col("orig_bytes") > 0)).then(pl.col("service").is_null())


def _of_each(make: Callable[[list[str]], object], dtype: pl.DataType) -> pl.Expr:
    """Make something of the services of each connection; few sets are distinct, so each is taken apart once.

    The set has no order of its own, so the alphabet gives one; a leading '-' marks a failed analyzer.
    """

    def of_each(services: pl.Series) -> pl.Series:
        distinct = services.drop_nulls().unique().to_list()
        found = [
            make(sorted(name for name in text.split(",") if name and not name.startswith("-")))
            for text in distinct
        ]
        if not distinct:
            return pl.Series(services.name, [None], dtype).new_from_index(0, len(services))
        return services.replace_strict(distinct, pl.Series(found, dtype=dtype), return_dtype=dtype)

    return pl.col("service").map_batches(of_each, return_dtype=dtype, is_elementwise=True)


def _first(names: list[str]) -> str | None:
    if not names:
        return None
    return names[0] if names[0] in USUAL_PORTS else _OTHER


def _count(names: list[str]) -> int | None:
    return min(len(names), BYTE) or None


SERVICE = family(
    "service",
    (
        proto,
        service,
        service_count,
        well_known_port,
        resp_port_class,
        orig_port_well_known,
        service_on_usual_port,
        unrecognised_on_well_known_port,
    ),
)
