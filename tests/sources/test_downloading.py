"""Downloading: what breaks off goes on, what differs from its promise is not kept."""

from __future__ import annotations

import hashlib
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from ptml.errors import DownloadError
from ptml.sources.asks import Ask
from ptml.sources.downloading import Promise, download
from ptml.sources.http import Client
from ptml.sources.patience import Retries, Timeouts
from tests.webserver import Fault, WebServer, web_fixture

if TYPE_CHECKING:
    from pathlib import Path

    from ptml.sources.downloading import Downloaded

__all__ = ["web_fixture"]

BODY = bytes(range(256)) * 2000
SHA256, MD5 = hashlib.sha256(BODY).hexdigest(), hashlib.md5(BODY).hexdigest()
CUT = Fault(cut=200_000)


def client(attempts: int = 3, read: float = 30.0) -> Client:
    """Make a client that may go to loopback and does not wait long before it tries again."""
    retries = Retries(attempts=attempts, first=0.001)
    return Client(allow_private=True, retries=retries, timeouts=Timeouts(read=read))


def fetch(
    web: WebServer,
    folder: Path,
    promise: Promise | None = None,
    *,
    attempts: int = 3,
    read: float = 30.0,
) -> Downloaded:
    """Download the file at /a."""
    with client(attempts, read) as http:
        return download(http, Ask(web.url + "/a"), folder, promise)


def ranges(web: WebServer) -> list[str | None]:
    """List the Range headers that came."""
    return [seen.headers.get("range") for seen in web.seen]


def test_a_file_comes_whole_with_its_hashes(web: WebServer, tmp_path: Path) -> None:
    """Size and both hashes are told, and the file is the one that was served."""
    web.add("/a", BODY)
    done = fetch(web, tmp_path, Promise(len(BODY), SHA256.upper(), MD5))
    assert (done.size, done.sha256, done.md5, done.resumed) == (512_000, SHA256, MD5, 0)
    assert done.path.read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == [done.path.name]


def test_a_cut_is_gone_on_from(web: WebServer, tmp_path: Path) -> None:
    """After two cuts each next request asks for the rest, if the file is still the same."""
    web.add("/a", BODY)
    web.faults["/a"].extend([CUT, CUT])
    done = fetch(web, tmp_path)
    assert done.path.read_bytes() == BODY
    assert ranges(web) == [None, "bytes=200000-", "bytes=400000-"]
    assert web.seen[1].headers["if-range"] == web.pages["/a"].etag


def test_more_cuts_than_tries_are_survived(web: WebServer, tmp_path: Path) -> None:
    """As long as each round brings some more, a host that cuts each answer is followed to the end."""
    web.add("/a", BODY)
    web.faults["/a"].extend([Fault(cut=70_000)] * 20)
    assert fetch(web, tmp_path, attempts=1).sha256 == SHA256
    assert len(web.seen) == 8


def test_a_host_that_ignores_range_sends_it_whole(web: WebServer, tmp_path: Path) -> None:
    """Then the file is begun anew rather than put together of two beginnings."""
    web.add("/a", BODY, ranges=False)
    web.faults["/a"].append(CUT)
    done = fetch(web, tmp_path)
    assert (done.path.read_bytes() == BODY, ranges(web)) == (True, [None, "bytes=200000-"])


def test_without_validator_or_hash_it_begins_anew(web: WebServer, tmp_path: Path) -> None:
    """Nothing tells whether the file is still the same, so no part of it is asked for."""
    web.add("/a", BODY, validators=False)
    web.faults["/a"].append(CUT)
    assert (fetch(web, tmp_path).sha256, ranges(web)) == (SHA256, [None, None])


def test_a_later_run_goes_on(web: WebServer, tmp_path: Path) -> None:
    """What one run left in the folder, the next one takes up; it is hashed again."""
    web.add("/a", BODY)
    web.faults["/a"].extend([CUT, Fault(500)])
    with pytest.raises(DownloadError, match=r"status 500 \(tried once\)"):
        fetch(web, tmp_path, attempts=1)
    done = fetch(web, tmp_path)
    assert (done.resumed, done.sha256) == (200_000, SHA256)
    assert ranges(web) == [None, "bytes=200000-", "bytes=200000-"]


def test_a_file_that_has_changed_since_is_begun_anew(web: WebServer, tmp_path: Path) -> None:
    """The next run finds another file: none of the old one's bytes are in it."""
    web.add("/a", BODY)
    web.faults["/a"].extend([CUT, Fault(404)])
    with pytest.raises(DownloadError, match="status 404"):
        fetch(web, tmp_path)
    web.add("/a", BODY[::-1])
    done = fetch(web, tmp_path)
    assert (done.path.read_bytes() == BODY[::-1], done.resumed) == (True, 0)


def test_a_part_that_is_no_part_of_it_any_more_is_dropped(web: WebServer, tmp_path: Path) -> None:
    """A file that has become shorter than the part that is here: 416, and it is begun anew."""
    web.add("/a", BODY)
    web.faults["/a"].extend([CUT, Fault(416, {"content-range": "bytes */10"})])
    assert fetch(web, tmp_path).sha256 == SHA256
    assert ranges(web) == [None, "bytes=200000-", None]


def test_another_part_than_was_asked_for_is_not_taken(web: WebServer, tmp_path: Path) -> None:
    """A host that answers with the wrong range is asked for the whole."""
    web.add("/a", BODY)
    wrong = Fault(206, {"content-range": "bytes 0-511999/512000"}, body=BODY)
    web.faults["/a"].extend([CUT, wrong])
    assert fetch(web, tmp_path).sha256 == SHA256
    assert ranges(web) == [None, "bytes=200000-", None]


@pytest.mark.parametrize(
    ("promise", "said"),
    [
        (Promise(sha256="0" * 64), "sha256 0000"),
        (Promise(md5="0" * 32), "md5 0000"),
        (Promise(size=5), "size 5 was promised"),
        (Promise(size=600_000), "size 600000 was promised, 512000 came"),
    ],
)
def test_what_differs_from_its_promise_is_not_kept(
    web: WebServer, tmp_path: Path, promise: Promise, said: str
) -> None:
    """A wrong checksum or size is an error that names both, and nothing is left."""
    web.add("/a", BODY)
    with pytest.raises(DownloadError, match=said):
        fetch(web, tmp_path, promise)
    assert (list(tmp_path.iterdir()), len(web.seen)) == ([], 1)


def test_a_bad_beginning_is_given_one_more_chance(web: WebServer, tmp_path: Path) -> None:
    """Where what an earlier run had brought may be what is wrong, the file is fetched once more, whole."""
    web.add("/a", BODY, validators=False)
    web.faults["/a"].extend([CUT, Fault(404)])
    with pytest.raises(DownloadError, match="status 404"):
        fetch(web, tmp_path, Promise(sha256=SHA256))
    [part] = tmp_path.iterdir()
    part.write_bytes(b"x" * 200_000)
    assert fetch(web, tmp_path, Promise(sha256=SHA256)).sha256 == SHA256
    assert ranges(web)[2:] == ["bytes=200000-", None]


def test_a_hang_in_the_middle_is_gone_on_from(web: WebServer, tmp_path: Path) -> None:
    """A host that says nothing for longer than it may is asked again."""
    web.add("/a", BODY)
    web.faults["/a"].append(Fault(drip=5.0))
    assert fetch(web, tmp_path, read=1.0).sha256 == SHA256
    assert ranges(web)[1] is not None


def test_an_error_has_the_hosts_own_words(web: WebServer, tmp_path: Path) -> None:
    """A refusal is told with its status and its text; it is not tried again."""
    web.faults["/a"].append(Fault(403, {"content-type": "text/plain"}, body=b"quota \x1b[31m used up"))
    with pytest.raises(DownloadError, match=r"access was refused \(status 403: 'quota ") as caught:
        fetch(web, tmp_path)
    assert ("\x1b" in str(caught.value), len(web.seen)) == (False, 1)


def test_a_file_that_had_come_whole_is_not_asked_for(web: WebServer, tmp_path: Path) -> None:
    """A run that was killed after the last byte: the promised hash tells that nothing is missing."""
    web.add("/a", BODY)
    promise = Promise(len(BODY), SHA256)
    fetch(web, tmp_path, promise)
    done = fetch(web, tmp_path, promise)
    assert (done.sha256, done.resumed, len(web.seen)) == (SHA256, len(BODY), 1)
    done.path.write_bytes(b"x" * len(BODY))
    assert fetch(web, tmp_path, promise).sha256 == SHA256
    assert ranges(web) == [None, None]


def test_a_refusal_whose_words_hang_is_still_a_refusal(web: WebServer, tmp_path: Path) -> None:
    """The status is known; it is not tried again for want of its words."""
    headers = {"content-type": "text/plain", "content-length": "1000"}
    web.faults["/a"].append(Fault(404, headers, body=b"", cut=0))
    with pytest.raises(DownloadError, match=r"it is not there \(status 404\)"):
        fetch(web, tmp_path)
    assert len(web.seen) == 1


def test_bytes_and_expected_bytes_are_told(web: WebServer, tmp_path: Path) -> None:
    """At the end as many bytes have been told as the file has, in spite of a cut and a new beginning."""
    web.add("/a", BODY, ranges=False)
    web.faults["/a"].append(CUT)
    told = [0, 0]

    def moved(some: int, expected: int) -> None:
        told[0] += some
        told[1] += expected

    with client() as http:
        download(http, Ask(web.url + "/a"), tmp_path, moved=moved)
    assert told == [len(BODY), len(BODY)]


def test_memory_does_not_grow_with_the_file(web: WebServer, tmp_path: Path) -> None:
    """A file of 64 MB takes less than 8 MB of memory."""
    body = bytes(64 << 20)
    web.add("/a", body)
    tracemalloc.start()
    fetch(web, tmp_path, Promise(size=len(body)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
