"""Claims about the names that were asked for and met."""

from __future__ import annotations

import polars as pl

from ptml.report.capture.names import asked_names, connection_names, met_names


def test_names_are_counted_by_times_clients_and_length() -> None:
    """Of four questions, worked by hand: most frequent, rarest, longest; empty names are no names."""
    dns = pl.LazyFrame(
        {
            "id.orig_h": ["10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.1", "10.0.0.1"],
            "query": ["a.example", "a.example", "longest.of.all.example", "b.example", ""],
            "rcode_name": ["NOERROR", "NXDOMAIN", None, "NXDOMAIN", None],
        }
    )
    found = asked_names({"dns": dns})
    assert found is not None
    assert found.distinct == 3
    first = found.lists["Most frequent"][0]
    assert (first["name"], first["times"], first["clients"], first["failed"]) == ("a.example", 2, 2, 1)
    assert [row["name"] for row in found.lists["Rarest"]] == [
        "b.example",
        "longest.of.all.example",
        "a.example",
    ]
    assert (found.lists["Longest"][0]["name"], found.lists["Longest"][0]["length"]) == (
        "longest.of.all.example",
        22,
    )


def test_length_counts_characters() -> None:
    """A name of six letters, one of them two bytes long, is six long."""
    found = asked_names({"dns": pl.LazyFrame({"query": ["bücher"]})})
    assert found is not None
    assert found.lists["Longest"][0]["length"] == 6


def test_without_a_log_nothing_is_known() -> None:
    """No dns.log is not the same as a dns.log without names."""
    assert asked_names({}) is None
    assert met_names({"dns": pl.LazyFrame({"query": ["a"]})}) is None
    empty = asked_names({"dns": pl.LazyFrame({"query": [None]}, schema={"query": pl.String})})
    assert empty is not None
    assert empty.distinct == 0


def test_a_connection_is_named_by_the_best_log() -> None:
    """The server name of TLS goes before the host of HTTP, and of several hosts the first by the alphabet."""
    logs = {
        "ssl": pl.LazyFrame({"capture_id": "c", "uid": ["1"], "server_name": ["tls.example"]}),
        "http": pl.LazyFrame({"capture_id": "c", "uid": ["1", "2", "2"], "host": ["h", "z", "y"]}),
    }
    uids = pl.LazyFrame({"capture_id": "c", "uid": ["1", "2", "3"]})
    found = connection_names(logs, uids).sort("uid").collect()
    assert found.select("uid", "name").rows() == [("1", "tls.example"), ("2", "y")]
