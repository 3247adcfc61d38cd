"""Zeek's types and escapes."""

from __future__ import annotations

from itertools import permutations
from pathlib import PurePath

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptml.zeektypes import log_name, logs_among, looks_like_log, polars_type, rotation_key, unescape


@pytest.mark.parametrize(
    ("zeek_type", "dtype"),
    [
        ("time", pl.Datetime("us", "UTC")),
        ("interval", pl.Float64()),
        ("count", pl.UInt64()),
        ("int", pl.Int64()),
        ("port", pl.UInt16()),
        ("bool", pl.Boolean()),
        ("subnet", pl.String()),
        ("set[string]", pl.List(pl.String())),
        ("vector[interval]", pl.List(pl.Float64())),
        ("table[addr]", pl.List(pl.String())),
        ("something new", pl.String()),
    ],
)
def test_each_zeek_type_has_its_polars_type(zeek_type: str, dtype: pl.DataType) -> None:
    """Zeek's types become the types that the design's table names; an unknown one is kept as text."""
    assert polars_type(zeek_type) == dtype


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"\x2d", "-"),
        (r"\x28empty)", "(empty)"),
        (r"a\\x41", r"a\x41"),
        (r"\\\x41", r"\A"),
        (r"\xf0\x9f\x98\x80", "\N{GRINNING FACE}"),
        (r"\xff\xfe", r"\xff\xfe"),
        ("plain # text", "plain # text"),
        (r"trailing\\", "trailing\\"),
    ],
)
def test_escapes_are_undone_as_zeek_wrote_them(written: str, meant: str) -> None:
    """What Zeek's writer escaped comes back; bytes that are not UTF-8 keep their spelling."""
    assert unescape(written) == meant


@given(st.text())
def test_unescape_reverses_escaping_of_any_text(text: str) -> None:
    """Escaping every backslash and control character as Zeek does is undone exactly."""
    written = "".join("\\\\" if c == "\\" else f"\\x{ord(c):02x}" if ord(c) < 0x20 else c for c in text)
    assert unescape(written) == text


@pytest.mark.parametrize(
    ("file", "log"),
    [
        ("conn.log", "conn"),
        ("conn.2026-11-23-10-00-00.log.gz", "conn"),
        ("dce_rpc.10:00:00-11:00:00.log.zst", "dce_rpc"),
        ("ssl_20261123_10:00:00-11:00:00+0000.log.gz", "ssl"),
        ("conn.log.labeled", "conn"),
        ("conn_20261123_10:00:00-11:00:00+0000.log.gz", "conn"),
        ("conn-20261123-10.log.xz", "conn"),
        ("open_conn.17_32_32-18_00_00.log.bz2", "open_conn"),
        ("http.log.3.gz", "http"),
        ("known_hosts.jsonl", "known_hosts"),
        ("conn.csv", "conn"),
    ],
)
def test_rotated_names_tell_the_log(file: str, log: str) -> None:
    """The spellings of zeekctl, Corelight and Stratosphere name the same logs."""
    assert log_name(PurePath(file)) == log
    assert looks_like_log(PurePath(file))


def test_other_files_are_not_taken_for_logs() -> None:
    """A PCAP, a text and a hidden file are left alone."""
    assert not any(
        looks_like_log(PurePath(name))
        for name in ("a.pcap", "README.md", ".conn.log", "x.parquet", "labels.csv")
    )


@pytest.mark.parametrize(
    "names",
    [
        ["conn.00:00:00-01:00:00.log.gz", "conn.09:00:00-10:00:00.log.gz", "conn.23:00:00-00:00:00.log.gz"],
        ["2026-01-31/conn.23:00:00-00:00:00.log.gz", "2026-02-01/conn.00:00:00-01:00:00.log.gz", "conn.log"],
        ["conn.2025-12-31-23-00-00.log", "conn.2026-01-01-00-00-00.log", "current/conn.log"],
        [
            "z/conn_20261122_23:00:00-00:00:00+0000.log.gz",
            "a/conn_20261123_01:30:00-02:00:00+0200.log.gz",  # 23:30 UTC the day before
            "a/conn_20261123_00:30:00-01:00:00+0000.log.gz",
        ],
        ["open_conn.17_32_32-18_00_00.log.gz", "open_conn.18_00_00-19_00_00.log.gz"],
        ["conn.log.11.gz", "conn.log.2.gz", "conn.log.1", "conn.log"],
        ["conn.20261123.log", "conn.20261124.log", "conn.log"],
    ],
)
def test_rotated_parts_sort_by_time(names: list[str]) -> None:
    """Whoever rotated them, parts of a log come oldest first, and the one being written last."""
    for shuffled in permutations(names):
        assert sorted(shuffled, key=lambda name: rotation_key(PurePath(name))) == names


def test_archives_beside_logs_are_left_out() -> None:
    """A folder's archive is read only where there is nothing else: it may hold the same logs again."""
    paths = [PurePath(name) for name in ("day.zip", "conn.log", "x.pcap", "a.tar.gz")]
    assert logs_among(paths) == [PurePath("conn.log")]
    assert logs_among(paths[::2]) == [PurePath("day.zip")]
    assert logs_among([]) == []
