"""The columns of Zeek's logs that features read, checked and brought to their types.

A log or a column that is not there stays away: a feature that needs it is null. Columns that no feature
reads are never loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.errors import BadData, MissingInput, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ptml.features.family import Logs

TIME = pl.Datetime("us", "UTC")
_UID: Mapping[str, pl.DataType] = {"capture_id": pl.String(), "ts": TIME, "uid": pl.String()}
_STRINGS = pl.List(pl.String())

KEYS: Mapping[str, pl.DataType] = {
    **_UID,
    "id.orig_h": pl.String(),
    "id.orig_p": pl.UInt16(),
    "id.resp_h": pl.String(),
    "id.resp_p": pl.UInt16(),
}
"""The columns before the features: what a row is, never what a model sees."""

COLUMNS: Mapping[str, Mapping[str, pl.DataType]] = {
    "conn": {
        **KEYS,
        "proto": pl.String(),
        "service": pl.String(),
        "duration": pl.Float64(),
        "orig_bytes": pl.UInt64(),
        "resp_bytes": pl.UInt64(),
        "conn_state": pl.String(),
        "missed_bytes": pl.UInt64(),
        "history": pl.String(),
        "orig_pkts": pl.UInt64(),
        "orig_ip_bytes": pl.UInt64(),
        "resp_pkts": pl.UInt64(),
        "resp_ip_bytes": pl.UInt64(),
        "tunnel_parents": _STRINGS,
    },
    "dns": {
        **_UID,
        "id.orig_h": pl.String(),
        "rtt": pl.Float64(),
        "query": pl.String(),
        "qtype": pl.UInt64(),
        "rcode": pl.UInt64(),
        "answers": _STRINGS,
        "TTLs": pl.List(pl.Float64()),
        "rejected": pl.Boolean(),
    },
    "http": {
        **_UID,
        "method": pl.String(),
        "host": pl.String(),
        "uri": pl.String(),
        "referrer": pl.String(),
        "user_agent": pl.String(),
        "request_body_len": pl.UInt64(),
        "response_body_len": pl.UInt64(),
        "status_code": pl.UInt64(),
        "resp_mime_types": _STRINGS,
    },
    "ssl": {
        **_UID,
        "version": pl.String(),
        "cipher": pl.String(),
        "server_name": pl.String(),
        "resumed": pl.Boolean(),
        "established": pl.Boolean(),
        "next_protocol": pl.String(),
        "curve": pl.String(),
        "last_alert": pl.String(),
        "validation_status": pl.String(),
        "sni_matches_cert": pl.Boolean(),
        "ja3": pl.String(),
        "ja3s": pl.String(),
        "ja4": pl.String(),
        "cert_chain_fps": _STRINGS,
        "cert_chain_fuids": _STRINGS,
        "client_cert_chain_fps": _STRINGS,
        "client_cert_chain_fuids": _STRINGS,
    },
    "x509": {
        "capture_id": pl.String(),
        "id": pl.String(),
        "fingerprint": pl.String(),
        "certificate.subject": pl.String(),
        "certificate.issuer": pl.String(),
        "certificate.not_valid_before": TIME,
        "certificate.not_valid_after": TIME,
        "certificate.key_type": pl.String(),
        "certificate.key_length": pl.UInt64(),
        "certificate.sig_alg": pl.String(),
        "basic_constraints.ca": pl.Boolean(),
        "san.dns": _STRINGS,
    },
    "files": {
        **_UID,
        "conn_uids": _STRINGS,
        "source": pl.String(),
        "mime_type": pl.String(),
        "filename": pl.String(),
        "is_orig": pl.Boolean(),
        "seen_bytes": pl.UInt64(),
        "missing_bytes": pl.UInt64(),
        "entropy": pl.Float64(),
        "duration": pl.Float64(),
        "md5": pl.String(),
        "sha1": pl.String(),
        "sha256": pl.String(),
    },
    "quic": {
        **_UID,
        "version": pl.String(),
        "server_name": pl.String(),
        "client_protocol": pl.String(),
        "history": pl.String(),
    },
    "ssh": {
        **_UID,
        "version": pl.UInt64(),
        "auth_success": pl.Boolean(),
        "auth_attempts": pl.UInt64(),
        "direction": pl.String(),
        "client": pl.String(),
        "server": pl.String(),
        "cipher_alg": pl.String(),
        "hassh": pl.String(),
    },
    "rdp": {
        **_UID,
        "cookie": pl.String(),
        "result": pl.String(),
        "security_protocol": pl.String(),
        "client_channels": _STRINGS,
    },
    "smtp": {
        **_UID,
        "helo": pl.String(),
        "mailfrom": pl.String(),
        "rcptto": _STRINGS,
        "from": pl.String(),
        "reply_to": pl.String(),
        "subject": pl.String(),
        "last_reply": pl.String(),
        "path": _STRINGS,
        "user_agent": pl.String(),
        "tls": pl.Boolean(),
        "fuids": _STRINGS,
    },
    "ftp": {
        **_UID,
        "user": pl.String(),
        "command": pl.String(),
        "file_size": pl.UInt64(),
        "reply_code": pl.UInt64(),
        "data_channel.passive": pl.Boolean(),
    },
    "smb_files": {
        **_UID,
        "action": pl.String(),
        "path": pl.String(),
        "name": pl.String(),
    },
    "smb_mapping": {
        **_UID,
        "path": pl.String(),
        "share_type": pl.String(),
    },
    "dce_rpc": {
        **_UID,
        "named_pipe": pl.String(),
        "endpoint": pl.String(),
        "operation": pl.String(),
    },
    "kerberos": {
        **_UID,
        "request_type": pl.String(),
        "service": pl.String(),
        "success": pl.Boolean(),
        "error_msg": pl.String(),
        "cipher": pl.String(),
    },
    "ntlm": {
        **_UID,
        "username": pl.String(),
        "hostname": pl.String(),
        "domainname": pl.String(),
        "success": pl.Boolean(),
    },
    "ldap": {
        **_UID,
        "opcode": pl.String(),
        "result": pl.String(),
    },
    "ldap_search": {
        **_UID,
        "scope": pl.String(),
        "result_count": pl.UInt64(),
        "filter": pl.String(),
    },
    "dhcp": {
        **_UID,
        "uids": _STRINGS,
        "host_name": pl.String(),
        "msg_types": _STRINGS,
    },
    "tunnel": {
        **_UID,
        "tunnel_type": pl.String(),
    },
    "weird": {
        **_UID,
        "name": pl.String(),
    },
    "notice": {
        **_UID,
        "note": pl.String(),
    },
    "intel": {
        **_UID,
        "seen.indicator_type": pl.String(),
    },
    "signatures": {
        **_UID,
        "sig_id": pl.String(),
    },
    "software": {
        "capture_id": pl.String(),
        "ts": TIME,
        "host": pl.String(),
        "host_p": pl.UInt16(),
        "software_type": pl.String(),
        "name": pl.String(),
        "version.major": pl.UInt64(),
        "version.minor": pl.UInt64(),
        "version.minor2": pl.UInt64(),
        "version.minor3": pl.UInt64(),
        "unparsed_version": pl.String(),
    },
    "signature_alerts": {"capture_id": pl.String(), "uid": pl.String()},
}


def read_inputs(logs: Logs, more: Mapping[str, Collection[str]] | None = None) -> dict[str, pl.LazyFrame]:
    """Select and type the columns that features read.

    Args:
        logs: Zeek log name to frame. ``capture_id`` may be absent from all logs: then it is null and all rows
            are taken as one capture.
        more: Further columns of logs to keep, as they are.

    Returns:
        The known logs among them; conn has all of its key columns, the others what is there.

    Raises:
        MissingInput: There is no conn log.
        BadData: conn lacks ``uid`` or ``ts``, only some logs have ``capture_id``, or a column cannot be what
            Zeek calls it.

    >>> ts = pl.Series([0]).cast(pl.Datetime("us", "UTC"))
    >>> conn = pl.LazyFrame({"uid": ["C1"], "ts": ts, "orig_bytes": [3], "vlan": [7]})
    >>> read_inputs({"conn": conn})["conn"].collect_schema()["orig_bytes"]
    UInt64
    """
    if "conn" not in logs:
        raise MissingInput("features need conn.log and got none", hint="check the folder that was parsed")
    more = more or {}
    schemas = {name: logs[name].collect_schema() for name in {**COLUMNS, **more} if name in logs}
    lacking = [name for name in ("uid", "ts") if name not in schemas["conn"]]
    if lacking:
        raise BadData.missing_columns("conn.log", lacking, schemas["conn"].names())
    if len({"capture_id" in schema for schema in schemas.values()}) > 1:
        without = sorted(name for name, schema in schemas.items() if "capture_id" not in schema)
        raise BadData(
            f"some logs have the column capture_id and {quoted(without)} have not: rows cannot be joined",
            hint="give all logs the column, or none",
        )
    inputs = {name: _typed(name, logs[name], schema, more.get(name, ())) for name, schema in schemas.items()}
    absent = [name for name in KEYS if name not in schemas["conn"]]
    inputs["conn"] = inputs["conn"].with_columns(pl.lit(None, KEYS[name]).alias(name) for name in absent)
    return inputs


def _typed(log: str, frame: pl.LazyFrame, schema: pl.Schema, more: Collection[str]) -> pl.LazyFrame:
    known = COLUMNS.get(log, _UID)
    exprs = [_cast(log, name, schema[name], dtype) for name, dtype in known.items() if name in schema]
    exprs += [pl.col(name) for name in sorted(more) if name in schema and name not in known]
    exprs += [
        pl.lit(None, _UID[name]).alias(name) for name in ("ts", "uid") if name in set(known) - set(schema)
    ]
    if "capture_id" not in schema:
        exprs.insert(0, pl.lit(None, pl.String()).alias("capture_id"))
    return frame.select(exprs)


def _cast(log: str, name: str, found: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if not _fits(found, wanted):
        raise BadData(
            f"column {name!r} of {log}.log is {found} where Zeek's type gives {wanted}; nothing was computed",
            hint="read the log with ptml.scan_zeek, which gives Zeek's types",
        )
    if found != wanted:
        column = column.cast(wanted, strict=False)
    # JSON writers emit NaN for unknown intervals; a rate over it would be NaN, and NaN is not null.
    return column.fill_nan(None) if wanted == pl.Float64 else column


def _fits(found: pl.DataType, wanted: pl.DataType) -> bool:
    if found in (wanted, pl.Null):
        return True
    if isinstance(found, pl.List) and isinstance(wanted, pl.List):
        return _fits(found.inner, wanted.inner)  # type: ignore[arg-type]  # of a frame's own schema, inner types are instances
    if wanted.is_numeric():
        return found.is_numeric()
    if wanted.is_temporal():
        return isinstance(found, pl.Datetime)
    return wanted == pl.String and isinstance(found, pl.Categorical | pl.Enum)
