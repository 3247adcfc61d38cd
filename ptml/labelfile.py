"""The file that brings a label for each connection of a capture: `labels.parquet` beside its logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.errors import BadData, did_you_mean, quoted
from ptml.families import family_name
from ptml.io import read_parquet
from ptml.types import LABELS

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.types import Label

FILE = "labels.parquet"
INDICATORS = ("indicators.csv", "indicators.json")
"""What a list of indicators is called beside a capture's logs."""
COLUMNS = ("uid", "label", "family")


def check_label(label: str, where: str) -> None:
    """Insist that a label is one of the four.

    >>> check_label("malicous", "row 3")
    Traceback (most recent call last):
    ptml.errors.BadData: row 3: 'malicous' is not a label; 'malicious', 'benign', 'mixed', 'unknown' are
    Try: did you mean 'malicious' for 'malicous'?

    Raises:
        BadData: It is none.
    """
    if label not in LABELS:
        raise BadData(
            f"{where}: {label!r} is not a label; {quoted(LABELS)} are", hint=did_you_mean([label], LABELS)
        )


def read_connection_labels(path: Path) -> pl.DataFrame:
    """Read a file of connection labels: columns uid, label, family, all text; others are left alone.

    Raises:
        MissingInput: It is not there.
        BadData: It is not Parquet, columns are missing or no text, or a label is not one of the four.
    """
    frame = read_parquet(path)
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise BadData.missing_columns(str(path), missing, frame.columns)
    for name in COLUMNS:
        # A column without any value has no type of its own: `family` of a benign capture.
        if not (frame[name].dtype in (pl.String, pl.Null) or isinstance(frame[name].dtype, _TEXT)):
            raise BadData(f"{path}: column {name!r} is {frame[name].dtype} where text was expected")
    frame = frame.select(pl.col(COLUMNS).cast(pl.String)).drop_nulls("uid")
    for label in sorted(frame["label"].drop_nulls().unique()):
        check_label(label, str(path))
    known = {family: family_name(family) for family in frame["family"].drop_nulls().unique()}
    return frame.with_columns(pl.col("family").replace(known))


def label_of_words(words: pl.Expr) -> pl.Expr:
    """Tell malicious from benign by the words that labelled logs use; null for all others.

    IoT-23 and newer Stratosphere captures say Malicious and Benign, CTU-13 says From-Botnet-…, Normal-… or
    From-Normal-…. Background was looked at by nobody, and what strangers send to a bot or to a normal host
    (To-Botnet-…, To-Normal-…) is not of its making: these are neither.

    >>> words = ["Malicious", "flow=From-Botnet-V42-TCP-CC", "flow=To-Botnet-V42", "Background", "Normal-V1"]
    >>> pl.DataFrame({"w": words}).select(label_of_words(pl.col("w"))).to_series().to_list()
    ['malicious', 'malicious', None, None, 'benign']
    """
    word = words.str.strip_chars().str.to_lowercase().str.strip_prefix("flow=")
    return (
        pl.when(word.is_in(["malicious", "botnet"]) | word.str.starts_with("from-botnet"))
        .then(pl.lit("malicious"))
        .when(word.is_in(["benign", "normal"]) | word.str.contains(r"^(from-)?normal-"))
        .then(pl.lit("benign"))
    )


_TEXT = (pl.Categorical, pl.Enum)


def label_of_all(labels: pl.DataFrame) -> Label:
    """Sum up the labels of a capture's connections.

    Malicious connections among others make it `mixed`. It is benign only if all are: one of unknown label
    leaves it unknown.

    >>> label_of_all(pl.DataFrame({"label": ["benign", "malicious"]}))
    'mixed'
    >>> label_of_all(pl.DataFrame({"label": ["benign", None]}))
    'unknown'
    """
    found = set(labels["label"])
    if found == {"malicious"}:
        return "malicious"
    if found & {"malicious", "mixed"}:
        return "mixed"
    return "benign" if found == {"benign"} else "unknown"


def families_of(labels: pl.DataFrame) -> list[str]:
    """List the families of a capture's malicious connections, by name.

    >>> families_of(pl.DataFrame({"label": ["benign", "malicious"], "family": [None, "mirai"]}))
    ['mirai']
    """
    malicious = labels.filter(pl.col("label") == "malicious")
    return sorted(malicious["family"].drop_nulls().unique())
