"""How features are declared: a function with a docstring, gathered into families.

A feature is a function without arguments that returns a Polars expression. Its docstring is the one place
where unit, type, range, null rule, logs, scope and source are stated, so that code, ``docs/features.md`` and
the model's contract cannot disagree. A family is a tuple of features that look at the same rows.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias, cast

import polars as pl

Logs: TypeAlias = Mapping[str, pl.LazyFrame]
FeatureFunction: TypeAlias = Callable[[], pl.Expr]
Scope: TypeAlias = Literal["connection", "past", "capture"]

FACTS = ("Unit", "Type", "Range", "Logs", "Scope", "Null", "Source")
SCOPES: tuple[Scope, ...] = ("connection", "past", "capture")
DTYPES: Mapping[str, pl.DataType] = {
    "Boolean": pl.Boolean(),
    "Float32": pl.Float32(),
    "UInt8": pl.UInt8(),
    "UInt16": pl.UInt16(),
    "UInt32": pl.UInt32(),
}
CATEGORIES = "Enum"
"""Type of a feature whose range lists the categories it can have, in their order."""
_FACT = re.compile(rf"\b({'|'.join(FACTS)}): ")


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: the expression and what its docstring promises.

    Attributes:
        name: Function name and column name.
        family: The family that it is listed under.
        build: The function; call :meth:`expr` for the finished column.
        meaning: First line of the docstring.
        unit: Unit of the values.
        dtype: Polars type of the column.
        range: Values that can occur besides null.
        null: When the value is null.
        logs: Zeek logs that it needs.
        scope: ``connection``, ``past`` or ``capture``.
        source: Where the idea comes from.
    """

    name: str
    family: str
    build: FeatureFunction
    meaning: str
    unit: str
    dtype: pl.DataType
    range: str
    null: str
    logs: tuple[str, ...]
    scope: Scope
    source: str

    def expr(self) -> pl.Expr:
        """Return the column: the function's expression with the promised type and name.

        >>> def answers() -> pl.Expr:
        ...     '''Count of answers.
        ...
        ...     Unit: answers. Type: UInt32. Range: 0 or more. Logs: dns. Scope: connection.
        ...     Null: never. Source: none.
        ...     '''
        ...     return pl.len()
        >>> feature = read_feature(answers, "dns")
        >>> pl.DataFrame({"query": ["a", "b"]}).select(feature.expr()).to_dict(as_series=False)
        {'answers': [2]}
        """
        return _built(self.build, self.dtype, self.name)

    @property
    def type_name(self) -> str:
        """The type in a word; which categories an Enum has stands in the range."""
        return str(self.dtype.base_type())

    def columns(self) -> frozenset[str]:
        """Names of the columns that must be there; a feature that lacks one is null.

        >>> read_feature(_example, "volume").columns()
        frozenset({'orig_bytes'})
        """
        return _columns(self.build)


@dataclass(frozen=True, slots=True)
class Family:
    """Features that look at the same rows.

    Attributes:
        name: Title of the family in lists and documents.
        features: The features, in column order.
        rows: Makes the rows that the features aggregate, or None when a log that they need is missing. A
            family without it works on the rows of conn.log themselves.
        keys: Columns of these rows, and of conn.log, over which the features aggregate.
        together: Columns of conn.log: connections with equal values in them can be made into rows apart from
            all others, so that a large capture is worked on in shares. Empty: only all at once.
        reads: Columns of conn.log that `rows` reads; needed beside `together`.
        also: Makes further tables from the logs, which `rows` is given under their names beside conn. Those
            with all columns of `together` are dealt into shares with conn; others are small, and given whole.
        condensed: `rows` groups the rows of a log by host, port, name or time. They are made once and held
            for all features, where rows of a log themselves pass by without being held.
        prepare: Makes, of the names of the columns that conn.log has, expressions for what `rows` reads and
            `together` names, in place of `reads`: so that less of a large capture is dealt out and held.
        pairs: Makes rows of the table of pairs of what `rows` is given.
    """

    name: str
    features: tuple[Feature, ...]
    rows: Callable[[Logs], pl.LazyFrame | None] | None = None
    keys: tuple[str, ...] = ("capture_id", "uid")
    together: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    also: Callable[[Logs], dict[str, pl.LazyFrame]] | None = None
    condensed: bool = False
    prepare: Callable[[Collection[str]], list[pl.Expr]] | None = None
    pairs: Callable[[Logs], pl.LazyFrame] | None = None


def family(
    name: str,
    functions: tuple[FeatureFunction, ...],
    rows: Callable[[Logs], pl.LazyFrame | None] | None = None,
    keys: tuple[str, ...] = ("capture_id", "uid"),
    *,
    together: tuple[str, ...] = (),
    reads: tuple[str, ...] = (),
    also: Callable[[Logs], dict[str, pl.LazyFrame]] | None = None,
    condensed: bool = False,
    prepare: Callable[[Collection[str]], list[pl.Expr]] | None = None,
    pairs: Callable[[Logs], pl.LazyFrame] | None = None,
) -> Family:
    """Gather feature functions into a family, reading the facts from their docstrings.

    Args:
        name: Title of the family.
        functions: The feature functions, in column order.
        rows: See :class:`Family`.
        keys: See :class:`Family`.
        together: See :class:`Family`.
        reads: See :class:`Family`.
        also: See :class:`Family`.
        condensed: See :class:`Family`.
        prepare: See :class:`Family`.
        pairs: See :class:`Family`.

    >>> [feature.name for feature in family("volume", (_example,)).features]
    ['_example']
    """
    features = tuple(read_feature(function, name) for function in functions)
    return Family(name, features, rows, keys, together, reads, also, condensed, prepare, pairs)


def read_feature(
    function: FeatureFunction, family_name: str, assumed: Mapping[str, str] | None = None
) -> Feature:
    """Read a feature's facts from its docstring.

    Args:
        function: The feature function.
        family_name: The family that it belongs to.
        assumed: Facts that hold where the docstring states none.

    Raises:
        ValueError: The docstring lacks a fact, or names an unknown type or scope.

    >>> feature = read_feature(_example, "volume")
    >>> feature.unit, feature.dtype, feature.logs, feature.null
    ('bytes', Float32, ('conn',), 'the count is unknown')
    """
    name = function.__name__
    meaning, _, body = inspect.cleandoc(function.__doc__ or "").partition("\n")
    if _FACT.search(meaning):
        raise ValueError(f"the docstring of {name} states facts that belong below its first line")
    parts = _FACT.split(" ".join(body.partition(">>>")[0].split()))
    stated = zip(parts[1::2], parts[2::2], strict=True)
    facts = {**(assumed or {}), **{key: value.strip().removesuffix(".") for key, value in stated}}
    lacking = [key for key in FACTS if not facts.get(key)]
    if lacking or not meaning:
        raise ValueError(f"the docstring of feature {name} does not state {lacking or 'a meaning'}")
    if facts["Type"] not in (*DTYPES, CATEGORIES) or facts["Scope"] not in SCOPES:
        raise ValueError(f"feature {name} states type {facts['Type']} and scope {facts['Scope']}")
    return Feature(
        name=name,
        family=family_name,
        build=function,
        meaning=meaning.removesuffix("."),
        unit=facts["Unit"],
        dtype=_dtype(facts["Type"], facts["Range"]),
        range=facts["Range"],
        null=facts["Null"],
        logs=tuple(facts["Logs"].split(", ")),
        scope=cast("Scope", facts["Scope"]),
        source=facts["Source"],
    )


@cache
def _built(build: FeatureFunction, dtype: pl.DataType, name: str) -> pl.Expr:
    """Build a column once: for a capture of a few rows all the expressions take longer than the values."""
    return build().cast(dtype, strict=False).alias(name)


@cache
def _columns(build: FeatureFunction) -> frozenset[str]:
    return frozenset(build().meta.root_names())


def _dtype(name: str, values: str) -> pl.DataType:
    return pl.Enum(values.split(", ")) if name == CATEGORIES else DTYPES[name]


def _example() -> pl.Expr:
    """Payload bytes.

    Unit: bytes. Type: Float32. Range: 0 or more. Logs: conn. Scope: connection.
    Null: the count is unknown. Source: Zeek conn.log.
    """
    return pl.col("orig_bytes")
