"""What a model's training data looked like, feature by feature: `reference.json` beside the model.

New rows are held against it: is one unlike all that was learned from, has a batch drifted? It holds numbers
and Zeek's own words for categories; no address, no name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import numpy as np
import polars as pl
from pydantic import Field, StringConstraints, ValidationError, model_validator

from ptml.artifact.model import read_record_file
from ptml.artifact.pooling import Finite  # noqa: TC001 - pydantic resolves annotations at run time
from ptml.errors import BadData
from ptml.io import parse_json
from ptml.settings import Section
from ptml.types import Level  # noqa: TC001 - likewise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ptml.artifact.model import Model

Code: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9-]*$")]
REFERENCE_FILE = "reference.json"
LOW, HIGH = 0.001, 0.999
RARE = 0.001
"""What fewer training rows have, null or a value, counts as never seen."""
PARTS = 10


class FeatureReference(Section):
    """A feature in training, each capture weighing the same.

    Attributes:
        name: Which.
        nulls: Share of nulls.
        low: Value that one in a thousand is below; None where there are no numbers.
        high: Value that one in a thousand is above.
        edges: Tenths of the values: each part reaches up to its edge and includes it, the last has none.
        shares: Share of each part among the values.
        categories: Share of each category among the values; empty for numbers.
    """

    name: str
    nulls: float = Field(ge=0, le=1)
    low: Finite | None = None
    high: Finite | None = None
    edges: tuple[Finite, ...] = ()
    shares: tuple[Finite, ...] = ()
    categories: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> FeatureReference:
        if self.low is not None and len(self.shares) != len(self.edges) + 1:
            raise ValueError("there is one part more than edges")
        return self

    def unusual(self, column: pl.Series) -> NDArray[np.bool_]:
        """Tell the values that hardly any training row had: beyond its range, a new category, null or not.

        >>> seen = FeatureReference(name="x", nulls=0, low=1, high=9, shares=(1.0,))
        >>> seen.unusual(pl.Series([0.5, 5.0, None])).tolist()
        [True, False, True]
        """
        null = column.is_null().to_numpy()
        if self.categories:
            known = [name for name, share in self.categories.items() if share >= RARE]
            odd = ~column.is_in(known).fill_null(value=True).to_numpy()
        elif self.low is not None and self.high is not None:
            values = column.fill_null(self.low).to_numpy()
            odd = (values < self.low) | (values > self.high)
        else:
            odd = ~null
        never_null = self.nulls < RARE
        always_null = 1 - self.nulls < RARE
        result: NDArray[np.bool_] = np.where(null, never_null, odd | always_null)
        return result

    def counts(self, column: pl.Series) -> NDArray[np.int64]:
        """Count values by part, or category (those not known last), and then nulls.

        >>> seen = FeatureReference(name="x", nulls=0, low=1, high=9, edges=(5,), shares=(0.5, 0.5))
        >>> seen.counts(pl.Series([5.0, 5.1, None])).tolist()
        [1, 1, 1]
        """
        size = len(self.categories or self.edges) + 1
        parts = self.parts(column.drop_nulls())
        return np.append(np.bincount(parts, minlength=size), column.null_count()).astype(np.int64)

    def parts(self, values: pl.Series) -> NDArray[np.int64]:
        """Tell which part, or category, each value falls into; a new category is one beyond those known.

        >>> seen = FeatureReference(name="x", nulls=0, low=1, high=9, edges=(5,), shares=(0.5, 0.5))
        >>> seen.parts(pl.Series([5.0, 5.1])).tolist()
        [0, 1]
        """
        if self.categories:
            place = {name: at for at, name in enumerate(self.categories)}
            return values.replace_strict(place, default=len(place), return_dtype=pl.Int64).to_numpy()
        found = np.searchsorted(np.array(self.edges, np.float64), values.to_numpy(), side="left")
        return found.astype(np.int64)

    def expected(self) -> NDArray[np.float64]:
        """Give the shares in training in the order that `counts` has; they sum to 1."""
        inner = [*self.categories.values(), 0.0] if self.categories else [*(self.shares or (1.0,))]
        return np.append(np.array(inner) * (1 - self.nulls), self.nulls)


class LevelReference(Section):
    """A level's training rows.

    Attributes:
        features: Each feature.
        means: Mean of each column that a linear classifier saw.
        unlike: A row is unlike the training rows if more than this share of its features is unusual.
        unlike_held_out: Share of training rows, each capture weighing the same, that this flags in folds
            held out.
        captures: How many captures the rows are from.
        neighbours: Of captures, by id: the part that each feature falls into, a digit each, and `-` for null.
    """

    features: tuple[FeatureReference, ...]
    means: tuple[Finite, ...] | None = None
    unlike: float = Field(ge=0, le=1)
    unlike_held_out: float = Field(ge=0, le=1)
    captures: int = Field(ge=0)
    neighbours: dict[str, Code] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _codes_fit(self) -> LevelReference:
        if any(len(code) != len(self.features) for code in self.neighbours.values()):
            raise ValueError("a neighbour does not have a digit for each feature")
        return self

    def codes(self, inputs: pl.DataFrame) -> list[str]:
        """Give each row as `neighbours` has it.

        >>> seen = FeatureReference(name="x", nulls=0, low=1, high=9, edges=(5,), shares=(0.5, 0.5))
        >>> level = LevelReference(features=(seen, seen), unlike=0, unlike_held_out=0, captures=1)
        >>> level.codes(pl.DataFrame({"x": [9.0, None]}))
        ['11', '--']
        """
        columns = np.full((inputs.height, len(self.features)), "-")
        for at, feature in enumerate(self.features):
            column = inputs[feature.name]
            digits = np.minimum(feature.parts(column.drop_nulls()), 9).astype(str)
            columns[column.is_not_null().to_numpy(), at] = digits
        return ["".join(row) for row in columns]

    def unlike_training(self, inputs: pl.DataFrame) -> NDArray[np.bool_]:
        """Flag the rows that are unlike all that was learned from.

        Args:
            inputs: Features, as `model_inputs` makes them.
        """
        return unusual_share(self.features, inputs) > self.unlike


class Reference(Section):
    """What a model was trained on, to hold new captures against.

    Attributes:
        levels: The features of each level.
        logs: Share of the training captures that had each log.
        zeek: How many of them were made by each version of Zeek, where that is known.
        captures: How many there were.
    """

    levels: dict[Level, LevelReference]
    logs: dict[str, float] = Field(default_factory=dict)
    zeek: dict[str, int] = Field(default_factory=dict)
    captures: int = Field(0, ge=0)


def unusual_share(features: Iterable[FeatureReference], inputs: pl.DataFrame) -> NDArray[np.float64]:
    """Give each row's share of features with a value that hardly any training row had."""
    known = tuple(features)
    total = np.zeros(inputs.height)
    for feature in known:
        total += feature.unusual(inputs[feature.name])
    return total / max(len(known), 1)


def read_reference(model: Model) -> Reference | None:
    """Read what a model was trained on; None for models from before this was recorded.

    Raises:
        MissingInput: The file is gone.
        BadData: It was changed, or is none.
    """
    if REFERENCE_FILE not in model.manifest.files:
        return None
    path = model.folder / REFERENCE_FILE
    value = parse_json(read_record_file(model.folder, model.manifest, REFERENCE_FILE), path)
    try:
        return Reference.model_validate(value)
    except ValidationError as error:
        fault = error.errors()[0]
        raise BadData(
            f"{path} does not tell what the model was trained on: {fault['loc']}: {fault['msg']}",
            hint="train the model again",
        ) from error
