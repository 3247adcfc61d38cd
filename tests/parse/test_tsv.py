"""Claims about lines of TSV that are not what the header says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ptml import scan_zeek
from ptml.errors import ZeekLogWarning
from ptml.parse.lines import CACHED_BYTES
from tests.builders import zeek_log
from tests.parse.reading import read_whole, written

if TYPE_CHECKING:
    from pathlib import Path

TEXT = {"a": "string", "b": "string", "c": "string"}
GOOD = ["1", "2", "3"]


@pytest.mark.parametrize(
    "odd",
    [
        [["1", "2"]],
        [["1", "2", "3", "4"]],
        [["1", "2"], ["1", "2", "3", "4"]],
        [["1", "2", "3", "4"], ["1", "2"]],
    ],
)
def test_lines_of_another_width_are_no_rows_for_any_columns(tmp_path: Path, odd: list[list[str]]) -> None:
    """A field too few, too many, or both so that they even out: each line is set aside, none is filled up."""
    path = written(tmp_path / "x.log", zeek_log("x", TEXT, [GOOD, *odd, GOOD]))
    whole = read_whole(path)
    assert whole.only().rows() == [("1", "2", "3")] * 2
    assert [reject.reason for reject in whole.rejects] == [
        f"{len(line)} fields where the header names 3" for line in odd
    ]
    for columns in (["a"], ["c"], ["b", "c"], ["a", "b", "c"]):
        with pytest.warns(ZeekLogWarning, match=f"{len(odd)} lines left out"):
            frame = scan_zeek(path, on_error="quarantine").select(columns).collect()
        assert frame.height == 2


@pytest.mark.parametrize("line", [["", "x", "7"], ["7", "x", ""]])
def test_empty_number_at_the_edge_of_a_line_is_not_unset(tmp_path: Path, line: list[str]) -> None:
    """Nothing is no count, at the beginning of a line or at its end: the line is set aside."""
    types = {"n": "count", "s": "string", "m": "count"}
    for lines in ([line], [["1", "y", "2"], line]):
        whole = read_whole(written(tmp_path / "x.log", zeek_log("x", types, lines, close=False)))
        assert [reject.reason for reject in whole.rejects] == [
            f"{'n' if line[0] == '' else 'm'}: '' is no count"
        ]


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_empty_number_is_seen_wherever_a_long_block_is_cut_for_looking(tmp_path: Path, shift: int) -> None:
    """Two separators with nothing between, across a cut or beside one: the line is set aside."""
    filler = "x" * (CACHED_BYTES - len("1\t\t") + shift)
    whole = read_whole(
        written(
            tmp_path / "x.log",
            zeek_log("x", {"n": "count", "s": "string", "m": "count"}, [["1", filler, ""], ["1", "y", "2"]]),
        )
    )
    assert whole.only()["s"].to_list() == ["y"]
    assert [reject.reason for reject in whole.rejects] == ["m: '' is no count"]
