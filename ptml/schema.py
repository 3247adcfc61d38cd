"""The columns of ptml's own tables, and a check that a frame has them.

Zeek's logs are typed from their own headers; fixed here are the tables that stages hand to each other.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import polars as pl

from ptml.errors import BadData

UTC_TIME = pl.Datetime("us", "UTC")
CONTRIBUTIONS = pl.List(
    pl.Struct(
        {
            "family": pl.String,
            "family_contribution": pl.Float64,
            "feature": pl.String,
            "value": pl.String,
            "contribution": pl.Float64,
            "text": pl.String,
        }
    )
)
"""Features that pushed a score up most: log-odds by family and feature, the value with its unit, in words."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, type and meaning."""

    name: str
    dtype: pl.DataType
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table's contract: what it holds, its columns in order, and the ones that make its key."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Give names and types as Polars takes them."""
        return {column.name: column.dtype for column in self.columns}

    def empty(self) -> pl.DataFrame:
        """Make the table without rows, typed.

        >>> LABELS.empty().width
        6
        """
        return pl.DataFrame(schema=self.schema)

    def check(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Let a frame through that has this table's columns, in its order, with its types.

        Raises:
            BadData: Columns are missing, or a value does not fit its type.
        """
        missing = [name for name in self.schema if name not in frame.columns]
        if missing:
            raise BadData.missing_columns(self.name, missing, frame.columns)
        try:
            return frame.select(pl.col(name).cast(dtype) for name, dtype in self.schema.items())
        except pl.exceptions.PolarsError as error:
            raise BadData(f"{self.name}: {error}") from error


def _columns(*rows: tuple[str, pl.DataType | type[pl.DataType], str]) -> tuple[Column, ...]:
    return tuple(
        Column(name, dtype() if isinstance(dtype, type) else dtype, text) for name, dtype, text in rows
    )


CATALOG = Table(
    "catalog",
    "the captures of a workspace, one row each",
    ("capture_id",),
    _columns(
        ("capture_id", pl.String, "`c` and 16 hex digits of the capture's content hash"),
        ("name", pl.String, "what people call it; free text"),
        ("label", pl.String, "malicious, benign, mixed or unknown"),
        (
            "label_level",
            pl.String,
            "capture: one label for all its connections; connection: each has its own",
        ),
        (
            "label_method",
            pl.String,
            "how the label was made: manifest, option, file, simulator, …; or its connections' own policy",
        ),
        ("label_confidence", pl.Float64, "how sure the label is, 0 to 1; null if nobody said"),
        ("family", pl.String, "malware family or attack; null for benign or unknown"),
        ("tags", pl.List(pl.String), "free words, sorted"),
        ("unit", pl.String, "what one capture is: file, sensor-hour, sensor-day"),
        ("md5", pl.String, "of the PCAP, where there was one"),
        ("sha256", pl.String, "of the PCAP, where there was one"),
        ("size_bytes", pl.UInt64, "of the raw files"),
        ("started_at", UTC_TIME, "when the capture began, if known"),
        ("ended_at", UTC_TIME, "when the capture ended, if known"),
        ("notes", pl.String, "free text"),
    ),
)
PROVENANCE = Table(
    "provenance",
    "where each capture comes from, one row per capture and source",
    ("capture_id", "source"),
    _columns(
        ("capture_id", pl.String, "which capture"),
        ("source", pl.String, "who published it: a site, a repository, `own`, `simulator`"),
        ("url", pl.String, "where it was fetched from"),
        ("source_id", pl.String, "its name or number there"),
        ("licence", pl.String, "its terms, as the source states them"),
        ("citation", pl.String, "how to cite it"),
        ("fetched_at", UTC_TIME, "when it came into the workspace"),
    ),
)
QUARANTINE = Table(
    "quarantine",
    "lines and files that could not be read, with their bytes",
    ("capture_id", "path", "line"),
    _columns(
        ("capture_id", pl.String, "which capture"),
        ("path", pl.String, "file within the capture"),
        ("log", pl.String, "Zeek log, if known"),
        ("line", pl.UInt64, "line number, from 1; null where a whole file could not be read"),
        ("offset", pl.UInt64, "byte offset of the line in the uncompressed file"),
        ("reason", pl.String, "why it could not be read"),
        ("raw", pl.Binary, "the bytes as they were"),
    ),
)
LABELS = Table(
    "labels",
    "labels of connections, and how they were made",
    ("capture_id", "uid"),
    _columns(
        ("capture_id", pl.String, "which capture"),
        ("uid", pl.String, "which connection"),
        ("label", pl.String, "malicious or benign; null if nobody knows: background, mixed, unlabelled"),
        ("family", pl.String, "malware family or attack; null if benign or not known"),
        ("label_method", pl.String, "policy: column, ioc, inherit, inherit-filtered or capture-only"),
        ("label_confidence", pl.Float64, "how sure it is, 0 to 1; null if nobody said, or without a label"),
    ),
)
PAIRS = Table(
    "pairs",
    "how regularly a source meets an address and port, or a name, over a capture",
    ("capture_id", "kind", "orig_h", "resp", "resp_p"),
    _columns(
        ("capture_id", pl.String, "which capture"),
        (
            "kind",
            pl.String,
            "what resp is: address; name (of TLS, QUIC or HTTP); dns (a name that was asked for)",
        ),
        ("orig_h", pl.String, "originator's address"),
        ("resp", pl.String, "responder's address, or the name in lower case, at most 256 characters of it"),
        ("resp_p", pl.UInt16, "responder's port; null for names"),
        ("connections", pl.UInt32, "connections of the pair; one with a name twice counts once"),
        ("first", UTC_TIME, "start of the first"),
        ("last", UTC_TIME, "start of the last"),
        ("orig_bytes", pl.UInt64, "payload that the originator sent; null where no count is known"),
        ("resp_bytes", pl.UInt64, "payload that the responder sent; null where no count is known"),
        ("beacon_score", pl.Float32, "RITA's beacon score, 0 to 1: mean of the four below"),
        ("ts_score", pl.Float32, "RITA's timestamp score, 0 to 1: gaps are alike"),
        ("ds_score", pl.Float32, "RITA's data size score, 0 to 1: the originator's IP bytes are alike"),
        ("hist_score", pl.Float32, "RITA's histogram score, 0 to 1: 24 parts of the capture are alike"),
        ("dur_score", pl.Float32, "RITA's duration score, 0 to 1: the pair lasts, or does not pause"),
        ("periodicity", pl.UInt8, "percent of the gaps that are equal but for a quarter"),
        ("fano", pl.Float32, "variance over mean of the connections in 24 parts of the capture"),
        ("gap_entropy", pl.Float32, "entropy of the gaps by octaves, bits"),
        ("orig_bytes_mode", pl.UInt8, "percent of the originator's payloads of the most common size"),
        ("resp_bytes_mode", pl.UInt8, "percent of the responder's payloads of the most common size"),
        ("strobe", pl.Boolean, "a connection a second or more, on average over the capture"),
        ("gap_median", pl.Float32, "median gap, seconds"),
        ("gap_mode", pl.Float32, "most common gap, seconds; of several the shortest"),
        ("gap_mode_count", pl.UInt32, "how often it occurs"),
    ),
)
CONNECTION_SCORES = Table(
    "scores/connections",
    "probability and verdict of each scored connection",
    ("capture_id", "uid"),
    _columns(
        ("capture_id", pl.String, "which capture"),
        ("uid", pl.String, "which connection"),
        ("ts", UTC_TIME, "when it began"),
        ("id.orig_h", pl.String, "originator's address"),
        ("id.orig_p", pl.UInt16, "originator's port"),
        ("id.resp_h", pl.String, "responder's address"),
        ("id.resp_p", pl.UInt16, "responder's port"),
        ("proto", pl.String, "tcp, udp, icmp or other"),
        ("service", pl.String, "what Zeek recognised; the first of several; other if it is rare"),
        ("probability", pl.Float64, "calibrated probability of being malicious"),
        ("verdict", pl.String, "malicious if the probability reaches the threshold, else benign"),
        ("threshold", pl.Float64, "the model's threshold for connections"),
        ("out_of_distribution", pl.Boolean, "unlike anything in training; null where the model cannot tell"),
        ("reasons", pl.List(pl.String), "what pushed the score up most, for alerts; null where not known"),
        ("evidence", pl.List(pl.String), "uids of the connections that these rest on; null without reasons"),
        ("contributions", CONTRIBUTIONS, "the reasons in numbers; null without reasons"),
    ),
)
HOST_SCORES = Table(
    "scores/hosts",
    "the scored connections summed up by the host that began them",
    ("capture_id", "host"),
    _columns(
        ("capture_id", pl.String, "which capture"),
        ("host", pl.String, "originator's address"),
        ("connections", pl.UInt64, "connections it began"),
        ("alerts", pl.UInt64, "connections called malicious"),
        ("probability", pl.Float64, "highest probability among its connections"),
        ("verdict", pl.String, "malicious if it has an alert, else benign"),
    ),
)
CAPTURE_SCORES = Table(
    "scores/captures",
    "probability and verdict of each scored capture",
    ("capture_id",),
    _columns(
        ("capture_id", pl.String, "which capture"),
        ("name", pl.String, "its folder or file name"),
        ("path", pl.String, "as it was given"),
        ("connections", pl.UInt64, "connections scored"),
        ("alerts", pl.UInt64, "connections called malicious"),
        (
            "top_probability",
            pl.Float64,
            "highest probability among its connections; null if none were scored",
        ),
        (
            "mean_probability",
            pl.Float64,
            "mean probability of its connections: the share of them expected to be malicious; null if none",
        ),
        (
            "probability",
            pl.Float64,
            "calibrated probability that it holds malicious traffic; null: not known",
        ),
        (
            "verdict",
            pl.String,
            "malicious if the probability reaches the threshold, else benign; null: not known",
        ),
        ("threshold", pl.Float64, "the model's threshold for captures; null if it does not judge captures"),
        (
            "family",
            pl.String,
            "family of one called malicious; null: unknown, or the model names no families",
        ),
        (
            "family_probability",
            pl.Float64,
            "probability of the family that comes first, named or not; null: not asked for",
        ),
        (
            "out_of_distribution",
            pl.Boolean,
            "unlike any capture in training; null where the model cannot tell",
        ),
        ("reasons", pl.List(pl.String), "what pushed the score up most, where called malicious; else null"),
        (
            "nearest",
            pl.List(pl.String),
            "the training captures most like it, nearest first; null where the model cannot tell",
        ),
    ),
)
SPLITS = Table(
    "models/splits",
    "which fold held a capture out while a model was calibrated: splits.parquet beside the model",
    ("level", "capture_id"),
    _columns(
        ("level", pl.String, "connection or capture"),
        ("capture_id", pl.String, "which capture"),
        ("group", pl.String, "captures of a group are held out together; named after the first of them"),
        ("fold", pl.UInt16, "the fold that held it out, from 0; null if none did"),
        ("rows", pl.UInt64, "rows of it that were learned from"),
        ("malicious", pl.UInt64, "how many of these are malicious"),
    ),
)
LEARNED = Table(
    "models/captures",
    "the captures that there were when a model was trained: captures.parquet beside the model",
    ("capture_id",),
    _columns(
        ("capture_id", pl.String, "which capture"),
        ("source", pl.String, "who published it"),
        ("label", pl.String, "the catalog's label"),
        ("family", pl.String, "the catalog's malware family or attack; null if benign or not known"),
        ("unit", pl.String, "what it is: file, sensor-hour, …"),
        ("group", pl.String, "captures of a group are held out together; named after the first of them"),
        ("raw", pl.String, "fingerprint of its raw data"),
        ("features", pl.String, "fingerprint of its features; null if it has none"),
        ("labels", pl.String, "fingerprint of its connections' labels; null if it has none"),
        ("connections", pl.UInt64, "connections of it that have a label and were asked for"),
        ("name", pl.String, "what people call it"),
        ("start", UTC_TIME, "start of its first connection; null where no time can be believed"),
        ("end", UTC_TIME, "end of its last connection; likewise"),
        ("period", pl.String, "train, validation or test; null where no periods are named"),
        ("known", pl.Boolean, "its family may be learned from"),
        ("left_out", pl.String, "why `[dataset]` leaves it out; null where it does not"),
        ("used", pl.Boolean, "the model learned from it, at one level at least"),
    ),
)
TABLES = (
    CATALOG,
    PROVENANCE,
    QUARANTINE,
    LABELS,
    PAIRS,
    SPLITS,
    LEARNED,
    CONNECTION_SCORES,
    HOST_SCORES,
    CAPTURE_SCORES,
)


def schema_version() -> str:
    """Hash the names, types and keys of all these tables: it changes when any of them does.

    >>> len(schema_version())
    16
    """
    told = [
        [table.name, list(table.key), [[column.name, str(column.dtype)] for column in table.columns]]
        for table in TABLES
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
