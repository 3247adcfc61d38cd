"""The policies: from a capture's connections and what is known of it to a label for each.

Each takes `uid` a row and gives, in the same order, `label, family, label_confidence`; a label that nobody
knows is null, not benign. Beside it come counts of what did not fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ptml.labels.matching import match
from ptml.labels.ordinary import ordinary_uids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ptml.features.family import Logs
    from ptml.labels.indicators import Indicator


@dataclass(frozen=True, slots=True)
class Said:
    """What the catalog says of a capture as a whole."""

    label: str
    family: str | None = None
    confidence: float | None = None


def inherit(uids: pl.DataFrame, said: Said) -> pl.DataFrame:
    """Hand a capture's label to all its connections; `mixed` and `unknown` say nothing about any one of them.

    >>> inherit(pl.DataFrame({"uid": ["C1"]}), Said("malicious", "emotet", 0.9)).row(0)
    ('C1', 'malicious', 'emotet', 0.9)
    >>> inherit(pl.DataFrame({"uid": ["C1"]}), Said("mixed", "emotet", 0.9)).row(0)
    ('C1', None, None, None)
    """
    known = said.label in ("malicious", "benign")
    return uids.with_columns(
        label=pl.lit(said.label if known else None, pl.String),
        family=pl.lit(said.family if said.label == "malicious" else None, pl.String),
        label_confidence=pl.lit(said.confidence if known else None, pl.Float64),
    )


def leave_open(uids: pl.DataFrame) -> pl.DataFrame:
    """Label no connection: only the capture as a whole is known.

    >>> leave_open(pl.DataFrame({"uid": ["C1"]})).row(0)
    ('C1', None, None, None)
    """
    return inherit(uids, Said("unknown"))


def inherit_filtered(
    uids: pl.DataFrame, said: Said, logs: Logs
) -> tuple[pl.DataFrame, dict[str, int], list[str]]:
    """Hand a capture's label down, but for connections of a malicious one that any host makes.

    These get no label. What benign captures contact, too, is not decided here: that is a matter of which
    captures are learned from, so `ptml.train` decides it in each fold.
    """
    table = inherit(uids, said)
    if said.label != "malicious":
        return table, {"ordinary": 0}, []
    if "conn" not in logs:
        return table, {"ordinary": 0}, ["no conn.log: nothing was filtered"]
    left_open = pl.col("uid").is_in(ordinary_uids(logs)["uid"].implode())
    ordinary = table.select(left_open.sum()).item()
    return _opened(table, left_open), {"ordinary": ordinary}, []


def by_column(uids: pl.DataFrame, said: Said, given: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Give each connection its own label, in the connections' order, and count what does not fit.

    >>> uids = pl.DataFrame({"uid": ["C1", "C2"]})
    >>> given = pl.DataFrame({"uid": ["C1", "C9"], "label": ["malicious", "benign"], "family": ["x", None]})
    >>> frame, counts = by_column(uids, Said("mixed", confidence=0.9), given)
    >>> frame.rows()
    [('C1', 'malicious', 'x', 0.9), ('C2', None, None, None)]
    >>> counts
    {'without_connection': 1, 'contradicting': 0}
    """
    one = (
        given.drop_nulls(["uid", "label"])
        .group_by("uid")
        .agg(
            pl.col("label").sort().first(),
            pl.col("family").sort(nulls_last=True).first(),
            contradicting=pl.col("label").n_unique() > 1,
        )
    )
    joined = uids.join(one, on="uid", how="left", maintain_order="left")
    known = pl.col("label").is_in(["malicious", "benign"]) & ~pl.col("contradicting")
    labelled = joined.select(
        "uid",
        label=pl.when(known).then("label"),
        family=pl.when(known & (pl.col("label") == "malicious")).then("family"),
        label_confidence=pl.when(known).then(pl.lit(said.confidence, pl.Float64)),
    )
    return labelled, {
        "without_connection": given.join(uids, on="uid", how="anti").height,
        "contradicting": one.filter("contradicting").height,
    }


def by_indicators(
    uids: pl.DataFrame, said: Said, logs: Logs, indicators: Sequence[Indicator]
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Label the connections that match an indicator; of the others nothing is known, unless all are benign.

    A list is never complete: what is not on it is not benign. In a capture that is benign as a whole the
    others are. A connection that matches indicators of both labels, or one that contradicts a benign capture,
    gets none and is counted.
    """
    rows = pl.DataFrame(
        [(number, one.label, one.family, one.confidence) for number, one in enumerate(indicators)],
        schema={"number": pl.UInt32, "hit": pl.String, "of": pl.String, "sure": pl.Float64},
        orient="row",
    )
    hits = match(logs, indicators).join(rows, on="number").group_by("uid").agg(
        pl.col("hit").sort().first(),
        pl.col("of").sort(nulls_last=True).first(),
        pl.col("sure").max(),
        both=pl.col("hit").n_unique() > 1,
    )  # fmt: skip
    table = inherit(uids, said if said.label == "benign" else Said("unknown"))
    table = table.join(hits, on="uid", how="left", maintain_order="left")
    against = pl.col("both") | ((pl.col("hit") == "malicious") & pl.lit(said.label == "benign"))
    matched = pl.col("hit").is_not_null()
    counts = {
        "matched": table.select(matched.sum()).item(),
        "contradicting": table.select(against.fill_null(value=False).sum()).item(),
    }
    family = pl.when(pl.col("hit") == "malicious").then(pl.coalesce("of", pl.lit(said.family, pl.String)))
    sure = pl.coalesce("sure", pl.lit(said.confidence, pl.Float64))
    labelled = table.select(
        "uid",
        label=pl.when(matched).then("hit").otherwise("label"),
        family=pl.when(matched).then(family).otherwise("family"),
        label_confidence=pl.when(matched).then(sure).otherwise("label_confidence"),
        against=against.fill_null(value=False),
    )
    return _opened(labelled, pl.col("against")).drop("against"), counts


def _opened(table: pl.DataFrame, rows: pl.Expr) -> pl.DataFrame:
    """Take the labels of some rows away."""
    return table.with_columns(pl.when(~rows).then(name) for name in ("label", "family", "label_confidence"))
