"""Claims on trial: what is said about these gradients, the rule of each trial, its measurement and its verdict.

    claims.ledger()                    all trials, as data/claims.csv keeps them
    claims.measure(13)                 {name: number}, measured now; claims.measure(13, block=2, units=1) at other inputs
    claims.verdict(rule, values)       "holds", "holds partly" or "fails"
    claims.my_rule(13, rule)           a rule of the reader's for a claim: refused, or measured
    claims.my_claim(...)               a claim of the reader's, as a row
    claims.again(claims.quick())       many of them measured again; claims.again() measures all
    claims.table(), claims.sheet()     pages to read; claims.court() is one to use
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import pages
from .ledger import SLOW, Claim, Retrial, again, get, in_blocks, ledger, measure, quick
from .own import my_claim, my_rule
from .rules import VERDICTS, attainable, verdict

__all__ = ["SLOW", "Claim", "Retrial", "again", "attainable", "court", "get", "in_blocks", "ledger", "measure",
           "my_claim", "my_rule", "quick", "sheet", "table", "verdict"]


def table(verdicts: Iterable[str] = VERDICTS[::-1]) -> pages.Page:
    """Return a table of the trials with these verdicts, in this order, each with a link to the cell that shows it."""
    return pages.claims_table(ledger(), verdicts)


def sheet(mine: Sequence[Claim] = ()) -> pages.Page:
    """Return the sheet: each claim, its mark and what may be said. `sheet().write("sheet.html")` is three pages.

    mine  rows of your own, which `my_claim` made
    """
    return pages.claims_sheet([*ledger(), *mine])


def court(mine: Sequence[Claim] = ()):
    """Return a page to use, a `courtroom.Court`: choose a claim, vote, see its trial. The rest needs numpy alone.

    mine  rows of your own, which `my_claim` made
    """
    from . import courtroom  # ipywidgets and matplotlib

    return courtroom.Court([*ledger(), *mine])
