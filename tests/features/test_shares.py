"""Claims about tables dealt out to files."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.errors import CannotWrite
from ptml.features.shares import Shares, room

if TYPE_CHECKING:
    from pathlib import Path

ROWS = st.lists(st.tuples(st.none() | st.text(max_size=4), st.integers(0, 9)), max_size=30)


@given(ROWS, st.integers(1, 5), st.integers(1, 7))
def test_equal_keys_meet_in_one_share(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, int]], count: int, batch_rows: int
) -> None:
    """No row is lost, rows of one key lie in one share, and there they keep their order."""
    frame = pl.DataFrame(rows, schema={"uid": pl.String, "n": pl.Int64}, orient="row").with_row_index("row")
    with Shares(tmp_path_factory.mktemp("shares"), count) as shares:
        shares.deal_by(frame.lazy(), ["uid"], batch_rows)
        found = [share for number in range(count) if (share := shares.read(number)) is not None]
    keys = [set(share["uid"]) for share in found]
    assert sum(len(key) for key in keys) == len(set().union(*keys)) == frame["uid"].n_unique()
    assert all(share["row"].is_sorted() for share in found)
    assert sorted(row for share in found for row in share.rows()) == sorted(frame.rows())


def test_picked_text_leaves_the_rest_behind(tmp_path: Path) -> None:
    """A share holds the text of its own rows only, however the batch that they came from held it."""
    frame = pl.DataFrame({"n": range(1000), "text": ["x" * 1000] * 1000})
    with Shares(tmp_path, 100) as shares:
        shares.deal(frame, pl.col("n") % 100)
        shares.read(0)
        assert sum(path.stat().st_size for path in tmp_path.rglob("*.arrow")) < 2 * 1000 * 1000


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    """When the system refuses to write, the error says so and the folder is empty again."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    frame = pl.DataFrame({"n": range(100_000)})
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 12, limits[1]))
    try:
        with Shares(tmp_path, 2) as shares, pytest.raises(CannotWrite, match="File too large"):
            shares.deal(frame, pl.col("n") % 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_room_is_made_and_removed(tmp_path: Path) -> None:
    """A folder is lent within the one given, or elsewhere, and is gone afterwards with what is in it."""
    for folder in (tmp_path, None):
        with room(folder) as lent:
            (lent / "file").touch()
        assert not lent.exists()
    assert list(tmp_path.iterdir()) == []
