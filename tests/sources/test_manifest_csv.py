"""The CSV that lists captures: every fault has its own message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ptml.errors import BadData, MissingInput
from ptml.sources.manifest_csv import read_manifest_csv

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = ("{path}", "{name}", "zeek/{name}")


def write(tmp_path: Path, text: str, *folders: str) -> Path:
    """Write a list, and folders beside it."""
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    path = tmp_path / "captures.csv"
    path.write_text(text, "utf-8")
    return path


def test_rows_become_captures_with_all_that_is_said_of_them(tmp_path: Path) -> None:
    """Known columns are kept under their own or an older name; others are left to people."""
    path = write(
        tmp_path,
        "name,label,family,source,pcap_sha256,category,licence,colour\n"
        "a,Malicious,emotet,a lab,abc,malware bot,MIT,red\nb,benign,,,,,,\n",
        "a",
        "zeek/b",
    )
    [a, b], missing = read_manifest_csv(path, FOLDERS)
    assert (a.name, a.label, a.family, a.source, a.sha256, a.tags, a.licence) == (
        "a", "malicious", "emotet", "a lab", "abc", ("bot", "malware"), "MIT",
    )  # fmt: skip
    assert (b.label, b.family, b.source, b.path) == ("benign", None, None, (tmp_path / "zeek/b").resolve())
    assert not missing


def test_a_capture_may_name_the_policy_of_its_labels(tmp_path: Path) -> None:
    """`label_method` is one of the policies, or empty; a word that is none is told with the nearest."""
    text = "name,label,label_method\na,malicious,inherit-filtered\nb,benign,\n"
    [a, b], _ = read_manifest_csv(write(tmp_path, text, "a", "b"), FOLDERS)
    assert (a.method, b.method) == ("inherit-filtered", "manifest")
    wrong = write(tmp_path, text.replace("filtered", "filterd"))
    with pytest.raises(BadData, match=r"line 2: label_method 'inherit-filterd'(.|\n)*'inherit-filtered'"):
        read_manifest_csv(wrong, FOLDERS)


def test_listed_capture_that_is_not_there_is_reported_not_dropped(tmp_path: Path) -> None:
    """A missing folder is told with where it was looked for; the others are read."""
    path = write(tmp_path, "name,label\na,benign\nb,benign\n", "a")
    listed, missing = read_manifest_csv(path, FOLDERS)
    assert [one.name for one in listed] == ["a"]
    assert missing == {"b": "no such folder: looked for 'b', 'zeek/b' beside captures.csv"}


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is empty; a header line with 'name', 'label' was expected"),
        ("name,lable\na,benign\n", "has no column 'label'.*\n.*did you mean 'lable' for 'label'"),
        ("name;label\na;benign\n", "separates its columns by semicolons; commas were expected"),
        ("name\tlabel\na\tbenign\n", "separates its columns by tabs; commas were expected"),
        ("name,label\na,evil\n", "line 2: label 'evil' is none of 'malicious', 'benign', 'mixed', 'unknown'"),
        ("name,label\na,bengin\n", "did you mean 'benign' for 'bengin'"),
        ("name,label\na,benign\na,benign\n", "line 3: 'a' is listed twice, first on line 2"),
        ("name,label,path\na,benign,b\nc,benign,b\n", "line 3: 'c' and 'a' are the same folder"),
        ("name,label,path\na,benign,../other\n", "line 2: '../other' leads outside"),
        ("name,label,path\na,benign,/etc\n", "line 2: '/etc' leads outside"),
        ("name,label\na,benign,extra\n", "line 2: another number of values than of columns"),
        ("name,label,family\na,benign\n", "line 2: another number of values than of columns"),
        ('name,label\n"a,benign\n', "is not a CSV in UTF-8"),
    ],
)
def test_each_fault_has_its_own_message(tmp_path: Path, text: str, match: str) -> None:
    """Missing columns, delimiters, bad labels, doubles and paths outside are bad data, with the line."""
    path = write(tmp_path, text, "a", "b")
    with pytest.raises(BadData, match=match):
        read_manifest_csv(path, FOLDERS)


def test_link_that_leads_outside_is_refused(tmp_path: Path) -> None:
    """A symbolic link beside the list cannot smuggle in another folder."""
    (tmp_path / "secret").mkdir()
    inner = tmp_path / "lists"
    inner.mkdir()
    path = inner / "captures.csv"
    path.write_text("name,label\na,benign\n")
    (inner / "a").symlink_to(tmp_path / "secret")
    with pytest.raises(BadData, match="leads outside"):
        read_manifest_csv(path, FOLDERS)


def test_no_list_and_no_capture_are_missing_input(tmp_path: Path) -> None:
    """A list that is not there, or whose captures are all not there, says so."""
    with pytest.raises(MissingInput, match=r"no\.csv does not exist"):
        read_manifest_csv(tmp_path / "no.csv", FOLDERS)
    with pytest.raises(MissingInput, match="lists no capture that is there: no such folder"):
        read_manifest_csv(write(tmp_path, "name,label\nz,benign\n"), FOLDERS)


def test_not_utf8_is_bad_data(tmp_path: Path) -> None:
    """A list in another encoding is refused as such."""
    path = tmp_path / "captures.csv"
    path.write_bytes("name,label\ncafé,benign\n".encode("latin-1"))
    with pytest.raises(BadData, match="is not a CSV in UTF-8"):
        read_manifest_csv(path, FOLDERS)
