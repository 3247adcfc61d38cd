"""Country and network of addresses, as ipinfo.io tells them: asked once, then kept on disk.

Facts: https://ipinfo.io/developers/lite-api
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptml.errors import BadData, DownloadError, MissingInput, SettingsError
from ptml.io import read_json, write_json
from ptml.sources.asks import Ask, require_good
from ptml.sources.http import Client
from ptml.sources.patience import Retries, Timeouts
from ptml.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

TOKEN, URL = "IPINFO_TOKEN", "https://api.ipinfo.io"
PACE = 0.05
LARGEST_ANSWER = 64 << 10
LONGEST_WORD = 120
FIELDS = ("country", "asn", "as_name")
TIMEOUTS = Timeouts(connect=5, read=10, total=20)
RETRIES = Retries(attempts=3, longest=10)


@dataclass(frozen=True, slots=True)
class Told:
    """What was told.

    Attributes:
        places: Address → ``country``, ``asn``, ``as_name``; what is not known is left out.
        asked: Requests that were answered.
        fault: Why no more addresses were asked about; None where all were.
    """

    places: Mapping[str, Mapping[str, str]]
    asked: int
    fault: str | None = None


def is_public(address: str) -> bool:
    """Tell whether an address is one that anybody outside may be asked about.

    >>> [is_public(one) for one in ("8.8.8.8", "10.0.0.1", "203.0.113.7", "224.0.0.1", "2600::1%?a")]
    [True, False, False, False, False]
    """
    if "%" in address:  # a zone may hold any character, and belongs to one machine
        return False
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    inner = getattr(found, "ipv4_mapped", None) or found
    return bool(inner.is_global and not inner.is_multicast)


def token() -> str:
    """Take the token from the environment.

    Raises:
        SettingsError: There is none.
    """
    found = os.environ.get(TOKEN, "").strip()
    if not found:
        raise SettingsError(
            f"asking ipinfo needs a token, and {TOKEN} is not set; nothing was asked",
            hint=f"get a free one at ipinfo.io and set {TOKEN}, or give a database with --geo FILE",
        )
    return found


def ask_ipinfo(
    addresses: Iterable[str], key: str, cache: Path, *, client: Client | None = None, url: str = URL
) -> Told:
    """Ask about addresses, in their order, and stop asking at the first failure.

    Private, reserved and multicast addresses are never asked about. What was told is kept in the cache, so
    that no address is asked about twice; a cache that cannot be read is begun anew.

    Args:
        addresses: The addresses.
        key: The token.
        cache: A JSON file that remembers.
        client: What asks; by default one that never connects to private addresses.
        url: Where ipinfo is.

    Raises:
        CannotWrite: The cache cannot be written.
    """
    known = _remembered(cache)
    wanted = [address for address in dict.fromkeys(addresses) if is_public(address)]
    unknown = [address for address in wanted if address not in known]
    asked, fault = 0, None
    with client or Client(pace=PACE, timeouts=TIMEOUTS, retries=RETRIES) as asking:
        for address in unknown:
            try:
                known[address] = _ask(asking, f"{url}/lite/{address}", key)
            except DownloadError as error:
                fault = error.message
                break
            asked += 1
    if asked:
        write_json(cache, known, cache.parent)
    return Told({address: known[address] for address in wanted if address in known}, asked, fault)


def _ask(client: Client, url: str, key: str) -> dict[str, str]:
    ask = Ask(url, secrets={"authorization": f"Bearer {key}"})
    answer = require_good(ask, client.send(ask, largest=LARGEST_ANSWER)).json()
    if not isinstance(answer, dict):
        raise DownloadError(f"{ask}: an object was expected; {type(answer).__name__} came")
    return _words(answer)


def _words(answer: Mapping[str, Any]) -> dict[str, str]:
    told = {name: answer.get(name) for name in FIELDS}
    return {name: plain_text(word)[:LONGEST_WORD] for name, word in told.items() if isinstance(word, str)}


def _remembered(cache: Path) -> dict[str, dict[str, str]]:
    try:
        found = read_json(cache)
    except (MissingInput, BadData):
        return {}
    return {address: _words(words) for address, words in found.items() if isinstance(words, dict)}
