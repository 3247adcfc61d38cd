"""How a connection logs in to another machine: over its rows of ssh.log and of rdp.log."""

from __future__ import annotations

import polars as pl

from ptml.features.connection.rows import rows_of, with_shares
from ptml.features.expressions import BYTE, at_most
from ptml.features.family import family

TOOL = r"(?i)libssh|paramiko|ssh2_|jsch|SSH-2\.0-Go|ncrack|nmap|hydra|medusa|asyncssh|phpseclib|russh"
"""Libraries and scanners, which people seldom type commands into."""

_PRODUCT = r"^SSH-[0-9.]+-([A-Za-z]+)"


def ssh_attempts() -> pl.Expr:
    """Most attempts to log in, as far as Zeek can tell.

    Unit: attempts. Type: UInt8. Range: 0 to 255, where it saturates. Logs: ssh. Scope: connection.
    Null: not known. Source: Javed and Paxson 2013.

    >>> pl.DataFrame({"auth_attempts": [1, 6, None]}).select(ssh_attempts()).item()
    6
    """
    return at_most(pl.col("auth_attempts").max(), BYTE)


def ssh_success() -> pl.Expr:
    """The login worked, as far as Zeek can tell from the sizes of packets.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssh. Scope: connection.
    Null: not known. Source: Zeek ssh.log.

    >>> pl.DataFrame({"auth_success": [False, None]}).select(ssh_success()).item()
    False
    """
    return pl.col("auth_success").max()


def ssh_version_1() -> pl.Expr:
    """The broken first version of the protocol was agreed on.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssh. Scope: connection.
    Null: no version agreed on. Source: RFC 4253, section 5.

    >>> pl.DataFrame({"version": [2, None]}).select(ssh_version_1()).item()
    False
    """
    return (pl.col("version") == 1).max()


def ssh_outbound() -> pl.Expr:
    """A host of the site logs in outside, by the networks that Zeek was told of.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssh. Scope: connection.
    Null: neither in nor out, or the networks are not set. Source: Zeek ssh.log.

    >>> pl.DataFrame({"direction": ["OUTBOUND"]}).select(ssh_outbound()).item()
    True
    """
    return pl.col("direction").is_in(["OUTBOUND", "SSH::OUTBOUND"]).max()


def ssh_client_tool() -> pl.Expr:
    """The client calls itself a library or a scanner.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssh. Scope: connection.
    Null: the client did not name itself. Source: MITRE ATT&CK T1110.

    >>> pl.DataFrame({"client": ["SSH-2.0-libssh2_1.8.0"]}).select(ssh_client_tool()).item()
    True
    """
    return pl.col("client").str.contains(TOOL).max()


def ssh_products_differ() -> pl.Expr:
    """Client and server are different products, by their names without versions.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssh. Scope: connection.
    Null: a side did not name itself. Source: Zeek ssh.log.

    >>> rows = {"client": ["SSH-2.0-PuTTY_0.72"], "server": ["SSH-2.0-OpenSSH_7.6"]}
    >>> pl.DataFrame(rows).select(ssh_products_differ()).item()
    True
    """
    client, server = (pl.col(side).str.extract(_PRODUCT).str.to_lowercase() for side in ("client", "server"))
    return (client != server).max()


def ssh_cbc_cipher() -> pl.Expr:
    """The cipher agreed on is in cipher block chaining, which newer software refuses, or none at all.

    Unit: flag. Type: Boolean. Range: true, false. Logs: ssh. Scope: connection.
    Null: no cipher agreed on. Source: RFC 4253; CVE-2008-5161.

    >>> pl.DataFrame({"cipher_alg": ["aes256-cbc"]}).select(ssh_cbc_cipher()).item()
    True
    """
    return pl.col("cipher_alg").str.contains(r"cbc|^none$").max()


def ssh_hassh_share() -> pl.Expr:
    """Share of the capture's SSH handshakes with this client's HASSH fingerprint; of several the least.

    Unit: share. Type: Float32. Range: 0 to 1. Logs: ssh. Scope: capture.
    Null: no fingerprint (a package makes them). Source: HASSH, Salesforce 2018.

    >>> pl.DataFrame({"hassh_share": [0.5, 0.25]}).select(ssh_hassh_share()).item()
    0.25
    """
    return pl.col("hassh_share").min()


def rdp_cookie() -> pl.Expr:
    """The client sent a cookie, most often the user's name.

    Unit: flag. Type: Boolean. Range: true, false. Logs: rdp. Scope: connection.
    Null: no row in rdp.log. Source: Zeek rdp.log.

    >>> pl.DataFrame({"cookie": ["IEUser"]}).select(rdp_cookie()).item()
    True
    """
    return pl.col("cookie").is_not_null().max()


def rdp_encrypted() -> pl.Expr:
    """The session went on inside TLS, where Zeek sees no more.

    Unit: flag. Type: Boolean. Range: true, false. Logs: rdp. Scope: connection.
    Null: no result known. Source: Zeek rdp.log.

    >>> pl.DataFrame({"result": ["encrypted", None]}).select(rdp_encrypted()).item()
    True
    """
    return (pl.col("result").str.to_lowercase() == "encrypted").max()


def rdp_old_security() -> pl.Expr:
    """Security by RDP itself was chosen, not TLS or network authentication.

    Unit: flag. Type: Boolean. Range: true, false. Logs: rdp. Scope: connection.
    Null: nothing chosen. Source: CVE-2019-0708.

    >>> pl.DataFrame({"security_protocol": ["HYBRID_EX"]}).select(rdp_old_security()).item()
    False
    """
    return (pl.col("security_protocol") == "RDP").max()


def rdp_channels() -> pl.Expr:
    """Most virtual channels that the client joined: clipboard, drives, sound.

    Unit: channels. Type: UInt8. Range: 0 to 255, where it saturates. Logs: rdp. Scope: connection.
    Null: not seen (encrypted). Source: CVE-2019-0708.

    >>> pl.DataFrame({"client_channels": [["rdpdr", "cliprdr"], None]}).select(rdp_channels()).item()
    2
    """
    return at_most(pl.col("client_channels").list.len().max(), BYTE)


SSH = family(
    "ssh",
    (
        ssh_attempts,
        ssh_success,
        ssh_version_1,
        ssh_outbound,
        ssh_client_tool,
        ssh_products_differ,
        ssh_cbc_cipher,
        ssh_hassh_share,
    ),
    with_shares(rows_of("ssh"), "hassh"),
)
RDP = family(
    "rdp",
    (
        rdp_cookie,
        rdp_encrypted,
        rdp_old_security,
        rdp_channels,
    ),
    rows_of("rdp"),
)
