"""Tables for spreadsheets: every text may have been chosen by an attacker."""

from __future__ import annotations

from typing import TypeVar

import polars as pl

from ptml.text import REPLACEMENT

FORMULA = r"^[=+\-@\t\r\n\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}]"
UNSEEN = r"[\p{C}\p{Zl}\p{Zp}]"

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


def defused(frame: Frame) -> Frame:
    r"""Make text safe for a spreadsheet and a terminal: no cell is a formula, none holds a control character.

    A cell that begins like a formula gets a leading apostrophe; characters that act or hide become a mark.

    >>> defused(pl.DataFrame({"name": ["=cmd()", "-1", "ok", "a\x1b[2J"]}))["name"].to_list()
    ["'=cmd()", "'-1", 'ok', 'a�[2J']
    """
    text = pl.col(pl.String).str.replace(FORMULA, "'$0")
    return frame.with_columns(text.str.replace_all(UNSEEN, REPLACEMENT))
