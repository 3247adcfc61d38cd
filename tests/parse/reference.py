"""A slow, obvious reader and writer of Zeek's TSV, written from the format's description alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MARKERS = ("-", "(empty)")


def write_value(value: object, kind: str) -> str:
    """Write one value as Zeek's ASCII writer does."""
    if value is None:
        return "-"
    if isinstance(value, list):
        return ",".join(write_value(item, kind) for item in value) if value else "(empty)"
    if isinstance(value, bool):
        return "T" if value else "F"
    if kind == "time":
        assert isinstance(value, datetime)
        microseconds = (value - EPOCH) // timedelta(microseconds=1)
        return f"{Decimal(microseconds) / 1_000_000:.6f}"
    if isinstance(value, str):
        return _write_text(value)
    return str(value)


def _write_text(value: str) -> str:
    if not value:
        return "(empty)"
    written = "".join(
        "\\\\" if c == "\\" else f"\\x{ord(c):02x}" if ord(c) < 0x20 or c in ",\x7f" else c for c in value
    )
    return f"\\x{ord(written[0]):02x}{written[1:]}" if written in MARKERS else written


def read_lines(data: bytes) -> list[dict[str, object]]:
    """Read a whole TSV log, line by line, one section after another."""
    fields: list[str] = []
    types: list[str] = []
    rows = []
    for line in data.split(b"\n"):
        if line.startswith(b"#"):
            key, *values = line.decode().split("\t")
            fields = values if key == "#fields" else fields
            types = values if key == "#types" else types
        elif line:
            cells = line.decode().split("\t")
            assert len(cells) == len(fields)
            rows.append(
                {name: read_value(cell, kind) for name, kind, cell in zip(fields, types, cells, strict=True)}
            )
    return rows


def read_value(cell: str, kind: str) -> object:
    """Read one value: first the markers, then lists, and only then escapes."""
    if cell == "-":
        return None
    container = re.fullmatch(r"(?:set|vector|table)\[(\w+)\]", kind)
    if container:
        return [] if cell == "(empty)" else [read_value(item, container[1]) for item in cell.split(",")]
    if kind == "bool":
        return {"T": True, "F": False}[cell]
    numbers: dict[str, Callable[[str], object]] = {
        **dict.fromkeys(("count", "int", "port"), int),
        **dict.fromkeys(("interval", "double"), float),
        "time": lambda text: EPOCH + timedelta(microseconds=int(Decimal(text) * 1_000_000)),
    }
    if kind in numbers:
        return numbers[kind](cell)
    return "" if cell == "(empty)" else _read_text(cell)


def _read_text(cell: str) -> str:
    out = bytearray()
    data = cell.encode()
    i = 0
    while i < len(data):
        if data[i : i + 2] == b"\\\\":
            out += b"\\"
            i += 2
        elif data[i : i + 2] == b"\\x" and re.fullmatch(rb"[0-9a-fA-F]{2}", data[i + 2 : i + 4]):
            out.append(int(data[i + 2 : i + 4], 16))
            i += 4
        else:
            out.append(data[i])
            i += 1
    return out.decode("utf-8", errors="backslashreplace")
