"""Groups of the content types that Zeek's file signatures give."""

from __future__ import annotations

import polars as pl

EXECUTABLE = (
    "application/x-dosexec",
    "application/x-executable",
    "application/x-sharedlib",
    "application/x-mach-o-executable",
    "application/x-mach-binary",
    "application/vnd.android.package-archive",
    "application/java-archive",
    "application/x-java-applet",
)
ARCHIVE = (
    "application/zip",
    "application/x-rar",
    "application/x-7z-compressed",
    "application/vnd.ms-cab-compressed",
    "application/x-gzip",
    "application/gzip",
    "application/x-bzip2",
    "application/x-xz",
    "application/x-tar",
    "application/x-compress",
)
DOCUMENT = (
    "application/pdf",
    "application/msword",
    "application/rtf",
    "text/rtf",
    "application/vnd.ms-office",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
)
SCRIPT = (
    "text/x-shellscript",
    "text/x-python",
    "text/x-perl",
    "text/x-php",
    "text/javascript",
    "application/javascript",
    "application/x-shockwave-flash",
)

_TEXT = ("application/javascript", "application/xml", "application/json", "application/soap+xml")
_OFFICE_PREFIX = "application/vnd."
KINDS: dict[str, tuple[str, ...]] = {
    "program": ("exe", "dll", "scr", "sys", "com", "ocx", "cpl", "pif", "elf", "so", "apk", "jar", "msi"),
    "archive": ("zip", "gz", "tgz", "bz2", "xz", "7z", "rar", "cab", "tar"),
    "document": ("pdf", "doc", "docx", "docm", "xls", "xlsx", "xlsm", "ppt", "pptx", "rtf"),
    "image": ("jpg", "jpeg", "png", "gif", "bmp", "ico", "webp", "tif", "tiff"),
    "text": ("txt", "htm", "html", "css", "js", "json", "xml", "csv"),
}
"""Extensions by the kind of content that they promise. What programs on a server give may be anything."""

_ALSO = {"document": ("archive",), "program": ("archive",)}
"""Office files and packages of Java and Android are archives; a signature may see only that."""


def disagrees(extension: pl.Expr, mime: pl.Expr) -> pl.Expr:
    """Tell whether content is of another kind than an extension promises; null where either is not known.

    >>> files = pl.DataFrame({"name": ["png", "exe", "docx", "xyz", "php"], "mime": [
    ...     "application/x-dosexec", "application/x-dosexec", "application/zip", "image/png", "text/html"]})
    >>> files.select(disagrees(pl.col("name"), pl.col("mime"))).to_series().to_list()
    [True, False, False, None, None]
    """
    promised = {name: kind for kind, names in KINDS.items() for name in names}
    kind = extension.str.to_lowercase().replace_strict(promised, default=None, return_dtype=pl.String)
    content = (
        pl.when(mime.is_in(EXECUTABLE))
        .then(pl.lit("program"))
        .when(mime.is_in(ARCHIVE))
        .then(pl.lit("archive"))
        .when(mime.is_in(DOCUMENT) | mime.str.starts_with(_OFFICE_PREFIX))
        .then(pl.lit("document"))
        .when(mime.str.starts_with("image/"))
        .then(pl.lit("image"))
        .when(mime.str.starts_with("text/") | mime.is_in(SCRIPT) | mime.is_in(_TEXT))
        .then(pl.lit("text"))
    )
    allowed = pl.any_horizontal((kind == one) & content.is_in(others) for one, others in _ALSO.items())
    return pl.when(kind.is_not_null() & content.is_not_null()).then((kind != content) & ~allowed)
