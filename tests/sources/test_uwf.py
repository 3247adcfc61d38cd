"""UWF-ZeekData, as its folders are listed, from a server on loopback."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from urllib.parse import quote

import polars as pl
import pytest

from ptml.catalog import read_provenance
from ptml.engine import LocalEngine
from ptml.errors import BadData, DownloadError, SettingsError
from ptml.inventory import catalog
from ptml.parse.stage import parse
from ptml.settings import FetchSettings
from ptml.sources.fetch import fetch
from ptml.sources.looking import info, plan, search
from ptml.sources.registry import Network
from tests.webserver import WebServer, web_fixture

if TYPE_CHECKING:
    from ptml.workspace import Workspace

__all__ = ["web_fixture"]

LOOPBACK = Network(allow_private=True)
INDEX = (
    '<html><title>Index of</title><a href="?C=N;O=D">Name</a><a href="/data/">Parent Directory</a>{}</html>'
)


def listing(web: WebServer, path: str, *names: str) -> None:
    """Serve a folder as Apache lists it."""
    links = "".join(f'<a href="{quote(name)}">{name}</a>\n' for name in names)
    web.add(f"/data/{quote(path)}", INDEX.format(links), kind="text/html")


def table(tactic: str) -> bytes:
    """Make a Parquet table as UWF names its columns."""
    out = io.BytesIO()
    pl.DataFrame(
        {
            "uid": ["C1"],
            "ts": [1764000000.5],
            "src_ip_zeek": ["10.0.0.5"],
            "src_port_zeek": [50000],
            "dest_ip_zeek": ["203.0.113.9"],
            "dest_port_zeek": [443],
            "proto": ["tcp"],
            "label_tactic": [tactic],
        }
    ).write_parquet(out)
    return out.getvalue()


@pytest.fixture(name="uwf")
def uwf_fixture(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """Serve a data set by tactic in both forms, and one by week."""
    monkeypatch.setenv("PTML_UWF_URL", web.url + "/data")
    listing(web, "", "UWF-ZeekData22/", "UWF-ZeekData24/", "readme.txt")
    listing(web, "UWF-ZeekData24/", "csv/", "parquet/")
    listing(web, "UWF-ZeekData24/csv/", "Discovery/")
    listing(web, "UWF-ZeekData24/csv/Discovery/", "part-0.csv")
    listing(web, "UWF-ZeekData24/parquet/", "Credential Access/", "none/")
    listing(web, "UWF-ZeekData24/parquet/Credential Access/", "part-0.snappy.parquet", "_SUCCESS")
    listing(web, "UWF-ZeekData24/parquet/none/", "part-1.snappy.parquet")
    listing(web, "UWF-ZeekData22/", "parquet/")
    listing(web, "UWF-ZeekData22/parquet/", "2021-12-12 - 2021-12-19/")
    web.add(
        "/data/UWF-ZeekData24/parquet/Credential%20Access/part-0.snappy.parquet", table("Credential Access")
    )
    web.add("/data/UWF-ZeekData24/parquet/none/part-1.snappy.parquet", table("none"))
    return web


def settings(*ids: str) -> FetchSettings:
    """Make settings for loopback."""
    return FetchSettings(source="uwf", ids=ids, allow_private=True)


@pytest.mark.usefixtures("uwf")
def test_a_data_set_comes_by_tactic_with_labels_and_terms(workspace: Workspace) -> None:
    """The Parquet files of each tactic, labelled by their folder; they parse as conn logs."""
    fetch(workspace, settings("UWF-ZeekData24"))
    rows = catalog(workspace)
    assert [(row["label"], row["family"], row["name"]) for row in rows] == [
        ("benign", None, "part-1.snappy.parquet"),
        ("malicious", "Credential Access", "part-0.snappy.parquet"),
    ]
    assert set(read_provenance(workspace)["licence"]) == {"CC BY 4.0"}
    report = parse(workspace, engine=LocalEngine(1))
    assert (report.failed, report.rows_out) == ({}, 2)


@pytest.mark.usefixtures("uwf")
def test_search_and_info_list_folders(workspace: Workspace) -> None:
    """A query finds tactics and weeks by their path; info lists files."""
    assert [hit.id for hit in search("uwf", "credential", network=LOOPBACK)] == [
        "UWF-ZeekData24/parquet/Credential Access"
    ]
    weeks = search("uwf", "2021", network=LOOPBACK, workspace=workspace)
    assert [(hit.id, hit.facts["label"]) for hit in weeks] == [
        ("UWF-ZeekData22/parquet/2021-12-12 - 2021-12-19", "mixed")
    ]
    facts = info("uwf", "UWF-ZeekData24/parquet/none", network=LOOPBACK)
    assert (facts["files"], facts["label"]) == (["part-1.snappy.parquet"], "benign")


def test_a_page_of_another_layout_is_saved_and_named(uwf: WebServer, workspace: Workspace) -> None:
    """A folder that lists nothing: the error says what was looked for, and where the page lies."""
    uwf.add("/data/UWF-ZeekData24/", "<html>we have moved</html>", kind="text/html")
    with pytest.raises(DownloadError, match="layout has changed: a list of links") as caught:
        fetch(workspace, settings("UWF-ZeekData24"))
    [saved] = workspace.pages.glob("unexpected-*.html")
    assert saved.read_text() == "<html>we have moved</html>"
    assert str(saved) in str(caught.value)


@pytest.mark.usefixtures("uwf")
def test_what_is_no_folder_is_refused(workspace: Workspace) -> None:
    """An id that leads elsewhere, and a folder without tables."""
    failed = plan(workspace, settings("../../etc")).failed["../../etc"]
    assert isinstance(failed, SettingsError)
    with pytest.raises((BadData, DownloadError), match=r"status 404|no Parquet or CSV"):
        fetch(workspace, settings("UWF-ZeekData22"))
