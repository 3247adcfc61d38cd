"""malware-traffic-analysis.net: posts by date, with PCAPs of infections in zips that the date opens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from ptml.errors import BadData, SettingsError
from ptml.families import families_in
from ptml.sources.delivery import deliver
from ptml.sources.indexpage import Link, read_links, read_texts
from ptml.sources.opening import shown_name
from ptml.sources.protocol import About, Hit, Item, layout_changed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.sources.asks import Answer
    from ptml.sources.protocol import Access, Delivery, Room

POST = re.compile(r"(?:.*/)?(\d{4})/(\d{2})/(\d{2})/(?:(index\d*)\.html)?")
CAPTURE = re.compile(r"\.pcap(ng)?(\.zip)?$", re.IGNORECASE)
YEAR = re.compile(r"20\d{2}")
FEED = "blog-entries.rss"
FIRST_YEAR = 2013


class MalwareTrafficAnalysis:
    """Posts of malware-traffic-analysis.net."""

    about = About(
        name="mta",
        title="malware-traffic-analysis.net",
        offers="PCAPs of Windows hosts as they are infected; the family stands in the title",
        ids="an id is a post's date or path, such as 2026/09/11 or 2026/09/11/index2.html; a query is words "
        "of titles, with a year, else among the latest posts",
        terms="redistribution is not granted: share ids, not files",
        citation="Brad Duncan, malware-traffic-analysis.net, with the post's address",
        url="https://www.malware-traffic-analysis.net",
        pace=1.0,
        jobs=1,
    )

    def __init__(self, access: Access) -> None:
        self.access = access

    def search(self, query: str, limit: int) -> Iterator[Hit]:
        """Find posts by words of their titles: of the years that the query names, else of the feed."""
        words = query.lower().split()
        years = [word for word in words if YEAR.fullmatch(word)]
        wanted = [word for word in words if word not in years]
        found = 0
        for link in [one for year in years for one in self._of_year(year)] if years else self._of_feed():
            identity = _post(link.url)
            if identity is None or not all(word in link.text.lower() for word in wanted):
                continue
            if found == limit:
                return
            found += 1
            family = ", ".join(families_in(link.text)) or None
            yield Hit(id=identity, name=shown_name(link.text), facts={"family": family})

    def info(self, identity: str) -> dict[str, Any]:
        """Tell a post's title, the families in it, and its files."""
        answer, title = self._page(_identity(identity))
        files = [unquote(urlsplit(link.url).path.rpartition("/")[2]) for link in self._captures(answer)]
        return {"title": title, "families": families_in(title), "url": answer.url, "captures": files}

    def items(self, identity: str) -> Iterator[Item]:
        """Give the captures of a post.

        Raises:
            BadData: It has none.
        """
        post = _identity(identity)
        answer, title = self._page(post)
        captures = self._captures(answer)
        if not captures:
            raise BadData(f"the post {answer.url} ({title!r}) links to no PCAP", hint="ptml info mta POST")
        day = "".join(post.split("/")[:3])
        families = families_in(title)
        for link in captures:
            name = unquote(urlsplit(link.url).path.rpartition("/")[2])
            yield Item(
                id=f"{post}#{name}",
                name=shown_name(name.removesuffix(".zip")),
                url=link.url,
                label="malicious",
                method="title",
                family=next(iter(families_in(name) or families), None),
                licence=self.about.terms,
                citation=f"{self.about.citation}: {answer.url}",
                notes=f"title: {title}" + (f"; families: {', '.join(families)}" if len(families) > 1 else ""),
                passwords=(f"infected_{day}", "infected"),
            )

    def fetch(self, item: Item, room: Room) -> Delivery:
        """Fetch a zip and open it by the date's password."""
        return deliver(self.access.client, item, room)

    def _of_year(self, year: str) -> list[Link]:
        answer = self.access.pages.get(f"{self.access.url}/{year}/index.html")
        links = [link for link in read_links(answer) if link.text and _post(link.url)]
        if not links:
            raise layout_changed(self.access, answer, f"links to posts, such as {year}/01/31/index.html")
        return links

    def _of_feed(self) -> list[Link]:
        answer = self.access.pages.get(f"{self.access.url}/{FEED}")
        titles, urls = read_texts(answer, "title"), read_texts(answer, "link")
        if not titles or len(titles) != len(urls) or not any(_post(url) for url in urls):
            raise layout_changed(self.access, answer, "items, each with a title and a link to a post")
        return [Link(url, title) for url, title in zip(urls, titles, strict=True)]

    def _page(self, post: str) -> tuple[Answer, str]:
        answer = self.access.pages.get(f"{self.access.url}/{post}")
        titles = [text for text in read_texts(answer, "title") if text]
        if not titles:
            raise layout_changed(self.access, answer, "a post's <title>")
        return answer, shown_name(titles[0].removeprefix("Malware-Traffic-Analysis.net").lstrip(" -"))

    def _captures(self, answer: Answer) -> list[Link]:
        """List the captures that a post links to, on the same host."""
        host = urlsplit(answer.url).netloc
        links = {link.url: link for link in read_links(answer) if CAPTURE.search(urlsplit(link.url).path)}
        return [link for url, link in links.items() if urlsplit(url).netloc == host]


def _post(url: str) -> str | None:
    """Give the path of the post that a URL leads to; None if it leads elsewhere.

    >>> _post("https://www.malware-traffic-analysis.net/2026/09/11/"), _post("/about.html")
    ('2026/09/11/index.html', None)
    """
    found = POST.fullmatch(urlsplit(url).path)
    return f"{found[1]}/{found[2]}/{found[3]}/{found[4] or 'index'}.html" if found else None


def _identity(identity: str) -> str:
    text = identity.strip().strip("/").partition("#")[0]
    post = _post(f"/{text}" if text.endswith(".html") else f"/{text.replace('-', '/')}/")
    if post is None or "://" in identity or int(post[:4]) < FIRST_YEAR:
        raise SettingsError(
            f"{identity!r} is no post: YYYY/MM/DD was expected",
            hint="ptml search mta 'emotet 2021' finds some",
        )
    return post
