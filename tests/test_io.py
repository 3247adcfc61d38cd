"""Compressed reading and whole-or-nothing writing."""

from __future__ import annotations

import errno
import gzip
import os
import random
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ptml import io
from ptml.errors import BadData, CannotWrite, MissingInput

if sys.version_info >= (3, 14):
    from compression.zstd import compress as compress_zstd
else:
    from backports.zstd import compress as compress_zstd

if TYPE_CHECKING:
    from ptml.workspace import Workspace

DATA = b"".join(b"line %d\n" % i for i in range(1000))


def test_compression_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    """Compressed files of several members, zst and plain bytes read the same under any name."""
    contents = {
        "a": DATA,
        "b.log": gzip.compress(DATA[:500]) + gzip.compress(DATA[500:]),
        "c.gz": compress_zstd(DATA[:99]) + compress_zstd(DATA[99:]),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        assert b"".join(io.chunks(tmp_path / name)) == DATA


@pytest.mark.parametrize("compress", [gzip.compress, compress_zstd])
def test_truncated_stream_is_an_error_after_what_could_be_read(tmp_path: Path, compress: object) -> None:
    """A cut file gives its readable part, then says that it breaks off."""
    data = random.Random(1).randbytes(3 << 20)
    path = tmp_path / "cut"
    path.write_bytes(compress(data)[:-1000])  # type: ignore[operator]
    pieces: list[bytes] = []
    with pytest.raises(BadData, match="breaks off or is corrupt"):
        pieces.extend(io.chunks(path))
    assert data.startswith(b"".join(pieces))
    assert pieces


def test_missing_file_is_missing_input(tmp_path: Path) -> None:
    """A file that is not there is said to be so."""
    with pytest.raises(MissingInput, match="cannot be read"):
        next(io.chunks(tmp_path / "no"))


def test_failed_write_leaves_the_old_file(workspace: Workspace) -> None:
    """When the file-size limit stops a write, the old content stays and the error is `CannotWrite`."""
    path = workspace.root / "t.parquet"
    old = pl.DataFrame({"a": [1]})
    io.write_parquet(path, old, workspace.scratch)
    big = pl.DataFrame({"a": pl.int_range(0, 1_000_000, eager=True).hash(1)})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(CannotWrite, match="nothing was published"):
            io.write_parquet(path, big, workspace.scratch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert io.read_parquet(path).equals(old)


def test_full_disk_is_told_from_a_defect() -> None:
    """ENOSPC becomes `CannotWrite` with a way out; an error that is no refusal passes unchanged."""
    with pytest.raises(CannotWrite, match="No space left on device"), io.writing(__file__):  # type: ignore[arg-type]
        raise OSError(errno.ENOSPC, "full")
    with pytest.raises(InterruptedError), io.writing(__file__):  # type: ignore[arg-type]
        raise OSError(errno.EINTR, "again")


def test_not_parquet_is_bad_data(tmp_path: Path) -> None:
    """A file that is no Parquet is said to be so, with its name."""
    (tmp_path / "x.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(BadData, match=r"x\.parquet cannot be read as Parquet"):
        io.read_parquet(tmp_path / "x.parquet")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such file names")
def test_paths_that_are_not_utf8_are_shown_and_stay_apart() -> None:
    """File names of other bytes than UTF-8 become valid text, and two that differ give texts that differ."""
    paths = [Path(os.fsdecode(name)) for name in (b"zeek/caf\xe9", b"zeek/caf\xe8")]
    assert [io.path_text(path) for path in paths] == [r"zeek/caf\xe9", r"zeek/caf\xe8"]


def test_what_is_thrown_away_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that need not outlast a power cut is whole in its place, and the disk is not waited for."""
    waits: list[int] = []
    monkeypatch.setattr("os.fsync", waits.append)
    io.write_bytes(tmp_path / "a", b"data", tmp_path / "scratch", durable=False)
    assert ((tmp_path / "a").read_bytes(), len(waits)) == (b"data", 0)
    io.write_bytes(tmp_path / "a", b"more", tmp_path / "scratch")
    assert ((tmp_path / "a").read_bytes(), len(waits)) == (b"more", 2)
