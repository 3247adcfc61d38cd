"""Claims about `ptml schema`."""

from __future__ import annotations

import json

from typer.testing import CliRunner, Result

from ptml.cli import app
from ptml.parse.describe import schema


def ptml(*words: str) -> Result:
    """Run the command line."""
    return CliRunner().invoke(app, words)


def test_lists_logs_and_tables() -> None:
    """Without a name each log and table has a line with its meaning."""
    lines = ptml("schema").stdout.splitlines()
    assert lines[0].startswith(f"{len(schema())} logs and tables")
    assert any(line.split() == ["quic", "log", "QUIC", "connections"] for line in lines)
    assert any(line.split()[:2] == ["scores/hosts", "table"] for line in lines)


def test_shows_the_fields_of_a_log() -> None:
    """A log is shown with Zeek's types, column types and meanings, then what others add and who does."""
    own, _, others = ptml("schema", "mysql").stdout.partition("and from other versions")
    rows = [" ".join(line.split()) for line in own.splitlines()]
    assert rows[0] == "mysql: MySQL commands and responses (base/protocols/mysql)"
    assert "rows count UInt64 rows that were affected" in rows
    assert "_path string String name of the log forwarders" in " ".join(others.split())


def test_shows_the_columns_of_a_table() -> None:
    """One of ptml's own tables is shown with its types and meanings."""
    rows = [" ".join(line.split()) for line in ptml("schema", "provenance").stdout.splitlines()]
    assert "capture_id String which capture" in rows


def test_json_is_the_description() -> None:
    """With `--json` comes the same as the function gives, of one or of all."""
    assert json.loads(ptml("schema", "x509", "--json").stdout)["name"] == "x509"
    whole = json.loads(ptml("schema", "--json").stdout)["schemas"]
    assert [one["name"] for one in whole] == list(schema())


def test_an_unknown_name_is_bad_usage() -> None:
    """A name that is not known ends with exit code 2 and the nearest that is."""
    result = ptml("schema", "htttp")
    assert result.exit_code == 2
    assert "did you mean 'http' for 'htttp'?" in result.stderr
