"""Claims about the errors that a report shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ptml.evaluate.mistakes import PER_SOURCE, SHOWN, Mistakes, usual_values
from tests.evaluate.fake import Known, dataset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ptml.evaluate.parts import Mistake

SCHEMA = {"duration": pl.Float32(), "orig_bytes": pl.Float32(), "service": pl.String()}


def mistakes(
    rows: Sequence[tuple[float | None, float, str | None]],
    y: list[int],
    model: pl.Expr,
    *,
    groups: list[int] | None = None,
    sources: list[str] | None = None,
) -> tuple[Mistake, ...]:
    """Judge these rows by a model that learned from ten ordinary ones."""
    usual = [(1.0, 0.0, "dns")] * 10
    inputs = pl.DataFrame([*usual, *rows], schema=SCHEMA, orient="row")
    numbers = groups or list(range(len(rows)))
    names = ["lab"] * 10 + (sources or [f"s{number}" for number in numbers])
    data = dataset(inputs, [0] * 10 + y, [99] * 10 + numbers, sources=names)
    learn, test = np.arange(10), np.arange(10, 10 + len(rows))
    fitted = Known.of(model)
    found = Mistakes(data, 0)
    found.watch(learn, test, fitted, fitted.probability(inputs[test]))
    return found.found()


def test_only_errors_are_shown_the_most_confident_first() -> None:
    """The wrong verdicts are there: false alarms from high to low, missed ones from low to high."""
    rows = [(value, 0.0, "dns") for value in (3.0, 5.0, -1.0, -4.0, -2.0, 2.0)]
    found = mistakes(rows, [0, 0, 0, 1, 1, 1], pl.col("duration"))
    assert [(one.kind, one.uid) for one in found] == [
        ("false_alarm", "C11"),
        ("false_alarm", "C10"),
        ("missed", "C13"),
        ("missed", "C14"),
    ]
    assert [one.family for one in found] == [None, None, "emotet", "emotet"]
    assert found[0].probability == 1 / (1 + np.exp(-5.0))


def test_a_capture_is_shown_once_and_a_source_a_few_times() -> None:
    """A flood of one capture, or one source, does not fill the list."""
    rows = [(5.0 + number / 100, 0.0, "dns") for number in range(40)]
    of_one = mistakes(rows, [0] * 40, pl.col("duration"), groups=[0] * 20 + list(range(1, 21)))
    captures = [one.capture_id for one in of_one]
    assert len(captures) == len(set(captures))
    source = mistakes(rows, [0] * 40, pl.col("duration"), sources=["one"] * 40)
    assert len(source) == PER_SOURCE
    assert len(mistakes(rows, [0] * 40, pl.col("duration"))) <= SHOWN


def test_the_reason_is_the_family_that_moved_the_probability() -> None:
    """A false alarm of log-odds 4, of which 3 by the duration: usual, it would be 0.73."""
    (found,) = mistakes([(4.0, 7.0, "dns")], [0], pl.col("duration"))
    assert found.reasons == ("timing: 0.73 instead of 0.98 if usual (duration 4, usually 1)",)


def test_reasons_of_a_missed_row_are_what_made_it_look_harmless() -> None:
    """What spoke for malice is no reason to have missed it."""
    model = pl.col("orig_bytes") - pl.col("duration")
    (found,) = mistakes([(6.0, 2.0, "dns")], [1], model)
    assert found.reasons == ("timing: 0.73 instead of 0.02 if usual (duration 6, usually 1)",)


def test_the_strongest_reason_comes_first_and_weak_ones_are_left_out() -> None:
    """Three families moved it by 3, 2 and 0.1 of log-odds: two are told, in this order."""
    model = pl.col("orig_bytes") + 2 * (pl.col("service") == "ssl").cast(pl.Float64) + pl.col("duration") / 10
    (found,) = mistakes([(2.0, 3.0, "ssl")], [0], model)
    assert [reason.split(":")[0] for reason in found.reasons] == ["volume", "service"]
    assert "service ssl, usually dns" in found.reasons[1]


def test_what_is_not_there_is_named_as_such() -> None:
    """A null that decides is a reason like any other."""
    (found,) = mistakes([(None, 0.0, "dns")], [0], pl.col("duration").fill_null(9.0))
    assert "duration not there, usually 1" in found.reasons[0]


def test_a_row_that_no_family_alone_moves_has_no_reason() -> None:
    """A model that always says the same has no reasons to give."""
    (found,) = mistakes([(1.0, 0.0, "dns")], [0], pl.lit(3.0) + 0 * pl.col("duration"))
    assert found.reasons == ()


def test_without_errors_nothing_is_shown() -> None:
    """All right, nothing to look at; nor before anything was judged."""
    assert mistakes([(3.0, 0.0, "dns"), (-3.0, 0.0, "dns")], [1, 0], pl.col("duration")) == ()


def test_usual_is_the_median_or_the_most_frequent_and_null_where_most_are() -> None:
    """Numbers, truth values and categories, each with its own type kept."""
    table = pl.DataFrame(
        {"n": [1, 2, 9], "e": ["b", "a", "a"], "t": [True, True, None], "u": [None, None, 5.0]},
        schema={"n": pl.UInt32, "e": pl.Enum(["a", "b"]), "t": pl.Boolean, "u": pl.Float32},
    )
    usual = usual_values(table)
    assert usual.row(0) == (2, "a", True, None)
    assert usual.schema == table.schema
