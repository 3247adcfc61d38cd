"""What each feature means, as rows for a terminal and as a page of the documentation."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from ptml.errors import SettingsError, did_you_mean
from ptml.features.catalog import CAPTURE_FEATURES, CONNECTION_FEATURES
from ptml.features.featureset import STANDARD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ptml.features.family import Feature
    from ptml.features.featureset import FeatureSet

_INTRODUCTION = """# Features

{connection} features describe a connection and {capture} a whole capture. Each is one function of the name of
its column; its docstring, from which this page is made, also works an example by hand. **Null is not zero**:
a feature whose log or column a capture lacks is null, and so is one that does not apply. Scope `connection`
looks at this connection alone, `past` at what had ended before it, `capture` at the whole capture. None holds
an address, a name, an absolute time or a label.

Names carry the windows that they look back over: here 2 and 60 seconds, 10 minutes, and 100 connections.
`--set features.windows=[1,30,300] --set features.last=50` (in a run file: the table `[features]`) gives
`src_connections_1s`, `count_1s` (KDD's own name stands for its own window only), `dst_host_count_50` and so
on. These are another version of the features; a model records its windows, and scores at them without being
told."""


def list_features(features: FeatureSet = STANDARD, **wanted: str | None) -> list[dict[str, str]]:
    """Give the facts of every feature, in the order of the columns; those of connections come first.

    Args:
        features: Which features.
        wanted: Values that facts (`family`, `log`, `scope`, `level`) must have; None stands for any.

    Raises:
        SettingsError: No feature has such a value.

    >>> list_features()[0]["name"], list_features()[0]["unit"]
    ('orig_bytes', 'bytes')
    >>> {row["logs"] for row in list_features(log="x509")}
    {'ssl, x509'}
    """
    levels = (("connection", features.connection_features), ("capture", features.capture_features))
    rows = [_facts(feature, level) for level, members in levels for feature in members]
    for fact, value in wanted.items():
        if value is not None:
            kept = [row for row in rows if value in _values(row, fact)]
            if not kept:
                others = sorted({other for row in rows for other in _values(row, fact)})
                raise SettingsError(
                    f"no feature has the {fact} {value!r}", hint=did_you_mean([value], others)
                )
            rows = kept
    return rows


def _values(row: dict[str, str], fact: str) -> list[str]:
    return row["logs"].split(", ") if fact == "log" else [row[fact]]


def describe_feature(name: str, features: FeatureSet = STANDARD) -> dict[str, str]:
    """Give the facts of one feature.

    Args:
        name: Name of the feature.
        features: Which features.

    Raises:
        SettingsError: There is no feature of this name.

    >>> describe_feature("orig_byte_share")["range"]
    '0 to 1'
    """
    facts = {row["name"]: row for row in list_features(features)}
    if name not in facts:
        raise SettingsError(f"there is no feature {name!r}", hint=did_you_mean([name], facts))
    return facts[name]


def features_page() -> str:
    """Write the page of all features in Markdown, by table and family.

    >>> features_page().splitlines()[0]
    '# Features'
    """
    introduction = _INTRODUCTION.format(connection=len(CONNECTION_FEATURES), capture=len(CAPTURE_FEATURES))
    return "\n\n".join(
        [
            introduction,
            "## Of a connection",
            *_families(CONNECTION_FEATURES),
            "## Of a capture",
            *_families(CAPTURE_FEATURES),
        ]
    )


def _families(features: Sequence[Feature]) -> list[str]:
    return [
        "\n\n".join([f"### {family}", _table(tuple(members))])
        for family, members in groupby(features, key=lambda feature: feature.family)
    ]


def _table(features: Sequence[Feature]) -> str:
    rows = [
        "| name | meaning | unit, type, range | null when | logs, scope | source |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for feature in features:
        values = f"{feature.unit}; {feature.type_name}; {feature.range}"
        needs = f"{', '.join(feature.logs)}; {feature.scope}"
        cells = (f"`{feature.name}`", feature.meaning, values, feature.null, needs, feature.source)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _facts(feature: Feature, level: str) -> dict[str, str]:
    return {
        "name": feature.name,
        "family": feature.family,
        "level": level,
        "meaning": feature.meaning,
        "unit": feature.unit,
        "dtype": feature.type_name,
        "range": feature.range,
        "null": feature.null,
        "logs": ", ".join(feature.logs),
        "scope": feature.scope,
        "source": feature.source,
    }
