"""Index pages: not sent again while they stay the same, and saved when they are not what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ptml.errors import DownloadError
from ptml.sources.http import Client
from ptml.sources.pages import Pages
from tests.webserver import Fault, WebServer, web_fixture

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["web_fixture"]


def test_a_page_that_has_not_changed_is_the_kept_one(web: WebServer, tmp_path: Path) -> None:
    """The second time its validators are sent; a changed page replaces the kept one."""
    url = web.add("/index.html", "one", kind="text/html")
    with Client(allow_private=True) as http:
        pages = Pages(http, tmp_path / "pages")
        assert [pages.get(url).text() for _ in range(2)] == ["one", "one"]
        web.add("/index.html", "two", kind="text/html")
        assert [pages.get(url).text() for _ in range(2)] == ["two", "two"]
    asked = [seen.headers.get("if-none-match") is not None for seen in web.seen]
    assert asked == [False, True, True, True]
    assert web.seen[1].headers["if-modified-since"] == "Tue, 24 Nov 2026 00:00:00 GMT"


def test_a_page_without_validators_or_in_a_damaged_cache_is_asked_for(web: WebServer, tmp_path: Path) -> None:
    """Nothing tells whether it has changed; what is damaged counts as nothing."""
    url = web.add("/index.html", "one", validators=False)
    with Client(allow_private=True) as http:
        pages = Pages(http, tmp_path)
        pages.get(url)
        assert list(tmp_path.iterdir()) == []
        web.add("/index.html", "one")
        pages.get(url)
        [kept] = tmp_path.iterdir()
        kept.write_bytes(b"no page")
        assert pages.get(url).text() == "one"


def test_a_page_that_is_gone_is_an_error_though_it_was_kept(web: WebServer, tmp_path: Path) -> None:
    """What a host no longer has is not served from the cache."""
    url = web.add("/index.html", "one")
    with Client(allow_private=True) as http:
        pages = Pages(http, tmp_path)
        pages.get(url)
        web.faults["/index.html"].append(Fault(404))
        with pytest.raises(DownloadError, match="status 404"):
            pages.get(url)


def test_a_page_is_saved_for_people(web: WebServer, tmp_path: Path) -> None:
    """In the workspace if there is one, else where the system keeps what is temporary."""
    url = web.add("/index.html", "<p>new</p>", kind="text/html")
    with Client(allow_private=True) as http:
        answer = http.get(url)
        saved = Pages(http, tmp_path).save(answer), Pages(http).save(answer)
    assert [path.read_text() for path in saved] == ["<p>new</p>"] * 2
    assert (saved[0].parent, {path.suffix for path in saved}) == (tmp_path, {".html"})
    saved[1].unlink()
