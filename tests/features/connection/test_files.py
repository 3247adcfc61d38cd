"""Claims about how files find their connections."""

from __future__ import annotations

import pytest

from ptml.features.build import connection_features
from ptml.features.inputs import COLUMNS
from tests.features.frames import conn, conn_row, log


@pytest.mark.parametrize(
    "rows",
    [
        [{"uid": "C1", "seen_bytes": 5}, {"uid": "C1", "seen_bytes": 6}],
        [{"conn_uids": ["C1", "C9"], "seen_bytes": 5}, {"conn_uids": ["C1"], "seen_bytes": 6}],
        [
            {"uid": "C1", "conn_uids": None, "seen_bytes": 5},
            {"uid": None, "conn_uids": ["C1"], "seen_bytes": 6},
        ],
    ],
    ids=["newer", "older", "both"],
)
def test_files_of_any_zeek_version(rows: list[dict[str, object]]) -> None:
    """Files are found by uid, as newer Zeek writes it, by the set of uids of older Zeek, and by either."""
    logs = {"conn": conn(conn_row("C1"), conn_row("C2")), "files": log("files", rows)}
    table = connection_features(logs).select("file_count", "file_bytes").collect()
    assert table.rows() == [(2, 11.0), (None, None)]


def test_certificates_are_not_files() -> None:
    """Zeek before version 5 logs certificates as files: they do not count."""
    logs = {"conn": conn(conn_row("C1")), "files": log("files", [{"uid": "C1", "source": "SSL"}])}
    assert connection_features(logs).select("file_count").collect().item() is None


def test_files_that_name_no_connection_belong_to_none() -> None:
    """A files.log with neither uid nor conn_uids gives nulls."""
    rows = log("files", [dict.fromkeys(COLUMNS["files"])]).drop("uid", "conn_uids")
    logs = {"conn": conn(conn_row("C1")), "files": rows}
    assert connection_features(logs).select("file_count").collect().item() is None
