"""Whatever a file holds, its lines are rows or set aside, and nothing else is raised than what is meant."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from ptml.errors import PtmlError
from ptml.parse.reader import read_log
from tests.builders import conn_log, conn_row, zeek_log
from tests.parse.reading import read_whole, written
from tests.test_archive import tar_bytes

if TYPE_CHECKING:
    import pytest

BITS = st.sampled_from(
    [
        b"\t",
        b"\n",
        b"\r",
        b",",
        b'"',
        b"-",
        b"(empty)",
        b"\\x09",
        b"\\",
        b"   ",
        b"\x00",
        b"\xff",
        b"7",
        b"C1",
        b"{",
    ]
)
GARBLED = st.lists(BITS | st.binary(max_size=5), max_size=60).map(b"".join)
HEAD = zeek_log("x", {"s": "string", "n": "count", "v": "set[count]"}, [["a", "1", "1,2"]], close=False)
PACKED = b"#separator \\x09\n#path\tx\n#fields\ts\tn\tv   label\n#types\tstring\tcount\tset[count]   string\n"
SEEDS = [
    ("conn.log", conn_log([conn_row()] * 3)),
    ("conn.log", b"ts\tuid\tid.resp_p\n1.0\tC1\t80\n"),
    ("conn.csv", b"uid,Sender IP,Target IP,ts\nC1,a,b,1.5\n"),
    (
        "x.json",
        b'{"_path":"dns","uid":"D1"}\n{"conn":{"id":{"orig_h":"a"}}}\n{"event":"{\\"uid\\":\\"C\\"}"}\n',
    ),
    ("x.json", b'{\n "_path": "conn",\n "uid": "C1"\n}\n'),
    ("a.tgz", tar_bytes({"conn.log": conn_log([conn_row()])}, "w:gz")),
]


@given(GARBLED.map(lambda body: body.replace(b"#", b"")), st.sampled_from([HEAD, PACKED]))
def test_tsv_lines_are_rows_or_set_aside(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, head: bytes
) -> None:
    """Under a good header every line that is not empty counts once, in blocks of any size."""
    path = written(tmp_path_factory.mktemp("log") / "x.log", head + body)
    expected = sum(1 for line in body.split(b"\n") if line) + (head is HEAD)
    for block_bytes in (64, 1 << 20):
        whole = read_whole(path, block_bytes=block_bytes)
        assert whole.rows + len(whole.rejects) == expected
        for reject in whole.rejects:
            assert (head + body)[reject.offset :].startswith(reject.raw)
            assert (head + body).count(b"\n", 0, reject.offset) + 1 == reject.line


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["ts", "uid", "id", "id.resp_p", "id_orig_h", "_path", "event", "conn", "new"])
LINES = st.lists(
    st.dictionaries(KEYS | st.text(max_size=3), VALUES, max_size=4).map(json.dumps).map(str.encode)
    | VALUES.map(json.dumps).map(str.encode)
    | GARBLED.map(lambda bits: bits.replace(b"\n", b"")),
    max_size=12,
)


@given(LINES)
def test_json_lines_are_rows_or_set_aside(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    """Any values under any names: each line that is not blank counts once, whatever log it ends up in."""
    data = b"\n".join([b'{"uid":"C1"}', *lines]) + b"\n"
    path = written(tmp_path_factory.mktemp("log") / "conn.log", data)
    expected = sum(1 for line in data.split(b"\n") if line.strip())
    for block_bytes in (64, 1 << 20):
        whole = read_whole(path, block_bytes=block_bytes)
        assert whole.rows + len(whole.rejects) == expected


@given(st.sampled_from(SEEDS), st.integers(0, 400), st.integers(0, 30), GARBLED)
def test_damaged_files_raise_nothing_but_what_is_meant(
    tmp_path_factory: pytest.TempPathFactory, seed: tuple[str, bytes], place: int, cut: int, new: bytes
) -> None:
    """A file with a part replaced is read, set aside or refused; its rows can go to Arrow."""
    name, data = seed
    path = written(tmp_path_factory.mktemp("log") / name, data[:place] + new + data[place + cut :])
    with contextlib.suppress(PtmlError):
        for batch in read_log(path, block_bytes=64):
            if batch.frame.width:
                batch.frame.to_arrow()
