"""What is said of scored rows beside their score: why, resting on what, and whether unlike training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ptml.artifact import contracts_of, model_inputs, pool
from ptml.drift.nearest import nearest
from ptml.explain.evidence import evidence
from ptml.schema import CONTRIBUTIONS

if TYPE_CHECKING:
    from ptml.drift.batch import Tally
    from ptml.explain.reasons import Explainer
    from ptml.types import Level

EXPLAINED = 1000
"""Alerts of a batch that get reasons: those of the highest probability."""
TOLD = ("reasons", "evidence", "contributions")
TEXTS = pl.col("contributions").list.eval(pl.element().struct.field("text")).alias("reasons")
UNEXPLAINED = [
    pl.lit(None, pl.List(pl.String)).alias("reasons"),
    pl.lit(None, pl.List(pl.String)).alias("evidence"),
    pl.lit(None, CONTRIBUTIONS).alias("contributions"),
]


def explain_connections(
    explainer: Explainer, batch: pl.DataFrame, scored: pl.DataFrame, *, most: int = EXPLAINED
) -> pl.DataFrame:
    """Add to scored connections whether they are unlike training, and to alerts why they are.

    Args:
        explainer: Says why.
        batch: The features of the connections, in the order of `scored`.
        scored: Their scores.
        most: How many alerts at most.
    """
    scored = scored.with_columns(_unlike(explainer, batch, "connection"))
    wanted = (
        scored.with_row_index("row")
        .filter(pl.col("verdict") == "malicious")
        .sort("probability", "uid", descending=[True, False])
        .head(most)["row"]
    )
    if wanted.is_empty():
        return scored.with_columns(UNEXPLAINED)
    told = scored[wanted].with_columns(explainer.connections(batch[wanted]))
    told = told.with_columns(TEXTS, evidence(told, scored))
    place = pl.Series([None], dtype=pl.UInt32).new_from_index(0, scored.height)
    place = place.scatter(wanted, pl.Series(range(told.height), dtype=pl.UInt32))
    return scored.with_columns(told.select(pl.col(TOLD).gather(place)))


def tally(explainer: Explainer, counted: Tally, rows: pl.DataFrame, level: Level) -> None:
    """Count rows, so that the batch can be held against the training data; nothing where it is not known."""
    known = explainer.reference.levels.get(level) if explainer.reference else None
    if known is not None:
        counted.add(level, known, _inputs(explainer, rows, level))


def explain_capture(explainer: Explainer, features: pl.DataFrame, scores: pl.DataFrame) -> dict[str, Any]:
    """Tell of one capture why it is called malicious, what it is like, and whether it is unlike all training.

    Args:
        explainer: Says why.
        features: The capture's features.
        scores: Its scored connections: capture_id and probability.
    """
    known = explainer.reference.levels.get("capture") if explainer.reference else None
    found: dict[str, Any] = {
        "out_of_distribution": _unlike(explainer, features, "capture").to_list()[0],
        "nearest": None,
    }
    if known is not None and known.neighbours:
        families = {name: feature.family for name, feature in explainer.features.items()}
        [found["nearest"]] = nearest(known, _inputs(explainer, features, "capture"), families)
    pooled = pool(scores["capture_id"], scores["probability"].to_numpy())
    told = explainer.captures(features, pooled).to_frame().select(TEXTS, "contributions")
    return found | told.row(0, named=True)


def _unlike(explainer: Explainer, rows: pl.DataFrame, level: Level) -> pl.Series:
    known = explainer.reference.levels.get(level) if explainer.reference else None
    if known is None or not known.features:
        flags: Any = [None] * rows.height
    else:
        flags = known.unlike_training(_inputs(explainer, rows, level))
    return pl.Series("out_of_distribution", flags, dtype=pl.Boolean)


def _inputs(explainer: Explainer, rows: pl.DataFrame, level: Level) -> pl.DataFrame:
    known = explainer.reference.levels[level].features if explainer.reference else ()
    contracts = {one.name: one for one in contracts_of(rows.schema, level)}
    return model_inputs(rows, [contracts[one.name] for one in known])
