"""The model that scores, and the features that it is given: at the windows that it learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptml.artifact import load_model
from ptml.errors import ModelMismatch
from ptml.features.own import feature_set

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.artifact.model import Model
    from ptml.features.featureset import FeatureSet
    from ptml.features.own import OwnFile
    from ptml.workspace import Workspace

MIXED = "mixed"
TOLD = 3
COLUMNS_TOLD = 10


def scoring_model(
    name: str | Path, workspace: Workspace | None = None, *, own: OwnFile | None = None
) -> Model:
    """Load a model to score with this version of the features, and with a user's file of them.

    Args:
        name: A folder, or the name of a model in the workspace or among those that ptml ships.
        workspace: Where to look for a name.
        own: The user's file of features.

    Raises:
        MissingInput: There is no such model, or one of its files is missing.
        BadData: A file is damaged, was edited, or holds anything but a model.
        ModelMismatch: It was made by another scikit-learn, or for other features.
    """
    model = load_model(name, workspace)
    features = features_of(model, own)
    _require_columns(model, features)
    model.require_feature_version(features.version)
    return model


def _require_columns(model: Model, features: FeatureSet) -> None:
    """Name the columns that are not there, which says more than that versions differ."""
    there = {
        "connection": {feature.name: str(feature.dtype) for feature in features.connection_features},
        "capture": {feature.name: str(feature.dtype) for feature in features.capture_features},
    }
    lost = [
        f"{one.name} ({one.dtype})"
        for level, part in model.manifest.levels.items()
        for one in part.features
        if model.manifest.own_features is None and there[level].get(one.name) != one.dtype
    ]
    if lost:
        more = f" and {len(lost) - COLUMNS_TOLD} more" if len(lost) > COLUMNS_TOLD else ""
        raise ModelMismatch(
            f"model {model.name!r} was trained on columns that this ptml does not make, or makes as "
            f"another type: {', '.join(lost[:COLUMNS_TOLD])}{more}; nothing was scored",
            hint="train the model again, or use the version of ptml that it was trained with",
        )


def features_of(model: Model, own: OwnFile | None) -> FeatureSet:
    """Tell which features a model is given: the windows are plain numbers, so they are taken from it."""
    return feature_set(own, model.manifest.windows)


def judges_captures(model: Model, unit: str) -> bool:
    """Tell whether a model judges captures of a unit as wholes: it has to have learned from such."""
    return "capture" in model.levels and model.manifest.unit in {unit, MIXED}


def require_unit(model: Model, unit: str, own: OwnFile | None = None) -> None:
    """Insist that a model can judge the connections of captures of a unit.

    What describes the whole capture is another thing in an hour than in a day. A model that learned from
    another unit still judges connections if none of its inputs looks at the capture as a whole; captures are
    then not judged.

    Raises:
        ModelMismatch: It learned from another unit, and looks at captures as wholes.
    """
    learned = model.manifest.unit
    if learned in {unit, MIXED}:
        return
    scopes = {feature.name: feature.scope for feature in features_of(model, own).connection_features}
    inputs = model.manifest.levels["connection"].features if "connection" in model.levels else ()
    whole = [one.name for one in inputs if scopes.get(one.name) == "capture"]
    if inputs and not whole:
        return
    what = f"looks at these as wholes ({', '.join(whole[:TOLD])}, …)" if whole else "judges only these"
    raise ModelMismatch(
        f"model {model.name!r} learned from captures of the unit {learned!r} and {what}; "
        f"these are of the unit {unit!r}, so nothing was scored",
        hint="score by the model's unit (`file` is a folder or a file: leave --capture-by out), or train one "
        'on this unit, or by a spec with exclude_scopes = ["capture"]',
    )
