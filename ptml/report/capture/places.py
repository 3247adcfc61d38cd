"""In which countries and networks destinations are, by databases at hand or by asking ipinfo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ptml.errors import BadData, MissingTool
from ptml.report.capture.traffic import destinations, summed
from ptml.sources.ipinfo import Told, ask_ipinfo, is_public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import polars as pl

    Row: TypeAlias = dict[str, Any]
    Place: TypeAlias = Mapping[str, str]
    Asking: TypeAlias = Callable[[Iterable[str], str, Path], Told]

MOST_LOOKED_UP = 10_000
MOST_ASKED = 200
SHOWN = 15
NO_READER = "databases of addresses are read by the extra `geo`, which is not installed"


@dataclass(frozen=True, slots=True)
class Enrichment:
    """Whom to ask about addresses.

    Attributes:
        token: ipinfo's token.
        cache: File that remembers what was told.
        ask: What asks; for tests on a server of their own.
    """

    token: str
    cache: Path
    ask: Asking = ask_ipinfo


@dataclass(frozen=True, slots=True)
class Places:
    """Destinations by country and by network: ``name``, ``addresses``, ``connections``, ``bytes``."""

    countries: Sequence[Row] = ()
    networks: Sequence[Row] = ()
    public: int = 0
    known: int = 0
    notes: tuple[str, ...] = ()


def places(
    conn: pl.LazyFrame, databases: Sequence[Path], enrichment: Enrichment | None = None
) -> Places | None:
    """Look destinations up; None where nobody is to be asked.

    Raises:
        MissingTool: A database is given, and its reader is not installed.
    """
    if not databases and enrichment is None:
        return None
    found = destinations(conn, MOST_LOOKED_UP)
    public = [address for address, _, _ in found if is_public(address)]
    known: dict[str, dict[str, str]] = {address: {} for address in public}
    notes = []
    for database in databases:
        try:
            for address, place in _looked_up(database, public).items():
                known[address] |= place
        except BadData as error:
            notes.append(error.message)
    if enrichment is not None:
        told = enrichment.ask(public[:MOST_ASKED], enrichment.token, enrichment.cache)
        for address, words in told.places.items():
            known[address] |= words
        notes += _notes(told, len(public))
    countries = {address: place["country"] for address, place in known.items() if place.get("country")}
    networks = {address: _network(place) for address, place in known.items() if _network(place)}
    return Places(
        summed(found, countries)[:SHOWN],
        summed(found, networks)[:SHOWN],
        len(public),
        len(countries.keys() | networks.keys()),
        tuple(notes),
    )


def _notes(told: Told, public: int) -> list[str]:
    notes = []
    if told.fault is not None:
        notes.append(f"ipinfo was not asked further: {told.fault}")
    if public > MOST_ASKED:
        notes.append(f"ipinfo was asked about the {MOST_ASKED} destinations with the most connections")
    return notes


def _network(place: Place) -> str:
    return " ".join(word for word in (place.get("asn"), place.get("as_name")) if word)


def _looked_up(database: Path, addresses: Iterable[str]) -> dict[str, dict[str, str]]:
    """Look addresses up in a database of MaxMind's format.

    Raises:
        MissingTool: Its reader is not installed.
        BadData: It is damaged, or no such database.
    """
    try:
        import maxminddb  # noqa: PLC0415 - of the extra `geo`
    except ImportError as error:
        raise MissingTool(NO_READER, hint='pip install "ptml[geo]"') from error
    try:
        with maxminddb.open_database(database) as reader:
            return {address: _place(reader.get(address)) for address in addresses if _fits(reader, address)}
    except (maxminddb.InvalidDatabaseError, OSError, ValueError, KeyError) as error:
        raise BadData(
            f"{database} cannot be read as a database of addresses ({error}); places by it are not shown",
            hint="download it again; MaxMind's and IPinfo's .mmdb files are read",
        ) from error


def _fits(reader: Any, address: str) -> bool:  # noqa: ANN401 - of an extra that may be missing
    return reader.metadata().ip_version == 6 or ":" not in address  # noqa: PLR2004 - the version of IP


def _place(record: object) -> dict[str, str]:
    """Read a record of MaxMind's databases or of IPinfo's.

    >>> _place({"country": {"iso_code": "NZ", "names": {"en": "New Zealand"}}})
    {'country': 'New Zealand'}
    >>> _place({"country": "New Zealand", "country_code": "NZ", "asn": "AS64500", "as_name": "Example"})
    {'country': 'New Zealand', 'asn': 'AS64500', 'as_name': 'Example'}
    >>> _place({"autonomous_system_number": 64500, "autonomous_system_organization": "Example"})
    {'asn': 'AS64500', 'as_name': 'Example'}
    """
    if not isinstance(record, dict):
        return {}
    country = record.get("country_name") or record.get("country")
    if isinstance(country, dict):
        country = (country.get("names") or {}).get("en") or country.get("iso_code")
    number = record.get("autonomous_system_number")
    told = {
        "country": country,
        "asn": f"AS{number}" if isinstance(number, int) else record.get("asn"),
        "as_name": record.get("autonomous_system_organization") or record.get("as_name"),
    }
    return {name: word for name, word in told.items() if isinstance(word, str) and word}
