"""The captures that the loopback PacketTotal server knows: small, made here, the same each time.

Names, families and rule titles are those of public examples; addresses are of documentation ranges.
"""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING

from tests.packettotal.logs import tables
from tests.packettotal.packets import Talk, client_hello, dns_answer, dns_query, frames, pcap

if TYPE_CHECKING:
    from collections.abc import Sequence

STEM = 24
"""The service kept so much of a name's stem (seen in all four known names)."""
DNS_SERVER = "10.8.15.1"
EMOTET_RULES = (
    "ET POLICY Office Document Download Containing AutoOpen Macro",
    "ET POLICY PE EXE or DLL Windows file download HTTP",
    "SURICATA TLS invalid record version",
    "SURICATA TLS invalid record/traffic",
)
TRICKBOT_RULES = ("ET TROJAN Observed Trickbot Style SSL Cert (Internet Widgits Pty Ltd)",)
OFFICE = ("intranet.corp.example", "mail.corp.example", "www.example.org", "updates.example.net")


@dataclass(frozen=True, slots=True)
class Visit:
    """A connection and what it was for."""

    talk: Talk
    service: str | None = None
    name: str = ""
    answer: str = "-"
    uri: str = ""
    carried: bytes = b""


@dataclass(frozen=True)
class Capture:
    """A capture with the outcome of its analysis."""

    name: str
    visits: Sequence[Visit] = ()
    rules: Sequence[str] = ()
    references: Sequence[tuple[str, str]] = ()
    malicious_traffic: bool = False
    analyzed_date: str = "2019-01-01 06:40:18"
    given: bytes | None = field(default=None, repr=False)
    """The capture's bytes where they were uploaded."""

    @cached_property
    def pcap(self) -> bytes:
        """Give the capture file."""
        if self.given is not None:
            return self.given
        packets = [packet for visit in self.visits for packet in frames(visit.talk)]
        return pcap((one.time, one.frame) for one in packets)

    @cached_property
    def md5(self) -> str:
        """Give the id: the MD5 of the capture file."""
        return hashlib.md5(self.pcap, usedforsecurity=False).hexdigest()

    @property
    def alerts(self) -> list[tuple[Visit, str]]:
        """Pair each rule that fired with the connection where it did."""
        web = [visit for visit in self.visits if visit.service in {"http", "ssl"}]
        return [(web[number % len(web)], rule) for number, rule in enumerate(self.rules)]

    @property
    def intel(self) -> list[tuple[str, str]]:
        """Pair each name that an article mentions with the article."""
        return [(name, article) for name, article in self.references if "." in name]

    @cached_property
    def tables(self) -> dict[str, bytes]:
        """Give the tables of its analysis by the name of the log."""
        return tables(self) if self.visits else {"conn": b"Connection ID,Sender IP,Target IP\r\n"}

    @cached_property
    def carved(self) -> dict[str, bytes]:
        """Give the files that were carried, by their SHA-1."""
        return {
            hashlib.sha1(visit.carried, usedforsecurity=False).hexdigest(): visit.carried
            for visit in self.visits
            if visit.carried
        }


def kept_name(name: str) -> str:
    """Give a name as the service kept it (inferred): letters, digits and underscores, cut, and the suffix.

    >>> kept_name("2018-08-15-Emotet-infection-with-IcedID.pcap")
    '20180815Emotetinfectionw.pcap'
    """
    return re.sub(r"\W", "", name.removesuffix(".pcap"))[:STEM] + ".pcap"


@cache
def corpus() -> tuple[Capture, ...]:
    """Give the captures: six of Emotet, three of TrickBot, three of other bots, six of ordinary offices."""
    emotet = [_infected(day, "Emotet", EMOTET_RULES) for day in (15, 16, 20, 22, 27, 29)]
    trickbot = [_infected(day, "Trickbot", TRICKBOT_RULES) for day in (3, 7, 9)]
    bots = [_bot(number) for number in (23, 12, 71)]
    return (*emotet, *trickbot, *bots, *(_office(number) for number in range(6)))


def _infected(day: int, family: str, rules: Sequence[str]) -> Capture:
    """Make a host that opens a document, fetches a program and then calls home again and again."""
    dice = random.Random(f"{family} {day}")
    host, start = f"10.8.{day}.{dice.randrange(20, 200)}", _moment(8, day)
    lure = f"{family.lower()}-invoice-{day}.example"
    macro = b"\xd0\xcf\x11\xe0 AutoOpen " + dice.randbytes(700 + 10 * day)
    visits = _looked_up(start, host, lure, "203.0.113.80")
    uri = f"/wp-content/{dice.randrange(10**6)}/Invoice.doc"
    visits.append(_download(start + 1, host, lure, "203.0.113.80", uri=uri, body=macro))
    for beat in range(dice.randrange(6, 14)):
        server = f"198.51.100.{dice.randrange(2, 250)}"
        said = [dice.randbytes(dice.randrange(200, 400)), dice.randbytes(dice.randrange(100, 900))]
        talk = Talk(start + 60 + 30 * beat, (host, 49200 + beat), (server, 7080), said=said)
        visits.append(Visit(talk))
    visits += [Visit(Talk(start + 400 + n, (host, 50000 + n), (f"192.0.2.{n + 1}", 445))) for n in range(3)]
    visits += _browsing(dice, host, start + 500, 3)
    articles = (
        (lure, f"https://blog.example/{family.lower()}-august"),
        (f"{family}", "https://intel.example/a"),
    )
    return Capture(
        kept_name(f"2018-08-{day:02}-{family}-infection-pcap.pcap"),
        visits,
        rules,
        articles,
        # So it was for the one real Emotet capture whose answer is known; the rule behind it is not.
        malicious_traffic=family != "Emotet",
    )


def _bot(number: int) -> Capture:
    dice = random.Random(number)
    host, start = (
        f"147.32.84.{165 + number % 20}",
        datetime(2013, 8, 20, 9, number % 60, tzinfo=UTC).timestamp(),
    )
    visits = _looked_up(start, host, "irc.botnet.example", "198.51.100.7")
    for beat in range(8):
        said = [b"PING :irc.botnet.example\r\n", b"PONG\r\n"]
        visits.append(Visit(Talk(start + 20 * beat, (host, 1030 + beat), ("198.51.100.7", 6667), said=said)))
    visits += _browsing(dice, host, start + 200, 2)
    name = kept_name(f"20130820_c_win6_{number:05}_pcap.pcap")
    rules = ("ET POLICY IRC connection", "ET TROJAN malware check-in of a botnet")
    return Capture(name, visits, rules, malicious_traffic=True, analyzed_date="2018-11-02 10:15:09")


def _office(number: int) -> Capture:
    dice = random.Random(f"office {number}")
    host, start = f"192.168.{number}.{dice.randrange(20, 200)}", _moment(9, number + 1)
    visits = _browsing(dice, host, start, 8 + number)
    return Capture(kept_name(f"office-{number}-monday.pcap"), visits, analyzed_date="2019-02-11 17:03:40")


def _browsing(dice: random.Random, host: str, start: float, pages: int) -> list[Visit]:
    visits = []
    for page in range(pages):
        name, server = OFFICE[page % len(OFFICE)], f"192.0.2.{10 + page % len(OFFICE)}"
        visits += _looked_up(start + 40 * page, host, name, server)
        said = [client_hello(name), dice.randbytes(dice.randrange(900, 2500))]
        talk = Talk(start + 40 * page + 1, (host, 51000 + page), (server, 443), said=said)
        visits.append(Visit(talk, "ssl", name))
    return visits


def _looked_up(start: float, host: str, name: str, address: str) -> list[Visit]:
    number = int(start) % 65536
    said = [dns_query(number, name), dns_answer(number, name, address)]
    talk = Talk(start, (host, 40000 + number % 20000), (DNS_SERVER, 53), "udp", said)
    return [Visit(talk, "dns", name, address)]


def _download(start: float, host: str, name: str, server: str, *, uri: str, body: bytes) -> Visit:
    ask = f"GET {uri} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: Mozilla/4.0\r\n\r\n".encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/msword\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    talk = Talk(start, (host, 49152), (server, 80), said=[ask, head + body])
    return Visit(talk, "http", name, uri=uri, carried=body)


def _moment(month: int, day: int) -> float:
    return datetime(2018, month, day, 14, day, 11, 250_000, UTC).timestamp()
