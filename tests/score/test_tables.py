"""Claims about the tables of a batch."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.schema import CAPTURE_SCORES, CONNECTION_SCORES, HOST_SCORES, PAIRS
from ptml.score.tables import alerts, plain_alert, summarise_hosts, write_alerts, write_forms, write_tables
from ptml.spreadsheet import defused

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = "c000000000000000a", "c000000000000000b", "c000000000000000c"


def captures(*rows: tuple[str, str, float | None]) -> pl.DataFrame:
    """Make a table of captures from (id, name, probability)."""
    return pl.DataFrame(
        [
            {"capture_id": i, "name": n, "path": n, "connections": 1, "alerts": 0, "probability": p}
            for i, n, p in rows
        ],
        schema=CAPTURE_SCORES.schema,
    )


def connections(*rows: tuple[str, str, str | None, float]) -> pl.DataFrame:
    """Make a table of connections from (capture, uid, host, probability), threshold one half."""
    return pl.DataFrame(
        [
            {
                "capture_id": i,
                "uid": u,
                "id.orig_h": h,
                "probability": p,
                "threshold": 0.5,
                "verdict": "malicious" if p >= 0.5 else "benign",
            }
            for i, u, h, p in rows
        ],
        schema=CONNECTION_SCORES.schema,
    )


@pytest.mark.parametrize("formula", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"])
def test_a_cell_never_begins_like_a_formula(formula: str) -> None:
    """A cell that a spreadsheet would compute gets a leading apostrophe."""
    assert defused(pl.DataFrame({"name": [formula]}))["name"][0].startswith("'")


@given(st.text(max_size=20))
def test_defused_text_is_safe_whatever_it_was(text: str) -> None:
    """No text keeps a control character, and none begins like a formula; text without either stays."""
    safe = defused(pl.DataFrame({"name": [text]}, schema={"name": pl.String}))["name"][0]
    assert not {unicodedata.category(letter) for letter in safe} & {"Cc", "Zl", "Zp"}
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    if text.isalnum() and text.isascii():
        assert safe == text


def test_hosts_sum_up_their_connections(tmp_path: Path) -> None:
    """A host's row counts its connections and alerts, and has their highest probability."""
    parts = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    connections((A, "C1", "10.0.0.1", 0.2), (A, "C2", "10.0.0.2", 0.1)).write_parquet(parts[0])
    connections((A, "C3", "10.0.0.1", 0.7), (A, "C4", "10.0.0.1", 0.5)).write_parquet(parts[1])
    assert summarise_hosts(parts).collect().sort("host").rows() == [
        (A, "10.0.0.1", 3, 2, 0.7, "malicious"),
        (A, "10.0.0.2", 1, 0, 0.1, "benign"),
    ]


def test_captures_called_malicious_stand_first_then_by_mean_of_their_connections(tmp_path: Path) -> None:
    """A verdict wins over any mean, the mean over the capture's own probability; unknown ones stand last."""
    rows = {
        "called": ("malicious", 0.01, 0.9),
        "busy": ("benign", 0.20, 0.1),
        "quiet": ("benign", 0.02, 0.4),
        "empty": (None, None, None),
        "unjudged": (None, 0.10, None),
    }
    frame = captures(*((f"c{number:016d}", name, None) for number, name in enumerate(rows))).with_columns(
        verdict=pl.Series([verdict for verdict, _, _ in rows.values()]),
        mean_probability=pl.Series([mean for _, mean, _ in rows.values()]),
        probability=pl.Series([probability for _, _, probability in rows.values()]),
    )
    ranked, _ = write_tables(tmp_path, frame, connections=[], hosts=[])
    assert ranked["name"].to_list() == ["called", "busy", "unjudged", "quiet", "empty"]


def test_captures_alike_stand_by_probability_then_name(tmp_path: Path) -> None:
    """Highest probability first, equal ones by name, those that could not be scored last."""
    ranked, hosts = write_tables(
        tmp_path,
        captures((A, "z", 0.5), (B, "y", 0.5), (C, "x", None), ("c000000000000000d", "w", 0.9)),
        connections=[],
        hosts=[],
    )
    assert ranked["name"].to_list() == ["w", "y", "z", "x"]
    assert hosts == 0
    assert pl.read_parquet(tmp_path / "captures.parquet").equals(ranked)


def test_without_connections_all_tables_are_there_and_typed(tmp_path: Path) -> None:
    """Nothing in gives empty tables of the right columns, not missing files."""
    ranked, _ = write_tables(tmp_path, captures((A, "a", None)), connections=[], hosts=[])
    assert pl.read_parquet(tmp_path / "connections.parquet").schema == CONNECTION_SCORES.schema
    assert pl.read_parquet(tmp_path / "hosts.parquet").schema == HOST_SCORES.schema
    assert pl.read_parquet(tmp_path / "pairs.parquet").schema == PAIRS.schema
    assert (
        write_alerts(tmp_path / "alerts.jsonl", alerts(tmp_path / "connections.parquet", ranked), plain_alert)
        == 0
    )
    assert (tmp_path / "alerts.jsonl").read_text() == ""


def test_alerts_are_one_json_object_a_line(tmp_path: Path) -> None:
    """Each malicious connection has a line with its capture's name; benign ones have none."""
    part = tmp_path / "part.parquet"
    connections((A, "C1", "10.0.0.1", 0.2), (A, "C2", "10.0.0.1\n", 0.75)).write_parquet(part)
    ranked, _ = write_tables(tmp_path, captures((A, "mon\x1bday", 0.9)), connections=[part], hosts=[])
    write_alerts(tmp_path / "alerts.jsonl", alerts(tmp_path / "connections.parquet", ranked), plain_alert)
    lines = (tmp_path / "alerts.jsonl").read_bytes().splitlines()
    assert len(lines) == 1
    assert b"\x1b" not in lines[0]
    alert = json.loads(lines[0])
    assert (alert["name"], alert["uid"], alert["probability"]) == ("mon\x1bday", "C2", 0.75)
    assert (alert["threshold"], alert["verdict"], alert["ts"]) == (0.5, "malicious", None)


def test_connections_keep_the_order_of_their_parts(tmp_path: Path) -> None:
    """Parts follow each other as given, rows within them as they are."""
    parts = [tmp_path / "1.parquet", tmp_path / "0.parquet"]
    connections((A, "C9", "h", 0.2), (A, "C1", "h", 0.1)).write_parquet(parts[0])
    connections((B, "C5", "h", 0.7)).write_parquet(parts[1])
    write_tables(tmp_path, captures((A, "a", 0.9)), connections=parts, hosts=[])
    assert pl.read_parquet(tmp_path / "connections.parquet")["uid"].to_list() == ["C9", "C1", "C5"]


def test_the_csv_says_what_the_parquet_says_but_safely(tmp_path: Path) -> None:
    """The CSV has the table's columns; a hostile name stays one harmless cell."""
    write_tables(tmp_path, captures((A, '=HYPERLINK("x"),\x1b[2J', 0.25)), connections=[], hosts=[])
    assert write_forms(tmp_path) == ("captures.csv", "hosts.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "captures.csv").read_text("utf-8"))))
    assert list(rows[0]) == list(CAPTURE_SCORES.schema)
    assert rows[0]["name"] == '\'=HYPERLINK("x"),�[2J'
    assert rows[0]["probability"] == "0.25"
