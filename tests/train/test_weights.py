from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.train.weights import row_weights

rows = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from([None, "f", "g"]), st.integers(0, 1)),
    min_size=1,
    max_size=50,
)


def keys_of(rows: list[tuple[str, str | None, int]]) -> pl.DataFrame:
    """Make the keys of rows; captures a to c are of one source, the others each of their own."""
    frame = pl.DataFrame(rows, {"capture_id": pl.String, "family": pl.String, "y": pl.Int8}, orient="row")
    return frame.with_columns(
        source=pl.when(pl.col("capture_id") < "d").then(pl.lit("lab")).otherwise("capture_id"),
        family=pl.when(pl.col("y") == 1).then("family"),
    )


def sums(keys: pl.DataFrame, by: pl.Expr, weights: str) -> list[float]:
    """Sum the weights of rows that are alike in something."""
    weighed = keys.with_columns(by=by, w=pl.Series(row_weights(keys, weights)))  # type: ignore[arg-type]
    return weighed.group_by("by").agg(pl.col("w").sum())["w"].to_list()


@given(rows)
def test_whatever_is_to_weigh_the_same_does(rows: list[tuple[str, str | None, int]]) -> None:
    """Weights average 1, and the captures, sources or families, what is benign being one, have equal sums."""
    keys = keys_of(rows)
    family = (
        pl.when(pl.col("y") == 1)
        .then(pl.format("={}", pl.col("family").fill_null("")))
        .otherwise(pl.lit("no"))
    )
    for weights, by in (("capture", pl.col("capture_id")), ("source", pl.col("source")), ("family", family)):
        found = sums(keys, by, weights)
        assert sum(found) == pytest.approx(len(rows))
        assert found == pytest.approx([len(rows) / len(found)] * len(found))
    assert row_weights(keys, "row").tolist() == [1.0] * len(rows)


@given(rows)
def test_captures_of_a_source_weigh_the_same(rows: list[tuple[str, str | None, int]]) -> None:
    """Within a source no capture outweighs another, and no row another of its capture."""
    keys = keys_of(rows)
    lab = keys.with_columns(w=pl.Series(row_weights(keys, "source"))).filter(pl.col("source") == "lab")
    by_capture = lab.group_by("capture_id").agg(pl.col("w").sum(), pl.col("w").n_unique().alias("n"))
    assert by_capture["w"].to_list() == pytest.approx([by_capture["w"].max()] * by_capture.height)
    assert set(by_capture["n"]) <= {1}


def test_weights_by_hand() -> None:
    """Two families and the benign rows: a third each; f's two captures a sixth each, whatever their rows."""
    keys = keys_of(
        [("a", "f", 1), ("a", "f", 1), ("b", "f", 1), ("c", "g", 1), ("c", None, 0), ("d", None, 0)]
    )
    assert row_weights(keys, "family").tolist() == pytest.approx([0.5, 0.5, 1, 2, 1, 1])
