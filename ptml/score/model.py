"""The model that scores, and the features that it is given: at the windows that it learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptml.artifact import load_model
from ptml.features.own import feature_set

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.artifact.model import Model
    from ptml.features.featureset import FeatureSet
    from ptml.features.own import OwnFile
    from ptml.workspace import Workspace


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
    model.require_feature_version(features_of(model, own).version)
    return model


def features_of(model: Model, own: OwnFile | None) -> FeatureSet:
    """Tell which features a model is given: the windows are plain numbers, so they are taken from it."""
    return feature_set(own, model.manifest.windows)
