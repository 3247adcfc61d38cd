"""TSV sections and labelled logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders import zeek_log
from tests.parse.reading import read_whole, written

if TYPE_CHECKING:
    from pathlib import Path

GOOD = b"#separator \\x09\n#path\tx\n#fields\tuid\tn\n#types\tstring\tcount\n"


@pytest.mark.parametrize(
    "prefix_separator", [("#", "\t"), ("%", "|"), ("## ", ";"), ("meta:", "\x01"), ("", "\t")]
)
def test_any_prefix_separator_and_markers(tmp_path: Path, prefix_separator: tuple[str, str]) -> None:
    """Everything that Zeek lets one configure is taken from the header."""
    prefix, sep = prefix_separator
    lines = [
        f"separator \\x{ord(sep):02x}",
        *(sep.join(line) for line in (["set_separator", "+"], ["empty_field", "E"], ["unset_field", "U"])),
        *(sep.join(line) for line in (["path", "x"], ["fields", "s", "n", "v"])),
        sep.join(["types", "string", "count", "set[string]"]),
    ]
    head = "".join(f"{prefix}{line}\n" for line in lines)
    body = sep.join(["E", "7", "a+b"]) + "\n" + sep.join(["-", "U", "U"]) + "\n"
    tail = f"{prefix}close{sep}2026\n"
    whole = read_whole(written(tmp_path / "any.log", head + body + tail))
    assert whole.logs["x"].rows() == [("", 7, ["a", "b"]), ("-", None, None)]
    assert not whole.rejects


def test_bad_header_midway_sets_lines_aside_until_the_next_good_one(tmp_path: Path) -> None:
    """What a bad header governs is set aside line by line, each with its place; what follows is read."""
    bad = b"#separator \\x09\n#fields\ta\tb\n#types\tcount\n1\t2\n3\t4\n\n"
    path = written(tmp_path / "x.log", GOOD + b"C1\t1\n" + bad + GOOD + b"C2\t2\n")
    whole = read_whole(path)
    assert whole.only().rows() == [("C1", 1), ("C2", 2)]
    assert [(r.line, r.raw, r.reason) for r in whole.rejects] == [
        (9, b"1\t2", "#fields names 2 fields but #types 1 types"),
        (10, b"3\t4", "#fields names 2 fields but #types 1 types"),
    ]
    data = path.read_bytes()
    assert all(data[r.offset :].startswith(r.raw + b"\n") for r in whole.rejects)


def test_bad_separator_holds_until_the_next_section(tmp_path: Path) -> None:
    """Two bytes as a separator spoil their own section only."""
    path = written(tmp_path / "x.log", b"#separator ||\n#fields||a\n1||2\n" + GOOD + b"C2\t2\n")
    whole = read_whole(path)
    assert whole.only().rows() == [("C2", 2)]
    assert "#separator declares '||'" in whole.rejects[-1].reason


def test_path_that_names_no_log_is_not_followed(tmp_path: Path) -> None:
    """A #path that leads elsewhere sets its lines aside, each of them."""
    whole = read_whole(
        written(tmp_path / "x.log", zeek_log("../../evil", {"uid": "string"}, [["C1"], ["C2"]]))
    )
    assert (whole.rows, [r.line for r in whole.rejects]) == (0, [9, 10])
    assert whole.rejects[0].reason == "#path '../../evil' is no log's name"


def test_places_are_right_among_many_rejects_with_crlf(tmp_path: Path) -> None:
    """Offsets count the bytes of the file as it lies, carriage returns and blank lines included."""
    body = b"".join(b"C%d\t%d\r\n\r\n" % (i, i) if i % 3 else b"bad%d\r\n" % i for i in range(300))
    data = GOOD.replace(b"\n", b"\r\n") + body
    whole = read_whole(written(tmp_path / "x.log", data), block_bytes=500)
    assert (whole.rows, len(whole.rejects)) == (200, 100)
    for number, reject in enumerate(whole.rejects):
        assert reject.raw == b"bad%d" % (3 * number)
        assert data[reject.offset :].startswith(reject.raw + b"\r\n")
        assert data.count(b"\n", 0, reject.offset) + 1 == reject.line


PACKED = (
    b"#separator \\x09\n#path\tconn\n#fields\tuid\tn\ttunnel_parents   label   detailed-label\n"
    b"#types\tstring\tcount\tset[string]   string   string\n"
)


def test_packed_labels_come_out_as_columns(tmp_path: Path) -> None:
    """IoT-23's three-in-one field is parted; unset and empty keep their meaning inside it."""
    rows = b"C1\t1\t-   Benign   -\nC2\t2\t(empty)   Malicious   C&C\nC3\t3\ta,b   Malicious   Part Of   it\n"
    whole = read_whole(written(tmp_path / "conn.log.labeled", PACKED + rows + b"C4\t4\t-\n"))
    frame = whole.only()
    assert frame.columns == ["uid", "n", "tunnel_parents", "label", "detailed_label"]
    assert frame.drop("n").rows() == [("C1", None, "Benign", None), ("C2", [], "Malicious", "C&C")]
    assert [(r.line, r.reason) for r in whole.rejects] == [
        (7, "the last field does not hold tunnel_parents   label   detailed_label"),
        (8, "the last field does not hold tunnel_parents   label   detailed_label"),
    ]


def test_wrong_value_beside_packed_labels_names_its_column(tmp_path: Path) -> None:
    """A value that does not fit is still told by column, and its neighbours are read."""
    rows = b"C1\tx\t-   Benign   -\nC2\t2\t-   Benign   -\n"
    whole = read_whole(written(tmp_path / "conn.log.labeled", PACKED + rows))
    assert whole.only()["uid"].to_list() == ["C2"]
    assert [r.reason for r in whole.rejects] == ["n: 'x' is no count"]


def test_label_columns_of_netflowlabeler_have_the_same_names(tmp_path: Path) -> None:
    """Proper columns `label` and `detailedlabel` become `label` and `detailed_label`."""
    types = {"uid": "string", "label": "string", "detailedlabel": "string"}
    path = written(tmp_path / "dns.log.labeled", zeek_log("dns", types, [["C1", "Benign", "(empty)"]]))
    assert read_whole(path).only().row(0, named=True) == {
        "uid": "C1",
        "label": "Benign",
        "detailed_label": "",
    }
