"""Vocabularies of the simulator: names, agents and paths, all invented."""

from __future__ import annotations

from typing import Final

WORDS: Final = (
    *("harbor", "lantern", "meadow", "copper", "willow", "granite", "summit", "ember", "orchard"),
    *("falcon", "river", "timber", "beacon", "marble", "cedar", "anchor", "violet", "saffron"),
    *("juniper", "canyon", "breeze", "pioneer", "maple", "atlas", "cobalt", "prairie", "aurora"),
    *("quartz", "garden", "mosaic", "crystal", "drift", "forge", "horizon", "ivory", "kestrel"),
    *("lagoon", "mirror", "nectar", "oasis", "paper", "quiet", "raven", "silver", "tundra", "umber"),
    *("valley", "winter", "yonder", "zephyr", "bright", "clear", "swift", "north", "south", "daily"),
    *("market", "travel", "recipe", "health", "weather", "sport", "music", "photo", "letter", "school"),
    *("science", "office", "wallet", "ticket", "rental", "craft"),
)
TLDS: Final = ("com", "com", "com", "net", "org", "io", "de", "co", "info", "eu", "fr", "app")
PREFIXES: Final = {
    "web": ("www", "cdn", "app", "static", "m"),
    "telemetry": ("ingest", "telemetry", "api", "events"),
    "ads": ("px", "sync", "ad", "track"),
    "mail": ("mx1", "smtp", "mail", "mx"),
    "registry": ("pkgs", "registry", "repo", "mirror"),
}
AUTHORITIES: Final = (
    ("Northgate Trust TLS CA 2", "Northgate Trust Services", "US"),
    ("Openleaf R7", "Openleaf Foundation", "US"),
    ("Openleaf E5", "Openleaf Foundation", "US"),
    ("Meridian Secure Server CA", "Meridian Certification", "GB"),
    ("Kontor Digital Sign G3", "Kontor Digital GmbH", "DE"),
)
BROWSERS: Final = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
        "Safari/537.36"
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.1 Safari/605.1.15"
    ),
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
)
PROGRAMS: Final = (
    "Microsoft-Delivery-Optimization/10.1",
    "Windows-Update-Agent/10.0.10011.16384 Client-Protocol/2.50",
    "Debian APT-HTTP/1.3 (2.6.1)",
    "curl/8.5.0",
    "Microsoft-CryptoAPI/10.0",
    "python-requests/2.32.3",
    "Go-http-client/1.1",
    "Wget/1.21.4",
    "okhttp/4.12.0",
    "ESP8266HTTPClient",
)
PAGES: Final = (
    *(
        "/",
        "/index.html",
        "/news/today",
        "/assets/app.js",
        "/assets/site.css",
        "/img/logo.png",
        "/favicon.ico",
    ),
    *(
        "/search?q=timetable",
        "/api/v1/session",
        "/static/fonts/main.woff2",
        "/img/banner.jpg",
        "/blog/archive",
    ),
    *(
        "/media/cover.jpg",
        "/js/metrics.js",
        "/account/login",
        "/feed.xml",
        "/help/contact",
        "/js/vendor.min.js",
    ),
)
PAGE_TYPES: Final = (
    *(
        "text/html",
        "text/html",
        "text/html",
        "application/javascript",
        "text/plain",
        "image/png",
        "image/x-icon",
    ),
    *("text/html", "text/json", "application/font-woff", "image/jpeg", "text/html"),
    *("image/jpeg", "application/javascript", "text/html", "application/xml", "text/html"),
    "application/javascript",
)
DOWNLOADS: Final = (
    *(
        "/pool/main/l/libalpha/libalpha_2.4-1_amd64.deb",
        "/dists/stable/InRelease",
        "/c/msdownload/update.cab",
    ),
    *("/files/setup.exe", "/pkg/reader-update.msi", "/definitions/daily.cvd", "/d/office/patch.cab"),
)
DOWNLOAD_TYPES: Final = (
    *("application/x-debian-package", "text/plain", "application/vnd.ms-cab-compressed"),
    *("application/x-dosexec", "application/msword", "application/octet-stream"),
    "application/vnd.ms-cab-compressed",
)
DOCUMENTS: Final = (
    *("budget", "minutes", "offer", "plan", "invoice", "report", "drawing", "contract", "photos", "schedule"),
    *("payroll", "inventory", "manual", "slides", "customer", "project"),
)
DOCUMENT_TYPES: Final = (
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("docx", "application/msword"),
    ("pdf", "application/pdf"),
    ("jpg", "image/jpeg"),
    ("txt", "text/plain"),
    ("zip", "application/zip"),
)
