"""Early stopping: how many rounds of boosting groups that were held out like best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptml.train.splits import assign_folds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import polars as pl
    from numpy.typing import NDArray

PARTS = 5


def best_rounds(
    make: Callable[[Iterable[str]], Any],
    preparer: Callable[[pl.DataFrame], Any],
    inputs: pl.DataFrame,
    y: NDArray[np.int8],
    weights: NDArray[np.float64],
    *,
    groups: NDArray[np.int64],
    patience: int,
    seed: int,
) -> int:
    """Fit on some groups until the log loss of the others has not fallen for a while.

    A fifth of the groups is held out (a half or a third where a class has few), whole, so that rounds are not
    counted by rows that resemble those learned from.

    Args:
        make: Makes an unfitted boosting classifier for columns of these names; its own number of rounds is
            the most.
        preparer: Makes the unfitted transformer of rows that it is given.
        inputs: The rows.
        y: 1 for malicious, 0 for benign.
        weights: Weight of each row.
        groups: Group of each row.
        patience: Rounds without a better one after which it stops.
        seed: Seed of who is held out.

    Returns:
        The number of rounds, at least 1.

    Raises:
        BadData: A class has but one group.
    """
    scarcest = min(len(np.unique(groups[y == label])) for label in (0, 1))
    fold_of = assign_folds("grouped", y, groups, max(2, min(PARTS, scarcest)), seed)
    learn, judge = np.flatnonzero(fold_of != 0), np.flatnonzero(fold_of == 0)
    prepare = preparer(inputs[learn])
    x, judged = prepare.fit_transform(inputs[learn]), prepare.transform(inputs[judge])
    classifier = make(prepare.get_feature_names_out())  # categories that only some groups have are no columns
    if hasattr(classifier, "rounds"):
        held_out = judged, y[judge], weights[judge]
        found: int = classifier.rounds(x, y[learn], weights[learn], held_out=held_out, patience=patience)
        return max(found, 1)
    classifier.set_params(early_stopping=True, n_iter_no_change=patience, scoring="loss")
    classifier.fit(
        x,
        y[learn],
        sample_weight=weights[learn],
        X_val=judged,
        y_val=y[judge],
        sample_weight_val=weights[judge],
    )
    # The first score is of no round at all.
    return max(int(np.argmax(classifier.validation_score_)), 1)
