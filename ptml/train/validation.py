"""The named period whose rows set calibration and thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptml.artifact import CLASSES
from ptml.errors import BadData, SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptml.train.dataset import Dataset
    from ptml.train.spec import ModelSpec


def validation_rows(data: Dataset, rows: NDArray[np.int64], spec: ModelSpec) -> NDArray[np.bool_] | None:
    """Tell which of these rows calibration and threshold are to come from; None where folds decide.

    Raises:
        BadData: Either part lacks a class.
        SettingsError: The spec needs scores of all captures that were held out.
    """
    period = data.keys["period"][rows]
    validation: NDArray[np.bool_] = (period == "validation").fill_null(value=False).to_numpy()
    if not validation.any() or not period.is_in(["train", "validation"]).fill_null(value=False).all():
        return None
    if spec.captures != "features":
        raise SettingsError(
            f"spec {spec.name!r} judges captures by held-out scores, and needs some of all captures",
            hint='leave dataset.periods.validation out, or set captures = "features" in the spec',
        )
    for name, part in (("validation", validation), ("train", ~validation)):
        if len(np.unique(data.y[rows][part])) < len(CLASSES):
            raise BadData(
                f"the period {name} needs malicious and benign {data.level}s, and has one class or none",
                hint=f"change the bounds in dataset.periods, or leave validation out; "
                f"{np.bincount(data.y[rows][part], minlength=2).tolist()} benign and malicious there",
            )
    return validation
