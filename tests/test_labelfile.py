"""Claims about the file that brings a label for each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml.errors import BadData
from ptml.labelfile import families_of, label_of_all, read_connection_labels

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("labels", "whole"),
    [
        (["benign", "benign"], "benign"),
        (["malicious", "malicious"], "malicious"),
        (["malicious", "benign"], "mixed"),
        (["malicious", None], "mixed"),
        (["mixed"], "mixed"),
        (["benign", "unknown"], "unknown"),
        (["benign", None], "unknown"),
        ([], "unknown"),
    ],
)
def test_a_capture_is_what_its_connections_make_it(labels: list[str | None], whole: str) -> None:
    """Malicious among others is mixed; benign needs every connection to be."""
    assert label_of_all(pl.DataFrame({"label": labels}, schema={"label": pl.String})) == whole


def test_only_malicious_connections_have_a_family() -> None:
    """Families come sorted and once; what stands beside a benign connection is not one."""
    frame = pl.DataFrame({"label": ["malicious", "malicious", "benign"], "family": ["b", "a", "c"]})
    assert families_of(frame) == ["a", "b"]


def test_text_may_be_stored_as_categories_or_be_missing_altogether(tmp_path: Path) -> None:
    """Labels as categories and a family column without any value are what other tools write."""
    frame = pl.DataFrame(
        {"uid": ["C1", None], "label": pl.Series(["benign", "benign"], dtype=pl.Categorical), "family": None}
    )
    frame.write_parquet(tmp_path / "labels.parquet")
    assert read_connection_labels(tmp_path / "labels.parquet").rows() == [("C1", "benign", None)]


def test_a_number_is_no_label(tmp_path: Path) -> None:
    """Codes such as 0 and 1 are refused: which of them is malicious is anyone's guess."""
    pl.DataFrame({"uid": ["C1"], "label": [1], "family": ["x"]}).write_parquet(tmp_path / "labels.parquet")
    with pytest.raises(BadData, match="column 'label' is Int64 where text was expected"):
        read_connection_labels(tmp_path / "labels.parquet")
