"""The capture at which the features of the moment are worked by hand in their docstrings."""

from __future__ import annotations

from functools import cache

import polars as pl

from ptml.features.assemble import beside, families_beside
from ptml.features.catalog import CONNECTION_FAMILIES
from ptml.features.inputs import read_inputs

EXAMPLE = (
    # end, source, its port, destination, its port, service, state, payload, IP bytes of both directions
    (0, "10.0.0.1", 1001, "192.0.2.1", 443, "ssl", "SF", 100, 300, 200, 400),
    (1, "10.0.0.1", 1002, "192.0.2.1", 443, "ssl", "S0", None, None, 40, 0),
    (1, "10.0.0.1", 1003, "192.0.2.2", 22, None, "REJ", 0, 0, 40, 40),
    (2, "10.0.0.2", 1001, "192.0.2.1", 443, "ssl", "SF", 50, 10, 90, 50),
    (3, "10.0.0.1", 1004, "192.0.2.1", 80, "http", "SF", 20, 40, 60, 80),
    (63, "10.0.0.1", 1005, "192.0.2.1", 443, "ssl", "SF", 100, 300, 200, 400),
    (663, "10.0.0.1", 1006, "192.0.2.2", 22, None, "REJ", 0, 0, 40, 40),
)
"""Seven connections by the second of their end: two hosts, of which the first contacts two others."""
_COLUMNS = (
    "ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "service", "conn_state",
    "orig_bytes", "resp_bytes", "orig_ip_bytes", "resp_ip_bytes",
)  # fmt: skip


def at_example(name: str) -> list[float | None]:
    """Give the values that a feature has at the seven connections, to seven digits.

    >>> at_example("src_connections_2s")
    [0, 1, 1, 0, 2, 0, 0]
    """
    values = _table()[name].to_list()
    return [float(f"{value:.7g}") if isinstance(value, float) else value for value in values]


@cache
def _table() -> pl.DataFrame:
    conn = pl.DataFrame(EXAMPLE, schema=_COLUMNS, orient="row").with_columns(
        pl.col("ts").mul(1_000_000).cast(pl.Datetime("us", "UTC")), uid=pl.lit("C")
    )
    return beside(families_beside(CONNECTION_FAMILIES), read_inputs({"conn": conn.lazy()})).collect()
