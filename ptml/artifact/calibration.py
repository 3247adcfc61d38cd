"""How an estimator's log-odds become probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import numpy as np
from pydantic import Field, model_validator

from ptml.artifact.pooling import Finite  # noqa: TC001 - pydantic resolves annotations at run time
from ptml.settings import Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


class Calibration(Section):
    """How an estimator's log-odds become probabilities; it never turns the order of two rows round.

    Attributes:
        kind: `sigmoid` is Platt's: 1 / (1 + exp(-(slope x log-odds + intercept))). `isotonic` goes straight
            from point to point, flat beyond the first and the last. `none` is the sigmoid as it stands.
        slope: Of the sigmoid; positive.
        intercept: Of the sigmoid.
        log_odds: The isotonic points' log-odds, rising.
        probabilities: The isotonic points' probabilities, never falling.
    """

    kind: Literal["sigmoid", "isotonic", "none"] = "sigmoid"
    slope: float = Field(1.0, gt=0, allow_inf_nan=False)
    intercept: float = Field(0.0, allow_inf_nan=False)
    log_odds: tuple[Finite, ...] = ()
    probabilities: tuple[Share, ...] = ()

    @model_validator(mode="after")
    def _keeps_order(self) -> Calibration:
        if len(self.log_odds) != len(self.probabilities):
            raise ValueError("log_odds and probabilities are not of one length")
        if bool(self.log_odds) != (self.kind == "isotonic"):
            raise ValueError("isotonic calibration, and no other, has points")
        if np.any(np.diff(self.log_odds) <= 0) or np.any(np.diff(self.probabilities) < 0):
            raise ValueError("points must rise: calibration never turns the order of two rows round")
        if self.kind == "none" and (self.slope != 1 or self.intercept != 0):
            raise ValueError("a slope and an intercept belong to the sigmoid")
        return self

    def apply(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn an estimator's log-odds into probabilities.

        >>> Calibration(slope=1.0, intercept=0.0).apply(np.array([0.0])).tolist()
        [0.5]
        >>> points = Calibration(kind="isotonic", log_odds=(-1.0, 1.0), probabilities=(0.1, 0.5))
        >>> points.apply(np.array([-9.0, 0.0, 9.0])).round(3).tolist()
        [0.1, 0.3, 0.5]
        """
        if self.kind == "isotonic":
            return np.interp(log_odds, self.log_odds, self.probabilities)
        shifted = np.clip(self.slope * log_odds + self.intercept, -500, 500)  # exp would overflow beyond 709
        result: NDArray[np.float64] = 1 / (1 + np.exp(-shifted))
        return result
