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
