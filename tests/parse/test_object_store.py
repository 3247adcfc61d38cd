"""Claims about logs in an object store: a server that speaks S3 over HTTP, on loopback."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import polars as pl
import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs

from ptml import scan_zeek
from ptml.errors import MissingInput
from tests.builders import conn_log, many_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY, SECRET, BUCKET = "reader", "not-to-be-told", "sensor-logs"
LOG = conn_log(many_rows(500))


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """Serve a bucket; give the end of its objects' addresses."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    place = f"endpoint_override={host}:{port}&scheme=http&region=us-east-1"
    bucket, _ = fs.FileSystem.from_uri(f"s3://{KEY}:{SECRET}@{BUCKET}?{place}&allow_bucket_creation=true")
    bucket.create_dir(BUCKET)
    for name, data in {
        "conn.log": LOG,
        "conn.log.gz": gzip.compress(LOG),
        "cut.log.gz": gzip.compress(LOG)[:900],
    }.items():
        with bucket.open_output_stream(f"{BUCKET}/2026-11-23/{name}", compression=None) as file:
            file.write(data)
    yield place
    server.stop()


def address(name: str, store: str) -> str:
    """Give an object's address."""
    return f"s3://{KEY}:{SECRET}@{BUCKET}/2026-11-23/{name}?{store}"


@pytest.mark.parametrize("name", ["conn.log", "conn.log.gz"])
def test_object_is_read_as_a_file_is(name: str, store: str, tmp_path: Path) -> None:
    """A log in a bucket, plain or compressed, gives the frame that the same bytes on disk give."""
    (tmp_path / "conn.log").write_bytes(LOG)
    whole = scan_zeek(address(name, store)).collect()
    assert whole.equals(scan_zeek(tmp_path / "conn.log").collect())
    assert whole.height == 500


def test_few_columns_and_rows_of_an_object(store: str) -> None:
    """Projection, predicate and limit give what they give of the whole frame."""
    lazy = scan_zeek(address("conn.log", store))
    expected = lazy.collect().filter(pl.col("orig_bytes") > 10).select("uid", "orig_bytes").head(7)
    assert (
        lazy.filter(pl.col("orig_bytes") > 10).select("uid", "orig_bytes").head(7).collect().equals(expected)
    )


def test_object_that_breaks_off_raises_or_gives_what_came_before(store: str) -> None:
    """A truncated gz in a bucket is an error by default."""
    with pytest.raises(Exception, match="breaks off"):
        scan_zeek(address("cut.log.gz", store)).collect()


@pytest.mark.parametrize("wrong", ["none.log", "../x.log"])
def test_missing_object_is_missing_input_and_tells_no_secret(wrong: str, store: str) -> None:
    """An object that is not there is an error that names it, and not the key that was in the address."""
    with pytest.raises(MissingInput) as failed:
        scan_zeek(address(wrong, store)).collect()
    assert wrong in str(failed.value)
    assert SECRET not in str(failed.value)


@pytest.mark.parametrize("place", ["ftp://{}@logs/conn.log", "s3://{}@[logs/conn.log"])
def test_address_that_no_store_has_tells_no_secret(place: str) -> None:
    """An unknown scheme, or an address that is none, is an error without the key."""
    with pytest.raises(MissingInput) as failed:
        scan_zeek(place.format(f"{KEY}:{SECRET}")).collect()
    assert SECRET not in str(failed.value)
