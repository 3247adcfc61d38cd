"""Whatever a file holds, its lines are rows or set aside, and nothing else is raised than what is meant."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.selectors import by_name

from ptml.errors import PtmlError
from ptml.parse.reader import read_log
from ptml.parse.scan import scan_zeek
from tests.builders import conn_log, conn_row, zeek_log
from tests.parse.reading import read_whole, written
from tests.test_archive import tar_bytes

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.mark.filterwarnings("ignore::ptml.errors.ZeekLogWarning")
@pytest.mark.parametrize("name", ["*", "^u.*$", "^(ts|uid)$", "a*", "$", "capture_id"])
class TestFieldNamesThatArePatternsElsewhere:
    """A field may be called `*` or `^u.*$`: it is a column of that name, and no other is touched."""

    @pytest.mark.parametrize("value", [7, "a\tb\\", ":x", ["a", "b\\"], [1, 2], True, 1.5])
    @pytest.mark.parametrize("block_bytes", [64, 1 << 20])
    def test_json(self, tmp_path: Path, name: str, value: object, block_bytes: int) -> None:
        """Values of any type; of a log that is not known, lists too."""
        lines = [json.dumps({"_path": "mine", "uid": uid, name: value}) for uid in ("C1", "C2", "C3")]
        path = written(tmp_path / "mine.log", "\n".join(lines) + "\n")
        whole = read_whole(path, block_bytes=block_bytes)
        assert whole.only()["uid"].to_list() == ["C1", "C2", "C3"]
        assert name in whole.only().columns
        assert not whole.rejects
        self.scanned(path, name)

    @pytest.mark.parametrize(
        ("kind", "written_as", "read_as"),
        [
            ("count", "7", 7),
            ("string", r"a\x09\\", "a\t\\"),
            ("set[count]", "1,2", [1, 2]),
            ("vector[string]", r"a,\x2c", ["a", ","]),
            ("time", "1.5", datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)),
        ],
    )
    def test_tsv(self, tmp_path: Path, name: str, kind: str, written_as: str, read_as: object) -> None:
        """Values of any type, and one that does not fit, if there is any."""
        good = zeek_log("mine", {"uid": "string", name: kind}, [["C1", written_as], ["C2", written_as]])
        path = written(tmp_path / "mine.log", good)
        assert read_whole(path).only()[name].to_list() == [read_as] * 2
        self.scanned(path, name)
        misfit = zeek_log("mine", {"uid": "string", name: kind}, [["C1", written_as], ["C2", "x,1"]])
        whole = read_whole(written(path, misfit))
        rejected = "string" not in kind
        assert (whole.only()[name].to_list()[0], len(whole.rejects)) == (read_as, rejected)

    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_tables(self, tmp_path: Path, name: str, suffix: str) -> None:
        """Columns of tables, which are text where they are not known."""
        path = tmp_path / f"conn.{suffix}"
        frame = pl.DataFrame(
            {"uid": ["C1"], "ts": [1.5], "src_ip_zeek": ["a"], "dest_ip_zeek": ["b"], name: ["x"]}
        )
        frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
        row = read_whole(path).only().row(0, named=True)
        assert (row["uid"], row["id.orig_h"], row[name]) == ("C1", "a", "x")

    def scanned(self, path: Path, name: str) -> None:
        """A lazy frame gives the column as the reader does, alone or among others."""
        whole = read_whole(path).only()
        scan = scan_zeek(path)
        assert scan.select(by_name(name)).collect()[name].equals(whole[name])
        assert scan.collect().equals(whole.select(by_name(*scan.collect_schema().names())))
