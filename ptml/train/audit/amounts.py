"""How much there is of what: captures, classes, families, floods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.train.audit.check import Found, lit, nothing_to_check
from ptml.train.audit.statistics import auc_half_width, share_half_width

if TYPE_CHECKING:
    from ptml.train.audit.results import Cell
    from ptml.train.audit.subject import Subject
    from ptml.types import Light

FEW = (30, 10)
RARE = (0.1, 0.02)
ONE_FAMILY = (0.5, 0.9)
FLOOD = (0.25, 0.75)


def few_captures(subject: Subject) -> Found:
    """Count captures of each class, and what interval so few allow."""
    malicious, benign = subject.groups_with(1), subject.groups_with(0)
    fewest = min(malicious, benign)
    area, recall = auc_half_width(malicious, benign), share_half_width(malicious)
    light: Light = "red" if fewest < FEW[1] else "amber" if fewest < FEW[0] else "green"
    says = (
        f"{malicious} groups of captures have malicious rows, {benign} benign ones: expect 95 % intervals "
        f"of about ±{area:.2f} for a ROC-AUC and ±{recall:.2f} for the share of captures found"
    )
    figures: dict[str, Cell] = {
        "malicious": malicious,
        "benign": benign,
        "auc_half_width": area,
        "recall_half_width": recall,
    }
    return Found(light, says, figures)


def class_balance(subject: Subject) -> Found:
    """Tell how rare the rarer class is, in captures."""
    malicious, benign = subject.groups_with(1), subject.groups_with(0)
    rarer = min(malicious, benign) / subject.groups
    rows = float(subject.data.y.mean())
    light: Light = "red" if rarer < RARE[1] else "amber" if rarer < RARE[0] else "green"
    says = (
        f"of {subject.groups} groups of captures {malicious} have malicious rows and {benign} benign ones; "
        f"{rows:.2%} of the rows are malicious"
    )
    figures: dict[str, Cell] = {
        "groups": subject.groups,
        "with_malicious": malicious,
        "with_benign": benign,
        "malicious_share_of_rows": rows,
    }
    return Found(light, says, figures)


def family_balance(subject: Subject) -> Found:
    """Tell whether one family makes most of what is malicious."""
    malicious = subject.captures.filter(pl.col("y") == 1)
    named = malicious.drop_nulls("family")
    if named.is_empty():
        return nothing_to_check("no family is named")
    counts = named.group_by("family").agg(pl.len().cast(pl.Int64).alias("captures"))
    counts = counts.sort("captures", "family", descending=[True, False])
    largest, of = counts["captures"][0], malicious.height
    share = largest / of
    once = int((counts["captures"] == 1).sum())
    says = (
        f"{counts.height} families; the largest, {counts['family'][0]}, makes {share:.1%} of the malicious "
        f"captures; {once} have a single capture, {of - named.height} captures name none"
    )
    figures: dict[str, Cell] = {
        "families": counts.height,
        "largest_share": share,
        "single_capture": once,
        "unnamed": of - named.height,
    }
    return Found(lit(share, *ONE_FAMILY), says, figures, ("family", "captures"), tuple(counts.iter_rows()))


def floods(subject: Subject) -> Found:
    """Tell whether a few captures hold most of the rows."""
    rows = subject.captures.group_by("capture_id").agg(pl.col("rows").sum())
    rows = rows.sort("rows", "capture_id", descending=[True, False])
    shares = rows["rows"].to_numpy() / len(subject.data.y)
    largest, ten = float(shares[0]), float(shares[:10].sum())
    effective = float(1 / np.square(shares).sum())
    says = (
        f"the largest capture holds {largest:.1%} of the rows, the ten largest {ten:.1%}: row by row these "
        f"{len(shares)} captures are worth {effective:.1f}"
    )
    figures: dict[str, Cell] = {"largest_share": largest, "ten_largest_share": ten, "effective": effective}
    table = [
        (row["capture_id"], int(row["rows"]), row["rows"] / len(subject.data.y)) for row in rows.to_dicts()
    ]
    return Found(lit(largest, *FLOOD), says, figures, ("capture", "rows", "share"), tuple(table))
