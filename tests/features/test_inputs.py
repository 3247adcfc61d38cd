"""Claims about how logs are checked and typed before features are computed."""

from __future__ import annotations

import polars as pl
import pytest

from ptml.errors import BadData, MissingInput
from ptml.features.build import capture_features, connection_features
from ptml.features.inputs import COLUMNS, KEYS, read_inputs
from tests.features.frames import START, conn, conn_row, log


def test_conn_is_needed() -> None:
    """Without conn.log there is nothing to describe."""
    with pytest.raises(MissingInput, match="features need conn"):
        read_inputs({"dns": log("dns", [{"uid": "C1"}])})


def test_uid_and_ts_are_needed() -> None:
    """A conn.log without uid or ts is refused, and the message says what it has."""
    with pytest.raises(BadData, match="no column 'ts'; it has 'uid'"):
        read_inputs({"conn": pl.LazyFrame({"uid": ["C1"]})})


def test_absent_key_columns_are_null() -> None:
    """A conn.log without addresses still has all key columns, typed and null."""
    frame = read_inputs({"conn": conn({"uid": "C1", "ts": 0.0})})["conn"].select(*KEYS)
    assert frame.collect_schema() == dict(KEYS)
    assert frame.collect().row(0)[3:] == (None, None, None, None)


def test_capture_id_may_be_absent_from_all_logs() -> None:
    """Logs without capture_id are taken as one capture whose id is null."""
    logs = {
        "conn": conn(conn_row("C1")).drop("capture_id"),
        "dns": log("dns", [{"uid": "C1"}]).drop("capture_id"),
    }
    assert {frame.collect()["capture_id"].item() for frame in read_inputs(logs).values()} == {None}


def test_capture_id_in_some_logs_only_is_refused() -> None:
    """Rows could be joined across captures if a log did not say which capture it is from."""
    logs = {"conn": conn(conn_row("C1")), "dns": log("dns", [{"uid": "C1"}]).drop("capture_id")}
    with pytest.raises(BadData, match="'dns' have not"):
        read_inputs(logs)


def test_other_number_types_are_brought_to_zeeks() -> None:
    """Counts may come as signed integers; a negative one is no count and becomes null."""
    frame = conn(conn_row("C1"), conn_row("C2")).with_columns(orig_bytes=pl.Series([7, -1], dtype=pl.Int64))
    typed = read_inputs({"conn": frame})["conn"].collect()
    assert typed["orig_bytes"].dtype == pl.UInt64
    assert typed["orig_bytes"].to_list() == [7, None]


def test_column_of_nothing_but_null_takes_any_type() -> None:
    """A column whose type nobody could tell is all null and typed."""
    frame = conn(conn_row("C1")).with_columns(service=pl.lit(None), duration=pl.lit(None))
    schema = read_inputs({"conn": frame})["conn"].collect_schema()
    assert (schema["service"], schema["duration"]) == (pl.String(), pl.Float64())


def test_text_in_place_of_a_number_is_refused() -> None:
    """A log read without types is refused by column, with what was expected."""
    frame = conn(conn_row("C1")).with_columns(duration=pl.lit("1.5"))
    with pytest.raises(BadData, match=r"'duration' of conn.log is String where Zeek's type gives Float64"):
        read_inputs({"conn": frame})


def test_text_in_place_of_a_list_is_refused() -> None:
    """A set that was not split is refused rather than counted as one."""
    frame = log("dns", [{"uid": "C1"}]).with_columns(answers=pl.lit("192.0.2.1,192.0.2.2"))
    with pytest.raises(BadData, match=r"'answers' of dns.log is String"):
        read_inputs({"conn": conn(conn_row("C1")), "dns": frame})


def test_nan_is_null() -> None:
    """A duration that is not a number is unknown."""
    frame = conn(conn_row("C1", duration=float("nan")))
    assert read_inputs({"conn": frame})["conn"].collect()["duration"].item() is None


def one_row(name: str) -> pl.LazyFrame:
    """Make a log with one row of connection C1, all other fields unset."""
    schema = dict(COLUMNS[name])
    row = {"capture_id": "c1", "ts": START, "uid": "C1"}
    values = {field: [row.get(field)] for field in schema}
    raw = {field: pl.Int64() if dtype == pl.Datetime else dtype for field, dtype in schema.items()}
    return pl.LazyFrame(values, schema=raw).cast(schema)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", COLUMNS)
def test_any_field_may_be_missing(name: str) -> None:
    """Zeek's versions differ in their fields: whichever a log lacks, features are null and nothing fails."""
    needed = ("capture_id", "uid", "ts") if name == "conn" else ("capture_id",)
    everything = {one: one_row(one) for one in ("conn", name)}
    for field in set(COLUMNS[name]) - set(needed):
        logs = {**everything, name: everything[name].drop(field)}
        assert connection_features(logs).collect_schema().len() > len(KEYS)
        assert capture_features(logs).collect_schema().len() > 1
    bare = {**everything, name: everything[name].select(needed)}
    assert connection_features(bare).collect().height == 1
    assert capture_features(bare).collect().height == 1
