"""Logs that come as Parquet."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ptml.errors import BadData
from tests.parse.reading import read_whole, written

if TYPE_CHECKING:
    from pathlib import Path


def test_uwf_parquet_gets_zeeks_names_types_and_labels(tmp_path: Path) -> None:
    """Columns of other names and types come out as Zeek's; a row that does not fit is set aside whole."""
    frame = pl.DataFrame(
        {
            "src_ip_zeek": ["10.0.0.1"] * 3,
            "dest_ip_zeek": ["10.0.0.2"] * 3,
            "dest_port_zeek": [80, 70000, 443],
            "ts": [1764000000.250001, 1.0, None],
            "orig_bytes": ["5", "6", "x"],
            "local_orig": [True, False, None],
            "uid": ["C1", "C2", "C3"],
            "label_binary": [True, True, False],
            "label_tactic": ["Exfiltration", "none", "none"],
        }
    )
    path = tmp_path / "part-00000.parquet"
    frame.write_parquet(path)
    whole = read_whole(path)
    row = whole.logs["conn"].row(0, named=True)
    assert whole.rows == 1
    assert (row["id.resp_p"], row["orig_bytes"], row["local_orig"]) == (80, 5, True)
    assert row["ts"] == datetime(2025, 11, 24, 16, 0, 0, 250_001, UTC)
    assert (row["label"], row["detailed_label"]) == ("Malicious", "Exfiltration")
    assert [(r.line, r.reason) for r in whole.rejects] == [
        (2, "id.resp_p: 70000 is no port"),
        (3, "orig_bytes: 'x' is no count"),
    ]
    assert json.loads(whole.rejects[0].raw)["uid"] == "C2"


def test_text_that_is_none_is_refused(tmp_path: Path) -> None:
    """A Parquet file whose text is no UTF-8 does not get as far as Polars."""
    path = tmp_path / "conn.parquet"
    offsets, raw = pa.py_buffer(b"\x00\x00\x00\x00\x02\x00\x00\x00"), pa.py_buffer(b"a\xdd")
    text = pa.StringArray.from_buffers(1, offsets, raw)
    pq.write_table(pa.table({"uid": text, "id.orig_h": text, "ts": [1.5]}), path)
    with pytest.raises(BadData, match=r"no sound Parquet file(.|\n)*UTF8"):
        read_whole(path)


def test_parquet_that_is_broken_or_no_log_is_refused(tmp_path: Path) -> None:
    """A torn file and a table of other things say what they are."""
    with pytest.raises(BadData, match="no sound Parquet file"):
        read_whole(written(tmp_path / "conn.parquet", b"PAR1 torn"))
    path = tmp_path / "list.parquet"
    pl.DataFrame({"a": [1], "b": [2]}).write_parquet(path)
    with pytest.raises(BadData, match="columns are no known log's: a, b"):
        read_whole(path)
