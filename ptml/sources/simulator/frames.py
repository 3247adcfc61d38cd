"""From event tables to the logs' own rows: names, codes and identifiers in place of positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from ptml.sources.simulator import text
from ptml.sources.simulator.exchange import TLS12, TLS13
from ptml.sources.simulator.lookups import SERVFAIL
from ptml.sources.simulator.network import is_private
from ptml.sources.simulator.records import IP_PROTO, PROTOS, SERVICES, STATES
from ptml.sources.simulator.transport import HISTORIES

if TYPE_CHECKING:
    from ptml.sources.simulator.network import Network
    from ptml.sources.simulator.records import Ints

KEY: Final = "_at"
"""Name of the column by which a log's rows are ordered: microseconds since 1970."""

_QTYPES: Final = {1: "A", 28: "AAAA", 16: "TXT", 12: "PTR", 33: "SRV", 5: "CNAME", 15: "MX", 10: "NULL"}
_RCODES: Final = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
_STATUS: Final = {
    200: "OK",
    204: "No Content",
    206: "Partial Content",
    301: "Moved Permanently",
    302: "Found",
    304: "Not Modified",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_REFUSED: Final = 0.01
"""Share of full handshakes that end with an alert about the certificate."""
_CIPHERS: Final = (
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
)


def _coded(values: Ints, names: tuple[str | None, ...] | list[str | None]) -> pl.Series:
    return pl.Series(names, dtype=pl.String).gather(pl.Series(values))


def _unset_below_zero(name: str) -> pl.Expr:
    return pl.when(pl.col(name) >= 0).then(pl.col(name))


def conn_frame(conn: dict[str, Ints], uids: pl.Series) -> pl.DataFrame:
    """Make conn.log's rows from settled connections; `KEY` is the connection's end."""
    return pl.DataFrame(
        {
            "ts": conn["start"],
            "uid": uids,
            "id.orig_h": text.dotted(conn["orig"]),
            "id.orig_p": conn["orig_p"],
            "id.resp_h": text.dotted(conn["resp"]),
            "id.resp_p": conn["resp_p"],
            "proto": _coded(conn["proto"], PROTOS),
            "service": _coded(conn["service"], SERVICES),
            "duration": conn["duration"],
            "orig_bytes": conn["orig_bytes"],
            "resp_bytes": conn["resp_bytes"],
            "conn_state": _coded(conn["state"], STATES),
            "local_orig": is_private(conn["orig"]),
            "local_resp": is_private(conn["resp"]),
            "missed_bytes": conn["missed"],
            "history": _coded(conn["history"], HISTORIES),
            "orig_pkts": conn["orig_pkts"],
            "orig_ip_bytes": conn["orig_ip"],
            "resp_pkts": conn["resp_pkts"],
            "resp_ip_bytes": conn["resp_ip"],
            "tunnel_parents": pl.Series([None], dtype=pl.List(pl.String)).new_from_index(0, len(uids)),
            "ip_proto": np.array(IP_PROTO)[conn["proto"]],
            KEY: conn["start"] + np.maximum(conn["duration"], 0),
        }
    ).with_columns(
        _unset_below_zero("duration"), _unset_below_zero("orig_bytes"), _unset_below_zero("resp_bytes")
    )


def _joined(frame: pl.DataFrame, ids: pl.DataFrame) -> pl.DataFrame:
    """Put time, uid and addresses of its connection before each event."""
    parts = [ids[name].gather(frame["row"]) for name in ids.columns]
    return (
        frame.drop("row")
        .with_columns(parts)
        .with_columns(pl.col("ts") + pl.col("offset"))
        .with_columns(pl.col("ts").alias(KEY))
    )


def dns_frame(frame: pl.DataFrame, ids: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Make dns.log's rows; a query without reply has no ``rcode``, one without answer no ``rtt``."""
    rcode = _unset_below_zero("rcode")
    replied = pl.col("rcode") >= 0
    return _joined(frame, ids).with_columns(
        proto=pl.lit("udp"),
        trans_id=pl.Series(rng.integers(0, 65_536, len(frame))),
        rtt=pl.when(pl.col("answers").is_not_null()).then(pl.col("rtt")),
        qclass=pl.lit(1),
        qclass_name=pl.lit("C_INTERNET"),
        qtype_name=pl.col("qtype").replace_strict(_QTYPES, return_dtype=pl.String),
        rcode=rcode,
        rcode_name=rcode.replace_strict(_RCODES, return_dtype=pl.String),
        AA=pl.lit(value=False),
        TC=pl.lit(value=False),
        RD=pl.lit(value=True),
        RA=replied,
        Z=pl.lit(0),
        answers=pl.col("answers"),
        TTLs=pl.col("ttls"),
        rejected=pl.col("rcode") == SERVFAIL,
    )


def http_frames(
    frame: pl.DataFrame, ids: pl.DataFrame, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make http.log's rows, and files.log's of their bodies."""
    joined = _joined(frame, ids).with_columns(
        fuid=text.identifiers(rng, len(frame), "F"), sent=text.identifiers(rng, len(frame), "F")
    )
    has_body, has_upload = pl.col("response_len") > 0, pl.col("request_len") > 0
    http = joined.with_columns(
        trans_depth=pl.col("depth"),
        version=pl.lit("1.1"),
        origin=pl.lit(None, pl.String),
        request_body_len=pl.col("request_len"),
        response_body_len=pl.col("response_len"),
        status_code=pl.col("status"),
        status_msg=pl.col("status").replace_strict(_STATUS, return_dtype=pl.String),
        tags=pl.lit([], pl.List(pl.String)),
        orig_fuids=pl.when(has_upload).then(pl.concat_list("sent")),
        resp_fuids=pl.when(has_body).then(pl.concat_list("fuid")),
        resp_mime_types=pl.when(has_body & pl.col("mime").is_not_null()).then(pl.concat_list("mime")),
    )
    down = joined.filter(has_body).with_columns(
        ts=pl.col("ts") + 18_000,
        source=pl.lit("HTTP"),
        mime_type=pl.col("mime"),
        is_orig=pl.lit(value=False),
        size=pl.col("response_len"),
    )
    up = joined.filter(has_upload).with_columns(
        fuid=pl.col("sent"),
        ts=pl.col("ts") + 400,
        source=pl.lit("HTTP"),
        mime_type=pl.lit(None, pl.String),
        is_orig=pl.lit(value=True),
        size=pl.col("request_len"),
    )
    bodies = pl.concat([down, up]).with_columns(
        filename=pl.lit(None, pl.String), depth=pl.lit(0, pl.Int64), **{KEY: pl.col("ts")}
    )
    return http, _files(bodies)


def files_frame(frame: pl.DataFrame, ids: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Make files.log's rows of what did not travel over HTTP."""
    joined = _joined(frame, ids).with_columns(
        fuid=text.identifiers(rng, len(frame), "F"), mime_type=pl.col("mime")
    )
    return _files(joined)


def _files(frame: pl.DataFrame) -> pl.DataFrame:
    from_inside = pl.col("id.orig_h").str.contains(r"^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)")
    return frame.with_columns(
        analyzers=pl.lit([], pl.List(pl.String)),
        duration=pl.col("size") // 12,
        local_orig=from_inside & pl.col("is_orig"),
        seen_bytes=pl.col("size"),
        total_bytes=pl.when(pl.col("size") % 5 > 0).then(pl.col("size")),
        missing_bytes=pl.lit(0),
        overflow_bytes=pl.lit(0),
        timedout=pl.lit(value=False),
    )


def ssl_frame(
    frame: pl.DataFrame, ids: pl.DataFrame, network: Network, rng: np.random.Generator
) -> pl.DataFrame:
    """Make ssl.log's rows; TLS 1.3 and resumed sessions show no certificate."""
    site = frame["site"]
    cipher = np.where(frame["version"].to_numpy() == TLS13, site.to_numpy() % 2, 2 + site.to_numpy() % 3)
    refused = pl.Series("refused", rng.random(len(frame)) < _REFUSED)
    shown = (pl.col("version") == TLS12) & ~pl.col("resumed")
    return _joined(frame, ids).with_columns(
        site=site,
        version=pl.when(pl.col("version") == TLS13).then(pl.lit("TLSv13")).otherwise(pl.lit("TLSv12")),
        cipher=_coded(cipher, list(_CIPHERS)),
        curve=pl.when(~pl.col("resumed")).then(
            pl.when(pl.Series(rng.integers(0, 3, len(frame)) > 0))
            .then(pl.lit("x25519"))
            .otherwise(pl.lit("secp256r1"))
        ),
        server_name=pl.when(pl.col("sni")).then(network.sites.names.gather(site)),
        last_alert=pl.when(shown & refused).then(pl.lit("unknown_ca")),
        next_protocol=pl.when(shown & ~refused & (site % 3 > 0)).then(pl.lit("h2")),
        established=~(shown & refused),
        ssl_history=pl.when(shown & refused)
        .then(pl.lit("CsxknL"))
        .when(shown)
        .then(pl.lit("CsxknGIi"))
        .otherwise(pl.lit("CsiI")),
        cert_chain_fps=pl.when(shown).then(network.certificates.chains.gather(site)),
        client_cert_chain_fps=pl.when(shown).then(pl.lit([], pl.List(pl.String))),
        sni_matches_cert=pl.when(shown & pl.col("sni")).then(network.certificates.matches.gather(site)),
    )


def x509_frame(ssl: pl.DataFrame, network: Network, logged: set[str]) -> pl.DataFrame:
    """Make x509.log's rows of the certificates seen for the first time; adds them to ``logged``."""
    seen = (
        ssl.select(pl.col(KEY) + 21_000, fingerprint="cert_chain_fps")
        .drop_nulls()
        .explode("fingerprint")
        .group_by("fingerprint")
        .agg(pl.col(KEY).min())
        .filter(~pl.col("fingerprint").is_in(list(logged)))
        .sort(KEY, "fingerprint")
    )
    logged.update(seen["fingerprint"].to_list())
    order = network.certificates.table.with_row_index("_position")
    return (
        seen.join(order, on="fingerprint", how="left")
        .sort(KEY, "host_cert", "_position", descending=[False, True, False])
        .with_columns(ts=pl.col(KEY), client_cert=pl.lit(value=False))
    )


def weird_frame(frame: pl.DataFrame, ids: pl.DataFrame) -> pl.DataFrame:
    """Make weird.log's rows."""
    return _joined(frame, ids).with_columns(notice=pl.lit(value=False), peer=pl.lit("zeek"))
