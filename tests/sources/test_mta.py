"""malware-traffic-analysis.net, as its pages are laid out, from a server on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ptml.catalog import read_provenance
from ptml.errors import BadData, DownloadError, SettingsError
from ptml.inventory import catalog
from ptml.settings import FetchSettings
from ptml.sources.fetch import fetch
from ptml.sources.looking import info, search
from ptml.sources.registry import Network
from tests.builders import EMPTY_PCAP, PCAP
from tests.webserver import WebServer, web_fixture
from tests.zips import aes_zip, zip_crypto

if TYPE_CHECKING:
    from ptml.workspace import Workspace

__all__ = ["web_fixture"]

LOOPBACK = Network(allow_private=True)
TITLE = "2021-12-01 - Emotet epoch 4 infection with Cobalt Strike"
YEAR = """<html><head><title>2021</title></head><body><ul>
<li>2021-12-01 -- <a href="12/01/index.html">Emotet epoch 4 infection with Cobalt Strike</a></li>
<li>2021-12-01 -- <a href="12/01/index2.html">Qakbot (Qbot) infection</a></li>
<li><a href="../index.html">back</a></li></ul></body></html>"""
POST = f"""<html><head><title>Malware-Traffic-Analysis.net - {TITLE}</title></head><body>
<p>Zips are password-protected.</p>
<a href="2021-12-01-IOCs.txt.zip">2021-12-01-IOCs.txt.zip</a> (2 kB)<br>
<a href="2021-12-01-Emotet-epoch4.pcap.zip">2021-12-01-Emotet-epoch4.pcap.zip</a> 1.2 MB
<a href="2021-12-01-malware.zip">2021-12-01-malware.zip</a>
<a href="https://elsewhere.example/x.pcap.zip">copy</a></body></html>"""
FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>Blog</title><link>{0}/</link>
<item><title>2026-09-11: Lumma Stealer</title><link>{0}/2026/09/11/index.html</link></item>
<item><title>2026-09-01: Xworm</title><link>{0}/2026/09/01/index.html</link></item></channel></rss>"""


@pytest.fixture(name="site")
def site_fixture(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """Serve a year, two posts with zips of either encryption, and the feed."""
    monkeypatch.setenv("PTML_MTA_URL", web.url)
    web.add("/2021/index.html", YEAR, kind="text/html")
    web.add("/2021/12/01/index.html", POST, kind="text/html")
    web.add("/2021/12/01/index2.html", POST.replace("Emotet", "Qakbot"), kind="text/html")
    old = zip_crypto({"2021-12-01-Emotet-epoch4.pcap": PCAP}, "infected_20211201")
    web.add("/2021/12/01/2021-12-01-Emotet-epoch4.pcap.zip", old)
    new = aes_zip({"q.pcap": EMPTY_PCAP}, "infected_20211201")
    web.add("/2021/12/01/2021-12-01-Qakbot-epoch4.pcap.zip", new)
    web.add("/blog-entries.rss", FEED.format(web.url), kind="application/rss+xml")
    return web


def settings(*ids: str, query: str | None = None) -> FetchSettings:
    """Make settings for loopback."""
    return FetchSettings(source="mta", ids=ids, query=query, allow_private=True)


def test_a_search_leads_to_the_pcap_in_the_zip(site: WebServer, workspace: Workspace) -> None:
    """The zip opens by the date's password; the family is the title's, and the row says so."""
    fetch(workspace, settings(query="emotet 2021"))
    [row] = catalog(workspace)
    assert {name: row[name] for name in ("name", "label", "label_method", "family")} == {
        "name": "2021-12-01-Emotet-epoch4.pcap",
        "label": "malicious",
        "label_method": "title",
        "family": "emotet",
    }
    assert row["notes"] == f"title: {TITLE}; families: emotet, cobalt_strike"
    [origin] = read_provenance(workspace).to_dicts()
    assert origin["source_id"] == "2021/12/01/index.html#2021-12-01-Emotet-epoch4.pcap.zip"
    assert "redistribution is not granted" in origin["licence"]
    asked = site.paths()
    assert [path for path in asked if path.endswith(".zip")] == [
        "/2021/12/01/2021-12-01-Emotet-epoch4.pcap.zip"
    ]


@pytest.mark.usefixtures("site")
def test_a_second_post_of_the_day_and_aes(workspace: Workspace) -> None:
    """index2.html is a post of its own; a zip encrypted with AES opens as well."""
    fetch(workspace, settings("2021/12/01/index2.html"))
    assert [row["family"] for row in catalog(workspace)] == ["qakbot"]


@pytest.mark.usefixtures("site")
def test_without_a_year_the_feed_is_searched() -> None:
    """The latest posts, by words of their titles; with a year, those of the year."""
    assert [(hit.id, hit.facts["family"]) for hit in search("mta", "stealer", network=LOOPBACK)] == [
        ("2026/09/11/index.html", "lumma")
    ]
    assert [hit.id for hit in search("mta", "2021 infection", network=LOOPBACK)] == [
        "2021/12/01/index.html",
        "2021/12/01/index2.html",
    ]


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("identity", ["2021/12/01", "2021-12-01", "2021/12/01/index.html", "/2021/12/01/"])
def test_info_of_a_post_by_any_spelling_of_its_date(identity: str) -> None:
    """Title, families and the names of its captures; files on other hosts are not its own."""
    facts = info("mta", identity, network=LOOPBACK)
    assert (facts["title"], facts["families"]) == (TITLE, ["emotet", "cobalt_strike"])
    assert facts["captures"] == ["2021-12-01-Emotet-epoch4.pcap.zip"]


@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        ("/2021/index.html", "emotet 2021", "links to posts"),
        ("/blog-entries.rss", "emotet", "items, each with"),
    ],
)
def test_an_index_of_another_layout_is_saved_and_named(
    site: WebServer, workspace: Workspace, path: str, query: str, said: str
) -> None:
    """The error names what was looked for; the page lies in the workspace."""
    site.add(path, "<html><p>We have a new design!</p></html>", kind="text/html")
    with pytest.raises(DownloadError, match=f"layout has changed: {said}"):
        search("mta", query, network=LOOPBACK, workspace=workspace)
    [saved] = workspace.pages.glob("unexpected-*.html")
    assert "new design" in saved.read_text()


def test_wrong_passwords_and_posts_without_captures_are_said(site: WebServer, workspace: Workspace) -> None:
    """A zip with a password of its own; a post with no PCAP; what is no date."""
    other = zip_crypto({"a.pcap": PCAP}, "another")
    site.add("/2021/12/01/2021-12-01-Emotet-epoch4.pcap.zip", other)
    with pytest.raises(BadData, match="none of the 2 passwords"):
        fetch(workspace, settings("2021/12/01"))
    site.add("/2021/12/01/index.html", "<title>News</title><p>none</p>", kind="text/html")
    with pytest.raises(BadData, match="links to no PCAP"):
        fetch(workspace, settings("2021/12/01"))
    with pytest.raises(SettingsError, match="YYYY/MM/DD was expected"):
        info("mta", "https://evil.example/2021/12/01/", network=LOOPBACK)
