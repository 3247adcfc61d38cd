"""Why rows were called malicious: the features that pushed most, by family, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ptml.artifact import FEATURES, model_inputs, read_reference
from ptml.explain.amounts import amount
from ptml.explain.contributions import Contributions, contributions
from ptml.explain.phrases import phrase
from ptml.explain.pools import POOL_FAMILY, is_pool, pool_phrase, pool_value
from ptml.schema import CONTRIBUTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ptml.artifact import CaptureStack, Model, Reference
    from ptml.features.family import Feature
    from ptml.features.featureset import FeatureSet
    from ptml.types import JsonObject, Level

TOP_FAMILIES, TOP_FEATURES = 3, 2
LEAST = 0.2
"""A feature that pushed less than this share of what its family's first did is not worth a sentence."""
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Explainer:
    """Says why a model scored rows as it did.

    Attributes:
        model: The model.
        reference: What it was trained on; None where it does not know.
        features: Its features, by name.
    """

    model: Model
    reference: Reference | None
    features: Mapping[str, Feature]

    @classmethod
    def of(cls, model: Model, features: FeatureSet) -> Explainer:
        """Make one for a model and the features that it is given.

        Raises:
            MissingInput: A file of the model is gone.
            BadData: It was changed.
        """
        every = (*features.capture_features, *features.connection_features)
        return cls(model, read_reference(model), {feature.name: feature for feature in every})

    def connections(self, rows: pl.DataFrame) -> pl.Series:
        """Give what pushed the scores of connections up most (column `contributions`); null if not known.

        Args:
            rows: Their features and keys.
        """
        return self._said(rows, self._contributions(rows, "connection"))

    def captures(self, rows: pl.DataFrame, pooled: pl.DataFrame) -> pl.Series:
        """Give what pushed the scores of captures up most (column `contributions`); null if not known.

        Args:
            rows: Their features.
            pooled: What their connections' scores were pooled to, as `pool` gives it; read only where the
                model looks at it.
        """
        stack = self.model.manifest.level("capture").stack
        if stack is None:
            return self._said(rows, self._contributions(rows, "capture"))
        table = rows.join(pooled, on="capture_id", how="left", maintain_order="left")
        own = self._contributions(rows, "capture") if FEATURES in stack.inputs else None
        if FEATURES in stack.inputs and own is None:
            return self._said(rows, None)
        return self._said(table, _stacked(stack, table, own))

    def _contributions(self, rows: pl.DataFrame, level: Level) -> Contributions | None:
        known = self.reference.levels.get(level) if self.reference else None
        inputs = model_inputs(rows, self.model.manifest.level(level).features)
        return contributions(self.model.estimators[level], inputs, known.means if known else None)

    def _said(self, rows: pl.DataFrame, found: Contributions | None) -> pl.Series:
        said: Sequence[list[JsonObject] | None] = [None] * rows.height
        if found is not None:
            pairs = zip(rows.iter_rows(named=True), found.values, strict=True)
            said = [self._row(row, found.features, values) for row, values in pairs]
        return pl.Series("contributions", said, dtype=CONTRIBUTIONS)

    def _row(
        self, row: Mapping[str, Any], names: Sequence[str], values: NDArray[np.float64]
    ) -> list[JsonObject] | None:
        if np.isnan(values).any():
            return None
        families: dict[str, list[int]] = {}
        for at, name in enumerate(names):
            families.setdefault(self._family(name), []).append(at)
        pushed = {family: float(values[members].sum()) for family, members in families.items()}
        told: list[JsonObject] = []
        for family in sorted(pushed, key=lambda one: (-pushed[one], one))[:TOP_FAMILIES]:
            if pushed[family] <= 0:
                break
            texts: set[str] = set()
            for at in sorted(families[family], key=lambda one: (-values[one], names[one])):
                text = self._phrase(names[at], row)
                if len(texts) == TOP_FEATURES or values[at] <= LEAST * values[families[family]].max():
                    break
                if text not in texts:
                    texts.add(text)
                    told.append(
                        {
                            "family": family,
                            "family_contribution": round(pushed[family], DIGITS),
                            "feature": names[at],
                            "value": self._value(names[at], row[names[at]]),
                            "contribution": round(float(values[at]), DIGITS),
                            "text": text,
                        }
                    )
        return told

    def _family(self, name: str) -> str:
        return POOL_FAMILY if is_pool(name) else self.features[name].family

    def _value(self, name: str, value: Any) -> str | None:  # noqa: ANN401 - whatever a feature is
        return pool_value(value) if is_pool(name) else amount(value, self.features[name].unit)

    def _phrase(self, name: str, row: Mapping[str, Any]) -> str:
        return pool_phrase(name, row[name]) if is_pool(name) else phrase(self.features[name], row[name], row)


def _stacked(stack: CaptureStack, table: pl.DataFrame, own: Contributions | None) -> Contributions:
    """Share the log-odds of a stack out: those of features in proportion, pools by weight times distance."""
    expected = stack.intercept
    names: list[str] = []
    columns: list[NDArray[np.float64]] = []
    for name, middle, spread, weight in zip(
        stack.inputs, stack.middles, stack.spreads, stack.weights, strict=True
    ):
        if name == FEATURES:
            assert own is not None
            expected += weight / spread * (own.expected - middle)
            names += own.features
            columns += list(weight / spread * own.values.T)
        else:
            names.append(name)
            columns.append(weight / spread * (table[name].fill_null(middle).to_numpy() - middle))
    return Contributions(expected, np.stack(columns, axis=1), tuple(names))
