"""The gate that every feature passes: it says something of its own, keeps its range, and obeys the laws.

The laws are metamorphic: whatever is changed in them is no property of traffic, so no feature may follow it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ptml.features.build import capture_features, connection_features
from ptml.features.catalog import CAPTURE_FEATURES, CONNECTION_FEATURES
from ptml.features.inputs import KEYS
from tests.features.corpus import Logs, connections, real_captures, simulated_captures, together, wholes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ptml.features.family import Feature

FEATURES = {"connection": CONNECTION_FEATURES, "capture": CAPTURE_FEATURES}
DERIVED = {"connection": connections, "capture": wholes}
KEY = {"connection": ["capture_id", "uid"], "capture": ["capture_id"]}
BY_LEVEL = pytest.mark.parametrize("level", ["connection", "capture"])
ROUNDING = 1e-6
FEW = 9
"""Of so many real captures one is taken for each law."""


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> list[Logs]:
    """Simulated captures."""
    return simulated_captures(tmp_path_factory.mktemp("simulated"))


@pytest.fixture(scope="module")
def real(real_data: Path) -> list[Logs]:
    """Real captures."""
    captures = real_captures(real_data)
    assert len(captures) >= 20
    return captures


Tables = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def simulated_tables(simulated: list[Logs]) -> Tables:
    """Both tables of features of the simulated captures."""
    return {level: derive(simulated) for level, derive in DERIVED.items()}


@pytest.fixture(scope="module")
def real_tables(real: list[Logs]) -> Tables:
    """Both tables of features of the real captures."""
    return {level: derive(real) for level, derive in DERIVED.items()}


def bounds(feature: Feature) -> tuple[float, float, bool]:
    """Read the least and the greatest value that a range states, and whether the least is left out."""
    words = feature.range.removesuffix(", where it saturates").split()
    if feature.range == "any":
        return -np.inf, np.inf, False
    above = words[0] == "above"
    words = words[1:] if above else words
    if words[1:] == ["or", "more"] or (above and len(words) == 1):
        return float(words[0]), np.inf, above
    assert "to" in words, f"the range of {feature.name} is not understood: {feature.range}"
    return float(words[0].rstrip(",")), float(words[-1]), above


def outside(table: pl.DataFrame, features: Sequence[Feature]) -> dict[str, list[float]]:
    """Find the values outside of their feature's range."""
    found = {}
    for feature in features:
        if feature.dtype not in (pl.Boolean, pl.Enum):
            low, high, above = bounds(feature)
            values = table[feature.name].drop_nulls().cast(pl.Float64)
            beyond = values.filter((values > high + ROUNDING) | (values <= low if above else values < low))
            if beyond.len():
                found[feature.name] = beyond.head(3).to_list()
    return found


@BY_LEVEL
def test_ranges_hold_on_simulated_captures(simulated_tables: Tables, level: str) -> None:
    """No value lies outside of the range that its feature states."""
    assert outside(simulated_tables[level], FEATURES[level]) == {}


@BY_LEVEL
@pytest.mark.real
def test_ranges_hold_on_real_captures(real_tables: Tables, level: str) -> None:
    """No value lies outside of the range that its feature states."""
    assert outside(real_tables[level], FEATURES[level]) == {}


def equal_columns(table: pl.DataFrame, features: Sequence[Feature]) -> list[list[str]]:
    """Find features that have the same values in every row."""
    alike = defaultdict(list)
    for feature in features:
        column = table[feature.name]
        values = column.cast(pl.String) if feature.dtype == pl.Enum else column.cast(pl.Float64)
        alike[values.hash(seed=1).implode().hash().item()].append(feature.name)
    return [names for names in alike.values() if len(names) > 1]


@BY_LEVEL
@pytest.mark.real
def test_no_two_features_are_equal_on_all_captures(
    simulated_tables: Tables, real_tables: Tables, level: str
) -> None:
    """Two features that are equal on all data are one feature: there are none such."""
    table = pl.concat([simulated_tables[level], real_tables[level]])
    assert equal_columns(table, FEATURES[level]) == []


@BY_LEVEL
@pytest.mark.real
def test_no_feature_is_constant_on_simulated_and_on_real_captures(
    simulated_tables: Tables, real_tables: Tables, level: str
) -> None:
    """A feature that never varies says nothing: each varies somewhere, if only between null and not."""
    one, other = simulated_tables[level], real_tables[level]
    constant = [
        feature.name
        for feature in FEATURES[level]
        if one[feature.name].n_unique() < 2 and other[feature.name].n_unique() < 2
    ]
    assert constant == []


def in_days(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Shift every time by whole days."""
    return frame.with_columns(pl.col(pl.Datetime) + timedelta(days=3))


def with_other_uids(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Give every uid another text, of another order."""
    other = pl.element().str.reverse()
    lists = [name for name in ("conn_uids", "uids") if name in frame.collect_schema()]
    texts = [name for name in ("uid",) if name in frame.collect_schema()]
    return frame.with_columns(pl.col(texts).str.reverse(), pl.col(lists).list.eval(other))


def in_other_order(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Put the rows into another order."""
    return frame.collect().sample(fraction=1.0, shuffle=True, seed=7).lazy()


def other_address(address: str) -> str:
    """Rename an IPv4 address within its /24, so that it stays of its kind; others stay as they are.

    Network and broadcast addresses and groups are kinds of their own.
    """
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isdigit() for part in parts):
        return address
    last = int(parts[3])
    if int(parts[0]) >= 224 or last in (0, 255):
        return address
    return ".".join([*parts[:3], str((last * 7 + 3) % 254 + 1)])


def with_other_addresses(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Rename every address, wherever a log names one by type."""
    schema = frame.collect_schema()
    texts = [name for name in ("id.orig_h", "id.resp_h", "host_addr", "src", "dst") if name in schema]
    texts += ["host"] if "software_type" in schema else []
    lists = [name for name in ("answers", "tx_hosts", "rx_hosts") if name in schema]
    return frame.with_columns(
        pl.col(texts).map_elements(other_address, return_dtype=pl.String),
        pl.col(lists).list.eval(pl.element().map_elements(other_address, return_dtype=pl.String)),
    )


LAWS: dict[str, Callable[[pl.LazyFrame], pl.LazyFrame]] = {
    "whole days later": in_days,
    "other uids": with_other_uids,
    "other order of rows": in_other_order,
    "other addresses of the same kind": with_other_addresses,
}


def assert_law(captures: list[Logs], law: str) -> None:
    """Insist that features are the same after a change that they must not follow."""
    for logs in captures:
        first = logs["conn"].filter(pl.struct("capture_id", "uid").is_first_distinct())
        logs = {**logs, "conn": first}  # noqa: PLW2901 - which of two rows with one uid is first depends on the order
        changed = {name: LAWS[law](frame) for name, frame in logs.items()}
        before = connection_features(logs).collect()
        after = connection_features(changed).collect()
        if law == "other uids":
            after = after.with_columns(pl.col("uid").str.reverse())
        names = [feature.name for feature in CONNECTION_FEATURES]
        order = ["capture_id", "uid"]
        assert_frame_equal(
            before.sort(order).select(names), after.sort(order).select(names), check_exact=True
        )
        assert_frame_equal(
            capture_features(logs).collect(), capture_features(changed).collect(), check_exact=True
        )


@pytest.mark.parametrize("law", LAWS)
def test_features_do_not_follow_what_is_no_traffic_on_simulated_captures(
    simulated: list[Logs], law: str
) -> None:
    """Whole days, names of hosts and connections, and the order of rows leave every feature as it is."""
    assert_law(simulated, law)


@pytest.mark.real
@pytest.mark.parametrize("law", LAWS)
def test_features_do_not_follow_what_is_no_traffic_on_real_captures(real: list[Logs], law: str) -> None:
    """Whole days, names of hosts and connections, and the order of rows leave every feature as it is."""
    assert_law(real[::FEW], law)


@BY_LEVEL
def test_a_rows_features_do_not_change_when_other_captures_are_there(
    simulated: list[Logs], simulated_tables: Tables, level: str
) -> None:
    """A row depends on its own capture only."""
    alone = simulated_tables[level]
    beside = DERIVED[level]([together(simulated)])
    assert_frame_equal(alone.sort(KEY[level]), beside.sort(KEY[level]), check_exact=True)


def assert_past_knows_nothing_of_later_rows(logs: Logs) -> None:
    """Cut a capture off at the end of one of its connections; what had ended by then must not notice."""
    duration = pl.col("duration").fill_null(0).clip(lower_bound=0)
    ends = pl.col("ts") + pl.duration(microseconds=(duration * 1e6).round())
    conn = logs["conn"].with_columns(ends.alias("end"))
    cut = conn.select(pl.col("end").quantile(0.6, "nearest")).collect().item()
    known = conn.filter(pl.col("end") <= cut)
    uids = known.select("uid").collect().to_series().implode()
    earlier = {"conn": known.drop("end")}
    for name, frame in logs.items():
        schema = frame.collect_schema()
        if name == "conn":
            continue
        kept = pl.lit(value=True)
        if "ts" in schema:
            kept = pl.col("ts") <= cut
        if "uid" in schema:
            kept |= pl.col("uid").is_in(uids)
        earlier[name] = frame.filter(kept)
    names = [feature.name for feature in CONNECTION_FEATURES if feature.scope != "capture"]
    after = connection_features(earlier).collect()
    before = connection_features(logs).collect().filter(pl.col("uid").is_in(uids))
    assert_frame_equal(before.select(*KEYS, *names), after.select(*KEYS, *names), check_exact=True)


def test_past_features_do_not_know_later_rows(simulated: list[Logs]) -> None:
    """Features of scopes `connection` and `past` are the same when all that ended later is not there yet."""
    for logs in simulated:
        assert_past_knows_nothing_of_later_rows(logs)


@pytest.mark.real
def test_past_features_do_not_know_later_rows_of_real_captures(real: list[Logs]) -> None:
    """Features of scopes `connection` and `past` are the same when all that ended later is not there yet."""
    for logs in real[::FEW]:
        conn = logs["conn"].select("uid", "ts").collect()
        if conn["uid"].is_unique().all() and conn["ts"].null_count() == 0:
            assert_past_knows_nothing_of_later_rows(logs)


def test_a_million_rows_of_all_features_stay_under_700_mb(simulated_tables: Tables) -> None:
    """In memory, keys left out, a row of all features takes at most 700 bytes."""
    table = simulated_tables["connection"].select(feature.name for feature in CONNECTION_FEATURES)
    assert table.rechunk().estimated_size() / table.height <= 700
