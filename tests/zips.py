"""Zips as others encrypt them, written by code that shares nothing with what reads them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

import pyzipper

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE = [0] * 256
for _index in range(256):
    _value = _index
    for _ in range(8):
        _value = (_value >> 1) ^ (0xEDB88320 if _value & 1 else 0)
    TABLE[_index] = _value


def zip_crypto(files: Mapping[str, bytes], password: str) -> bytes:
    """Make a zip encrypted as in the old days (ZipCrypto), its members deflated."""
    out, directory = io.BytesIO(), io.BytesIO()
    for name, data in files.items():
        encoded, offset = name.encode(), out.tell()
        packer = zlib.compressobj(wbits=-15)
        crc = zlib.crc32(data)
        body = _encrypt(bytes(11) + bytes([crc >> 24]) + packer.compress(data) + packer.flush(), password)
        common = struct.pack("<HHHHHLLLHH", 20, 1, 8, 0, 0x21, crc, len(body), len(data), len(encoded), 0)
        out.write(b"PK\x03\x04" + common + encoded + body)
        directory.write(b"PK\x01\x02" + struct.pack("<H", 20) + common)
        directory.write(struct.pack("<HHHLL", 0, 0, 0, 0, offset) + encoded)
    start = out.tell()
    out.write(directory.getvalue())
    sizes = len(files), len(files), len(directory.getvalue()), start
    out.write(b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, *sizes, 0))
    return out.getvalue()


def aes_zip(files: Mapping[str, bytes], password: str) -> bytes:
    """Make a zip encrypted with AES."""
    out = io.BytesIO()
    with pyzipper.AESZipFile(
        out, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES
    ) as archive:
        archive.setpassword(password.encode())
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def _encrypt(data: bytes, password: str) -> bytes:
    keys = [0x12345678, 0x23456789, 0x34567890]

    def crc(value: int, byte: int) -> int:
        return (value >> 8) ^ TABLE[(value ^ byte) & 0xFF]

    def update(byte: int) -> None:
        keys[0] = crc(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = crc(keys[2], keys[1] >> 24)

    for byte in password.encode():
        update(byte)
    out = bytearray()
    for byte in data:
        word = keys[2] | 2
        out.append(byte ^ ((word * (word ^ 1) >> 8) & 0xFF))
        update(byte)
    return bytes(out)
