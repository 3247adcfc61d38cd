"""What can only be asked of a model while it is there: a protocol keeps none of those that it fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ptml.evaluate.importance import Importances
from ptml.evaluate.mistakes import Mistakes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ptml.train.dataset import Dataset
    from ptml.train.fit import Fitted
    from ptml.train.splits import Split


@dataclass(frozen=True, slots=True)
class Watcher:
    """Asks each model what it owes to its features, and why it erred.

    Attributes:
        importances: What they owe.
        mistakes: Where they erred.
    """

    importances: Importances
    mistakes: Mistakes

    @classmethod
    def of(cls, data: Dataset, seed: int) -> Watcher:
        """Make one for the models of a dataset."""
        return cls(Importances(data, seed), Mistakes(data, seed))

    def __call__(self, split: Split, fitted: Fitted, probability: NDArray[np.float64]) -> None:
        """Ask a model.

        Args:
            split: What it learned from, and what was held out.
            fitted: The model.
            probability: What it gives to each row held out.
        """
        self.importances.watch(split.test, fitted)
        self.mistakes.watch(split.learn, split.test, fitted, probability)
