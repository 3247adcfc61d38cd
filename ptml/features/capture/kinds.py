"""What kinds of connections a capture holds: by protocol, service and port."""

from __future__ import annotations

import polars as pl

from ptml.features.capture.traffic import conn_rows
from ptml.features.connection.service import PROTOCOLS, resp_port_class, service_on_usual_port
from ptml.features.expressions import BYTE_CAP, ratio, share
from ptml.features.family import family


def udp_share() -> pl.Expr:
    """Share of the connections that are UDP.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no protocol known. Source: NetFlow practice.

    >>> pl.DataFrame({"proto": ["tcp", "udp", None]}).select(udp_share()).item()
    0.5
    """
    return share(pl.col("proto") == PROTOCOLS[1])


def dns_share() -> pl.Expr:
    """Share of all connections in which Zeek recognised DNS.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: the log has no column service. Source: Zeek dynamic protocol detection, Dreger et al. 2006.

    >>> pl.DataFrame({"service": ["dns", "xdns", None, "a,dns"]}).select(dns_share()).item()
    0.5
    """
    return _carries("dns")


def http_share() -> pl.Expr:
    """Share of all connections in which Zeek recognised HTTP.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: the log has no column service. Source: Zeek dynamic protocol detection, Dreger et al. 2006.

    >>> pl.DataFrame({"service": ["http", "xhttp", None, "a,http"]}).select(http_share()).item()
    0.5
    """
    return _carries("http")


def encrypted_share() -> pl.Expr:
    """Share of all connections in which Zeek recognised TLS or QUIC.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: the log has no column service. Source: Zeek dynamic protocol detection, Dreger et al. 2006.

    >>> pl.DataFrame({"service": ["ssl", "xssl", None, "a,ssl"]}).select(encrypted_share()).item()
    0.5
    """
    return _carries("ssl|quic")


def shell_share() -> pl.Expr:
    """Share of all connections in which Zeek recognised SSH, RDP, VNC or Telnet.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: the log has no column service. Source: MITRE ATT&CK T1021.

    >>> pl.DataFrame({"service": ["ssh", "xssh", None, "a,ssh"]}).select(shell_share()).item()
    0.5
    """
    return _carries("ssh|rdp|rfb|telnet")


def windows_share() -> pl.Expr:
    """Share of all connections in which Zeek recognised SMB, RPC, NTLM, Kerberos or LDAP.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: the log has no column service. Source: MITRE ATT&CK T1021.

    >>> pl.DataFrame({"service": ["smb", "xsmb", None, "a,smb"]}).select(windows_share()).item()
    0.5
    """
    return _carries("smb|dce_rpc|ntlm|krb|krb_tcp|gssapi|ldap_tcp|ldap_udp")


def mail_share() -> pl.Expr:
    """Share of all connections in which Zeek recognised SMTP, IMAP or POP3.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: the log has no column service. Source: MITRE ATT&CK T1071.003.

    >>> pl.DataFrame({"service": ["smtp", "xsmtp", None, "a,smtp"]}).select(mail_share()).item()
    0.5
    """
    return _carries("smtp|imap|pop3")


def well_known_port_share() -> pl.Expr:
    """Share of the TCP and UDP connections to a well-known port, 0 to 1023.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no ports known. Source: RFC 6335.

    >>> rows = pl.DataFrame({"proto": ["tcp", "udp", "icmp"], "id.resp_p": [443, 5353, 0]})
    >>> rows.select(well_known_port_share()).item()
    0.5
    """
    return share(resp_port_class() == "well_known")


def dynamic_port_share() -> pl.Expr:
    """Share of the TCP and UDP connections to a dynamic port, 49152 or above.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no ports known. Source: RFC 6335.

    >>> rows = pl.DataFrame({"proto": ["tcp", "udp", "icmp"], "id.resp_p": [50000, 5353, 0]})
    >>> rows.select(dynamic_port_share()).item()
    0.5
    """
    return share(resp_port_class() == "dynamic")


def unusual_port_share() -> pl.Expr:
    """Share of the recognised services that run on a port where they are not at home.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no service of the list was recognised. Source: Zeek dynamic protocol detection, Dreger et al. 2006;
    MITRE ATT&CK T1571.

    >>> rows = pl.DataFrame({"service": ["http", "http", None], "id.resp_p": [80, 4444, 80]})
    >>> rows.select(unusual_port_share()).item()
    0.5
    """
    return share(~service_on_usual_port())


def dns_byte_share() -> pl.Expr:
    """Share of the payload that DNS connections carry, each count taken as at most 1 TiB.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: conn. Scope: capture.
    Null: no count known in both directions, or no payload. Source: Farnham 2013.

    >>> rows = pl.DataFrame({"service": ["dns", None], "orig_bytes": [1, 2], "resp_bytes": [1, 4]})
    >>> rows.select(dns_byte_share()).item()
    0.25
    """
    payload = pl.sum_horizontal(
        pl.col(name).clip(upper_bound=BYTE_CAP) for name in ("orig_bytes", "resp_bytes")
    )
    carried = payload.filter(pl.col("service").str.contains(r"(^|,)dns(,|$)"))
    return ratio(carried.sum().cast(pl.Float64), payload.sum())


def _carries(names: str) -> pl.Expr:
    """Share of all rows: where Zeek recognised no service, it is none of these."""
    seen = pl.col("service").str.contains(rf"(^|,)({names})(,|$)")
    return share(seen.fill_null(value=False))


KINDS = family(
    "kinds",
    (
        udp_share,
        dns_share,
        http_share,
        encrypted_share,
        shell_share,
        windows_share,
        mail_share,
        dns_byte_share,
        well_known_port_share,
        dynamic_port_share,
        unusual_port_share,
    ),
    conn_rows,
    ("capture_id",),
)
