"""Workspaces with tiny published feature tables, made without parsing anything."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.catalog import upsert
from ptml.manifest import Publication, fingerprint
from ptml.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

CONNECTION_FEATURES = ("duration", "bytes_sum", "is_local", "service", "never_known")


@dataclass(frozen=True)
class Made:
    """A capture to make; `shift` moves its connections away from the benign ones."""

    name: str
    label: str = "benign"
    rows: int = 20
    family: str | None = None
    source: str = "lab"
    label_level: str = "capture"
    labels: tuple[tuple[str, str], ...] = ()
    shift: float | None = None
    sha256: str | None = None
    start: datetime | None = None
    host: str | None = None
    unit: str = "file"

    @property
    def capture_id(self) -> str:
        """The id that a capture of this name has here."""
        return "c" + hashlib.sha256(self.name.encode()).hexdigest()[:16]

    @property
    def began(self) -> datetime:
        """When its first connection began: at a moment of its own, unless one is given."""
        return self.start or datetime(2010, 1, 1, tzinfo=UTC) + timedelta(
            hours=int(self.capture_id[1:], 16) % 100_000
        )

    @property
    def originator(self) -> str:
        """Who opens all its connections: a host of its own, unless one is given."""
        return self.host or f"10.{'.'.join(str(byte) for byte in bytes.fromhex(self.capture_id[1:7]))}"


def captures(malicious: int = 6, benign: int = 6, rows: int = 20) -> list[Made]:
    """Make two classes of captures from two sources, the malicious ones of two families."""
    return [
        *(
            Made(f"bad{i}", "malicious", rows, family=f"family{i % 2}", source="trap")
            for i in range(malicious)
        ),
        *(Made(f"good{i}", "benign", rows, source="lab" if i % 2 else "trap") for i in range(benign)),
    ]


def uids(made: Made) -> list[str]:
    """Name a capture's connections."""
    return [f"C{made.name}{i:05d}" for i in range(made.rows)]


def connection_table(made: Made) -> pl.DataFrame:
    """Make a capture's features of connections: two numbers, a truth value, a category, an unknown."""
    rng = np.random.default_rng(int(made.capture_id[1:], 16))
    shift = made.shift if made.shift is not None else 1.5 * (made.label != "benign")
    n = made.rows
    frame = pl.DataFrame(
        {
            "capture_id": [made.capture_id] * n,
            "uid": uids(made),
            "id.orig_h": [made.originator] * n,
            "id.orig_p": np.full(n, 40000, np.uint16),
            "id.resp_h": ["192.0.2.1"] * n,
            "id.resp_p": np.full(n, 443, np.uint16),
            "duration": (rng.normal(size=n) + shift).astype(np.float32),
            "bytes_sum": rng.lognormal(8, 2, size=n).astype(np.float32),
            "is_local": rng.random(n) < 0.5,
            "service": rng.choice(["dns", "http", "ssl"], size=n),
        }
    )
    return frame.select(
        "capture_id",
        "uid",
        (pl.lit(made.began, pl.Datetime("us", "UTC")) + pl.duration(seconds=pl.int_range(n))).alias("ts"),
        pl.col("^id\\..*$"),
        pl.when(pl.col("bytes_sum") > 1000).then("duration").alias("duration"),
        "bytes_sum",
        pl.when(pl.col("duration") > -1).then("is_local").alias("is_local"),
        pl.when(pl.col("duration") > -1).then("service").alias("service"),
        pl.lit(None, pl.Float32).alias("never_known"),
    )


def capture_table(made: Made) -> pl.DataFrame:
    """Make a capture's features of the whole: two numbers."""
    rows = connection_table(made)
    return pl.DataFrame(
        {"capture_id": [made.capture_id], "connections": [made.rows]},
        schema={"capture_id": pl.String, "connections": pl.UInt32},
    ).with_columns(pl.lit(rows["duration"].mean(), pl.Float32).alias("duration_mean"))


def publish_features(workspace: Workspace, made: Made, tables: dict[str, pl.DataFrame]) -> None:
    """Publish tables of features as the features stage does."""
    content = {name: table.hash_rows(seed=1).to_list() for name, table in tables.items()}
    print_ = fingerprint("features", "1", {}, {"content": hashlib.sha256(repr(content).encode()).hexdigest()})
    with workspace.scratch_folder() as folder:
        publication = Publication(workspace, "features", made.capture_id, print_, folder)
        for name, table in tables.items():
            part = publication.new_part(f"features/{name}", rows=table.height)
            table.drop("capture_id").write_parquet(part.temporary)
        rows = tables["connection"].height
        publication.publish(inputs={}, parameters={}, rows_in=rows, rows_out=rows)


def publish_raw(workspace: Workspace, made: Made) -> None:
    """Publish a raw capture: a log of its own, and labels of its connections if it has them."""
    print_ = fingerprint("raw", "1", {}, {"name": made.name, "labels": repr(made.labels)})
    with workspace.scratch_folder() as folder:
        publication = Publication(workspace, "raw", made.capture_id, print_, folder)
        home = workspace.raw(made.source, made.capture_id)
        publication.new_file(home / "conn.log", "raw").temporary.write_text(made.name, "utf-8")
        if made.labels:
            names, labels = [uid for uid, _ in made.labels], [label for _, label in made.labels]
            family = [made.family if label == "malicious" else None for label in labels]
            pl.DataFrame(
                {"uid": names, "label": labels, "family": family}, schema_overrides={"family": pl.String}
            ).write_parquet(publication.new_file(home / "labels.parquet", "raw").temporary)
        publication.publish(inputs={}, parameters={}, rows_in=0, rows_out=0)


def build_workspace(root: Path, made: Sequence[Made] | None = None, without: Iterable[str] = ()) -> Workspace:
    """Make a workspace whose captures have features; those named in `without` are in the catalog only."""
    workspace = Workspace(root)
    made = captures() if made is None else made
    rows: list[dict[str, object]] = [
        {
            "capture_id": one.capture_id,
            "name": one.name,
            "label": one.label,
            "label_level": one.label_level,
            "label_method": "manifest",
            "label_confidence": 0.9,
            "family": one.family,
            "tags": [],
            "unit": one.unit,
            "sha256": one.sha256,
        }
        for one in made
    ]
    upsert(workspace, rows, [{"capture_id": one.capture_id, "source": one.source} for one in made])
    for one in made:
        publish_raw(workspace, one)
        if one.name not in without:
            publish_features(
                workspace, one, {"connection": connection_table(one), "capture": capture_table(one)}
            )
    return workspace
