"""Claims on trial: what is said about these gradients, the rule of each trial, its measurement and its verdict.

    claims.ledger()                    all trials, as data/claims.csv keeps them
    claims.measure(13)                 {name: number}, measured now
    claims.verdict(rule, values)       "holds", "holds partly" or "fails"
    claims.again()                     all of them measured again
    claims.table(), claims.sheet()     pages to read; claims.court() is one to use
"""

from __future__ import annotations

from collections.abc import Iterable

from . import pages
from .ledger import Claim, Retrial, again, get, ledger, measure
from .rules import VERDICTS, attainable, verdict

__all__ = ["Claim", "Retrial", "again", "attainable", "court", "get", "ledger", "measure", "sheet", "table", "verdict"]


def table(verdicts: Iterable[str] = VERDICTS[::-1]) -> pages.Page:
    """Return a table of the trials with these verdicts, in this order, each with a link to the cell that shows it."""
    return pages.claims_table(ledger(), verdicts)


def sheet() -> pages.Page:
    """Return the sheet: one sentence for each claim, with its number. `sheet().write("sheet.html")` is one page."""
    return pages.claims_sheet(ledger())


def court():
    """Return a page to use, a `courtroom.Court`: choose a claim, vote, see its trial. The rest needs numpy alone."""
    from . import courtroom  # ipywidgets and matplotlib

    return courtroom.Court(ledger())
