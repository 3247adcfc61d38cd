"""What header lines declare, in any spelling."""

from __future__ import annotations

import pytest

from ptml.parse.header import MAX_FIELDS, LogHeader, header_prefix, is_directive


def declared(*lines: bytes, prefix: str = "#") -> LogHeader:
    """Take in header lines."""
    header = LogHeader(prefix=prefix)
    for line in lines:
        header = header.with_line(line)
    return header


@pytest.mark.parametrize(
    ("begin", "prefix"),
    [
        (b"#separator \\x09\n#fields\tts\n", "#"),
        (b"%separator \\x7c\n%fields|ts\n", "%"),
        (b"META: separator \\x09\nMETA: fields\tts\n", "META: "),
        (b"#fields\tts\n#types\ttime\n", "#"),
        (b"separator \\x09\n#set_separator\t,\n#fields\tts\n", "#"),
        (b"separator \\x09\nset_separator\t,\nfields\tts\n", ""),
        (b"# a remark\n#separator \\x09\n", "#"),
        (b"ts\tuid\tpath\n", None),
        (b"-\tpath\n", None),
        (b'{"path": 1}\n', None),
        (b"### remark\n{\n", None),
    ],
)
def test_prefix_of_header_lines_is_found(begin: bytes, prefix: str | None) -> None:
    """Any prefix is told from the first lines; names alone, data and JSON have none."""
    assert header_prefix(begin) == prefix


def test_key_must_stand_alone() -> None:
    """A value that begins like a header key is data."""
    header = LogHeader()
    assert [is_directive(line, header) for line in (b"#path\tconn", b"#close\r", b"#separator \\x09")] == [
        True
    ] * 3
    assert [is_directive(line, header) for line in (b"#path-finder\tx", b"#fields of corn", b"#1")] == [
        False
    ] * 3


def test_packed_labels_are_fields_of_their_own() -> None:
    """IoT-23's last column is three, and `detailed-label` gets the name that every dialect shares."""
    header = declared(
        b"#fields\tuid\ttunnel_parents   label   detailed-label",
        b"#types\tstring\tset[string]   string   string",
    )
    assert header.fields == ("uid", "tunnel_parents", "label", "detailed_label")
    assert header.types == ("string", "set[string]", "string", "string")
    assert (header.packed, header.fault()) == (3, None)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([], "no #fields line before it"),
        ([b"#fields\ta\ta", b"#types\tcount\tcount"], "#fields names a field twice"),
        ([b"#fields\ta\tb", b"#types\tcount"], "#fields names 2 fields but #types 1 types"),
        ([b"#fields\ta\0b", b"#types\tcount"], "#fields names a field with a NUL in it"),
        ([b"#separator \\x09\\x09"], "#separator declares '\\t\\t'; one byte was expected"),
        ([b"#separator "], "#separator declares ''; one byte was expected"),
    ],
)
def test_header_that_does_not_serve_says_why(lines: list[bytes], fault: str) -> None:
    """What is wrong is told in the header's own words."""
    assert declared(*lines).fault() == fault


def test_million_columns_are_refused() -> None:
    """A header of a million names does not become a table of a million columns."""
    names = b"\t".join(b"f%d" % i for i in range(1_000_000))
    fault = declared(b"#fields\t" + names, b"#types\t" + b"\t".join([b"count"] * 1_000_000)).fault()
    assert fault == f"#fields names 1000000 fields; at most {MAX_FIELDS} are read"


def test_separator_behind_a_tab_is_understood() -> None:
    """Some copies have a TAB between the word and the value."""
    assert declared(b"#separator\t\\x09").separator == "\t"
    assert declared(b"#separator \\x2c").separator == ","
