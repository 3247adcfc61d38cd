"""Claims about the descriptions of logs and tables."""

from __future__ import annotations

import pytest

from ptml.errors import SettingsError
from ptml.parse.describe import ColumnSchema, schema
from ptml.parse.knownlogs import zeek_logs
from ptml.parse.schemas import field_types
from ptml.schema import LABELS, TABLES


def test_all_logs_and_tables_are_described() -> None:
    """Without a name the known logs come first, then ptml's tables."""
    assert list(schema()) == [*zeek_logs(), *(table.name for table in TABLES)]


def test_a_log_is_described_field_by_field() -> None:
    """A field has its type in Zeek and in Polars; what Zeek does not write by default says who does."""
    dns = schema("dns")["dns"]
    columns = {column.name: column for column in dns.columns}
    assert (dns.kind, dns.source) == ("log", "base/protocols/dns")
    assert columns["TTLs"] == ColumnSchema(
        "TTLs",
        "vector[interval]",
        "List(Float64)",
        "how long each answer may be cached, in the order of answers",
    )
    assert columns["original_query"].source == "policy/protocols/dns/log-original-query-case"
    assert (columns["_write_ts"].dtype, columns["capture_id"].source) == (
        "Datetime('us', 'UTC')",
        "ptml parse",
    )


@pytest.mark.parametrize("name", zeek_logs())
def test_a_description_has_what_the_reader_knows(name: str) -> None:
    """A log's description names each field whose type the reader knows, with that type, and the capture."""
    described = {column.name: column.zeek_type for column in schema(name)[name].columns}
    assert described == field_types(name) | {"capture_id": "string"}


def test_a_table_is_described_with_its_key() -> None:
    """Ptml's own tables have no Zeek types, and their key is marked."""
    labels = schema("labels")["labels"]
    assert [column.name for column in labels.columns] == list(LABELS.schema)
    assert [column.name for column in labels.columns if column.key] == ["capture_id", "uid"]
    assert {column.zeek_type for column in labels.columns} == {None}


def test_files_names_and_several_at_once() -> None:
    """`conn.log` is conn, and several names are answered in their order."""
    assert list(schema("conn.log", "catalog")) == ["conn", "catalog"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("con", "did you mean 'conn' for 'con'"), ("zzzzz", "`ptml schema` lists what is known")],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, hint: str) -> None:
    """A mistyped name is answered with the one that was meant, any other with the way to the list."""
    with pytest.raises(SettingsError, match=rf"known as '{name}'(?s:.)*{hint}"):
        schema(name)
