"""Fetching: each file whole or not at all, none twice, nothing lost when it is stopped."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest

from ptml.bounds import OUTSIDE
from ptml.catalog import read_catalog, read_provenance
from ptml.engine import LocalEngine
from ptml.errors import BadData, DownloadError, MissingInput, SettingsError, WorkspaceBusy
from ptml.inventory import catalog
from ptml.manifest import published
from ptml.settings import AddSettings, FetchSettings
from ptml.sources.fetch import fetch
from ptml.sources.looking import info, plan, search
from ptml.sources.own import add
from ptml.sources.registry import Network, about, sources
from tests.builders import EMPTY_PCAP, conn_log, many_rows
from tests.webserver import Fault, WebServer, web_fixture
from tests.zips import zip_crypto

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ptml.stage import StageReport
    from ptml.workspace import Workspace

__all__ = ["web_fixture"]

KILLS, KILL_SEED = int(os.environ.get("PTML_KILLS", "4")), int(os.environ.get("PTML_KILL_SEED", "1"))
"""Read here, since no test sees the caller's settings; more kills: PTML_KILLS=20."""


def pcap(number: int, size: int = 1000) -> bytes:
    """Make a packet capture of one packet that differs from others."""
    data = random.Random(number).randbytes(size)
    head = (0).to_bytes(8, "little") + size.to_bytes(4, "little") * 2
    return EMPTY_PCAP + head + data


def manifest(web: WebServer, rows: Sequence[Mapping[str, object]]) -> str:
    """Serve a list, as JSON Lines, and give its URL."""
    return web.add("/list.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def serve(web: WebServer, count: int, size: int = 1000) -> str:
    """Serve captures and a list of them with their hashes; give its URL."""
    rows = []
    for number in range(count):
        data = pcap(number, size)
        url = web.add(f"/{number}.pcap", data)
        rows.append({"url": url, "sha256": hashlib.sha256(data).hexdigest(), "label": "benign"})
    return manifest(web, rows)


def run(workspace: Workspace, *ids: str, force: bool = False, **options: object) -> StageReport:
    """Fetch from lists, on loopback."""
    settings = FetchSettings(source="manifest", ids=ids, allow_private=True, **options)
    return fetch(workspace, settings, force=force)


def left_in_scratch(workspace: Workspace) -> list[str]:
    """List what lies in .tmp, but for empty folders."""
    return [path.name for path in workspace.scratch.rglob("*") if path.is_file()]


def test_a_listed_capture_comes_with_all_that_is_said_of_it(web: WebServer, workspace: Workspace) -> None:
    """File, label, family, hashes, licence and citation are where they belong."""
    data = pcap(1)
    row = {
        "url": web.add("/a b.pcap?x=1", data).replace(" ", "%20"),
        "name": "first",
        "label": "malicious",
        "family": "emotet",
        "sha256": hashlib.sha256(data).hexdigest(),
        "md5": hashlib.md5(data).hexdigest(),
        "size": len(data),
        "confidence": 0.8,
        "tags": ["b", "a"],
        "licence": "CC0",
        "citation": "somebody 2026",
        "notes": "n",
    }
    web.pages["/a%20b.pcap"] = web.pages.pop("/a b.pcap?x=1")
    report = run(workspace, manifest(web, [row]))
    [capture_id] = report.done
    [listed] = catalog(workspace)
    assert capture_id == "c" + hashlib.sha256(data).hexdigest()[:16]
    assert {
        name: listed[name] for name in ("name", "label", "family", "label_method", "source", "notes")
    } == {
        "name": "first",
        "label": "malicious",
        "family": "emotet",
        "label_method": "manifest",
        "source": "manifest",
        "notes": "n",
    }
    assert (listed["label_confidence"], listed["tags"], listed["size_bytes"]) == (0.8, ["a", "b"], len(data))
    assert (listed["sha256"], listed["md5"]) == (row["sha256"], row["md5"])
    [origin] = read_provenance(workspace).to_dicts()
    assert (origin["url"], origin["licence"], origin["citation"]) == (row["url"], "CC0", "somebody 2026")
    assert (workspace.raw("manifest", capture_id) / "first").read_bytes() == data
    assert (report.counts, left_in_scratch(workspace)) == ({"files": 1, "bytes": len(data)}, [])


def test_what_is_there_is_not_fetched_again(web: WebServer, workspace: Workspace) -> None:
    """A second run asks for the list only; --force fetches all again."""
    listed = serve(web, 5)
    first = run(workspace, listed)
    before = len(web.seen)
    again = run(workspace, listed)
    assert (len(first.done), again.done, again.unchanged) == (5, (), first.done)
    assert web.paths()[before:] == ["/list.jsonl"]
    assert len(run(workspace, listed, force=True).done) == 5
    assert len(web.seen) == before + 1 + 6


def test_what_is_gone_or_promised_otherwise_comes_again(web: WebServer, workspace: Workspace) -> None:
    """Where the raw file is gone, or the list now has another hash, what is there does not count."""
    listed = serve(web, 2)
    first = run(workspace, listed)
    [path] = workspace.raw("manifest", first.done[0]).iterdir()
    path.unlink()
    assert run(workspace, listed).done == (first.done[0],)
    data = pcap(7)
    web.add("/0.pcap", data)
    row = {"url": web.url + "/0.pcap", "sha256": hashlib.sha256(data).hexdigest()}
    assert len(run(workspace, manifest(web, [row])).done) == 1
    assert read_catalog(workspace).height == 3


def test_one_capture_of_two_sources_has_two_origins_and_keeps_its_label(
    web: WebServer, workspace: Workspace, tmp_path: Path
) -> None:
    """The same content is one capture; the second source's label is told and noted, not taken."""
    path = tmp_path / "own.pcap"
    path.write_bytes(pcap(0))
    add(workspace, AddSettings(paths=(path,), label="malicious", family="emotet"), engine=LocalEngine(1))
    report = run(workspace, serve(web, 1))
    [row] = catalog(workspace)
    assert (row["label"], row["family"], row["source"]) == ("malicious", "emotet", "manifest, own")
    told = "manifest says benign, the catalog keeps malicious (emotet)"
    assert list(report.notes) == [f"own.pcap: {told}"]
    assert row["notes"] == "manifest says benign"
    assert not (workspace.root / "raw" / "manifest").exists()
    for force in (False, True):
        assert run(workspace, web.url + "/list.jsonl", force=force).notes == report.notes
    assert not (workspace.root / "raw" / "manifest").exists()


def test_an_unknown_label_is_filled_in(web: WebServer, workspace: Workspace, tmp_path: Path) -> None:
    """Whoever knows a label first gives it."""
    path = tmp_path / "own.pcap"
    path.write_bytes(pcap(0))
    add(workspace, AddSettings(paths=(path,)), engine=LocalEngine(1))
    report = run(workspace, serve(web, 1))
    [row] = catalog(workspace)
    assert (row["label"], row["label_method"], report.notes) == ("benign", "manifest", {})


def test_a_source_may_change_its_own_mind(web: WebServer, workspace: Workspace) -> None:
    """The label of the source that alone brought a capture is renewed, and that is said."""
    listed = serve(web, 1)
    run(workspace, listed)
    report = run(workspace, listed, label="malicious", family="emotet")
    [row] = catalog(workspace)
    assert (row["label"], row["label_method"]) == ("malicious", "option")
    assert list(report.notes) == ["0.pcap: it was benign, and is now malicious (emotet)"]


def test_archives_give_each_capture_in_them(web: WebServer, workspace: Workspace) -> None:
    """PCAPs, also compressed and in a zip within, each folder of logs; what is left out is counted."""
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x.pcap", pcap(1))
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())
        archive.writestr("evil\n\x1b[31m.pcap", pcap(2))
        archive.writestr("../../evil.pcap", pcap(4))
        archive.writestr("c.pcap.gz", gzip.compress(pcap(3)))
        archive.writestr("zeek/a/conn.log", conn_log(many_rows(2)))
        archive.writestr("zeek/b/conn.log", conn_log(many_rows(3)))
        archive.writestr("zeek/b/dns.log", conn_log(many_rows(1)))
        archive.writestr("malware.exe", b"MZ")
    listed = manifest(web, [{"url": web.add("/day.zip", outer.getvalue()), "label": "malicious"}])
    report = run(workspace, listed)
    rows = read_catalog(workspace).sort("name")
    assert rows["name"].to_list() == ["c.pcap.gz", "evil [31m.pcap", "x.pcap", "zeek/a", "zeek/b"]
    assert set(rows["label"]) == {"malicious"}
    assert report.notes == {"files that are no captures were left out": 1, OUTSIDE: 1}
    files = sorted(
        path.relative_to(workspace.root / "raw" / "manifest").parts[1]
        for path in (workspace.root / "raw").rglob("*")
        if path.is_file()
    )
    assert files == ["c.pcap.gz", "conn.log", "conn.log", "dns.log", "evil_31m.pcap", "x.pcap"]


def test_an_encrypted_archive_opens_by_the_lists_password_or_the_users(
    web: WebServer, workspace: Workspace
) -> None:
    """With neither it is an error that says so."""
    url = web.add("/a.zip", zip_crypto({"a.pcap": pcap(1)}, "infected"))
    with pytest.raises(BadData, match=r"a\.pcap' is encrypted"):
        run(workspace, manifest(web, [{"url": url}]))
    assert len(run(workspace, web.url + "/list.jsonl", passwords=("infected",)).done) == 1
    report = run(workspace, manifest(web, [{"url": url, "password": "x infected"}]), force=True)
    assert len(report.done) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<!DOCTYPE html><title>log in</title>", "begins with '<!DOCTYPE html>"),
        (b"MZ\x90", "begins with 'MZ"),
        (b"", "what came is empty"),
        (b'{"error": true}', "begins with"),
    ],
)
def test_what_is_no_capture_is_refused_by_its_bytes(
    web: WebServer, workspace: Workspace, body: bytes, said: str
) -> None:
    """A page, a program or nothing at all under the name of a capture does not get in."""
    url = web.add("/a.pcap", body)
    with pytest.raises(BadData, match=said) as caught:
        run(workspace, manifest(web, [{"url": url}]))
    assert (caught.value.exit_code, read_catalog(workspace).height, left_in_scratch(workspace)) == (4, 0, [])


def test_what_fails_is_told_and_the_rest_comes(web: WebServer, workspace: Workspace) -> None:
    """A wrong checksum, a missing file and a page among good files: three failures, two captures."""
    good = [{"url": web.add(f"/{number}.pcap", pcap(number))} for number in range(2)]
    bad = [
        {"url": web.add("/wrong.pcap", pcap(8)), "sha256": "0" * 64},
        {"url": web.url + "/none.pcap"},
        {"url": web.add("/page.pcap", b"<html>")},
    ]
    report = run(workspace, manifest(web, [*good, *bad]))
    assert len(report.done) == 2
    reasons = {name.rpartition("/")[2]: why for name, why in report.failed.items()}
    assert sorted(reasons) == ["none.pcap", "page.pcap", "wrong.pcap"]
    assert "status 404" in reasons["none.pcap"]
    assert "sha256 0000" in reasons["wrong.pcap"]


def test_nothing_at_all_is_an_error_of_the_first_ones_kind(web: WebServer, workspace: Workspace) -> None:
    """Exit code 5 where nothing came, with how many others failed."""
    rows = [{"url": f"{web.url}/{number}.pcap"} for number in range(3)]
    with pytest.raises(DownloadError, match=r"status 404.*\(and 2 more failed\)") as caught:
        run(workspace, manifest(web, rows))
    assert caught.value.exit_code == 5


def test_private_addresses_are_refused_by_default(web: WebServer, workspace: Workspace) -> None:
    """Loopback, too: the list itself is not read."""
    settings = FetchSettings(source="manifest", ids=(serve(web, 1),))
    with pytest.raises(DownloadError, match="--allow-private permits it"):
        fetch(workspace, settings)
    assert web.seen == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,label\na,benign\n", "no column 'url'"),
        ("url,label\nftp://x/a,benign\n", "no http:// or https:// URL"),
        ("url\nfile:///etc/passwd\n", "no http:// or https:// URL"),
        ("url,label\nhttps://x/a,bening\n", "did you mean 'benign'"),
        ("url,sha256\nhttps://x/a,xyz\n", "64 hex digits were expected"),
        ("url,size\nhttps://x/a,-1\n", "no number of bytes"),
        ("url,confidence\nhttps://x/a,2\n", "no number from 0 to 1"),
        ("url,label\nhttps://x/a\n", "another number of values"),
        ("url\nhttps://x/a\nhttps://x/a\n", "listed twice"),
        ('{"url": "https://x/a"}\nnonsense\n', "line 2 is no JSON"),
        ('{"url": "https://x/a"}\n[1]\n', "a JSON object was expected"),
        ("<html>log in</html>", "no column 'url'"),
        ("", "no column 'url'"),
    ],
)
def test_nonsense_in_a_list_is_refused_with_its_line(
    workspace: Workspace, tmp_path: Path, text: str, said: str
) -> None:
    """Nothing of such a list is fetched."""
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(BadData, match=said):
        run(workspace, str(path))


def test_a_list_on_disk_and_relative_urls(web: WebServer, workspace: Workspace, tmp_path: Path) -> None:
    """A CSV with a byte order mark is read from disk; URLs in a list on the web may be relative to it."""
    web.add("/sub/a.pcap", pcap(1))
    path = tmp_path / "list.csv"
    path.write_bytes(f"\ufeffURL,label\r\n{web.url}/sub/a.pcap,Malicious\r\n".encode())
    assert len(run(workspace, str(path)).done) == 1
    web.add("/sub/list.csv", "url,label\na.pcap,malicious\n")
    assert len(run(workspace, web.url + "/sub/list.csv").unchanged) == 1


def test_dry_run_fetches_nothing(web: WebServer, workspace: Workspace) -> None:
    """The plan names files, sizes and what is there already; only the list is asked for."""
    listed = serve(web, 3)
    settings = FetchSettings(source="manifest", ids=(listed,), allow_private=True, limit=2)
    planned = plan(workspace, settings)
    assert ([item.name for item in planned.items], planned.known) == (["0.pcap", "1.pcap"], [])
    assert web.paths() == ["/list.jsonl"]
    fetch(workspace, settings)
    assert len(plan(workspace, settings).known) == 2


def test_the_same_url_twice_is_fetched_once(web: WebServer, workspace: Workspace) -> None:
    """Two names for one URL: the second is told."""
    url = web.add("/a.pcap", pcap(1))
    report = run(workspace, manifest(web, [{"id": "a", "url": url}, {"id": "b", "url": url}]))
    assert (len(report.done), report.failed) == (1, {"b": "it has the same URL as 'a', which is fetched"})


def test_same_content_in_two_files_is_one_capture(web: WebServer, workspace: Workspace) -> None:
    """Both files come, at the same time; one capture is listed, and that is said."""
    rows = [{"url": web.add(f"/{name}.pcap", pcap(1)), "label": "benign"} for name in "abcd"]
    report = run(workspace, manifest(web, rows), jobs=4)
    assert (len(report.done), read_catalog(workspace).height) == (1, 1)
    assert sum(report.notes.values()) == 3


def test_progress_ends_with_all_bytes_and_files(web: WebServer, workspace: Workspace) -> None:
    """The last that is told is that all files and bytes are there."""
    listed = serve(web, 6)
    told: list[tuple[int, int, int, int]] = []
    settings = FetchSettings(source="manifest", ids=(listed,), allow_private=True)
    fetch(workspace, settings, progress=lambda *state: told.append(state))
    size = 6 * len(pcap(0))
    assert told[-1] == (size, size, 6, 6)


def test_two_fetches_at_once_are_kept_apart(web: WebServer, workspace: Workspace) -> None:
    """The second is told that the workspace is busy; the first goes on."""
    listed = serve(web, 1)
    web.faults["/0.pcap"].append(Fault(hang=0.8))
    first = start(workspace, listed)
    try:
        while "/0.pcap" not in web.paths():
            time.sleep(0.02)
        with pytest.raises(WorkspaceBusy, match="is in use by"):
            run(workspace, listed)
    finally:
        first.communicate(timeout=30)
        assert first.returncode == 0
    assert read_catalog(workspace).height == 1


def test_page_in_cache_is_not_sent_again(web: WebServer, workspace: Workspace) -> None:
    """The list is asked for with its validator; where it has not changed, the kept one is taken."""
    listed = serve(web, 1)
    run(workspace, listed)
    run(workspace, listed)
    asked = [seen.headers for seen in web.seen if seen.path == "/list.jsonl"]
    assert "if-none-match" not in asked[0]
    assert asked[1]["if-none-match"] == web.pages["/list.jsonl"].etag
    assert list(workspace.pages.iterdir())


COMMAND = "import sys; sys.argv[0] = 'ptml'; from ptml.cli import main; main()"


def start(workspace: Workspace, listed: str, *, largest: int | None = None) -> subprocess.Popen[bytes]:
    """Start `ptml fetch` as a process of its own, which may write no file larger than some bytes."""
    where = ["--data", str(workspace.root), "--allow-private", "--limit", "500"]
    arguments = [sys.executable, "-c", COMMAND, "fetch", "manifest", listed, *where]
    if largest is not None:
        arguments = ["sh", "-c", f'ulimit -f {largest // 512}; exec "$@"', "sh", *arguments]
    return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def test_a_full_disk_ends_the_run(web: WebServer, workspace: Workspace) -> None:
    """Where files may not grow as large as a capture is, the run ends with exit code 9, and lists nothing."""
    process = start(workspace, serve(web, 3, size=200_000), largest=50_000)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 9
    assert b"nothing was published" in said
    assert read_catalog(workspace).height == 0


def test_killed_at_random_moments_it_ends_with_the_same_files(web: WebServer, workspace: Workspace) -> None:
    """Kill -9 a fetch of 200 files some times; the next run ends with 200 files whose hashes are right."""
    listed = serve(web, 200, size=20_000)
    expected = {hashlib.sha256(pcap(number, 20_000)).hexdigest() for number in range(200)}
    rng = random.Random(KILL_SEED)
    manifests = workspace.root / "manifests" / "raw"
    for number in range(KILLS):
        asked, there = len(web.seen), len(list(manifests.glob("c*.json")))
        more = rng.randint(2, max(240 // KILLS, 3))
        process = start(workspace, listed)
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            # By turns while files come, and while they are published.
            came = len(web.seen) - asked if number % 2 else len(list(manifests.glob("c*.json"))) - there
            if came >= more:
                break
            time.sleep(0.001)
        time.sleep(rng.random() * 0.02)
        process.kill()
        process.communicate()
    report = run(workspace, listed, limit=500)
    assert len(report.done) + len(report.unchanged) == 200
    found = [
        hashlib.sha256((workspace.root / file.path).read_bytes()).hexdigest()
        for one in published(workspace, "raw")
        for file in one.files
    ]
    assert (len(found), set(found)) == (200, expected)
    assert set(read_catalog(workspace)["sha256"]) == expected
    assert read_provenance(workspace).height == 200
    assert left_in_scratch(workspace) == []


def test_ctrl_c_leaves_the_workspace_sound(web: WebServer, workspace: Workspace) -> None:
    """Interrupted, it ends soon with exit code 130; what had come is listed, and is not fetched again."""
    listed = serve(web, 40)
    for number in range(20, 40):
        web.faults[f"/{number}.pcap"].append(Fault(hang=20))
    process = start(workspace, listed)
    deadline = time.monotonic() + 30
    while len(web.seen) < 24 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    interrupted = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, time.monotonic() - interrupted < 10) == (130, True)
    assert b"run the same command again" in said
    assert read_catalog(workspace).height >= 16
    for number in range(20, 40):
        web.faults[f"/{number}.pcap"].clear()
    report = run(workspace, listed)
    assert (len(report.done) + len(report.unchanged), len(report.unchanged) >= 16) == (40, True)


def test_a_file_that_was_cut_by_a_kill_is_gone_on_with(web: WebServer, workspace: Workspace) -> None:
    """The next run asks for the rest only."""
    data = pcap(1, 3_000_000)
    listed = manifest(web, [{"url": web.add("/a.pcap", data), "sha256": hashlib.sha256(data).hexdigest()}])
    web.faults["/a.pcap"].append(Fault(drip=0.05))
    process = start(workspace, listed)
    while not any(path.stat().st_size > 1 << 20 for path in workspace.partial.glob("*.part")):
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert len(run(workspace, listed).done) == 1
    assert int(web.seen[-1].headers["range"].removeprefix("bytes=").rstrip("-")) >= 1 << 20


def test_no_file_or_member_is_held_in_memory(web: WebServer, workspace: Workspace) -> None:
    """A capture of 64 MB, alone and in a zip in a zip, takes less than 16 MB of memory on its whole way."""
    big = pcap(1) + bytes(64 << 20)
    inner, outer = io.BytesIO(), io.BytesIO()
    for file, name, data in ((inner, "b.pcap", big + b"1"), (outer, "inner.zip", inner.getvalue)):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(name, data if isinstance(data, bytes) else data())
    rows = [{"url": web.add("/a.pcap", big)}, {"url": web.add("/outer.zip", outer.getvalue())}]
    run(workspace, serve(web, 1))  # what is imported and set up once does not count
    listed = manifest(web, rows)
    tracemalloc.start()
    report = run(workspace, listed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(report.done) == 2
    assert peak < 16 << 20


def test_unknown_sources_are_named_with_the_nearest() -> None:
    """A typo in a source's name is a usage error."""
    with pytest.raises(SettingsError, match="did you mean 'manifest' for 'manifst'"):
        search("manifst", "x")


def test_each_source_tells_about_itself() -> None:
    """Name, offers, needs, terms and citation of every source are there."""
    for one in sources():
        assert about(one.name) is one
        assert all([one.title, one.offers, one.ids, one.needs, one.terms, one.citation])


def test_a_list_is_counted_and_not_searched(web: WebServer) -> None:
    """`info` counts a list by label; a search of it is refused with what to do instead."""
    network = Network(allow_private=True)
    facts = info("manifest", serve(web, 3), network=network)
    assert (facts["files"], facts["benign"], facts["malicious"]) == (3, 3, 0)
    with pytest.raises(SettingsError, match="--dry-run shows"):
        search("manifest", "x", network=network)


def test_a_list_that_is_not_there_is_missing_input(workspace: Workspace) -> None:
    """A path that does not exist, with exit code 3."""
    with pytest.raises(MissingInput, match="cannot be read"):
        run(workspace, "no-such-list.csv")
    assert threading.active_count() < 20
