"""A capture is known by its content."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from ptml.identity import DataLines, capture_id_of_logs, data_lines_sha256
from ptml.io import CHUNK_BYTES
from tests.builders import conn_log, many_rows

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_id_is_the_hash_of_sorted_log_names_and_data_lines(tmp_path: Path) -> None:
    """The id can be worked out with sha256 alone."""
    (tmp_path / "dns.log").write_bytes(b"#path\tdns\n1\ta\n")
    (tmp_path / "conn.log").write_bytes(b"#path\tconn\n1\tb\n2\tc\n#close\tx\n")
    lines = {"conn": b"1\tb\n2\tc\n", "dns": b"1\ta\n"}
    text = "".join(f"{log}\t{hashlib.sha256(data).hexdigest()}\n" for log, data in lines.items())
    expected = "c" + hashlib.sha256(text.encode()).hexdigest()[:16]
    assert capture_id_of_logs([tmp_path / "dns.log", tmp_path / "conn.log"]) == expected


def test_compression_header_and_order_make_no_difference_but_content_does(tmp_path: Path) -> None:
    """gz, another #open time and another file order are the same capture; one more row is not."""
    data = conn_log(many_rows(3))
    (tmp_path / "conn.log").write_bytes(data)
    (tmp_path / "conn.log.gz").write_bytes(
        gzip.compress(data.replace(b"#open\t2026-11-24", b"#open\t2030-01-01"))
    )
    (tmp_path / "conn.more.log").write_bytes(conn_log(many_rows(4)))
    plain, packed, more = (
        capture_id_of_logs([tmp_path / n]) for n in ("conn.log", "conn.log.gz", "conn.more.log")
    )
    assert plain == packed != more


LINES = st.sampled_from(
    [b"", b"#", b"#a", b"a", b"a#", b"\t#b", b"x" * (CHUNK_BYTES // 2), b"#" + b"y" * CHUNK_BYTES]
)


@given(lines=st.lists(LINES, max_size=12), ended=st.booleans())
def test_hash_of_data_lines_does_not_depend_on_how_the_file_is_cut_into_pieces(
    lines: list[bytes], ended: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Lines that begin with # are left out and no others, wherever the pieces that are read end."""
    data = b"\n".join(lines) + b"\n" * ended
    kept = b"".join(line for line in data.splitlines(keepends=True) if not line.startswith(b"#"))
    path = tmp_path_factory.getbasetemp() / "identity.log"
    path.write_bytes(data)
    assert data_lines_sha256(path) == hashlib.sha256(kept).hexdigest()


@given(st.lists(st.sampled_from([b"#", b"\n", b"ab", b"\n#close\n", b"c"]), max_size=30), st.data())
def test_hash_of_a_beginning_is_known_when_all_has_come(bits: list[bytes], data: st.DataObject) -> None:
    """After so many bytes of data lines it is the hash of just these, however the bytes come."""
    whole = b"".join(bits)
    lines = b"".join(line for line in whole.splitlines(keepends=True) if not line.startswith(b"#"))
    marks = data.draw(st.sets(st.integers(0, len(lines) + 3)))
    seen = DataLines(marks)
    for bit in bits:
        seen.update(bit)
    assert seen.size == len(lines)
    for mark in marks:
        expected = hashlib.sha256(lines[:mark]).hexdigest() if mark <= len(lines) else None
        assert seen.hexdigest_after(mark) == expected


def test_carriage_return_ends_no_line() -> None:
    """A hash sign after a lone carriage return is data, also beside header lines."""
    lines = DataLines()
    lines.update(b"#path\tconn\n1\ta\r#b\n")
    assert lines.hexdigest() == hashlib.sha256(b"1\ta\r#b\n").hexdigest()


def test_line_without_end_is_not_kept_in_memory() -> None:
    """A line of 64 MB in pieces needs no more room than a few pieces."""
    lines, piece = DataLines(), b"x" * CHUNK_BYTES
    tracemalloc.start()
    for _ in range(64):
        lines.update(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert lines.size == 64 * CHUNK_BYTES
    assert peak < 4 * CHUNK_BYTES
