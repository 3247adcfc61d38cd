"""Claims about the lists and pages of features."""

from __future__ import annotations

import pytest

from ptml.errors import SettingsError
from ptml.features.catalog import CAPTURE_FEATURES, CONNECTION_FEATURES
from ptml.features.describe import describe_feature, features_page, list_features


def test_list_holds_every_feature_once() -> None:
    """The list is that of the two tables, in their order."""
    names = [feature.name for feature in (*CONNECTION_FEATURES, *CAPTURE_FEATURES)]
    assert [row["name"] for row in list_features()] == names


def test_every_fact_is_there() -> None:
    """No fact of any feature is empty."""
    assert all(all(row.values()) for row in list_features())


def test_description_is_that_of_the_docstring() -> None:
    """The facts of one feature are what its docstring says."""
    facts = describe_feature("orig_byte_share")
    assert (facts["unit"], facts["dtype"], facts["logs"]) == ("share", "Float32", "conn")
    assert (facts["level"], facts["scope"]) == ("connection", "connection")


def test_unknown_name_suggests_the_nearest() -> None:
    """A mistyped name is answered with the one that was meant."""
    with pytest.raises(
        SettingsError, match=r"no feature 'orig_byte_shar'(?s:.)*did you mean 'orig_byte_share'"
    ):
        describe_feature("orig_byte_shar")


def test_page_has_a_row_for_each_feature() -> None:
    """Every feature has its line in the page, and the page says how many there are."""
    page = features_page()
    assert all(f"\n| `{row['name']}` | " in page for row in list_features())
    assert f"{len(CONNECTION_FEATURES)} features describe a connection" in page
