"""What an analysis says is read whatever of its inner form turns out to be different."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ptml.sources.packettotal.summary import summary_of
from tests.packettotal.corpus import corpus
from tests.packettotal.service import Service

EMOTET = corpus()[0]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["top_talkers", "dns_statistics", "signatures", "external_references", "malicious_traffic"]
)


def test_answer_of_the_loopback_server_is_read_whole() -> None:
    """Talkers, statistics, signatures, references and the flag all arrive, and nothing is left unread."""
    value = json.loads(Service().analysis(EMOTET.md5).body)["analysis_summary"]
    found = summary_of(value)
    assert next(iter(found.talkers["destination_ips"])) == "10.8.15.1"
    assert set(found.statistics) == {
        "connection_statistics", "dns_statistics", "file_statistics", "http_statistics",
    }  # fmt: skip
    assert found.statistics["connection_statistics"]["transport_protocols"]["tcp"] > 50
    assert found.signatures == tuple(sorted(EMOTET.rules))
    assert found.references[0]["url"] == "https://blog.example/emotet-august"
    assert (found.malicious_traffic, found.accuracy, found.unread) == (False, "perfect", {})


def test_text_that_holds_json_and_percents_are_undone() -> None:
    """Statistics as text, as the article tells of them, mean the same; the largest comes first."""
    value = {
        "connection_statistics": '{"services": {"dns": "12.5%", "http": 87.5}}',
        "dns_statistics": {"queries": '{"a.example": "0.5", "b.example": 2}'},
    }
    found = summary_of(value)
    assert found.statistics == {
        "connection_statistics": {"services": {"http": 87.5, "dns": 12.5}},
        "dns_statistics": {"queries": {"b.example": 2.0, "a.example": 0.5}},
    }


def test_other_forms_are_kept_as_they_came() -> None:
    """A block of another form, an unknown one, and numbers that are none stay to be seen, by name."""
    value = {
        "top_talkers": [["192.0.2.1", 5]],
        "dns_statistics": {"queries": {"a.example": "many"}, "count": 7},
        "new_block": {"x": 1},
        "malicious_traffic": "yes",
    }
    found = summary_of(value)
    assert found.unread == {
        "top_talkers": [["192.0.2.1", 5]],
        "dns_statistics.queries": {"a.example": "many"},
        "dns_statistics.count": 7,
        "new_block": {"x": 1},
    }
    assert (found.malicious_traffic, found.talkers, found.statistics) == (None, {}, {})


@given(st.dictionaries(NAMES | st.text(max_size=8), JSON, max_size=6))
def test_no_answer_is_too_odd(value: dict[str, object]) -> None:
    """Any JSON object is read without an error, and what is shown of it is text and numbers."""
    found = summary_of(value)
    assert all(isinstance(one, str) for one in found.signatures)
    assert all(isinstance(n, float) for shares in found.talkers.values() for n in shares.values())
