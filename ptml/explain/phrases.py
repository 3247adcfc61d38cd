"""What a feature's value says, in words: a phrase where one reads well, else the feature's own meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptml.explain.amounts import amount, percent, period
from ptml.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ptml.features.family import Feature

PROPER = ("Zeek", "Zeek's", "RITA's", "Shannon", "Windows", "Gini")
NOT_SO = {True: "", False: "not so: "}
FLAGS: Mapping[str, tuple[str, str]] = {
    "established": ("the connection was established", "the connection was never established"),
    "rejected": ("the responder refused", "the responder did not refuse"),
    "half_open": ("nobody answered", "the responder was heard, too"),
    "orig_data_seen": ("the originator sent data", "the originator sent no data"),
    "resp_data_seen": ("the responder sent data", "the responder sent no data"),
    "orig_fin_seen": ("the originator closed its side", "the originator did not close its side"),
    "resp_fin_seen": ("the responder closed its side", "the responder did not close its side"),
    "orig_reset_seen": ("the originator aborted", "the originator did not abort"),
    "resp_reset_seen": ("the responder aborted or refused", "the responder neither aborted nor refused"),
    "service_on_usual_port": ("a service on its usual port", "a service on a port where it is not at home"),
    "unrecognised_on_well_known_port": (
        "payload of no known protocol on a well-known port",
        "nothing unrecognised on a well-known port",
    ),
    "orig_private": ("the originator is inside", "the originator is on the internet"),
    "resp_private": ("the responder is inside", "the responder is on the internet"),
    "same_subnet": ("both hosts are of one subnet", "the hosts are of different subnets"),
    "ipv6": ("over IPv6", "over IPv4"),
    "dns_nxdomain": ("asks for a name that does not exist", "no name asked for was missing"),
    "dns_bulky_type": ("asks DNS for a type of record that can carry a tunnel", "asks DNS for usual records"),
    "http_host_is_address": ("HTTP to a bare address, without a name", "HTTP to a server by its name"),
    "http_user_agent_missing": ("HTTP without a user agent", "HTTP with a user agent"),
    "http_executable": ("downloads a program over HTTP", "downloads no program over HTTP"),
    "http_extension_disagrees": (
        "a download is not what its extension says",
        "downloads are what their extensions say",
    ),
    "tls_weak_cipher": ("a broken TLS cipher", "no broken TLS cipher"),
    "tls_sni_missing": ("TLS without a server name", "TLS names its server"),
    "tls_established": ("the TLS handshake was completed", "the TLS handshake was not completed"),
    "tls_resumed": ("resumes an earlier TLS session", "begins a new TLS session"),
    "tls_validation_failed": ("the certificate could not be verified", "the certificate was verified"),
    "cert_self_signed": ("certificate self-signed", "certificate not self-signed"),
    "cert_matches_sni": ("certificate fits the server's name", "certificate is for another name"),
    "dest_resolved": ("its name was resolved before", "name never resolved by this host"),
    "dest_resolved_by_any": ("its name was resolved in this capture", "name never resolved by any host"),
    "src_new_destination": ("a destination new to this host", "a destination that this host knows"),
    "pair_strobe": ("a connection a second and more", "no strobe: less than a connection a second"),
    "ssh_success": ("the SSH login worked", "the SSH login failed"),
    "kerberos_rc4": ("a Kerberos ticket under RC4", "no Kerberos ticket under RC4"),
    "smb_admin_share": ("opens an administrators' share", "opens no administrators' share"),
    "rpc_service_control": ("calls the service manager from afar", "does not call the service manager"),
    "in_tunnel": ("runs inside a tunnel", "runs inside no tunnel"),
}
"""What a flag says when it is set, and when it is not."""
NUMBERS: Mapping[str, str] = {
    "orig_bytes": "sent {v}",
    "resp_bytes": "received {v}",
    "orig_pkts": "sent {v}",
    "resp_pkts": "received {v}",
    "orig_bytes_per_pkt": "packets sent are of {v} on average",
    "resp_bytes_per_pkt": "packets received are of {v} on average",
    "orig_byte_share": "{v} of the payload goes out",
    "orig_pkt_share": "{v} of the packets go out",
    "duration": "lasted {v}",
    "conn_state": "connection state {v}",
    "proto": "over {v}",
    "service": "service {v}",
    "well_known_port": "to port {v}",
    "resp_port_class": "to a port of the range {v}",
    "direction": "direction {v}",
    "history_length": "Zeek noted {v} in the connection",
    "src_connections_60s": "the host had {v} in the minute before",
    "src_connections_10m": "the host had {v} in ten minutes before",
    "src_destinations_60s": "the host met {v} in the minute before",
    "src_destinations_10m": "the host met {v} in ten minutes before",
    "src_ports_60s": "the host tried {v} in the minute before",
    "src_ports_10m": "the host tried {v} in ten minutes before",
    "src_failed_share_60s": "{v} of the host's connections in the minute before failed",
    "src_failed_share_10m": "{v} of the host's connections in ten minutes before failed",
    "src_destinations_2s": "the host met {v} in two seconds before",
    "src_connections_2s": "the host had {v} in two seconds before",
    "src_resp_bytes_10m": "the host was sent {v} in ten minutes before",
    "src_orig_bytes_10m": "the host sent {v} in ten minutes before",
    "src_span_100": "the host's last 100 connections, or all there were, took {v}",
    "dns_likelihood": "likeness of a name asked for to English: {v} (nearer 0 is more alike)",
    "http_host_likelihood": "likeness of the HTTP host's name to English: {v} (nearer 0 is more alike)",
    "tls_sni_likelihood": "likeness of the TLS server's name to English: {v} (nearer 0 is more alike)",
    "dest_name_likelihood": "likeness of the responder's name to English: {v} (nearer 0 is more alike)",
    "http_user_agent_share": "{v} of the capture's HTTP requests have this user agent",
    "executable_share": "{v} of the HTTP answers of known type were programs",
    "post_share": "{v} of the HTTP requests post",
    "redirect_share": "{v} of the HTTP answers send the client elsewhere",
    "reset_share": "{v} of the connections were established and then reset",
    "lone_name_domain_share": "{v} of the domains were asked for under one name only",
    "median_validity_days": "server certificates are issued for {v} (median)",
    "group_share": "{v} of the connections go to a multicast address or limited broadcast",
    "src_since_end": "{v} after the host's last connection ended",
    "pair_connections": "{v} with {resp} in this capture",
    "pair_span": "keeps coming back to {resp} for {v}",
    "pair_since_end": "{v} after the last connection with {host} ended",
    "pair_port_since_end": "{v} after the last connection with {resp} ended",
    "pair_port_earlier": "{v} with {resp} before",
    "pair_connections_60s": "{v} with {host} in the minute before",
    "pair_connections_10m": "{v} with {host} in ten minutes before",
    "pair_orig_bytes_median": "sends {resp} {v} a connection (median)",
    "pair_orig_bytes_mode": "sends {resp} the same amount in {v} of the connections",
    "pair_resp_bytes_mode": "{resp} answers with the same amount in {v} of the connections",
    "dns_query_length": "asks for a name of {v}",
    "dns_longest_label": "asks for a name whose first label has {v}",
    "dns_query_entropy": "the name asked for has {v} of entropy",
    "dns_ttl_min": "the answer may be kept for {v}",
    "http_uri_length": "asks for a URI of {v}",
    "http_user_agent_length": "user agent of {v}",
    "http_post_share": "{v} of the HTTP requests post",
    "tls_sni_length": "the TLS server's name has {v}",
    "cert_validity_days": "certificate issued for {v}",
    "cert_age_days": "certificate {v} old",
    "cert_days_left": "certificate with {v} left",
    "seconds_since_resolved": "{v} after its name was resolved",
    "connections": "{v} in the capture",
    "nxdomain_share": "{v} of the DNS answers say that the name does not exist",
    "executable_downloads": "{v} were programs",
    "self_signed_share": "{v} of the certificates are self-signed",
    "tls_no_sni_share": "{v} of the TLS handshakes name no server",
    "host_is_address_share": "{v} of the HTTP requests go to a bare address",
    "no_user_agent_share": "{v} of the HTTP requests have no user agent",
    "widest_vertical": "a host tries {v} of another",
    "regular_pairs": "{v} of hosts meet like clockwork",
    "unresolved_server_share": "{v} of the TLS servers were never resolved",
}
"""What a value says; v is the value with its unit, resp the responder with its port, host without."""
HALF_LIVES = {"l5": "0.2 s", "l3": "0.33 s", "l1": "1 s", "l01": "10 s", "l001": "100 s"}
"""Time in which what is faded at so many halvings a second is worth half."""
DAMPED: Mapping[str, str] = {
    "damped_src_weight": "the host had {v} lately",
    "damped_src_mean": "the host's connections lately are of {v} on average",
    "damped_src_std": "the host's connections lately differ in size by {v}",
    "damped_pair_weight": "{v} with {host} lately",
    "damped_pair_mean": "connections with {host} lately are of {v} on average",
    "damped_pair_std": "connections with {host} lately differ in size by {v}",
}
NUMBERS = {
    **NUMBERS,
    **{
        f"{name}_{rate}": f"{said} (half-life {half_life})"
        for name, said in DAMPED.items()
        for rate, half_life in HALF_LIVES.items()
    },
}
RHYTHM = (
    *("pair_gap_median", "pair_gap_dispersion", "beacon_score", "ts_score", "hist_score", "dur_score"),
    *("pair_periodicity", "pair_gap_entropy", "pair_fano"),
)
"""Features that say together how regularly a pair meets."""


def phrase(feature: Feature, value: object, row: Mapping[str, Any]) -> str:
    """Say what a value means, without a full stop.

    Args:
        feature: Which feature.
        value: Its value as published; None where it is unknown.
        row: The whole row, keys included.
    """
    written = amount(value, feature.unit)
    if written is None:
        return f"{_meaning(feature)}: not known ({feature.null.partition(';')[0].partition(', or')[0]})"
    if isinstance(value, bool):
        flags = FLAGS.get(feature.name)
        return flags[not value] if flags else f"{NOT_SO[value]}{_meaning(feature)}"
    if feature.name in RHYTHM and (said := _rhythm(feature, written, row)):
        return said
    if feature.name in NUMBERS:
        return NUMBERS[feature.name].format(v=written, resp=responder(row), host=_host(row))
    return f"{_meaning(feature)}: {written}"


def responder(row: Mapping[str, Any]) -> str:
    """Write the responder's address and port.

    >>> responder({"id.resp_h": "2001:db8::1", "id.resp_p": 443}), responder({})
    ('[2001:db8::1]:443', 'the responder')
    """
    host, port = row.get("id.resp_h"), row.get("id.resp_p")
    if host is None or port is None:
        return _host(row)
    host = plain_text(str(host))
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _host(row: Mapping[str, Any]) -> str:
    host = row.get("id.resp_h")
    return "the responder" if host is None else plain_text(str(host))


def _rhythm(feature: Feature, written: str, row: Mapping[str, Any]) -> str | None:
    """Say how regularly the pair meets, from all that is known of it."""
    gap = amount(row.get("pair_gap_median"), "seconds")
    if gap is None:
        return None
    spread, span = row.get("pair_gap_dispersion"), amount(row.get("pair_span"), "seconds")
    said = f"contacts {responder(row)} every {gap}"
    if isinstance(spread, float) and amount(spread, "ratio"):
        said += f" ± {period(spread * row['pair_gap_median'])}"
    if span is not None:
        said += f" for {span}"
    if feature.name == "beacon_score":
        said += f" (beacon score {written})"
    if feature.name == "pair_periodicity":
        said += f" ({percent(float(row['pair_periodicity']) / 100)} of the gaps alike)"
    return said


def _meaning(feature: Feature) -> str:
    """Take the feature's own meaning, without what follows to explain it."""
    said = plain_text(feature.meaning.partition(":")[0].partition(";")[0])
    first = said.partition(" ")[0]
    if first in PROPER or first[1:] != first[1:].lower():
        return said
    return said[:1].lower() + said[1:]
