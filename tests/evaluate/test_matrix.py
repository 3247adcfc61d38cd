from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ptml.evaluate.matrix import OTHERS, Maker, source_matrix
from ptml.train.spec import ModelSpec
from tests.evaluate.builders import dataset

if TYPE_CHECKING:
    from ptml.evaluate.parts import MatrixCell, SourceMatrix
    from ptml.train.dataset import Dataset

SPEC = ModelSpec(name="x", estimator="logistic-regression")


def made(kinds: dict[str, tuple[int, int]], sign: dict[str, int] | None = None) -> Dataset:
    """Make sources with so many benign and malicious captures of three rows; `sign` turns a feature round."""
    table = [
        (label, source, number)
        for number, (source, label) in enumerate(
            (source, label)
            for source, counts in kinds.items()
            for label in (0, 1)
            for _ in range(counts[label])
        )
        for _ in range(3)
    ]
    rng = np.random.default_rng(1)
    values = np.array(
        [(sign or {}).get(source, 1) * 4 * (label - 0.5) + rng.normal() for label, source, _ in table]
    )
    return dataset([r[0] for r in table], [r[2] for r in table], [r[1] for r in table], values=values)


def matrix_of(data: Dataset, most: int = 10) -> SourceMatrix:
    """Make the matrix."""
    return source_matrix(Maker(SPEC, data, 0.05, 0, 30), most)


def cell(matrix: SourceMatrix, train: str, test: str) -> MatrixCell:
    """Find a cell."""
    (found,) = [one for one in matrix.cells if (one.train, one.test) == (train, test)]
    return found


def test_a_model_of_a_source_fails_where_the_world_is_upside_down() -> None:
    """Source b means the opposite of a: each is fine on itself, held out, and wrong on the other."""
    matrix = matrix_of(made({"a": (6, 6), "b": (5, 5)}, {"b": -1}))
    assert (matrix.train, matrix.test) == (("a", "b"), ("a", "b"))
    areas = {(one.train, one.test): one.roc_auc or 0.0 for one in matrix.cells}
    assert min(areas["a", "a"], areas["b", "b"]) > 0.9
    assert max(areas["a", "b"], areas["b", "a"]) < 0.1
    assert cell(matrix, "a", "b").captures == 10
    assert matrix.notes == ()


def test_sources_of_one_class_are_learned_from_together_and_judged_alone() -> None:
    """Two sources of one class are a row together; each is a column with recall or false alarms, no area."""
    matrix = matrix_of(made({"a": (6, 6), "bad": (0, 5), "good": (5, 0)}))
    assert matrix.train == ("a", OTHERS)
    assert matrix.test == ("a", "bad", "good", OTHERS)
    bad, good = cell(matrix, "a", "bad"), cell(matrix, "a", "good")
    assert (bad.roc_auc, bad.false_positive_rate, bad.reason) == (
        None,
        None,
        "one class only: nothing to rank",
    )
    assert bad.recall == pytest.approx(1.0, abs=0.4)
    assert (good.recall, good.malicious, good.rows) == (None, 0, 15)
    both = cell(matrix, "a", OTHERS)
    assert (both.rows, both.malicious) == (30, 15)
    assert both.roc_auc is not None
    assert both.low is not None
    assert both.high is not None
    assert both.roc_auc > 0.9
    assert both.low <= both.roc_auc <= both.high
    assert cell(matrix, OTHERS, "bad").reason == "learned from, together with others"
    assert (cell(matrix, OTHERS, OTHERS).roc_auc or 0) > 0.9
    assert matrix.notes[0].startswith("2 of 3 sources have one class")


def test_the_bound_on_sources_holds_for_what_is_learned_from() -> None:
    """With a bound of one, the largest source is learned from alone, and all are judged."""
    matrix = matrix_of(made({"a": (6, 6), "b": (5, 5), "c": (4, 4)}), most=1)
    assert matrix.train == ("a", OTHERS)
    assert matrix.test == ("a", "b", "c", OTHERS)
    assert len(matrix.cells) == 8


def test_a_model_that_cannot_be_made_says_why_in_its_cells() -> None:
    """A source too small for its own folds has no figure on itself, but is judged by the others."""
    matrix = matrix_of(made({"a": (6, 6), "b": (2, 2)}))
    assert cell(matrix, "a", "b").roc_auc is not None
    small = cell(matrix, "b", "b")
    assert small.roc_auc is None
    assert (
        small.reason
        == "3 folds need at least 3 captures of each class; there are 2 malicious and 2 benign captures"
    )
