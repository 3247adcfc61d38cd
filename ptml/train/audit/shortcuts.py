"""Rules that no model would be needed for: one feature, the ports, the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.train.audit.check import Found, area_figures, area_text, lit, nothing_to_check
from ptml.train.audit.statistics import auc_interval, others_say, weighted_auc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ptml.train.audit.results import Cell
    from ptml.train.audit.statistics import Area
    from ptml.train.audit.subject import Sample, Subject

SINGLE = (0.95, 0.99)
LOOKED_AT = 8
ALONE = (0.8, 0.95)
NEARLY_ALL = 0.9
WORTH_SPLITTING = 0.65
VARYING = 0.1
NAMED = 3
ENOUGH_CAPTURES = 5

PORTS = (
    *("well_known_port", "resp_port_class", "orig_port_well_known"),
    *("service_on_usual_port", "unrecognised_on_well_known_port"),
    *("well_known_port_share", "dynamic_port_share", "unusual_port_share", "destination_ports"),
    *("port_evenness", "top_port_share", "port_byte_evenness", "lone_port_share"),
)
PROTOCOLS = (
    *("proto", "service", "service_count"),
    *("tcp_share", "udp_share", "icmp_share", "dns_share", "http_share", "encrypted_share", "shell_share"),
    *("windows_share", "mail_share", "dns_byte_share", "services", "service_evenness"),
    "service_byte_evenness",
)
PLACES = (
    *("orig_private", "resp_private", "resp_group", "ipv6", "same_subnet", "direction"),
    *("outbound_share", "internal_share", "inbound_share", "group_share", "ipv6_share"),
    *("public_destination_share", "private_hosts"),
)


def single_feature(subject: Subject) -> Found:
    """Find features that tell the classes apart by themselves."""
    sample = subject.sample
    ranked = sorted((-_area(score, sample), name) for name in sample.names for score in _scores(sample, name))
    best = list(dict.fromkeys(name for _, name in ranked))[:LOOKED_AT]
    areas = {name: _interval(sample, name) for name in best}
    name, top = max(areas.items(), key=lambda item: item[1].low)
    above = sum(area.low >= SINGLE[0] for area in areas.values())
    says = f"the best single feature, {name}, has ROC-AUC {area_text(top)}"
    rows: list[tuple[Cell, ...]] = [(n, area.value, area.low, area.high) for n, area in areas.items()]
    figures: dict[str, Cell] = {"feature": name, **area_figures("auc", top), "above_amber": above}
    return Found(lit(top.low, *SINGLE), says, figures, ("feature", "auc", "low", "high"), tuple(rows))


def _scores(sample: Sample, name: str) -> list[NDArray[np.float64]]:
    """Turn a feature into scores: nulls below all values, and above; a category into what others say."""
    column = sample.matrix[:, sample.names.index(name)].astype(np.float64)
    null = np.isnan(column)
    if name in sample.categories:
        codes = np.where(null, 0, column).astype(np.int64)
        return [others_say(codes, sample.y, sample.groups, sample.weight)]
    if not null.any():
        return [column, -column]
    low, high = np.where(null, -np.inf, column), np.where(null, np.inf, column)
    return [low, -low, high, -high]


def _area(score: NDArray[np.float64], sample: Sample) -> float:
    return weighted_auc(score, sample.y, sample.weight)


def _interval(sample: Sample, name: str) -> Area:
    score = max(_scores(sample, name), key=lambda one: _area(one, sample))
    return auc_interval(score, sample.y, sample.groups, sample.weight, seed=sample.seed)


def constant_in_class(subject: Subject) -> Found:
    """Find features that have one value in a class, and often another in the other class."""
    data = subject.data
    columns = [contract.name for contract in data.contracts]
    rows: list[tuple[Cell, ...]] = []
    perfect = 0
    for y, name in ((0, "benign"), (1, "malicious")):
        if subject.groups_with(y) < ENOUGH_CAPTURES:
            continue
        mine, others = data.inputs.filter(pl.Series(data.y == y)), data.inputs.filter(pl.Series(data.y != y))
        first = mine[0]
        constant = mine.select(pl.col(c).eq_missing(first[c].item()).all() for c in columns)
        weight = pl.Series(subject.weight[data.y != y])
        for column in (c for c in columns if constant[c].item()):
            value = first[column].item()
            differs = others.select((pl.col(column).ne_missing(value) * weight).sum()).item() / weight.sum()
            perfect += differs > 1 - 1e-9
            if differs >= VARYING:
                rows.append((column, name, "null" if value is None else str(value), float(differs)))
    rows.sort(key=lambda row: (-float(str(row[3])), str(row[0])))
    light = lit(min(len(rows), 1) + min(perfect, 1), 1, 2)
    some = ", ".join(str(row[0]) for row in rows[:NAMED]) + (", ..." if len(rows) > NAMED else "")
    says = (
        f"standing still in one class and varying in the other: {some} ({len(rows)} in all)"
        if rows
        else "no feature that varies in one class stands still in the other"
    )
    heads = ("feature", "constant_in", "value", "share_different_in_the_other_class")
    return Found(light, says, {"features": len(rows), "perfect": perfect}, heads, tuple(rows))


def alone(what: str, names: tuple[str, ...]) -> Callable[[Subject], Found]:
    """Make a check that asks a forest on some features only, and compares it with one on all.

    Args:
        what: What these features are about.
        names: The features; those that the dataset lacks are passed over.
    """

    def look(subject: Subject) -> Found:
        there = [name for name in names if name in subject.sample.names]
        if not there:
            return nothing_to_check(f"the dataset has no feature of {what}")
        few, whole = subject.sample.probe(there), subject.whole
        if isinstance(few, str) or isinstance(whole, str):
            return nothing_to_check(whole if isinstance(whole, str) else str(few))
        of_all = (few.value - 0.5) / max(whole.value - 0.5, 1e-9)
        light = lit(few.low, *ALONE)
        if light == "green" and whole.low >= WORTH_SPLITTING and of_all >= NEARLY_ALL:
            light = "amber"
        says = (
            f"a forest on {what} alone has ROC-AUC {area_text(few)} on captures held out; "
            f"one on all features {area_text(whole)}"
        )
        figures = {**area_figures("auc", few), **area_figures("all_features_auc", whole)}
        return Found(light, says, {**figures, "features": len(there)})

    return look
