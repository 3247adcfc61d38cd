"""Claims about the feature tables as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ptml.features.build import capture_features, connection_features
from ptml.features.catalog import CAPTURE_FEATURES, CONNECTION_FEATURES
from ptml.features.inputs import COLUMNS, KEYS
from tests.features.frames import conn, conn_row, log

if TYPE_CHECKING:
    from ptml.features.family import Logs

OTHER_LOGS = ("dns", "http", "ssl", "x509", "files", "weird", "notice")
uids = st.sampled_from([f"C{number}" for number in range(6)])
small = st.none() | st.integers(0, 3) | st.just(2**64 - 1)
text = st.none() | st.sampled_from(["", "a.com", "192.0.2.1", "x" * 300, "ümlaut.example", "POST", "/a?b=c"])
spans = st.none() | st.sampled_from([-1.0, 0.0, 0.5, 1e9])


def rows_of(name: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Draw rows of a log: each column may be unset, and hold what an attacker may put there."""
    by_type = {
        pl.String(): text,
        pl.UInt64(): small,
        pl.UInt16(): st.none() | st.sampled_from([0, 53, 443, 65_535]),
        pl.Float64(): spans,
        pl.Boolean(): st.none() | st.booleans(),
        pl.List(pl.String()): st.none() | st.lists(text, max_size=2),
        pl.List(pl.Float64()): st.none() | st.lists(spans, max_size=2),
    }
    fields = {
        field: st.integers(0, 10) if dtype == pl.Datetime else by_type[dtype]
        for field, dtype in COLUMNS[name].items()
        if field not in ("capture_id", "certificate.not_valid_before", "certificate.not_valid_after")
    }
    if "uid" in fields:
        fields["uid"] = uids
    if name == "conn":
        fields["conn_state"] = st.sampled_from(["S0", "SF", "REJ", "OTH", "??", None])
        fields["history"] = st.sampled_from(["ShADadFf", "^dtT", "D", "", None])
        fields["proto"] = st.sampled_from(["tcp", "udp", "icmp", None])
    return st.lists(st.fixed_dictionaries(fields), min_size=1, max_size=8)


all_logs = st.fixed_dictionaries({name: rows_of(name) for name in ("conn", *OTHER_LOGS)})


def frames(rows: dict[str, list[dict[str, Any]]], capture_id: str = "c1") -> dict[str, pl.LazyFrame]:
    """Make logs of the drawn rows."""
    return {name: log(name, list(drawn), capture_id=capture_id) for name, drawn in rows.items()}


def distinct(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the first row of each uid."""
    return list({row["uid"]: row for row in reversed(rows)}.values())[::-1]


def test_connection_table_has_keys_then_features_with_their_types() -> None:
    """Columns and types are the contract, in the order of the catalogue."""
    schema = connection_features({"conn": conn(conn_row("C1"))}).collect().schema
    assert schema == {**KEYS, **{feature.name: feature.dtype for feature in CONNECTION_FEATURES}}


def test_capture_table_has_its_key_then_features_with_their_types() -> None:
    """Columns and types are the contract, in the order of the catalogue."""
    schema = capture_features({"conn": conn(conn_row("C1"))}).collect().schema
    expected = {feature.name: feature.dtype for feature in CAPTURE_FEATURES}
    assert schema == {"capture_id": pl.String(), **expected}


def test_empty_logs_give_empty_typed_tables() -> None:
    """Logs without rows give tables without rows and with all columns."""
    logs = {name: log(name, [dict.fromkeys(COLUMNS[name])]).head(0) for name in ("conn", *OTHER_LOGS)}
    empty = connection_features(logs).collect()
    assert (empty.height, empty.width) == (0, len(KEYS) + len(CONNECTION_FEATURES))
    assert (capture_features(logs).collect().height, capture_features(logs).collect().width) == (
        0,
        1 + len(CAPTURE_FEATURES),
    )


@pytest.mark.parametrize("missing", OTHER_LOGS)
def test_missing_log_means_null(missing: str) -> None:
    """Every feature that needs a log is null without it: not zero, not false."""
    rows: dict[str, list[dict[str, Any]]] = {
        name: [dict.fromkeys(COLUMNS[name]) | {"uid": "C1"} if "uid" in COLUMNS[name] else {"id": "F1"}]
        for name in OTHER_LOGS
        if name != missing
    }
    logs = {"conn": conn(conn_row("C1")), **frames(rows)}
    connections, captures = connection_features(logs).collect(), capture_features(logs).collect()
    assert any(missing in feature.logs for feature in (*CONNECTION_FEATURES, *CAPTURE_FEATURES))
    for table, features in ((connections, CONNECTION_FEATURES), (captures, CAPTURE_FEATURES)):
        needing = [feature.name for feature in features if missing in feature.logs]
        assert all(table[name].item() is None for name in needing)


@pytest.mark.parametrize("name", ["conn", *OTHER_LOGS])
def test_any_column_but_uid_and_ts_may_be_missing(name: str) -> None:
    """A log that lacks a column gives a table, in which the features that read the column are null."""
    full = {other: [dict.fromkeys(COLUMNS[other])] for other in OTHER_LOGS}
    logs: Logs = {"conn": conn(conn_row("C1")), **frames(full)}
    for column in [field for field in COLUMNS[name] if field not in ("capture_id", "uid", "ts")]:
        reduced = {**logs, name: logs[name].drop(column)}
        table = connection_features(reduced).collect()
        assert capture_features(reduced).collect().height == 1
        if name == "conn":
            reading = [f.name for f in CONNECTION_FEATURES if column in f.columns() and f.name in table]
            assert table.select(reading).row(0) == (None,) * len(reading)


def test_uid_without_a_row_in_a_log_is_null() -> None:
    """A dns.log that says nothing of a connection leaves its features null; it does not make them zero."""
    dns = log("dns", [{"uid": "C1", "query": "a.com", "rcode": 3}])
    logs = {"conn": conn(conn_row("C1"), conn_row("C2")), "dns": dns}
    table = connection_features(logs).select("uid", "dns_queries", "dns_nxdomain").collect()
    assert table.rows() == [("C1", 1, True), ("C2", None, None)]


def test_first_row_of_a_repeated_uid_stays() -> None:
    """Of connections that repeat a uid the first in the log is described; one without uid is left out."""
    rows = (conn_row("C1", orig_bytes=1), conn_row(None, orig_bytes=2), conn_row("C1", orig_bytes=3))
    table = connection_features({"conn": conn(*rows)}).select("uid", "orig_bytes").collect()
    assert table.rows() == [("C1", 1.0)]


def test_logs_of_another_capture_do_not_mix() -> None:
    """The same uid in another capture is another connection."""
    logs = {
        "conn": pl.concat([conn(conn_row("C1"), capture_id=name) for name in ("a", "b")]),
        "dns": log("dns", [{"uid": "C1", "query": "a.com"}], capture_id="b"),
    }
    table = connection_features(logs).select("capture_id", "dns_queries", "pair_connections").collect()
    assert table.rows() == [("a", None, 1), ("b", 1, 1)]


@settings(max_examples=8)
@given(all_logs)
def test_shares_lie_between_0_and_1(rows: dict[str, list[dict[str, Any]]]) -> None:
    """Whatever the logs hold, shares keep to 0 to 1, counts are not negative, and all is finite."""
    logs = frames(rows)
    for table, features in (
        (connection_features(logs).collect(), CONNECTION_FEATURES),
        (capture_features(logs).collect(), CAPTURE_FEATURES),
    ):
        for feature in features:
            values = table[feature.name].drop_nulls()
            if feature.range.endswith("0 to 1"):
                assert values.is_between(0, 1).all(), feature.name
            if feature.range == "0 or more":
                assert (values >= 0).all(), feature.name
            if feature.dtype == pl.Float32:
                assert values.is_finite().all(), feature.name


@settings(max_examples=8)
@given(all_logs, st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(rows: dict[str, list[dict[str, Any]]], random: Any) -> None:  # noqa: ANN401 - hypothesis gives its own Random
    """Shuffling the rows of every log leaves every feature bit for bit the same."""
    rows = {**rows, "conn": distinct(rows["conn"])}
    shuffled = {name: random.sample(drawn, len(drawn)) for name, drawn in rows.items()}
    before, after = (connection_features(frames(logs)).collect().sort("uid") for logs in (rows, shuffled))
    assert_frame_equal(before, after, check_exact=True)
    before, after = (capture_features(frames(logs)).collect() for logs in (rows, shuffled))
    assert_frame_equal(before, after, check_exact=True)


@settings(max_examples=8)
@given(all_logs, all_logs)
def test_another_capture_changes_nothing(
    rows: dict[str, list[dict[str, Any]]], others: dict[str, list[dict[str, Any]]]
) -> None:
    """Rows of a second capture leave every feature of the first bit for bit the same."""
    alone, beside = frames(rows, "c1"), frames(others, "c0")
    both = {name: pl.concat([beside[name], alone[name]], how="diagonal") for name in alone}
    mine = pl.col("capture_id") == "c1"
    for compute in (connection_features, capture_features):
        assert_frame_equal(compute(alone).collect(), compute(both).filter(mine).collect(), check_exact=True)
