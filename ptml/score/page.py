"""The HTML page of a batch: the riskiest rows of its tables, and what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.io import read_parquet
from ptml.report import ScoresPage, Totals, render_scores
from ptml.score.tables import CAPTURES, CONNECTIONS, HOSTS, alerts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SHOWN = {"captures": 500, "hosts": 100, "alerts": 200}


def scores_page(
    folder: Path,
    run: Mapping[str, Any],
    *,
    model_facts: Sequence[tuple[str, object]],
    evaluation: str | None,
) -> str:
    """Make the page from finished tables.

    Args:
        folder: Where the tables are.
        run: What `run.json` will say.
        model_facts: Name and value of what is known of the model.
        evaluation: In a sentence, how the model did on captures it had not seen.
    """
    captures = read_parquet(folder / CAPTURES)
    hosts = pl.scan_parquet(folder / HOSTS, glob=False, hive_partitioning=False)
    names = captures.lazy().select("capture_id", "name")
    top_hosts = hosts.head(SHOWN["hosts"]).join(names, on="capture_id", how="left", maintain_order="left")
    top_alerts = (
        alerts(folder / CONNECTIONS, captures)
        .sort("probability", "capture_id", "uid", descending=[True, False, False])
        .head(SHOWN["alerts"])
    )
    trained_on = {record["capture_id"] for record in run["captures"] if record["in_training"]}
    totals = run["totals"]
    return render_scores(
        ScoresPage(
            captures=[
                {**row, "in_training": row["capture_id"] in trained_on}
                for row in captures.head(SHOWN["captures"]).iter_rows(named=True)
            ],
            hosts=top_hosts.collect().to_dicts(),
            alerts=top_alerts.collect().to_dicts(),
            reading=run["captures"][: SHOWN["captures"]],
            skipped=run["skipped"],
            totals=Totals(
                captures=totals["captures"],
                malicious=totals["malicious"],
                connections=totals["connections"],
                alerts=totals["alerts"],
                hosts=totals["hosts"],
                rows=totals["rows_read"],
                quarantined=totals["rows_quarantined"],
                in_training=totals["in_training"],
            ),
            model_facts=model_facts,
            connection_threshold=run["model"]["thresholds"].get("connection"),
            evaluation=evaluation,
            audit=run["model"]["audit"],
            warnings=run["drift"]["warnings"] if run["drift"] else (),
        )
    )
