"""Which columns a model takes, and how they reach it.

Identity never goes in: addresses, uids, times and names are keys of a row, and a model that is handed one as
a feature refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.errors import ModelMismatch, quoted
from ptml.settings import Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ptml.types import Level

KEYS: Mapping[Level, tuple[str, ...]] = {
    "connection": ("capture_id", "uid", "ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"),
    "capture": ("capture_id",),
}
IDENTITY = frozenset(
    [
        *KEYS["connection"],
        *("name", "path", "source", "source_id", "url", "md5", "sha256", "started_at", "ended_at"),
        *("label", "label_level", "label_method", "label_confidence", "family", "tags", "notes"),
    ]
)


class FeatureContract(Section):
    """One input of a model: column name and Polars type."""

    name: str
    dtype: str

    @property
    def is_category(self) -> bool:
        """Tell categories from numbers; truth values count as the numbers 0 and 1."""
        return self.dtype == "String" or self.dtype.startswith(("Enum", "Categorical"))


def refuse_identity(names: Iterable[str]) -> None:
    """Insist that no identity column is among a model's inputs.

    >>> refuse_identity(["uid"])
    Traceback (most recent call last):
    ptml.errors.ModelMismatch: identity columns cannot be features of a model: 'uid'
    Try: leave them as keys of the row

    Raises:
        ModelMismatch: One is.
    """
    found = sorted(set(names) & IDENTITY)
    if found:
        raise ModelMismatch(
            f"identity columns cannot be features of a model: {quoted(found)}",
            hint="leave them as keys of the row",
        )


def contracts_of(schema: pl.Schema, level: Level) -> tuple[FeatureContract, ...]:
    """Describe a feature table's columns, keys left out.

    >>> contracts_of(pl.Schema({"uid": pl.String, "duration": pl.Float32}), "connection")
    (FeatureContract(name='duration', dtype='Float32'),)
    """
    return tuple(
        FeatureContract(name=name, dtype=str(dtype))
        for name, dtype in schema.items()
        if name not in KEYS[level]
    )


def check_features(schema: pl.Schema, contracts: Sequence[FeatureContract], model: str) -> None:
    """Insist that a feature table has a model's columns with their types.

    Raises:
        ModelMismatch: Columns are missing or of another type; each is named.
    """
    missing = [contract.name for contract in contracts if contract.name not in schema]
    other = [
        f"{contract.name} is {schema[contract.name]} where {contract.dtype} was expected"
        for contract in contracts
        if contract.name in schema and str(schema[contract.name]) != contract.dtype
    ]
    faults = [*([f"columns are missing: {quoted(missing)}"] if missing else []), *other]
    if faults:
        raise ModelMismatch(
            f"model {model!r} does not fit these features: {'; '.join(faults)}",
            hint="make the features with the version of ptml that the model was trained with, or train again",
        )


def model_inputs(frame: pl.DataFrame, contracts: Sequence[FeatureContract]) -> pl.DataFrame:
    """Make what an estimator takes: numbers and truth values as Float32, categories as text, null kept.

    Infinities become null: a quotient without a value is unknown.

    >>> frame = pl.DataFrame({"is_local": [True, None], "service": ["dns", None]})
    >>> model_inputs(frame, contracts_of(frame.schema, "connection")).rows()
    [(1.0, 'dns'), (None, None)]
    """
    return frame.select(_input(contract) for contract in contracts)


def _input(contract: FeatureContract) -> pl.Expr:
    column = pl.col(contract.name)
    if contract.is_category:
        return column.cast(pl.String)
    number = column.cast(pl.Float32)
    return pl.when(number.is_finite()).then(number) if contract.dtype.startswith("Float") else number
