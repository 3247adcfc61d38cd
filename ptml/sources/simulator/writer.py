"""Zeek's two ways of writing a log: TSV with its header, and JSON with one object a line."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from ptml.sources.simulator.fields import FREE_TEXT, LOGS, LogField

if TYPE_CHECKING:
    import io
    from datetime import datetime
    from pathlib import Path

LogFormat = Literal["tsv", "json"]

_NEEDS_ESCAPE: Final = r"[\\\x00-\x1f\x7f]|^-$|^\(empty\)$"
_SECONDS: Final = 1_000_000


class LogWriter:
    """Writes one log, slice by slice.

    Args:
        folder: Where the file goes.
        log: Name of the log, a key of `LOGS`.
        log_format: ``tsv`` or ``json``.
        compress: Write gz; the bytes do not depend on time or place.
        opened_at: What ``#open`` says.
    """

    def __init__(
        self, folder: Path, log: str, *, log_format: LogFormat, compress: bool, opened_at: datetime
    ) -> None:
        self.path = folder / f"{log}.log{'.gz' if compress else ''}"
        self.rows = 0
        self._fields = LOGS[log]
        self.columns = tuple(item.name for item in LOGS[log])
        self._tsv = log_format == "tsv"
        self._raw = self.path.open("wb")
        self._out: io.BufferedIOBase = self._raw
        if compress:
            self._out = gzip.GzipFile(filename="", mode="wb", compresslevel=3, fileobj=self._raw, mtime=0)
        if self._tsv:
            self._out.write(_header(log, opened_at).encode())

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows, in their order; a field that ``frame`` lacks is unset."""
        if not frame.height:
            return
        self.rows += frame.height
        absent = [pl.lit(None, pl.String).alias(f.name) for f in self._fields if f.name not in frame.columns]
        frame = frame.with_columns(absent)
        if self._tsv:
            shown = frame.select(_tsv(item, frame[item.name]) for item in self._fields)
            text = shown.write_csv(
                separator="\t",
                include_header=False,
                quote_style="never",
                null_value="-",
                float_precision=6,
            )
            self._out.write(text.encode())
        else:
            self._out.write(_json_lines(frame, self._fields))

    def close(self, closed_at: datetime) -> None:
        """Write ``#close`` and finish the file."""
        if self._tsv:
            self._out.write(f"#close\t{_stamp(closed_at)}\n".encode())
        if self._out is not self._raw:
            self._out.close()
        self._raw.close()


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d-%H-%M-%S")


def _header(log: str, opened_at: datetime) -> str:
    lines = [
        "#separator \\x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        f"#path\t{log}",
        f"#open\t{_stamp(opened_at)}",
        "\t".join(["#fields", *(item.name for item in LOGS[log])]),
        "\t".join(["#types", *(item.zeek_type for item in LOGS[log])]),
    ]
    return "\n".join(lines) + "\n"


def seconds(value: pl.Series) -> pl.Series:
    """Microseconds as seconds; numpy divides exactly, Polars multiplies by a rounded 1e-6.

    >>> seconds(pl.Series([15_053, None])).to_list()
    [0.015053, None]
    """
    exact = pl.Series(value.name, value.fill_null(0).to_numpy() / _SECONDS)
    return exact.zip_with(value.is_not_null(), pl.Series([None], dtype=pl.Float64))


def escape(value: pl.Series) -> pl.Series:
    r"""Write text as Zeek's TSV does: backslash doubled, control bytes and lone markers as ``\xHH``.

    >>> escape(pl.Series(["plain", "a\\b", "-", "x\ty"])).to_list()
    ['plain', 'a\\\\b', '\\x2d', 'x\\x09y']
    """
    if not value.str.contains(_NEEDS_ESCAPE).any():
        return value
    special = {chr(byte): f"\\x{byte:02x}" for byte in (*range(32), 127)}
    expr = pl.col(value.name).str.replace_all("\\", "\\\\", literal=True)
    expr = expr.str.replace_many(list(special), list(special.values()))
    marked = pl.when(expr == "-").then(pl.lit("\\x2d")).when(expr == "(empty)").then(pl.lit("\\x28empty)"))
    return value.to_frame().select(marked.otherwise(expr).alias(value.name)).to_series()


def _tsv(item: LogField, value: pl.Series) -> pl.Series | pl.Expr:
    """One column as Zeek's TSV writes it; numbers are left to the CSV writer."""
    if value.dtype == pl.List:
        return _tsv_list(item, value)
    if item.zeek_type in {"time", "interval"} and value.dtype != pl.String:
        return seconds(value)
    if item.zeek_type == "bool" and value.dtype == pl.Boolean:
        column = pl.col(item.name)
        return pl.when(column).then(pl.lit("T")).when(~column).then(pl.lit("F")).alias(item.name)
    return escape(value) if item.name in FREE_TEXT and value.dtype == pl.String else value


def _tsv_list(item: LogField, value: pl.Series) -> pl.Expr:
    column = pl.col(item.name)
    if item.zeek_type.endswith("[interval]"):
        column = column.list.eval(pl.element().cast(pl.String) + ".000000")
    joined = column.list.join(",")
    if item.name in FREE_TEXT and value.explode().str.contains(r"[\\,\x00-\x1f]").any():
        safe = (
            pl.element()
            .str.replace_all("\\", "\\\\", literal=True)
            .str.replace_all(",", "\\x2c", literal=True)
        )
        joined = column.list.eval(safe).list.join(",")
    return pl.when(column.list.len() == 0).then(pl.lit("(empty)")).otherwise(joined).alias(item.name)


def _json_lines(frame: pl.DataFrame, fields: tuple[LogField, ...]) -> bytes:
    """One object a line: unset fields are absent, times have six decimals."""
    present = [item for item in fields if frame[item.name].null_count() < frame.height]
    parts = []
    for place, item in enumerate(present):
        label = f'{"{" if place == 0 else ","}"{item.name}":'
        parts.append((pl.lit(label) + _json(item, frame[item.name])).fill_null(""))
    lines = frame.select(pl.concat_str([*parts, pl.lit("}")])).to_series()
    return ("\n".join(lines.to_list()) + "\n").encode()


def _json(item: LogField, value: pl.Series) -> pl.Expr | pl.Series:
    column = pl.col(item.name)
    if item.zeek_type == "time":
        fraction = (column % _SECONDS).cast(pl.String).str.zfill(6)
        return (column // _SECONDS).cast(pl.String) + "." + fraction
    if item.zeek_type == "interval":
        return seconds(value).cast(pl.String)
    if value.dtype == pl.List:
        if item.zeek_type.endswith("[interval]"):
            return "[" + column.list.eval(pl.element().cast(pl.String) + ".0").list.join(",") + "]"
        return "[" + column.list.eval(_quoted(pl.element())).list.join(",") + "]"
    if value.dtype == pl.String:
        return _quoted(column) if item.name in FREE_TEXT else '"' + column + '"'
    return column.cast(pl.String)


def _quoted(value: pl.Expr) -> pl.Expr:
    r"""Write text as a JSON string; control bytes as the text ``\xHH``, which is Zeek's default policy."""
    special = {chr(byte): f"\\\\x{byte:02x}" for byte in (*range(32), 127)} | {"\\": "\\\\", '"': '\\"'}
    return '"' + value.str.replace_many(list(special), list(special.values())) + '"'
