"""What a sandbox says of a run, and what that is worth as a label of the run's traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptml.types import Label

HIGHEST = 10
MALICIOUS_FROM = 8
LONGEST_WORD = 200


def score_of(value: object) -> float | None:
    """Take a score from 0 to 10 out of JSON; None if it is none.

    >>> [score_of(value) for value in (10, 7.5, "10", True, float("nan"), -1, 11, None)]
    [10.0, 7.5, None, None, None, None, None, None]
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= HIGHEST else None


def label_of_score(score: float | None) -> tuple[Label, float | None]:
    """Turn a sandbox's score of 0 to 10 into a label and how sure that is.

    From 8 on (likely malicious; 10 is known bad) the run is malicious, with a confidence of a tenth of the
    score. Below, and without a score, it is unknown, with no confidence: 6 and 7 are mere suspicion, and
    malware that noticed the sandbox, or whose server was gone, scores as low as what is harmless.

    >>> [label_of_score(score) for score in (10.0, 8.0, 7.0, 1.0, None)]
    [('malicious', 1.0), ('malicious', 0.8), ('unknown', None), ('unknown', None), ('unknown', None)]
    """
    if score is None or score < MALICIOUS_FROM:
        return "unknown", None
    return "malicious", round(score / HIGHEST, 3)


def word_of(value: object) -> str | None:
    r"""Take text out of JSON as one line that no terminal obeys; None if it is none.

    >>> word_of("a\x1b[2J\n b"), word_of(["a"]), word_of(" \n")
    ('a[2J b', None, None)
    """
    line = " ".join(value.split()) if isinstance(value, str) else ""
    return "".join(letter for letter in line if letter.isprintable())[:LONGEST_WORD].strip() or None


def words_of(value: object) -> tuple[str, ...]:
    """Take a text, or a list of texts, out of JSON, each once; what is none is passed over.

    >>> words_of(["emotet", 7, "emotet", "trojan"]), words_of("emotet"), words_of(None)
    (('emotet', 'trojan'), ('emotet',), ())
    """
    words = (word_of(one) for one in (value if isinstance(value, list) else [value]))
    return tuple(dict.fromkeys(word for word in words if word is not None))


def told(**facts: object) -> str | None:
    """Put together what there is to say in a line; None if there is nothing.

    >>> told(score=10.0, platform="windows10", families=None)
    'score: 10; platform: windows10'
    """
    shown = {name: f"{fact:g}" if isinstance(fact, float) else fact for name, fact in facts.items() if fact}
    return "; ".join(f"{name}: {fact}" for name, fact in shown.items()) or None
