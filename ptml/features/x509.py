"""Which certificates of x509.log a row of ssl.log names: the first one of its chain, or each in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from ptml.features.family import Logs

LINKS = (("cert_chain_fps", "fingerprint"), ("cert_chain_fuids", "id"))
"""Newer Zeek names the certificates of a chain by fingerprint, older by the id of the file."""
LONGEST_CHAIN = 32
"""Certificates of a chain that are looked at: a hostile server may send any number."""

_COMMON_NAME = r"(?:^|,)\s*CN=([^,]+)"
_US_PER_DAY = 86_400_000_000


def certificate_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of ssl.log, each with what x509.log says of the first certificate of its chain.

    >>> certificate_rows({}) is None
    True
    """
    if "ssl" not in logs:
        return None
    ssl = logs["ssl"].filter(pl.col("uid").is_not_null())
    present = ssl.collect_schema().names()
    chains = [chain for chain, _ in LINKS if chain in present]
    if not chains:
        return None
    length = pl.coalesce(pl.col(chain).list.len() for chain in chains).alias("chain_length")
    asked = [pl.col(name) for name in ("server_name", "sni_matches_cert") if name in present]
    rows = ssl.select("capture_id", "uid", "ts", *chains, *asked, length)
    return _with_match(_with_chain(rows, logs["x509"], chains) if "x509" in logs else rows)


def _with_chain(rows: pl.LazyFrame, x509: pl.LazyFrame, chains: list[str]) -> pl.LazyFrame:
    known = x509.collect_schema().names()
    links = [(chain, key) for chain, key in LINKS if chain in chains and key in known]
    if not links:
        return rows
    unique = _unique(x509, links)
    for place, name in enumerate(("leaf", "issuer")):
        at = pl.coalesce(
            _tagged(pl.col(chain).list.get(place, null_on_oob=True), key) for chain, key in links
        )
        rows = rows.with_columns(at.alias(name))
    rows = rows.join(unique, on=["capture_id", "leaf"], how="left", nulls_equal=True)
    if "certificate.subject" in known:
        issuers = unique.select("capture_id", issuer="leaf", issuer_subject="certificate.subject")
        rows = rows.join(issuers, on=["capture_id", "issuer"], how="left", nulls_equal=True)
    return rows


def _unique(x509: pl.LazyFrame, links: list[tuple[str, str]]) -> pl.LazyFrame:
    """What is known of each certificate, under each of its names (``leaf``)."""
    known = x509.collect_schema().names()
    facts = [pl.col(name) for name in known if name.startswith(("certificate.", "basic_constraints."))]
    if "san.dns" in known:
        facts.append(pl.col("san.dns").list.len().alias("san_count"))
    named = pl.concat(
        x509.select("capture_id", _tagged(pl.col(key), key).alias("leaf"), *facts, *_names(known)).drop_nulls(
            "leaf"
        )
        for _, key in links
    )
    # A certificate may be logged many times. Its rows agree; where a hostile capture makes them differ, the
    # least value of each column is as good as any and does not depend on the order of the rows.
    return named.group_by("capture_id", "leaf").agg(
        pl.all().exclude("names").min(), pl.col("^names$").explode().unique().sort()
    )


def chain_rows(logs: Logs) -> pl.LazyFrame | None:
    """Rows of ssl.log, one for each certificate of its chain, with what x509.log says of it.

    ``place`` is 0 for the server's own, and ``issuer_subject`` the subject of the next one. Only the first
    :data:`LONGEST_CHAIN` certificates are given.

    >>> ssl = pl.LazyFrame({"capture_id": ["c1"], "uid": ["C1"], "ts": [0], "cert_chain_fps": [["aa", "bb"]]})
    >>> x509 = pl.LazyFrame({"capture_id": "c1", "fingerprint": ["bb", "aa"],
    ...                      "certificate.subject": ["CN=ca", "CN=www"]})
    >>> rows = chain_rows({"ssl": ssl, "x509": x509})
    >>> rows.select("place", "certificate.subject", "issuer_subject").sort("place").collect().rows()
    [(0, 'CN=www', 'CN=ca'), (1, 'CN=ca', None)]
    """
    if "ssl" not in logs or "x509" not in logs:
        return None
    present, known = (logs[name].collect_schema().names() for name in ("ssl", "x509"))
    links = [(chain, key) for chain, key in LINKS if chain in present and key in known]
    if not links:
        return None
    chain = pl.coalesce(
        pl.when(pl.col(chain).list.len() > 0).then(
            pl.col(chain).list.head(LONGEST_CHAIN).list.eval(_tagged(pl.element(), key))
        )
        for chain, key in links
    )
    lists = {
        "leaf": pl.col("chain"),
        "issuer": pl.col("chain").list.shift(-1),
        "place": pl.int_ranges(pl.col("chain").list.len(), dtype=pl.UInt8),
    }
    rows = logs["ssl"].select("capture_id", "uid", "ts", chain.alias("chain")).drop_nulls(["uid", "chain"])
    rows = rows.select("capture_id", "uid", "ts", **lists).explode(*lists)
    unique = _unique(logs["x509"], links).drop("names", strict=False)
    rows = rows.join(unique, on=["capture_id", "leaf"], how="left", nulls_equal=True)
    if "certificate.subject" in known:
        issuers = unique.select("capture_id", issuer="leaf", issuer_subject="certificate.subject")
        rows = rows.join(issuers, on=["capture_id", "issuer"], how="left", nulls_equal=True)
    return rows


def days(span: pl.Expr) -> pl.Expr:
    """Give a span of time in days.

    >>> from datetime import timedelta
    >>> pl.DataFrame({"span": [timedelta(hours=36)]}).select(days(pl.col("span"))).item()
    1.5
    """
    return span.dt.total_microseconds() / _US_PER_DAY


def _names(known: list[str]) -> list[pl.Expr]:
    """Names that a certificate is for, in lower case: the alternative ones, or the common one if none."""
    names: list[pl.Expr] = []
    if "san.dns" in known:
        names.append(pl.when(pl.col("san.dns").list.len() > 0).then(pl.col("san.dns")))
    if "certificate.subject" in known:
        names.append(pl.concat_list(pl.col("certificate.subject").str.extract(_COMMON_NAME)))
    if not names:
        return []
    lower = pl.coalesce(names).list.eval(pl.element().str.to_lowercase().str.strip_chars("."))
    return [lower.alias("names")]


def _with_match(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Compare the name asked for with those of the certificate; a star stands for the first label."""
    present = rows.collect_schema().names()
    zeek = pl.col("sni_matches_cert") if "sni_matches_cert" in present else pl.lit(None, pl.Boolean)
    if "names" not in present or "server_name" not in present:
        return rows.with_columns(matches=zeek)
    asked = pl.col("server_name").str.to_lowercase().str.strip_chars(".")
    star = pl.concat_str(pl.lit("*."), asked.str.extract(r"^[^.]+\.(.+)$"))
    names = pl.col("names").list.drop_nulls()
    matches = names.list.contains(asked) | names.list.contains(star).fill_null(False)
    known = asked.is_not_null() & (names.list.len() > 0)
    return rows.with_columns(matches=pl.when(known).then(matches).otherwise(zeek)).drop("names")


def _tagged(value: pl.Expr, kind: str) -> pl.Expr:
    """Mark a name with its kind, so that a made-up file id cannot pass for a fingerprint."""
    return pl.concat_str(pl.lit(f"{kind}:"), value)
