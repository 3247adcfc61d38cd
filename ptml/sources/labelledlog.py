"""The labels that stand in a conn.log of IoT-23 or Stratosphere, as a table of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ptml.errors import BadData
from ptml.io import open_binary, writing
from ptml.labelfile import label_of_words

if TYPE_CHECKING:
    from pathlib import Path

HEAD_LINES = 50


def labels_of_log(log: Path, path: Path) -> Path:
    r"""Write ``labels.parquet`` (uid, label, family) of a labelled log; a label of neither kind is unknown.

    The last words of each line are its label and its detailed label: in columns of their own, or split by
    spaces within the last one, as IoT-23 has it.

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> text = "#fields\tts\tuid\ttunnel_parents   label   detailed-label\n1\tC1\t-   Malicious   C&C\n"
    >>> _ = (folder / "conn.log.labeled").write_text(text)
    >>> pl.read_parquet(labels_of_log(folder / "conn.log.labeled", folder / "labels.parquet")).rows()
    [('C1', 'malicious', 'C&C')]

    Raises:
        BadData: It has no header with `uid` and a label.
    """
    names = _names(log)
    if "uid" not in names or "label" not in " ".join(names).split():
        raise BadData(f"{log.name} has no header that names `uid` and `label`", hint="fetch it again")
    uid = f"column_{names.index('uid') + 1}"
    schema = {f"column_{number + 1}": pl.String() for number in range(len(names))}
    lines = pl.scan_csv(
        log,
        separator="\t",
        has_header=False,
        comment_prefix="#",
        quote_char=None,
        schema=schema,
        truncate_ragged_lines=True,
    )
    words = pl.concat_str(list(schema)[-3:], separator=" ", ignore_nulls=True).str.strip_chars()
    label, detail = words.str.extract(r"(\S+)\s+\S+$"), words.str.extract(r"(\S+)$")
    known = label_of_words(label).fill_null("unknown")
    family = pl.when(known == "malicious", detail != "-").then(detail)
    with writing(path):
        lines.select(uid=uid, label=known, family=family).sink_parquet(path)
    return path


def _names(log: Path) -> list[str]:
    with open_binary(log) as file:
        for _ in range(HEAD_LINES):
            line = file.readline(1 << 16).decode("utf-8", errors="replace").rstrip("\r\n")
            if line.startswith("#fields\t"):
                return line.split("\t")[1:]
            if not line.startswith("#"):
                break
    return []
