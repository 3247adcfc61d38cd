"""Zeek logs as frames, and a workspace whose captures have them parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.manifest import Publication, fingerprint
from tests.train.builders import Made, uids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ptml.workspace import Workspace


def conn(rows: list[tuple[Any, ...]]) -> pl.LazyFrame:
    """Make conn.log of (uid, seconds since 1970, originator, responder, port, protocol)."""
    names = ("uid", "seconds", "id.orig_h", "id.resp_h", "id.resp_p", "proto")
    frame = pl.LazyFrame(rows, schema=names, orient="row")
    moment = pl.from_epoch(pl.col("seconds"), time_unit="s").cast(pl.Datetime("us", "UTC"))
    return frame.with_columns(pl.col("id.resp_p").cast(pl.UInt16), ts=moment).drop("seconds")


def publish_logs(workspace: Workspace, made: Made, logs: Mapping[str, pl.LazyFrame]) -> None:
    """Publish logs of a capture as the parse stage does."""
    tables = {name: log.collect() for name, log in logs.items()}
    print_ = fingerprint("parse", "1", {}, {name: str(table.to_dict()) for name, table in tables.items()})
    with workspace.scratch_folder() as folder:
        publication = Publication(workspace, "parse", made.capture_id, print_, folder)
        for name, table in tables.items():
            part = publication.new_part(f"logs/{name}", rows=table.height)
            table.write_parquet(part.temporary)
        publication.publish(inputs={}, parameters={}, rows_in=0, rows_out=0)


def talk_to(made: Made, names: list[str | None]) -> dict[str, pl.LazyFrame]:
    """Let a capture's connections present these server names; None is none, to a private address."""
    rows = [(uid, 0, "10.0.0.5", "10.0.0.6", 443, "tcp") for uid in uids(made)]
    ssl = pl.LazyFrame({"uid": uids(made), "server_name": names}, schema_overrides={"server_name": pl.String})
    return {"conn": conn(rows), "ssl": ssl}
