"""Reading a packet capture packet by packet, by way of dpkt."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import dpkt

from ptml.errors import BadData
from ptml.io import DECODE_ERRORS, open_binary
from ptml.sources.upload.frames import check_link

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BROKEN = (dpkt.Error, struct.error, ValueError, *DECODE_ERRORS)


def packets(path: Path) -> Iterator[tuple[float, int, bytes]]:
    """Yield the time, link type and bytes of each packet.

    Args:
        path: A pcap or pcapng, plain or compressed.

    Raises:
        MissingInput: It cannot be opened.
        BadData: It is no packet capture, breaks off, or is of a link that is not known.
    """
    with open_binary(path) as file:
        try:
            reader: Any = dpkt.pcap.UniversalReader(file)
            link = int(reader.datalink())
            check_link(link)
            for time, frame in reader:
                yield float(time), link, bytes(frame)
        except BROKEN as error:
            raise BadData(
                f"{path} is no packet capture, or breaks off: {error or type(error).__name__}",
                hint="give a pcap or pcapng; editcap of Wireshark mends some that break off",
            ) from error
