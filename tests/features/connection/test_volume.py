"""Claims about volume that go beyond the worked examples."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ptml.features.connection.volume import orig_byte_share, orig_bytes_per_pkt, orig_header_share

counts = st.none() | st.integers(0, 2**64 - 1)
BOTH_SIDES = {"orig_bytes": pl.UInt64, "resp_bytes": pl.UInt64}
ORIGINATOR = {"orig_bytes": pl.UInt64, "orig_ip_bytes": pl.UInt64}


@given(counts, counts)
def test_byte_shares_of_both_sides_make_one(sent: int | None, received: int | None) -> None:
    """What one side sent and what the other sent make the whole, for any counts up to 2**64 - 1."""
    forth = pl.DataFrame({"orig_bytes": [sent], "resp_bytes": [received]}, BOTH_SIDES)
    back = pl.DataFrame({"orig_bytes": [received], "resp_bytes": [sent]}, BOTH_SIDES)
    one, other = (frame.select(orig_byte_share()).item() for frame in (forth, back))
    known = sent is not None and received is not None and sent + received > 0
    assert (one is not None) == (other is not None) == known
    assert not known or abs(one + other - 1) < 1e-12


def test_payload_beyond_the_ip_bytes_has_no_header_share() -> None:
    """After a sequence-number gap the payload is wilder than what was sent: the share is unknown."""
    frame = pl.DataFrame({"orig_bytes": [2**63], "orig_ip_bytes": [400]}, ORIGINATOR)
    assert frame.select(orig_header_share()).item() is None


def test_bytes_per_packet_divides_exactly() -> None:
    """The mean size is not truncated to whole bytes."""
    frame = pl.DataFrame({"orig_ip_bytes": [100], "orig_pkts": [8]})
    assert frame.select(orig_bytes_per_pkt()).item() == 12.5
