"""Claims about the logs that are joined to connections by uid, but for those that have tests of their own."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ptml.features.build import connection_features, iter_connection_features
from ptml.features.catalog import CONNECTION_FEATURES
from ptml.features.inputs import COLUMNS
from tests.features.frames import conn, conn_row, log

ELSEWHERE = {"conn", "dns", "http", "ssl", "x509", "files", "software"}
LOGS = sorted(set(COLUMNS) - ELSEWHERE)
HOSTILE = ["", "x" * 10_240, "\x00\x1b[31m", "ümlaut 界 \u202e", "a@b,<c@d>;", "\\\\h\\c$", "%s{0}'\"", "-"]

CASES: dict[str, tuple[list[dict[str, Any]], dict[str, object]]] = {
    "quic": (
        [
            {"version": "1", "server_name": "abc.example", "client_protocol": "h3", "history": "ISiHhs"},
            {"version": "draft-29", "server_name": None, "client_protocol": "doq", "history": "IRr"},
        ],
        {
            "quic_version": 1,
            "quic_sni_missing": True,
            "quic_sni_length": 11,
            "quic_http3": True,
            "quic_early_data": False,
            "quic_retry": True,
        },
    ),
    "ssh": (
        [
            {
                "version": 2,
                "auth_success": True,
                "auth_attempts": 300,
                "direction": "INBOUND",
                "client": "SSH-2.0-libssh2_1.8.0",
                "server": "SSH-2.0-dropbear_2019",
                "cipher_alg": "none",
            },
            {"auth_success": False, "auth_attempts": 1, "client": "SSH-2.0-OpenSSH_9", "server": None},
        ],
        {
            "ssh_attempts": 255,
            "ssh_success": True,
            "ssh_version_1": False,
            "ssh_outbound": False,
            "ssh_client_tool": True,
            "ssh_products_differ": True,
            "ssh_cbc_cipher": True,
            "ssh_hassh_share": None,
        },
    ),
    "rdp": (
        [{"cookie": None, "result": "Success", "security_protocol": "RDP", "client_channels": ["a", "b"]}],
        {"rdp_cookie": False, "rdp_encrypted": False, "rdp_old_security": True, "rdp_channels": 2},
    ),
    "smtp": (
        [
            {
                "helo": "pc-7",
                "from": "Bank <INFO@bank.example>",
                "mailfrom": "info@bank.example",
                "reply_to": "x@evil.example",
                "rcptto": ["a@x", "b@x", "c@x"],
                "last_reply": "250 ok",
                "path": ["192.0.2.1"],
                "user_agent": "Outlook",
                "tls": False,
                "fuids": ["Fa", "Fb", "Fc"],
            },
            {"helo": "[192.0.2.7]", "last_reply": "550 no", "user_agent": None, "fuids": []},
        ],
        {
            "smtp_messages": 2,
            "smtp_recipients": 3,
            "smtp_sender_differs": False,
            "smtp_reply_elsewhere": True,
            "smtp_parts": 3,
            "smtp_tls": False,
            "smtp_refused": True,
            "smtp_helo_address": True,
            "smtp_hops": 1,
            "smtp_agent_missing": True,
        },
    ),
    "ftp": (
        [
            {"user": "FTP", "command": "PORT", "reply_code": 200, "data_channel.passive": False},
            {"user": "FTP", "command": "stor", "reply_code": 553, "file_size": 10},
            {"user": "FTP", "command": "RETR", "reply_code": None, "file_size": 5},
        ],
        {
            "ftp_commands": 3,
            "ftp_upload": True,
            "ftp_anonymous": True,
            "ftp_errors": 1,
            "ftp_active": True,
            "ftp_bytes": 15.0,
        },
    ),
    "smb_files": (
        [
            {"action": "SMB::FILE_OPEN", "path": "\\\\srv\\data", "name": "a.docx"},
            {"action": "SMB::FILE_RENAME", "path": "\\\\srv\\data", "name": "a.docx"},
            {"action": "SMB::FILE_DELETE", "path": "\\\\srv\\Admin$", "name": "PSEXESVC.EXE"},
        ],
        {"smb_files": 2, "smb_changes": 2, "smb_programs": 1, "smb_admin_file": True},
    ),
    "smb_mapping": (
        [{"path": "\\\\192.0.2.9\\IPC$"}, {"path": "\\\\192.0.2.9\\ipc$"}, {"path": "\\\\srv\\docs$"}],
        {"smb_shares": 2, "smb_admin_share": False, "smb_pipe_share": True, "smb_by_address": True},
    ),
    "dce_rpc": (
        [
            {"endpoint": "svcctl", "operation": "CreateServiceW"},
            {"endpoint": "drsuapi", "operation": "DRSGetNCChanges"},
            {"endpoint": "drsuapi", "operation": "DRSGetNCChanges"},
        ],
        {
            "rpc_calls": 3,
            "rpc_operations": 2,
            "rpc_service_control": True,
            "rpc_task_scheduler": False,
            "rpc_registry": False,
            "rpc_accounts": False,
            "rpc_replication": True,
            "rpc_netlogon": False,
            "rpc_wmi": False,
        },
    ),
    "kerberos": (
        [
            {"request_type": "TGS", "service": "cifs/a", "success": True, "cipher": "rc4-hmac"},
            {
                "request_type": "TGS",
                "service": "http/b",
                "success": False,
                "error_msg": "KDC_ERR_C_PRINCIPAL_UNKNOWN",
            },
        ],
        {
            "kerberos_failures": 1,
            "kerberos_logon": False,
            "kerberos_services": 2,
            "kerberos_rc4": True,
            "kerberos_unknown_name": True,
        },
    ),
    "ntlm": (
        [{"username": "u", "domainname": "PC7", "hostname": "pc7", "success": False}],
        {"ntlm_success": False, "ntlm_anonymous": False, "ntlm_local_account": True},
    ),
    "ldap": (
        [{"opcode": "bind simple", "result": "invalid credentials"}, {"opcode": "unbind", "result": None}],
        {"ldap_messages": 2, "ldap_simple_bind": True, "ldap_refused": True},
    ),
    "ldap_search": (
        [
            {
                "scope": "tree",
                "result_count": 70_000,
                "filter": "(&(SAMAccountName=*)(serviceprincipalname=*))",
            }
        ],
        {"ldap_searches": 1, "ldap_results": 65_535, "ldap_whole_tree": True, "ldap_service_accounts": True},
    ),
    "dhcp": (
        [{"host_name": "pc", "msg_types": ["REQUEST", "NAK"]}, {"msg_types": ["ACK"]}],
        {"dhcp_messages": 2, "dhcp_host_named": True, "dhcp_refused": True},
    ),
    "tunnel": (
        [{"tunnel_type": "Tunnel::SOCKS"}],
        {"tunnel_of_networks": False, "tunnel_proxy": True},
    ),
    "weird": (
        [{"name": "bad_TCP_checksum"}, {"name": "DNS_RR_unknown_type"}],
        {
            "weird_count": 2,
            "weird_checksum": True,
            "weird_stream": False,
            "weird_dns": True,
            "weird_http": False,
        },
    ),
    "notice": (
        [{"note": "Scan::Address_Scan"}, {"note": "SSH::Password_Guessing"}],
        {
            "notice_count": 2,
            "notice_certificate": False,
            "notice_malware": False,
            "notice_scan": True,
            "notice_guessing": True,
        },
    ),
    "intel": (
        [{"seen.indicator_type": "Intel::ADDR"}, {"seen.indicator_type": "Intel::ADDR"}],
        {"intel_hits": 2, "intel_kinds": 1},
    ),
    "signatures": ([{"sig_id": "a"}, {"sig_id": "b"}], {"signature_hits": 2, "signature_rules": 2}),
    "signature_alerts": ([{}, {}, {}], {"signature_hits": 3, "signature_rules": None}),
}


def described(*uids: str, **logs: pl.LazyFrame) -> pl.DataFrame:
    """Describe connections with these uids."""
    return connection_features({"conn": conn(*map(conn_row, uids)), **logs}).collect()


def rows_for(name: str, uid: str) -> list[dict[str, Any]]:
    """Rows of the worked example of a log, as of one connection."""
    return [{"uid": uid, **row} for row in CASES[name][0]]


def test_every_log_has_a_worked_example() -> None:
    """Each log joined by uid, and each of its features, is in the examples of this file."""
    assert sorted(CASES) == LOGS
    of_logs = {f.name for f in CONNECTION_FEATURES if set(f.logs) & set(LOGS)}
    assert of_logs == {name for _, expected in CASES.values() for name in expected}


@pytest.mark.parametrize("name", LOGS)
def test_worked_example(name: str) -> None:
    """The features of the rows are those worked out by hand; a connection without a row has nulls."""
    expected = CASES[name][1]
    table = described("C1", "C2", **{name: log(name, rows_for(name, "C1"))}).select(*expected)
    assert table.row(0, named=True) == expected
    assert table.row(1) == (None,) * len(expected)


@pytest.mark.parametrize("name", LOGS)
def test_order_foreign_uids_and_other_captures_change_nothing(name: str) -> None:
    """Rows in reverse, rows of a uid that conn.log lacks and of another capture's same uid do not show."""
    plain = described("C1", **{name: log(name, rows_for(name, "C1"))})
    rows = [*rows_for(name, "C1")[::-1], *rows_for(name, "C9")]
    mixed = pl.concat([log(name, rows), log(name, rows_for(name, "C1"), capture_id="c2")], how="diagonal")
    assert_frame_equal(described("C1", **{name: mixed}), plain, check_exact=True)


@pytest.mark.parametrize("name", LOGS)
def test_log_without_its_columns_is_no_crash(name: str) -> None:
    """Of a log with uids alone only counts of rows are known; of one without uids nothing is."""
    bare = log(name, [{"uid": "C1"}])
    known = described("C1", **{name: bare}).row(0, named=True)
    counts = {key: known[key] for key in CASES[name][1] if known[key] is not None}
    assert set(counts.values()) <= {1}
    nothing = described("C1", **{name: bare.drop("uid")}).select(*CASES[name][1])
    assert nothing.row(0) == (None,) * len(CASES[name][1])


@pytest.mark.parametrize("name", LOGS)
def test_hostile_text(name: str) -> None:
    """Ten kilobytes, control bytes, other scripts in any text: no crash, and the same values in batches."""
    texts = [field for field, dtype in COLUMNS[name].items() if dtype == pl.String and field != "capture_id"]
    lists = [field for field, dtype in COLUMNS[name].items() if dtype == pl.List(pl.String)]
    rows = [
        {
            **dict.fromkeys(texts, text),
            **{field: [text, None] for field in set(lists) - {"uids"}},
            "uid": "C1",
        }
        for text in HOSTILE
    ]
    logs = {"conn": conn(*map(conn_row, ("C0", "C1", "C2"))), name: log(name, rows)}
    table = connection_features(logs).collect()
    assert table.height == 3
    batches = pl.concat(iter_connection_features(logs, batch_rows=1))
    assert_frame_equal(batches, table, check_exact=True)


def test_counts_saturate() -> None:
    """Three hundred rows are 255 where a count has eight bits, and seventy thousand 65535 where sixteen."""
    assert described("C1", notice=log("notice", [{"uid": "C1"}] * 300))["notice_count"].item() == 255
    assert described("C1", weird=log("weird", [{"uid": "C1"}] * 70_000))["weird_count"].item() == 65_535


def test_lease_belongs_to_all_its_connections() -> None:
    """Newer Zeek lists a lease's connections in uids, older names one; both are joined, once each."""
    both = [{"uids": ["C1", "C2", "C1"], "msg_types": ["DISCOVER", "OFFER"]}]
    assert described("C1", "C2", dhcp=log("dhcp", both))["dhcp_messages"].to_list() == [2, 2]
    old = [{"uid": "C2", "msg_types": ["ACK"]}]
    assert described("C1", "C2", dhcp=log("dhcp", old))["dhcp_messages"].to_list() == [None, 1]


def test_tunnel_is_unset_or_empty_or_named() -> None:
    """Newer Zeek leaves the parents unset, older writes an empty set: both mean no tunnel."""
    frame = conn(*(conn_row(f"C{i}", tunnel_parents=value) for i, value in enumerate((None, [], ["C9"]))))
    assert connection_features({"conn": frame}).collect()["in_tunnel"].to_list() == [False, False, True]
    without = connection_features({"conn": frame.drop("tunnel_parents")}).collect()
    assert without["in_tunnel"].to_list() == [None] * 3


def test_share_of_a_fingerprint_counts_the_capture() -> None:
    """Three of four handshakes with a fingerprint share one; the rarest of a connection counts."""
    rows: list[dict[str, Any]] = [
        {"uid": "C1", "hassh": "aa"},
        {"uid": "C2", "hassh": "aa"},
        {"uid": "C3", "hassh": "aa"},
        {"uid": "C3", "hassh": "bb"},
        {"uid": "C4", "hassh": None},
    ]
    table = described("C1", "C3", "C4", ssh=log("ssh", rows))
    assert table["ssh_hassh_share"].to_list() == [0.75, 0.25, None]
