"""Fields of the logs that the simulator writes, in Zeek's order and with Zeek's types."""

from __future__ import annotations

from typing import Final, NamedTuple


class LogField(NamedTuple):
    """One column of a Zeek log: its name and its Zeek type."""

    name: str
    zeek_type: str


def _log(text: str) -> tuple[LogField, ...]:
    return tuple(LogField(*entry.split(":")) for entry in text.split())


_CONN_ID: Final = "ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port "

LOGS: Final[dict[str, tuple[LogField, ...]]] = {
    "conn": _log(
        _CONN_ID + "proto:enum service:string duration:interval orig_bytes:count resp_bytes:count "
        "conn_state:string local_orig:bool local_resp:bool missed_bytes:count history:string orig_pkts:count "
        "orig_ip_bytes:count resp_pkts:count resp_ip_bytes:count tunnel_parents:set[string] ip_proto:count"
    ),
    "dns": _log(
        _CONN_ID + "proto:enum trans_id:count rtt:interval query:string qclass:count qclass_name:string "
        "qtype:count qtype_name:string rcode:count rcode_name:string AA:bool TC:bool RD:bool RA:bool Z:count "
        "answers:vector[string] TTLs:vector[interval] rejected:bool"
    ),
    "http": _log(
        _CONN_ID + "trans_depth:count method:string host:string uri:string referrer:string version:string "
        "user_agent:string origin:string request_body_len:count response_body_len:count status_code:count "
        "status_msg:string info_code:count info_msg:string tags:set[enum] username:string password:string "
        "proxied:set[string] orig_fuids:vector[string] orig_filenames:vector[string] "
        "orig_mime_types:vector[string] resp_fuids:vector[string] resp_filenames:vector[string] "
        "resp_mime_types:vector[string]"
    ),
    "ssl": _log(
        _CONN_ID + "version:string cipher:string curve:string server_name:string resumed:bool "
        "last_alert:string next_protocol:string established:bool ssl_history:string "
        "cert_chain_fps:vector[string] client_cert_chain_fps:vector[string] sni_matches_cert:bool"
    ),
    "x509": _log(
        "ts:time fingerprint:string certificate.version:count certificate.serial:string "
        "certificate.subject:string certificate.issuer:string certificate.not_valid_before:time "
        "certificate.not_valid_after:time certificate.key_alg:string certificate.sig_alg:string "
        "certificate.key_type:string certificate.key_length:count certificate.exponent:string "
        "certificate.curve:string san.dns:vector[string] san.uri:vector[string] san.email:vector[string] "
        "san.ip:vector[addr] basic_constraints.ca:bool basic_constraints.path_len:count host_cert:bool "
        "client_cert:bool"
    ),
    "files": _log(
        "ts:time fuid:string uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port "
        "source:string depth:count analyzers:set[string] mime_type:string filename:string duration:interval "
        "local_orig:bool is_orig:bool seen_bytes:count total_bytes:count missing_bytes:count "
        "overflow_bytes:count timedout:bool parent_fuid:string md5:string sha1:string sha256:string "
        "extracted:string extracted_cutoff:bool extracted_size:count"
    ),
    "weird": _log(_CONN_ID + "name:string addl:string notice:bool peer:string source:string"),
}
"""Log path to fields, as Zeek 7 writes them."""

FREE_TEXT: Final = frozenset(
    {
        *("query", "answers", "host", "uri", "referrer", "user_agent", "server_name", "filename", "addl"),
        *("certificate.subject", "certificate.issuer", "san.dns", "resp_filenames", "orig_filenames"),
    }
)
"""Fields whose text can hold bytes that a writer has to escape; all others are safe by construction."""
