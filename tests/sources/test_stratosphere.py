"""Stratosphere's captures and IoT-23, as their folders are listed, from a server on loopback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ptml.engine import LocalEngine
from ptml.errors import BadData, DownloadError
from ptml.features.stage import features
from ptml.inventory import catalog
from ptml.labels import label_connections
from ptml.manifest import read_manifest
from ptml.parse.stage import parse
from ptml.settings import FetchSettings
from ptml.sources.fetch import fetch
from ptml.sources.looking import info, plan, search
from ptml.sources.registry import Network
from tests.builders import PCAP
from tests.webserver import WebServer, web_fixture

if TYPE_CHECKING:
    from ptml.workspace import Workspace

__all__ = ["web_fixture"]

LOOPBACK = Network(allow_private=True)
IOT = "IoT-23-Dataset/IndividualScenarios/CTU-IoT-Malware-Capture-34-1"
FIELDS = [
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "local_orig",
    "local_resp",
    "missed_bytes",
    "history",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
]
TYPES = [
    "time",
    "string",
    "addr",
    "port",
    "addr",
    "port",
    "enum",
    "string",
    "interval",
    "count",
    "count",
    "string",
    "bool",
    "bool",
    "count",
    "string",
    "count",
    "count",
    "count",
    "count",
]
INDEX = [
    {"Capture_Name": "CTU-Malware-Capture-Botnet-42", "Malware": "Neris", "Infection_Date": "2011-08-10"},
    {"Capture_Name": "CTU-Malware-Capture-Botnet-43", "Malware": "Zbot", "Infection_Date": "2011-08-11"},
]


def iot_log() -> str:
    """Make a conn.log as IoT-23 has it: 21 fields, the last of three parts split by spaces."""
    head = [
        "#separator \\x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        "#path\tconn",
    ]
    head += ["\t".join(["#fields", *FIELDS, "tunnel_parents   label   detailed-label"])]
    head += ["\t".join(["#types", *TYPES, "set[string]   string   string"])]
    tails = [
        "-   Benign   -",
        "-   Malicious   PartOfAHorizontalPortScan",
        "(empty)   benign   -",
        "-   Odd   -",
    ]
    for number, tail in enumerate(tails):
        values = [f"15454{number:05}.5", f"C{number}", "192.168.1.1", "40000", "203.0.113.9", "23", "tcp"]
        values += ["-", "1.0", "0", "0", "S0", "-", "-", "0", "S", "1", "60", "0", "0", tail]
        head.append("\t".join(values))
    return "\n".join([*head, "#close\t2019-01-01-00-00-00"]) + "\n"


@pytest.fixture(name="site")
def site_fixture(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """Serve a folder of malware with its zip, a normal one, an IoT scenario and the index."""
    monkeypatch.setenv("PTML_STRATOSPHERE_URL", web.url + "/publicDatasets")

    def listing(path: str, *names: str) -> None:
        links = "".join(f'<a href="{name}">{name}</a>' for name in ("?C=N", "/publicDatasets/", *names))
        web.add(f"/publicDatasets/{path}/", links, kind="text/html")

    listing("CTU-Malware-Capture-Botnet-42", "README.md", "botnet.pcap", "Neris.exe.zip", "bro/")
    listing("CTU-Normal-12", "normal.pcap.gz", "bro/")
    listing(IOT, "README.md", "bro/")
    listing(f"{IOT}/bro", "conn.log.labeled")
    listing("CTU-Mixed-Capture-1", "README.md")
    web.add("/publicDatasets/CTU-Malware-Capture-Botnet-42/botnet.pcap", PCAP)
    web.add(f"/publicDatasets/{IOT}/bro/conn.log.labeled", iot_log())
    web.add("/publicDatasets/datasets.json", json.dumps(INDEX), kind="application/json")
    return web


def settings(*ids: str, query: str | None = None) -> FetchSettings:
    """Make settings for loopback."""
    return FetchSettings(source="stratosphere", ids=ids, query=query, allow_private=True)


def test_a_search_finds_by_malware_and_its_pcaps_come_never_its_malware(
    site: WebServer, workspace: Workspace
) -> None:
    """The family is the index's, the label the folder's; the zip with the malware is not asked for."""
    assert [hit.id for hit in search("stratosphere", "neris", network=LOOPBACK)] == [
        "CTU-Malware-Capture-Botnet-42"
    ]
    fetch(workspace, settings(query="neris"))
    [row] = catalog(workspace)
    assert (row["label"], row["family"], row["label_level"]) == ("malicious", "neris", "capture")
    assert row["name"] == "CTU-Malware-Capture-Botnet-42/botnet.pcap"
    assert [path for path in site.paths() if path.endswith(".zip")] == []


@pytest.mark.usefixtures("site")
def test_iot_23_brings_the_label_of_each_connection(workspace: Workspace) -> None:
    """Its log parses whole, and each connection is labelled as the log says, whatever the spelling."""
    fetch(workspace, settings(IOT))
    [row] = catalog(workspace)
    assert (row["label"], row["label_level"]) == ("mixed", "connection")
    assert parse(workspace, engine=LocalEngine(1)).rows_out == 4
    features(workspace, engine=LocalEngine(1))
    label_connections(workspace, engine=LocalEngine(1))
    manifest = read_manifest(workspace, "labels", row["capture_id"])
    assert manifest is not None
    table = manifest.scan(workspace, "labels").sort("uid").collect()
    assert table.select("uid", "label", "family").rows() == [
        ("C0", "benign", None),
        ("C1", "malicious", "PartOfAHorizontalPortScan"),
        ("C2", "benign", None),
        ("C3", None, None),
    ]


@pytest.mark.usefixtures("site")
def test_folders_are_labelled_by_what_they_are(workspace: Workspace) -> None:
    """A normal host's capture is benign and has no family; info lists a folder."""
    [item] = plan(workspace, settings("CTU-Normal-12")).items
    assert (item.label, item.family) == ("benign", None)
    assert info("stratosphere", "CTU-Normal-12", network=LOOPBACK)["files"] == ["normal.pcap.gz", "bro/"]
    with pytest.raises(BadData, match=r"neither a packet capture nor conn\.log\.labeled"):
        fetch(workspace, settings("CTU-Mixed-Capture-1"))


def test_an_index_of_another_form_is_saved_and_named(site: WebServer, workspace: Workspace) -> None:
    """The error names what was looked for; without any index a folder can still be fetched."""
    site.add("/publicDatasets/datasets.json", json.dumps({"captures": []}))
    with pytest.raises(DownloadError, match="layout has changed: a list of captures"):
        search("stratosphere", "neris", network=LOOPBACK, workspace=workspace)
    assert list(workspace.pages.glob("unexpected-*"))
    del site.pages["/publicDatasets/datasets.json"]
    fetch(workspace, settings("CTU-Malware-Capture-Botnet-42"))
    assert catalog(workspace)[0]["family"] is None
