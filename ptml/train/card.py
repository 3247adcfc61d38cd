"""A model's card: what it is, what it is for, and what it is not, in the form of Mitchell et al. (2019).

Names of families and sources come from captures or from whoever listed them: everything that is put into the
template is escaped for Markdown, and such names stand in code spans, where Markdown has no meaning.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ptml.artifact import find_model
from ptml.errors import BadData, MissingInput
from ptml.text import plain_text
from ptml.train.record import read_record, terms_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ptml.artifact import ModelManifest
    from ptml.train.record import Record
    from ptml.workspace import Workspace

TEMPLATES = Path(__file__).parent / "templates"
SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$]|:(?=/))")
LONGEST = 200
FAMILIES_SHOWN = 40
FEW_CAPTURES = 3
FEW_SOURCES = 2
SIMULATOR = "simulator"
NOTHING = "-"


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def render_card(
    manifest: ModelManifest,
    record: Record,
    terms: Mapping[str, str],
    evaluation: Mapping[str, Any] | None = None,
) -> str:
    """Write a model's card.

    Args:
        manifest: What is known about the model.
        record: Its captures and figures.
        terms: Under which terms each source gives its captures.
        evaluation: The content of `evaluation.json`, once it has been evaluated.
    """
    used = record.captures.filter("used")
    families = _families(used)
    return (
        _environment()
        .get_template("card.md")
        .render(
            model=manifest,
            spec=manifest.spec,
            folds=manifest.settings.get("folds", NOTHING),
            metrics=record.metrics,
            sources=_sources(used, terms),
            families=families[:FAMILIES_SHOWN],
            more_families=max(0, len(families) - FAMILIES_SHOWN),
            limits=list(_limits(used)),
            evaluation=evaluation,
        )
    )


def evaluated_card(
    workspace: Workspace, manifest: ModelManifest, evaluation: Mapping[str, Any]
) -> str | None:
    """Write the card of a model that has been evaluated; None for a model whose record is not there.

    Args:
        workspace: Where the model is.
        manifest: What is known about it.
        evaluation: The content of `evaluation.json`.
    """
    try:
        record = read_record(find_model(manifest.name, workspace), manifest)
    except (MissingInput, BadData):
        return None
    return render_card(manifest, record, terms_of(workspace), evaluation)


def _sources(used: pl.DataFrame, terms: Mapping[str, str]) -> list[dict[str, Any]]:
    label = pl.col("label")
    counts = [(label == name).sum().alias(name) for name in ("malicious", "benign", "mixed")]
    rows = used.group_by("source").agg(counts).sort("source")
    return [{**row, "terms": terms.get(row["source"], "not stated")} for row in rows.iter_rows(named=True)]


def _families(used: pl.DataFrame) -> list[dict[str, Any]]:
    named = used.filter(pl.col("label").is_in(["malicious", "mixed"])).drop_nulls("family")
    counted = named.group_by("family").agg(captures=pl.len(), sources=pl.col("source").n_unique())
    return counted.sort(["captures", "family"], descending=[True, False]).to_dicts()


def _limits(used: pl.DataFrame) -> Iterator[str]:
    """Say what the captures by themselves already tell about how far the model reaches."""
    bad = pl.col("label").is_in(["malicious", "mixed"])
    by_source = used.group_by("source").agg(bad=bad.any(), good=(pl.col("label") == "benign").any())
    one_sided = by_source.filter(pl.col("bad") != pl.col("good")).height
    if by_source.height < FEW_SOURCES:
        yield "All captures come from one source: nothing tells how it does on another network."
    if one_sided:
        yield (
            f"{one_sided} of {by_source.height} sources have captures of one class only: what tells such a "
            "source from others tells the label, too."
        )
    if (used["source"] == SIMULATOR).any():
        yield "Simulated captures are among the data: figures on them say little about real traffic."
    rare = sum(family["captures"] < FEW_CAPTURES for family in _families(used))
    if rare:
        yield f"{rare} families have fewer than {FEW_CAPTURES} captures: how it does on them is not known."
    if unnamed := used.filter(bad & pl.col("family").is_null()).height:
        yield f"{unnamed} malicious captures name no family."


@cache
def _environment() -> Environment:
    result = Environment(  # noqa: S701 - it makes Markdown, and `finalize` escapes that
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        finalize=escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    result.filters.update(code=code, pairs=pairs, decimal=decimal, percent=percent, interval=interval)
    return result


def escaped(value: object) -> str:
    r"""Escape text for Markdown, and replace characters that act or hide.

    >>> print(escaped("[x](http://evil)\n# <b>"))
    \[x\]\(http\://evil\)�\# \<b\>
    """
    return value if isinstance(value, Markdown) else SPECIAL.sub(r"\\\1", plain_text(str(value)))


def code(value: object) -> Markdown:
    """Put text into a code span, where nothing in it has a meaning; nothing becomes a dash.

    >>> code("a`b|c"), code(None)
    ("`a'b¦c`", '-')
    """
    text = "" if value is None else plain_text(str(value)).replace("`", "'").replace("|", "¦").strip()
    cut = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return Markdown(f"`{cut}`" if cut else NOTHING)


def pairs(values: Mapping[str, object]) -> str:
    """Write a table of values in a line.

    >>> pairs({"max_iter": 100, "l2": 1.0})
    'max_iter=100, l2=1.0'
    """
    return ", ".join(f"{name}={value}" for name, value in values.items())


def decimal(value: float | None) -> str:
    """Write a figure with three decimals; null as a dash.

    >>> decimal(0.12345), decimal(None)
    ('0.123', '-')
    """
    return NOTHING if value is None else f"{value:.3f}"


def percent(value: float) -> str:
    """Write a share in percent.

    >>> percent(0.01)
    '1 %'
    """
    return f"{100 * value:g} %"


def interval(found: Mapping[str, float | None]) -> str:
    """Write an estimate with its interval.

    >>> interval({"value": 0.9, "low": 0.8, "high": 0.95})
    '0.900 (0.800 to 0.950)'
    """
    value, low, high = (found.get(name) for name in ("value", "low", "high"))
    return decimal(value) if low is None or high is None else f"{decimal(value)} ({low:.3f} to {high:.3f})"
