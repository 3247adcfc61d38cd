"""A small reader of Zeek's TSV and JSON that shares no code with ptml."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Row = dict[str, Any]


def lines_of(path: Path) -> list[str]:
    """The lines of a plain or gz log."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return text.splitlines()


def header(path: Path) -> dict[str, list[str]]:
    """The meta lines of a TSV log by key."""
    meta = [line[1:].split("\t") for line in lines_of(path) if line.startswith("#")]
    return {line[0]: line[1:] for line in meta}


def read_log(path: Path) -> list[Row]:
    """Rows of a TSV log as Python values, unset fields absent."""
    meta = header(path)
    columns = list(zip(meta["fields"], meta["types"], strict=True))
    rows = []
    for line in lines_of(path):
        if line.startswith("#"):
            continue
        parts = line.split("\t")
        assert len(parts) == len(columns), line
        rows.append(
            {
                name: _value(kind, text)
                for (name, kind), text in zip(columns, parts, strict=True)
                if text != "-"
            }
        )
    return rows


def read_json(path: Path) -> list[Row]:
    """Rows of a JSON log."""
    return [json.loads(line) for line in lines_of(path)]


def _value(kind: str, text: str) -> Any:  # noqa: ANN401 (a log's value may be of any type)
    if kind.startswith(("vector[", "set[")):
        inner = kind.split("[")[1].rstrip("]")
        return [] if text == "(empty)" else [_value(inner, part) for part in text.split(",")]
    if kind in {"time", "interval", "double"}:
        return float(text)
    if kind in {"count", "int", "port"}:
        return int(text)
    if kind == "bool":
        return {"T": True, "F": False}[text]
    return re.sub(r"\\x([0-9a-f]{2})|\\\\", lambda m: chr(int(m[1], 16)) if m[1] else "\\", text)
