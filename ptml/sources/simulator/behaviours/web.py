"""What people do on the web: browsing, video, file synchronisation, updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from ptml.sources.simulator import words
from ptml.sources.simulator.behaviours.base import Behaviour
from ptml.sources.simulator.exchange import Requests, http, https
from ptml.sources.simulator.lookups import Contacts, contact, within_budget
from ptml.sources.simulator.records import REJ, RSTO, RSTR, S0, S1, SF, Flows, Ints, concat

if TYPE_CHECKING:
    from ptml.sources.simulator.scene import Scene

ORDINARY: Final = ((SF, 0.8), (RSTO, 0.07), (RSTR, 0.03), (S1, 0.03), (S0, 0.045), (REJ, 0.025))
"""How connections to the web end, by weight."""


def page_visits(scene: Scene, hosts: Ints, count: int, per_page: float) -> tuple[Ints, Ints]:
    """Lay contacts out as visits: a page, then what it embeds within seconds.

    Returns:
        Start and host of each contact.
    """
    sizes = scene.rng.geometric(1 / per_page, count)
    visit = np.repeat(np.arange(count), sizes)[:count]
    visits = int(visit[-1]) + 1
    begins, who = scene.moments(visits), scene.pick(hosts, visits)
    gap = scene.lognormal(250_000, 1.2, count)
    since = np.cumsum(gap)
    first = np.searchsorted(visit, visit)
    return begins[visit] + since - since[first], who[visit]


def requests_to(
    scene: Scene, who: Contacts, per: Ints, *, agent: pl.Series | None = None, size: float = 9_000
) -> Requests:
    """Ordinary page requests on each contact."""
    total = int(per.sum())
    page = scene.rng.integers(0, len(words.PAGES), total)
    host = scene.network.sites.names.gather(np.repeat(who.site, per))
    per_host = (who.orig * 2_246_822_519 >> 9) % len(words.BROWSERS)
    agents = pl.Series(words.BROWSERS).gather(np.repeat(per_host, per)) if agent is None else agent
    posts = scene.chance(0.06, total)
    uri = pl.Series(words.PAGES).gather(page)
    token = scene.rng.integers(0, 10**9, total)
    uri = pl.select(
        pl.when(pl.Series(scene.chance(0.3, total)))
        .then(
            uri
            + pl.when(uri.str.contains("?", literal=True)).then(pl.lit("&v=")).otherwise(pl.lit("?v="))
            + pl.Series(token).cast(pl.String)
        )
        .otherwise(uri)
    ).to_series()
    return Requests(
        per=per,
        method=pl.select(pl.when(pl.Series(posts)).then(pl.lit("POST")).otherwise(pl.lit("GET"))).to_series(),
        host=host,
        uri=uri,
        user_agent=agents,
        request_len=np.where(posts, scene.lognormal(400, 1.0, total), 0),
        response_len=scene.lognormal(size, 1.5, total),
        status=scene.mostly(
            total, (200, 0.82), (304, 0.06), (302, 0.05), (404, 0.04), (204, 0.02), (503, 0.01)
        ),
        mime=pl.Series(words.PAGE_TYPES).gather(page),
        referrer=pl.select(
            pl.when(pl.Series(scene.chance(0.6, total))).then(pl.lit("http://") + host + pl.lit("/"))
        ).to_series(),
    )


def browse(scene: Scene, count: int) -> Flows:
    """Visit pages: a site, its embedded content, advertisers, some over plain HTTP."""
    asks = within_budget(scene, count, 0.28)
    start, orig = page_visits(scene, scene.network.hosts, len(asks), 6.0)
    kind = scene.mostly(len(asks), (0, 0.5), (1, 0.22), (2, 0.18), (3, 0.1))
    site = np.choose(kind, [scene.popular(name, len(asks)) for name in ("web", "cdn", "ads", "cloud")])
    who, lookups = contact(scene, start, orig, site, asks)
    plain = np.flatnonzero(scene.chance(0.2, len(who)))
    secure = np.setdiff1d(np.arange(len(who)), plain)
    clear, private = who.take(plain), who.take(secure)
    per = np.minimum(scene.rng.geometric(0.55, len(plain)), 12).astype(np.int64)
    return concat(
        [
            lookups,
            http(
                scene,
                clear,
                requests_to(scene, clear, per),
                pause=400_000,
                state=scene.mostly(len(plain), *ORDINARY),
                port=scene.mostly(len(plain), (80, 0.93), (8080, 0.07)),
            ),
            https(
                scene,
                private,
                up=scene.lognormal(1_500, 1.1, len(secure)),
                down=scene.lognormal(12_000, 1.7, len(secure)),
                duration=scene.lognormal(4_000_000, 1.8, len(secure)),
                state=scene.mostly(len(secure), *ORDINARY),
                port=scene.mostly(len(secure), (443, 0.97), (8443, 0.03)),
            ),
        ]
    )


def watch(scene: Scene, count: int) -> Flows:
    """Stream video: few hosts, segments of megabytes at the player's pace."""
    asks = within_budget(scene, count, 0.08)
    start, orig = page_visits(scene, scene.network.hosts, len(asks), 15.0)
    who, lookups = contact(scene, start, orig, scene.popular("video", len(asks)), asks)
    return concat(
        [
            lookups,
            https(
                scene,
                who,
                up=scene.lognormal(3_000, 0.8, len(who)),
                down=scene.lognormal(2_500_000, 1.2, len(who)),
                duration=scene.lognormal(25_000_000, 1.0, len(who)),
                state=scene.mostly(len(who), (SF, 0.7), (RSTO, 0.2), (S1, 0.1)),
            ),
        ]
    )


def synchronise(scene: Scene, count: int) -> Flows:
    """Synchronise files with a cloud: polls at regular times, uploads now and then."""
    asks = within_budget(scene, count, 0.1)
    start, stream = scene.ticks(len(asks), scene.streams_for(len(asks)), 0.15)
    orig = scene.network.hosts[stream % len(scene.network.hosts)]
    pool = scene.network.sites.kind["sync"]
    who, lookups = contact(scene, start, orig, pool[stream % len(pool)], asks)
    moved = scene.chance(0.15, len(who))
    return concat(
        [
            lookups,
            https(
                scene,
                who,
                up=np.where(
                    moved, scene.lognormal(400_000, 1.8, len(who)), scene.lognormal(700, 0.3, len(who))
                ),
                down=np.where(
                    moved, scene.lognormal(30_000, 2.0, len(who)), scene.lognormal(900, 0.4, len(who))
                ),
                duration=scene.lognormal(20_000_000, 1.4, len(who)),
                state=scene.mostly(len(who), (SF, 0.85), (S1, 0.1), (RSTR, 0.05)),
            ),
        ]
    )


def update(scene: Scene, count: int) -> Flows:
    """Look for updates and fetch them: regular checks, now and then a package or an installer over HTTP."""
    asks = within_budget(scene, count, 0.3)
    start, orig = page_visits(scene, scene.network.hosts, len(asks), 3.0)
    who, lookups = contact(scene, start, orig, scene.popular("update", len(asks)), asks)
    plain = np.flatnonzero(scene.chance(0.55, len(who)))
    secure = np.setdiff1d(np.arange(len(who)), plain)
    clear, private = who.take(plain), who.take(secure)
    per = np.minimum(scene.rng.geometric(0.6, len(plain)), 8).astype(np.int64)
    total = int(per.sum())
    item = scene.rng.integers(0, len(words.DOWNLOADS), total)
    wanted = Requests(
        per=per,
        method="GET",
        host=scene.network.sites.names.gather(np.repeat(clear.site, per)),
        uri=pl.Series(words.DOWNLOADS).gather(item),
        user_agent=pl.Series(words.PROGRAMS[:5]).gather(np.repeat(clear.orig % 5, per)),
        request_len=np.zeros(total, dtype=np.int64),
        response_len=scene.lognormal(120_000, 2.0, total),
        status=scene.mostly(total, (200, 0.7), (206, 0.15), (304, 0.12), (404, 0.03)),
        mime=pl.Series(words.DOWNLOAD_TYPES).gather(item),
    )
    return concat(
        [
            lookups,
            http(scene, clear, wanted, pause=600_000, state=scene.mostly(len(plain), *ORDINARY)),
            https(
                scene,
                private,
                up=scene.lognormal(1_200, 0.7, len(secure)),
                down=scene.lognormal(60_000, 2.0, len(secure)),
                duration=scene.lognormal(2_000_000, 1.2, len(secure)),
                state=scene.mostly(len(secure), *ORDINARY),
            ),
        ]
    )


BEHAVIOURS: Final = (
    Behaviour(
        "browsing", None, "Barford & Crovella 1998, SURGE: representative web workloads", browse, (0.2, 0.4)
    ),
    Behaviour("video", None, "Pantos & May, RFC 8216 HTTP live streaming", watch, (0.01, 0.04)),
    Behaviour(
        *("file-sync", None, "Drago et al. 2012, Inside Dropbox", synchronise, (0.02, 0.06)),
        period=(30.0, 300.0),
    ),
    Behaviour(
        "updates", None, "Bellissimo et al. 2006, Secure software updates", update, (0.02, 0.06), "always"
    ),
)
