"""Zips and their passwords."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, cast

from ptml.bounds import BROKEN
from ptml.errors import BadData, MissingTool

if TYPE_CHECKING:
    import io
    from collections.abc import Sequence
    from pathlib import Path

    from ptml.bounds import Budget

AES = 99
"""Where the kind of compression stands, by zip's makers' word; the true one lies further on."""
COPY_BYTES = 1 << 20
LOCAL_HEADER = 30


def open_zip(file: io.BufferedReader, path: Path) -> zipfile.ZipFile:
    """Open a zip, however it is encrypted.

    Raises:
        MissingTool: It is encrypted with AES, and pyzipper is not installed.
    """
    archive = zipfile.ZipFile(file)
    if all(info.compress_type != AES for info in archive.infolist()):
        return archive
    try:
        import pyzipper
    except ImportError as error:
        raise MissingTool(
            f"{path} is encrypted with AES, which needs pyzipper",
            hint="pip install 'ptml[aes]', then the same again",
        ) from error
    return cast("zipfile.ZipFile", pyzipper.AESZipFile(file))


def refuse_overlaps(archive: zipfile.ZipFile, budget: Budget) -> None:
    """Refuse a zip of which two members have bytes in common: small as it is, it unpacks without end.

    Raises:
        BadData: It is one.
    """
    free = 0
    for info in sorted(archive.infolist(), key=lambda one: one.header_offset):
        if info.header_offset < free:
            raise budget.refusal("has members that overlap")
        free = info.header_offset + LOCAL_HEADER + len(info.orig_filename) + info.compress_size


def password_of(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, passwords: Sequence[str]
) -> bytes:
    """Find the password that fits; one byte is checked at first, so a wrong one may seem to.

    Raises:
        BadData: None does.
    """
    if not passwords:
        raise BadData(f"{path}: {info.filename!r} is encrypted", hint="decrypt it first")
    fitting = [word.encode() for word in passwords if _fits(archive, info, word.encode(), whole=False)]
    if len(fitting) > 1:
        fitting = [word for word in fitting if _fits(archive, info, word, whole=True)]
    if not fitting:
        tried = f"none of the {len(passwords)} passwords that were tried fits"
        raise BadData(f"{path}: {info.filename!r} is encrypted, and {tried}", hint="--password WORD")
    return fitting[0]


def _fits(archive: zipfile.ZipFile, info: zipfile.ZipInfo, password: bytes, *, whole: bool) -> bool:
    try:
        with archive.open(info, pwd=password) as opened:
            while opened.read(COPY_BYTES) and whole:
                pass  # its checksum is compared at its end
    except BROKEN:
        return False
    return True
