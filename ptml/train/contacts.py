"""What benign captures contact, too: malicious rows that a fit leaves out, decided anew in each fold.

A malicious capture hands its label to all its connections. Those to whom benign captures talk as well are
its background more likely than its attack. Which these are is learned from the rows of a fit alone: rows that
are held out neither decide about others nor lose their own label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptml.errors import BadData

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Contacts:
    """Whom each row contacts, as numbers; a row without any is never left out, nor a reason to leave one out.

    Attributes:
        starts: Where each row's numbers begin in `codes`; one more than there are rows.
        codes: Numbers of names and addresses, row by row.
    """

    starts: NDArray[np.int64]
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, lists: pl.Series) -> Contacts:
        """Number the names and addresses of a column of lists.

        >>> import polars as pl
        >>> Contacts.of(pl.Series([["a.example", "b.example"], None, ["a.example"]])).codes.tolist()
        [0, 1, 0]
        """
        lengths = lists.list.len().fill_null(0).to_numpy()
        names = lists.filter(lists.list.len() > 0).explode(empty_as_null=True)
        codes = names.rank("dense").to_numpy().astype(np.int64) - 1
        return cls(np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]), codes)

    def take(self, rows: NDArray[np.int64]) -> Contacts:
        """Give some rows, in the order asked for.

        >>> contacts = Contacts(np.array([0, 2, 2, 3]), np.array([7, 8, 9])).take(np.array([2, 0]))
        >>> contacts.starts.tolist(), contacts.codes.tolist()
        ([0, 1, 3], [9, 7, 8])
        """
        lengths = self.starts[rows + 1] - self.starts[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        at = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], lengths)
        return Contacts(starts, self.codes[at])

    def ordinary(self, y: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Tell the malicious rows that contact nobody whom a benign row does not contact.

        Args:
            y: 1 for malicious, 0 for benign, of these rows.

        >>> import polars as pl
        >>> contacts = Contacts.of(pl.Series([["a"], ["a"], ["a", "evil"], None]))
        >>> contacts.ordinary(np.array([0, 1, 1, 1], np.int8)).tolist()
        [False, True, False, False]
        """
        lengths = np.diff(self.starts)
        row = np.repeat(np.arange(len(lengths)), lengths)
        benign = np.isin(self.codes, np.unique(self.codes[y[row] == 0]))
        shared = np.bincount(row, benign, len(lengths))
        found: NDArray[np.bool_] = (y == 1) & (lengths > 0) & (shared == lengths)
        return found


def leave_out_ordinary(
    contacts: Contacts,
    groups: NDArray[np.int64],
    y: NDArray[np.int8],
    weights: NDArray[np.float64],
    *,
    keep_group_weight: bool,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Leave out malicious rows that are ordinary by the benign ones among these very rows.

    Args:
        contacts: Of each row.
        groups: Group of each row.
        y: Class of each row.
        weights: Weight of each row.
        keep_group_weight: What is left of a group's malicious rows weighs as much as all of them did.

    Returns:
        Positions of the rows that are left, and their weights.

    Raises:
        BadData: No malicious row is left.

    >>> import polars as pl
    >>> contacts, groups = Contacts.of(pl.Series([["a"], ["a"], ["evil"]])), np.array([0, 1, 1])
    >>> y, ones = np.array([0, 1, 1], np.int8), np.ones(3)
    >>> rows, weights = leave_out_ordinary(contacts, groups, y, ones, keep_group_weight=True)
    >>> rows.tolist(), weights.tolist()
    ([0, 2], [1.0, 2.0])
    """
    rows = np.flatnonzero(~contacts.ordinary(y))
    if not y[rows].any():
        raise BadData(
            f"policy inherit-filtered leaves none of {int(y.sum())} malicious connections to learn from: "
            "benign captures contact whatever they contact",
            hint="add malicious captures, or set labels.policy=inherit",
        )
    if not keep_group_weight:
        return rows, weights[rows]
    stratum = groups * 2 + y
    before = np.bincount(stratum, weights)
    after = np.bincount(stratum[rows], weights[rows], len(before))
    return rows, weights[rows] * before[stratum[rows]] / after[stratum[rows]]
