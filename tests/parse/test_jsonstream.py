"""JSON that is not one object a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.parse.reading import read_whole, written

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [{"_path": "conn", "uid": f"C{i}", "orig_bytes": i, "history": 'a}"{\n[é'} for i in range(50)]
SPREAD = {
    "indented": "".join(json.dumps(row, indent=2) + "\n" for row in ROWS),
    "indented, after a remark": "### a remark\n" + "".join(json.dumps(row, indent=2) + "\n" for row in ROWS),
    "array": json.dumps(ROWS),
    "indented array": json.dumps(ROWS, indent=1, ensure_ascii=False),
}


@pytest.mark.parametrize("layout", SPREAD)
@pytest.mark.parametrize("block_bytes", [100, 1 << 20])
def test_objects_are_found_in_any_layout(tmp_path: Path, layout: str, block_bytes: int) -> None:
    """Indented objects and arrays give the rows that lines would, however the blocks cut them."""
    whole = read_whole(written(tmp_path / "x.json", SPREAD[layout]), block_bytes=block_bytes)
    columns = ["uid", "orig_bytes", "history"]
    assert not whole.rejects
    assert whole.logs["conn"].select(columns).to_dicts() == [{k: row[k] for k in columns} for row in ROWS]


def test_value_that_does_not_fit_is_told_with_its_place(tmp_path: Path) -> None:
    """An object that is set aside keeps the number and offset of its first line."""
    data = '{\n "uid": "C1"\n}\n{\n "uid": 5\n}\n'
    [reject] = read_whole(written(tmp_path / "conn.json", data)).rejects
    assert (reject.line, reject.offset, reject.reason) == (4, 17, "uid: '5' is no string")


def test_cut_and_garbled_objects_are_set_aside(tmp_path: Path) -> None:
    """What is no object is set aside to its line's end, an object that is cut to the file's."""
    data = '{\n "uid": "C1"\n}\ngarbage\n{\n "uid": "C2"\n}\n{\n "uid": "C3'
    whole = read_whole(written(tmp_path / "conn.json", data))
    assert whole.only()["uid"].to_list() == ["C1", "C2"]
    assert [(r.line, r.raw) for r in whole.rejects] == [(4, b"garbage\n"), (8, b'{\n "uid": "C3')]
