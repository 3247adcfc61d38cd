"""Claims about countries and networks, from databases written by another library."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from ptml.errors import MissingTool
from ptml.report.capture.places import Enrichment, places
from ptml.sources.ipinfo import Told

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAXMIND = {"country": {"iso_code": "NZ", "names": {"en": "New Zealand"}}}
NETWORK = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example"}
IPINFO = {"country": "Peru", "country_code": "PE", "asn": "AS64501", "as_name": "Llama"}
CONN = pl.LazyFrame(
    {
        "id.resp_h": ["8.8.8.8", "8.8.8.9", "8.8.8.8", "1.1.1.1", "10.0.0.1", None, "2600::1"],
        "orig_bytes": [1, 2, 4, 8, 16, 32, None],
        "resp_bytes": [0, 0, 0, 0, 0, 0, None],
    }
)


def database(path: Path, records: dict[str, dict[str, Any]], *, version: int = 4) -> Path:
    """Write a database of networks."""
    writer = MMDBWriter(version, "test", languages=["en"], description="test", ipv4_compatible=version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


def test_destinations_are_summed_up_by_country_and_network(tmp_path: Path) -> None:
    """Two databases of MaxMind's kind: three connections to two addresses of one network, by hand 7 bytes."""
    country = database(tmp_path / "country.mmdb", {"8.8.8.0/24": MAXMIND})
    network = database(tmp_path / "asn.mmdb", {"8.8.8.0/24": NETWORK})
    found = places(CONN, [country, network])
    assert found is not None
    row = {"addresses": 2, "connections": 3, "bytes": 7.0}
    assert found.countries == [{"name": "New Zealand", **row}]
    assert found.networks == [{"name": "AS64500 Example", **row}]
    assert (found.public, found.known, found.notes) == (4, 2, ())


def test_databases_of_ipinfo_are_read_too(tmp_path: Path) -> None:
    """Their records are flat, and hold IPv6."""
    both = database(tmp_path / "lite.mmdb", {"2600::/16": IPINFO, "1.1.1.0/24": IPINFO}, version=6)
    found = places(CONN, [both])
    assert found is not None
    assert [(row["name"], row["connections"], row["bytes"]) for row in found.countries] == [("Peru", 2, 8.0)]
    assert [row["name"] for row in found.networks] == ["AS64501 Llama"]


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "scrambled"])
def test_a_damaged_database_is_told_and_passed_over(tmp_path: Path, damage: str) -> None:
    """The other database still answers, and the note names the damaged one."""
    good = database(tmp_path / "good.mmdb", {"8.8.8.0/24": MAXMIND})
    bad = tmp_path / "bad.mmdb"
    whole = good.read_bytes()
    marker = whole.rindex(b"\xab\xcd\xefMaxMind.com")
    content = {"empty": b"", "text": b"country", "cut": whole[:-30]}
    bad.write_bytes(content.get(damage, b"\xff" * (marker - 16) + b"\x00" * 16 + whole[marker:]))
    found = places(CONN, [bad, good])
    assert found is not None
    assert [row["name"] for row in found.countries] == ["New Zealand"]
    assert len(found.notes) == 1
    assert "bad.mmdb" in found.notes[0]


def test_without_the_reader_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database is given and nothing can read it."""
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    with pytest.raises(MissingTool, match="extra `geo`"):
        places(CONN, [tmp_path / "any.mmdb"])


def test_ipinfo_is_asked_about_public_destinations_only(tmp_path: Path) -> None:
    """The most met first; what went wrong there is a note, and the page is made all the same."""
    asked: list[str] = []

    def ask(addresses: Iterable[str], key: str, cache: Path) -> Told:
        asked.extend(addresses)
        assert (key, cache) == ("key", tmp_path)
        return Told({"8.8.8.8": {"country": "Chad"}}, 1, "the quota is used up")

    found = places(CONN, [], Enrichment("key", tmp_path, ask))
    assert asked == ["8.8.8.8", "1.1.1.1", "2600::1", "8.8.8.9"]
    assert found is not None
    assert [row["name"] for row in found.countries] == ["Chad"]
    assert found.notes == ("ipinfo was not asked further: the quota is used up",)


def test_nobody_is_asked_unless_told_to() -> None:
    """Without a database and without ipinfo there is no section."""
    assert places(CONN, []) is None
