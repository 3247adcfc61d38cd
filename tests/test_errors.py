"""The error tree."""

from __future__ import annotations

import pickle

import pytest

from ptml.errors import FAIL_ON_EXIT_CODE, BadData, PtmlError


def test_exit_codes_are_unique_and_none_is_taken_for_success_or_fail_on() -> None:
    """Cron can tell every kind of failure from the others, from success and from a --fail-on hit."""
    tree: list[type[PtmlError]] = [PtmlError, *PtmlError.__subclasses__()]
    codes = [error.exit_code for error in tree]
    assert len(codes) == len(set(codes))
    assert not {0, FAIL_ON_EXIT_CODE} & set(codes)


@pytest.mark.parametrize("error", [PtmlError, *PtmlError.__subclasses__()])
def test_errors_survive_the_way_from_a_worker(error: type[PtmlError]) -> None:
    """Pickled and back, an error keeps its class, message and hint."""
    back = pickle.loads(pickle.dumps(error("what", hint="this")))
    assert (type(back), back.message, back.hint, str(back)) == (error, "what", "this", "what\nTry: this")


def test_missing_columns_suggests_what_was_meant() -> None:
    """A misspelt column is suggested by name."""
    error = BadData.missing_columns("list.csv", ["label"], ["name", "lable"])
    assert str(error) == (
        "list.csv has no column 'label'; it has 'name', 'lable'\nTry: did you mean 'lable' for 'label'?"
    )
