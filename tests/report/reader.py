"""A page as a browser would take it apart."""

from __future__ import annotations

from html.parser import HTMLParser

LOADING = {"img", "link", "iframe", "object", "embed", "form", "base", "video", "audio", "source"}
"""Elements that fetch or send something; the page has one script of its own."""


class Reader(HTMLParser):
    """Collects what a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts += 1

    def handle_data(self, data: str) -> None:
        """Note what is text; a script's is not."""
        if self.cdata_elem != "script":
            self.text.append(data)
