"""Claims about how features are declared."""

from __future__ import annotations

import polars as pl
import pytest

from ptml.features.family import Family, family, read_feature


def bytes_seen() -> pl.Expr:
    """Bytes that were seen.

    Unit: bytes. Type: UInt8. Range: 0 to 255. Logs: conn, dns. Scope: past.
    Null: a count is unknown, or both
    are zero. Source: RFC 6890; nobody et al. 2020.

    >>> 1
    1
    """
    return pl.col("a") + pl.col("b")


def test_facts_come_from_the_docstring() -> None:
    """Every fact is read as it was written, across lines and without the closing full stop."""
    feature = read_feature(bytes_seen, "volume")
    assert (feature.name, feature.family, feature.meaning) == ("bytes_seen", "volume", "Bytes that were seen")
    assert (feature.unit, feature.dtype, feature.range) == ("bytes", pl.UInt8(), "0 to 255")
    assert feature.null == "a count is unknown, or both are zero"
    assert (feature.logs, feature.scope) == (("conn", "dns"), "past")
    assert feature.source == "RFC 6890; nobody et al. 2020"


def test_expression_has_the_promised_name_and_type() -> None:
    """The column is named by its function and has the type that its docstring states."""
    frame = pl.DataFrame({"a": [1.0], "b": [2.0]}).select(read_feature(bytes_seen, "volume").expr())
    assert frame.schema == {"bytes_seen": pl.UInt8()}
    assert frame.item() == 3


def test_needed_columns_are_those_of_the_expression() -> None:
    """A feature needs each column that its expression reads."""
    assert read_feature(bytes_seen, "volume").columns() == {"a", "b"}


@pytest.mark.parametrize("fact", ["Unit", "Type", "Range", "Logs", "Scope", "Null", "Source"])
def test_missing_fact_is_an_error(fact: str) -> None:
    """A docstring that leaves out one fact is refused by name of feature and fact."""

    def incomplete() -> pl.Expr:
        return pl.col("a")

    incomplete.__doc__ = (bytes_seen.__doc__ or "").replace(f"{fact}: ", "")
    with pytest.raises(ValueError, match=rf"incomplete does not state \['{fact}'\]"):
        read_feature(incomplete, "volume")


def test_unknown_type_is_an_error() -> None:
    """A type that feature tables do not use is refused."""

    def wide() -> pl.Expr:
        return pl.col("a")

    wide.__doc__ = (bytes_seen.__doc__ or "").replace("UInt8", "Float64")
    with pytest.raises(ValueError, match="wide states type Float64"):
        read_feature(wide, "volume")


def test_family_keeps_the_order_of_its_functions() -> None:
    """Features come in the order in which the functions are given."""

    def another() -> pl.Expr:
        return pl.col("a")

    another.__doc__ = bytes_seen.__doc__
    made: Family = family("volume", (another, bytes_seen))
    assert [feature.name for feature in made.features] == ["another", "bytes_seen"]
