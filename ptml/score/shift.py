"""How the captures that were scored now compare, together, with what the model was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptml.artifact import read_reference
from ptml.drift.batch import Tally, batch_drift
from ptml.io import read_json
from ptml.score.model import features_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ptml.artifact import Model


def drift_of(model: Model, tallies: Sequence[Path]) -> dict[str, Any] | None:
    """Hold the captures of a batch against the training data; None where the model does not know it.

    Args:
        model: The model.
        tallies: What each capture looks like, as scoring left it; captures from an earlier run have none.
    """
    reference = read_reference(model)
    if reference is None:
        return None
    names = (feature.name for level in reference.levels.values() for feature in level.features)
    features = features_of(model, None)  # a user's own stand together
    known = {one.name: one.family for one in (*features.connection_features, *features.capture_features)}
    families = {name: known.get(name, "own features") for name in names}
    return batch_drift(reference, [Tally(**read_json(path)) for path in tallies], families)
