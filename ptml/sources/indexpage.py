"""Pages that list links: the folders of a web server, the posts of a year, a feed."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

if TYPE_CHECKING:
    from ptml.sources.asks import Answer


@dataclass(frozen=True, slots=True)
class Link:
    """A link: where it leads, in full, and its words."""

    url: str
    text: str


class _Reader(HTMLParser):
    """Collects links, and the text of each element by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[tuple[str, str | None, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append((tag, dict(attrs).get("href"), []))

    def handle_data(self, data: str) -> None:
        for _, _, words in self.open[-4:]:
            words.append(data)

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            name, href, words = self.open.pop()
            text = " ".join("".join(words).split())
            self.texts.append((name, text))
            if href is not None:
                self.links.append((href, text))
            if name == tag:
                return


def read_links(answer: Answer) -> list[Link]:
    """Give the links of a page, in order.

    >>> from ptml.sources.asks import Answer
    >>> page = b'<a href="b/">B &amp; C</a> <a href="?C=N">Name</a>'
    >>> read_links(Answer("https://example.org/a/", 200, {}, page))[0]
    Link(url='https://example.org/a/b/', text='B & C')
    """
    reader = _Reader()
    reader.feed(answer.text())
    reader.close()
    return [Link(urljoin(answer.url, href), text) for href, text in reader.links]


def read_texts(answer: Answer, tag: str) -> list[str]:
    """Give the text of each element of a name, in the order in which they end.

    >>> from ptml.sources.asks import Answer
    >>> feed = Answer("", 200, {}, b"<item><title>A</title><link>https://a.example/</link></item>")
    >>> read_texts(feed, "title"), read_texts(feed, "link")
    (['A'], ['https://a.example/'])
    """
    reader = _Reader()
    reader.feed(answer.text())
    reader.close()
    return [text for name, text in reader.texts if name == tag]


def entries(answer: Answer) -> list[str]:
    """Give the names of what lies in a folder that a web server lists, folders with a slash at their end.

    >>> from ptml.sources.asks import Answer
    >>> page = b'<a href="../">up</a><a href="?C=M">date</a><a href="Lateral%20Movement/">L</a>'
    >>> entries(Answer("https://example.org/a/", 200, {}, page))
    ['Lateral Movement/']
    """
    base = answer.url.partition("?")[0]
    base = base if base.endswith("/") else base.rpartition("/")[0] + "/"
    found = []
    for link in read_links(answer):
        rest = link.url.removeprefix(base)
        if rest == link.url or not rest or urlsplit(link.url).query or urlsplit(link.url).fragment:
            continue
        name = unquote(rest)
        if "/" not in name.rstrip("/") and name not in found and name.strip("/.") != "":
            found.append(name)
    return found
