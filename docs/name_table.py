"""Make ptml/features/names.npy: how likely a character is after two others, in the words of English.

    python docs/name_table.py

The words are Webster's Second as the package ``english-words`` ships it, so the table can be made again from
the lock file alone; a test does, and compares. Names of sites are mostly words: what a generator of domains
draws at random is unlikely by this table.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from english_words import get_english_words_set

from ptml.features.names import SYMBOLS, TABLE_FILE, TABLE_UNIT, codes

PRIOR = 8.0
"""How many sightings the estimate from one character alone is worth beside that from two."""


def make_table() -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Count all triples in the words, each framed as a label of a name is, and smooth the counts.

    >>> int(make_table().max()) <= 255
    True
    """
    words = sorted(get_english_words_set(["web2"], lower=True, alpha=True))
    text = codes("." + ".".join(words) + ".")
    last, before = text[1:-1], text[:-2]
    before = np.where(last == 0, 0, before)
    triples = np.zeros((SYMBOLS, SYMBOLS, SYMBOLS))
    np.add.at(triples, (before, last, text[2:]), 1)
    pairs = triples.sum(axis=0)
    after_one = (pairs + 1) / (pairs.sum(axis=1, keepdims=True) + SYMBOLS)
    after_two = (triples + PRIOR * after_one) / (triples.sum(axis=2, keepdims=True) + PRIOR)
    table: np.ndarray[tuple[int], np.dtype[np.uint8]] = (
        np.minimum(np.rint(-np.log2(after_two) * TABLE_UNIT), 255).astype(np.uint8).ravel()
    )
    return table


if __name__ == "__main__":
    np.save(Path(__file__).parents[1] / "ptml" / "features" / TABLE_FILE, make_table(), allow_pickle=False)
